"""Exercises take a right answer however it is written, and no wrong one.

Every run of a chapter tries its judges with `recbook.book.answers`: other writings of the solution
must pass, common mistakes and nonsense must not. Here that machinery itself is held to account,
and every exercise of the book to the form that lets the run try it.
"""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recbook.book import Exercise, near
from recbook.book.answers import forms, plain, same_answers, wrong_answers

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("[0-9]*.ipynb"))


def sources(path, tag):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in cells if tag in c["metadata"].get("tags", [])]


def calls(source, method):
    """Return the calls of `something.method(…)` in a cell."""
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id.startswith("exercise")
    ]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_exercise_is_asked_checked_and_solved_once(path):
    made = re.findall(r"^(exercise_\w+) = Exercise\(", "\n".join(sources(path, "check")), re.M)
    checked = [c.func.value.id for s in sources(path, "check") for c in calls(s, "check")]
    solved = [c.func.value.id for s in sources(path, "solution") for c in calls(s, "solution")]
    assert len(made) == len(set(made)) >= 3
    assert made == checked == solved
    assert len(sources(path, "exercise")) == len(made)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_solution_names_two_common_mistakes_or_more(path):
    for source in sources(path, "solution"):
        for call in calls(source, "solution"):
            (wrong,) = [k.value for k in call.keywords if k.arg == "wrong"]
            assert isinstance(wrong, ast.ListComp) or len(wrong.elts) >= 2, source[-200:]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_an_exercise_cell_is_left_for_the_reader_to_fill(path):
    for source in sources(path, "exercise"):
        last = ast.parse(source).body[-1]
        if isinstance(last, ast.Assign):
            assert ast.unparse(last.value) == "..."
        else:
            assert ast.unparse(last.body[-1]) == "..."


def judge_of(right, tolerance=0.005):
    """A judge as chapters have them: near, or a letter."""

    def judge(answer):
        value, letter = answer
        if not near(value, right[0], tolerance=tolerance):
            return "Look at the number again."
        return str(letter).strip(" ()").lower() == right[1] or "Look at the letter again."

    return judge


SAME = [
    (0.4164, lambda a: near(a, 0.4164, tolerance=0.005) or "No."),
    (7, lambda a: near(a, 7) or "No."),
    (14, lambda a: int(a) == 14 or "No."),
    ([1.0, 5 / 3, 9 / 5], lambda a: near(a, [1, 5 / 3, 9 / 5], tolerance=0.005) or "No."),
    ((32.5, "b"), judge_of((32.5, "b"))),
    (
        np.array([2400, 3.212, 6.424]),
        lambda a: near(a, [2400, 3.212, 6.424], tolerance=1e-5) or "No.",
    ),
    ("b", lambda a: str(a).strip(" ()").lower() == "b" or "No."),
    (("Eli", "Bo"), lambda a: tuple(str(n).strip().title() for n in a) == ("Eli", "Bo") or "No."),
    (([0.5, -1.5], "c"), judge_of(([0.5, -1.5], "c"))),
]


@pytest.mark.parametrize(("right", "judge"), SAME, ids=lambda value: repr(value)[:24])
def test_every_writing_of_a_right_answer_passes_and_no_wrong_one(right, judge):
    exercise = Exercise("0.1 ★", judge)
    for kind, other in same_answers(right):
        assert exercise.judged(other) == (True, ""), (kind, other)
    for kind, other in wrong_answers(right):
        passed, hint = exercise.judged(other)
        assert not passed, (kind, other)
        assert hint.strip()


def test_the_writings_are_those_that_readers_use():
    kinds = {type(other) for _, other in same_answers((1, 2.5, "b"))}
    assert {list, tuple, np.ndarray, pd.Series, dict} <= kinds
    digits = dict(same_answers((1 / 3, 2 / 3)))["parts each three digits"]
    assert digits == [0.333, 0.667]
    assert dict(same_answers(2466.0))["a whole number"] == 2466
    letters = [other for _, other in same_answers("b")]
    assert {"B", " b ", "(b)", "b)"} <= {one for one in letters if isinstance(one, str)}


def test_the_wrong_ones_are_those_that_readers_make():
    kinds = dict(wrong_answers((3, 0.25, "b")))
    assert kinds["reversed"] == ["b", 0.25, 3]
    assert kinds["part 0 as one more"] == [4, 0.25, "b"]
    assert kinds["part 1 as with its sign turned"] == [3, -0.25, "b"]
    assert np.isnan(kinds["part 1 as not a number"][1])
    assert kinds["without the last"] == [3, 0.25]
    assert kinds["part 2 as nothing"][2] is None
    assert kinds["nothing"] is None
    assert "reversed" not in dict(wrong_answers((1, 1)))


@pytest.mark.parametrize(
    ("answer", "simple"),
    [
        (np.float64(0.5), 0.5),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (pd.Series([1.5, 2.5], index=["x", "y"]), [1.5, 2.5]),
        ({"p": 1, "q": "(b)"}, [1, "b"]),
        ({"milk", "apples"}, ["apples", "milk"]),
        ('"Eli".', "Eli"),
    ],
)
def test_an_answer_in_plain_python(answer, simple):
    assert plain(answer) == simple


def test_an_answer_is_tried_flat_and_with_its_last_part_alone():
    assert list(forms(((0.1, 0.2), "b")))[1:] == [[[0.1, 0.2], "b"], [0.1, 0.2, "b"]]
    assert [[0.1, 0.2], "b"] in list(forms((0.1, 0.2, "b")))
    function = len
    assert list(forms(function)) == [function]


def broken(judge, right, message, **more):
    with pytest.raises(AssertionError, match=message):
        Exercise("0.2 ★", judge).solution(right, wrong=more.pop("wrong", [-1, -2]), **more)


@pytest.fixture
def said(monkeypatch):
    lines = []
    monkeypatch.setattr("recbook.book.claims.say", lines.append)
    return lines


def test_a_judge_that_is_too_strict_breaks_the_run(said):
    broken(lambda a: type(a) is np.float64 or "No.", np.float64(0.5), "judged wrong as a float")
    broken(lambda a: a == 1 / 3 or "No.", 1 / 3, "judged wrong as three digits")
    broken(lambda a: a == "b" or "No.", "b", "judged wrong as in capitals", wrong=["a", "c"])
    strict = Exercise("0.3 ★", lambda a: [t.strip(" ()").lower() for t in a] == ["x", "y"] or "No.")
    with pytest.raises(AssertionError, match="another answer"):
        strict.solution(["x", "y"], wrong=[["x"], ["y"]], also=[["y", "x"]])


def test_a_judge_that_is_too_lax_breaks_the_run(said):
    broken(lambda a: True, 0.5, "wrong answer 0 is judged right")
    broken(lambda a: near(abs(a), 0.5) or "No.", 0.5, "with its sign turned is judged right")
    broken(lambda a: near(sorted(a), [1, 2]) or "No.", (1, 2), "reversed is judged right")
    broken(lambda a: near(a[0], 1) and near(a[1], 2), [1, 2], "with one more is judged right")
    broken(lambda a: not a < 3, 5, "not a number is judged right", wrong=[1, 2])


def test_functions_may_give_lists_or_arrays_and_must_give_something(said):
    def judge(function):
        given = function([1.0, 2.0])
        if given is None:
            return "The function gives nothing back yet."
        return near(given, [2, 4]) or "Double each."

    exercise = Exercise("0.4 ★", judge)
    exercise.solution(lambda x: [2 * one for one in x], wrong=[lambda x: x, lambda x: sum(x)])
    assert "written in 3 ways" in said[0]
    assert exercise.judged(lambda x: None) == (False, "The function gives nothing back yet.")
    assert "ZeroDivisionError" in exercise.judged(lambda x: 1 / 0)[1]
    right_as_list_only = Exercise("0.5 ★", lambda f: type(f(2)) is list or "No.")
    with pytest.raises(AssertionError, match="a function that gives arrays"):
        right_as_list_only.solution(lambda x: [x * 2, 1][:1], wrong=[len, sum])


@pytest.mark.parametrize("answer", [3, "text", [1, 2], {"a": 1}, object(), np.nan, ("b", 1)])
def test_what_cannot_be_read_gets_a_hint_and_no_exception(answer):
    exercise = Exercise("0.6 ★", judge_of((0.5, "b")))
    passed, hint = exercise.judged(answer)
    assert not passed
    assert hint.endswith((".", "?"))


def test_the_reader_sees_the_hint_of_the_first_form_that_could_be_read():
    exercise = Exercise("0.7 ★", judge_of((0.5, "b")))
    assert exercise.judged([[0.4], "b"]) == (False, "Look at the number again.")
    assert exercise.judged({"share": 0.5, "reason": "(c)"}) == (False, "Look at the letter again.")
    assert exercise.judged({"share": np.array(0.5), "reason": "(B)"}) == (True, "")


@pytest.mark.parametrize("answer", ["three", None, object(), [1, "x"], {"a": 1}])
def test_near_says_no_where_there_are_no_numbers(answer):
    assert near(answer, [1, 2]) is False
