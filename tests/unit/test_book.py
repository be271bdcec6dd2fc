"""Claims, figures and exercises: each must tell true from false."""

import json
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from recbook.book import BrokenClaim, Exercise, claim, near, show


def test_a_claim_within_its_bounds_is_recorded(tmp_path, monkeypatch):
    ledger = tmp_path / "claims.jsonl"
    monkeypatch.setenv("RECBOOK_LEDGER", str(ledger))
    monkeypatch.setenv("RECBOOK_CHAPTER", "03_collaborative_filtering")
    claim("03-half", "Half is half.", 1 / 2, (0.4, 0.6), covers="C1", seed=7)
    assert json.loads(ledger.read_text(encoding="utf-8")) == {
        "id": "03-half",
        "chapter": "03_collaborative_filtering",
        "statement": "Half is half.",
        "value": 1 / 2,
        "low": 0.4,
        "high": 0.6,
        "passed": True,
        "covers": "C1",
        "seed": 7,
        "strict": False,
    }


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (0.39, (0.4, 0.6)),
        (0.61, (0.4, 0.6)),
        (0.39, (0.4, None)),
        (0.61, (None, 0.6)),
        (math.nan, (None, 0.6)),
        (math.inf, (0.4, None)),
        (False, True),
        (np.False_, True),
    ],
)
def test_a_claim_outside_its_bounds_is_broken_and_still_recorded(
    tmp_path, monkeypatch, value, bounds
):
    ledger = tmp_path / "claims.jsonl"
    monkeypatch.setenv("RECBOOK_LEDGER", str(ledger))
    with pytest.raises(BrokenClaim, match="'01-some-claim' is broken: It holds"):
        claim("01-some-claim", "It holds.", value, bounds)
    assert json.loads(ledger.read_text(encoding="utf-8"))["passed"] is False


@pytest.mark.parametrize("value", [0.4, 0.6, True, np.True_])
def test_bounds_are_inclusive(value):
    bounds = True if isinstance(value, bool | np.bool_) else (0.4, 0.6)
    assert claim("01-edge", "The edge belongs to it.", value, bounds).passed


@pytest.mark.parametrize("bounds", [(0, None), (None, 0)])
def test_a_model_compared_with_itself_breaks_a_strict_claim(bounds):
    assert claim("01-edge", "Without strict, nought passes.", 0.0, bounds).passed
    with pytest.raises(BrokenClaim, match=r"must be (above|below) 0"):
        claim("01-edge", "One is better.", 0.0, bounds, strict=True)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((None, None), "has no bound"),
        ((-math.inf, math.inf), "has no bound"),
        ((0.6, 0.4), "above high"),
        ((math.nan, 1), "not a number"),
        (True, "needs a value of True or False"),
        (False, "must be"),
        (0.5, "must be"),
    ],
)
def test_a_claim_that_could_not_fail_is_an_error(bounds, message):
    with pytest.raises(ValueError, match=message):
        claim("01-nothing", "Says nothing.", 0.5, bounds)


@pytest.mark.parametrize("name", ["", "one", "Two-Words", "03 toy", "03_toy"])
def test_claim_ids_have_one_form(name):
    with pytest.raises(ValueError, match="joined by hyphens"):
        claim(name, "Named badly.", 1, (1, 1))


def test_a_figure_carries_its_alternative_text(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *a, **k: shown.append((a, k)))
    figure, _ = plt.subplots()
    show(figure, "An empty pair of axes, from zero to one.", caption="Nothing yet.")
    ((bundle,), options) = shown[0]
    assert bundle["image/png"].startswith("iVBOR")
    assert options["metadata"]["recbook"] == {
        "alt": "An empty pair of axes, from zero to one.",
        "caption": "Nothing yet.",
    }
    assert not plt.fignum_exists(figure.number)


@pytest.mark.parametrize("alt", ["", "   ", "plot"])
def test_a_figure_without_alternative_text_is_refused(alt):
    figure, _ = plt.subplots()
    with pytest.raises(ValueError, match="what is to be seen"):
        show(figure, alt)
    plt.close(figure)


@pytest.mark.parametrize(
    "answer",
    [[1 / 3, 2 / 3], (1 / 3, 2 / 3), pd.Series([1 / 3, 2 / 3]), np.array([[1 / 3, 2 / 3]])],
)
def test_near_takes_every_form_of_the_right_numbers(answer):
    assert near(answer, [1 / 3, 2 / 3])


@pytest.mark.parametrize("answer", [[1 / 3, 0.67], [2 / 3, 1 / 3], [1 / 3], 1 / 3])
def test_near_refuses_other_numbers_and_shapes(answer):
    assert not near(answer, [1 / 3, 2 / 3])


def test_an_exercise_tells_right_from_wrong_and_unanswered(monkeypatch):
    said = []
    monkeypatch.setattr("recbook.book.claims.say", said.append)
    exercise = Exercise("1.1 ★", lambda answer: answer == 5 or "Count again.")
    for answer in (5, 4, None, ..., "five"):
        exercise.check(answer)
    assert [("right" in s, "Count again" in s, "not answered" in s) for s in said] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (False, False, True),
        (False, True, False),
    ]


def test_an_answer_that_raises_is_a_wrong_answer_with_the_reason():
    exercise = Exercise("1.2 ★", lambda answer: answer(2) == 4 or "Square it.")
    right, hint = exercise.judged(lambda x: x / 0)
    assert not right
    assert "ZeroDivisionError" in hint


def test_a_solution_must_be_judged_right_and_wrong_answers_wrong(monkeypatch):
    monkeypatch.setattr("recbook.book.claims.say", lambda text: None)
    exercise = Exercise("1.3 ★", lambda answer: answer == 4 or "Count again.")
    exercise.solution(4, wrong=[3, 2])
    with pytest.raises(AssertionError, match="solution is judged wrong"):
        exercise.solution(3, wrong=[5, 2])
    with pytest.raises(AssertionError, match="wrong answer 1 is judged right"):
        exercise.solution(4, wrong=[3, 4.0])
    with pytest.raises(AssertionError, match="two common wrong answers"):
        exercise.solution(4, wrong=[3])
