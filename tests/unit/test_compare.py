from math import sqrt

import numpy as np
import pandas as pd
import pytest

from recbook.evaluation.compare import compare, compare_all
from recbook.evaluation.statistics import holm, smallest_detectable

N_WORLDS = 300


def verdicts(shift, n=80, lower_is_better=False):
    """Verdicts on models that truly differ by `shift`, in simulated worlds of skewed values."""
    rng = np.random.default_rng(7)
    answers = []
    for _ in range(N_WORLDS):
        b = rng.beta(1, 4, n)
        a = b + shift + rng.normal(0, 0.1, n)
        answers.append(
            compare(a, b, n_resamples=400, rng=rng, lower_is_better=lower_is_better).verdict
        )
    return np.array(answers)


def test_false_alarms_are_as_rare_as_promised():
    rate = np.mean(verdicts(0) != "cannot tell")
    assert 0.01 < rate < 0.05 + 3 * sqrt(0.05 * 0.95 / N_WORLDS)


def test_the_detectable_gain_is_seen_four_times_in_five():
    detectable = (1.959964 + 0.841621) * 0.1 / sqrt(80)
    rate = np.mean(verdicts(detectable) == "better")
    assert rate == pytest.approx(0.8, abs=3 * sqrt(0.8 * 0.2 / N_WORLDS) + 0.02)


def test_for_errors_lower_is_better():
    assert np.mean(verdicts(-0.1, lower_is_better=True) == "better") == 1
    assert np.mean(verdicts(0.1, lower_is_better=True) == "worse") == 1


def some_values(n=200):
    rng = np.random.default_rng(3)
    b = rng.random(n)
    return b + 0.1 + rng.normal(0, 0.2, n), b


def test_answer_in_numbers_and_words():
    a, b = some_values()
    answer = compare(a, b)
    assert answer.verdict == "better"
    assert answer.difference == pytest.approx(np.mean(a - b))
    assert answer.relative == pytest.approx(np.mean(a - b) / np.mean(b))
    assert 0 < answer.low < answer.difference < answer.high
    assert answer.detectable == smallest_detectable(a - b)
    assert answer.n == 200
    assert str(answer).startswith(f"better: {answer.difference:+.4f}")
    assert f"{answer.detectable:.4f}" in str(answer)


def test_swapping_the_models_swaps_the_verdict():
    a, b = some_values()
    forth, back = compare(a, b), compare(b, a)
    assert (forth.verdict, back.verdict) == ("better", "worse")
    assert forth.difference == pytest.approx(-back.difference)


def test_a_model_against_itself():
    a, _ = some_values()
    answer = compare(a, a)
    assert (answer.verdict, answer.difference, answer.p_value) == ("cannot tell", 0, 1)


def test_three_users_never_decide():
    answer = compare([1.0, 1.1, 1.2], [0.0, 0.0, 0.0])
    assert answer.verdict == "cannot tell"
    assert np.isnan(answer.relative)


def test_shuffled_values_lose_the_verdict():
    a, b = some_values()
    rng = np.random.default_rng(0)
    swap = rng.random(len(a)) < 0.5
    assert compare(np.where(swap, a, b), np.where(swap, b, a)).verdict == "cannot tell"


def test_users_without_a_value_are_left_out():
    a, b = some_values()
    padded = compare(np.append(a, np.nan), np.append(b, np.nan))
    assert padded.n == len(a)
    assert padded.difference == pytest.approx(compare(a, b).difference)
    assert padded.relative == pytest.approx(compare(a, b).relative)


def test_several_comparisons_are_corrected():
    rng = np.random.default_rng(0)
    base = rng.random(100)
    models = {"base": base, "good": base + 0.2 + rng.normal(0, 0.1, 100)}
    models |= {f"useless {i}": base + rng.normal(0, 0.1, 100) for i in range(8)}
    table = compare_all(models, "base", n_resamples=400)
    assert table.index.tolist() == [name for name in models if name != "base"]
    np.testing.assert_allclose(table["p_holm"], holm(table["p_value"]))
    assert table.loc["good", "verdict"] == "better"
    decided = table["verdict"] != "cannot tell"
    assert (table.loc[decided, "p_holm"] <= 0.05).all()
    assert ((table.loc[decided, "low"] > 0) | (table.loc[decided, "high"] < 0)).all()


def test_correction_takes_back_a_verdict_that_chance_explains():
    # By itself p lies between 0.05 / 10 and 0.05, among ten comparisons it is nothing.
    rng = np.random.default_rng(0)
    base = np.zeros(100)
    noise = rng.normal(0, 1, 100)
    lucky = (noise - noise.mean()) / noise.std(ddof=1) + 2.4 / sqrt(100)
    dull = noise - noise.mean()
    alone = compare_all({"base": base, "lucky": lucky}, "base")
    among = compare_all({"base": base, "lucky": lucky} | {str(i): dull for i in range(9)}, "base")
    assert alone.loc["lucky", "verdict"] == "better"
    assert among.loc["lucky", "verdict"] == "cannot tell"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compare([1.0, 2.0], [1.0]), "same users"),
        (lambda: compare([1.0, 2.0, np.nan], [1.0, 2.0, 3.0]), "on one side only"),
        (
            lambda: compare(pd.Series([1.0, 2.0], [1, 2]), pd.Series([1.0, 2.0], [2, 1])),
            "different users",
        ),
        (lambda: compare_all({"a": [1.0, 2.0]}, "b"), "no baseline 'b' among"),
        (lambda: compare_all({"a": [1.0, 2.0]}, "a"), "only the baseline"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
