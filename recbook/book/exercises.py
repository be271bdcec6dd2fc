"""Exercises that tell a right answer from a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np


class Exercise:
    """A question whose answer is judged by a function.

    Parameters
    ----------
    name : str
        What the reader sees: "3.1 ★".
    judge : callable
        Takes the answer. Returns True for a right one, else a hint that says what to look at. An
        exception it raises counts as a wrong answer and is shown.

    Examples
    --------
    >>> sides = Exercise("0.1 ★", lambda answer: answer == 4 or "Draw a square and count.")
    >>> sides.judged(3)
    (False, 'Draw a square and count.')
    """

    def __init__(self, name: str, judge: Callable[[object], bool | str]) -> None:
        self.name = name
        self.judge = judge

    def judged(self, answer: object) -> tuple[bool, str]:
        """Return whether the answer is right, and the hint if it is not."""
        try:
            verdict = self.judge(answer)
        except Exception as error:  # whatever a reader's code may do, the hint must reach her
            return False, f"Checking your answer raised {type(error).__name__}: {error}"
        if isinstance(verdict, str):
            return False, verdict
        return bool(verdict), "" if verdict else "Not this; read the question once more."

    def check(self, answer: object) -> None:
        """Show whether the answer is right; never raises, so that a notebook runs to its end."""
        from recbook.book.claims import say

        if answer is None or answer is ...:
            say(f"**Exercise {self.name}:** not answered yet. Put your answer in the cell above.")
            return
        right, hint = self.judged(answer)
        say(f"**Exercise {self.name}:** " + ("right. ✓" if right else f"not yet. {hint}"))

    def solution(self, answer: object, *, wrong: Iterable = ()) -> None:
        """Check the book's own solution, and that common wrong answers are told from it.

        Raises
        ------
        AssertionError
            If the solution is judged wrong, or one of `wrong` right.
        """
        from recbook.book.claims import say

        right, hint = self.judged(answer)
        if not right:
            raise AssertionError(f"exercise {self.name}: the solution is judged wrong: {hint}")
        for number, other in enumerate(wrong):
            if self.judged(other)[0]:
                raise AssertionError(f"exercise {self.name}: wrong answer {number} is judged right")
        say(f"**Exercise {self.name}:** this solution was checked. ✓")


def near(answer: object, expected: object, *, tolerance: float = 1e-6) -> bool:
    """Whether an answer equals the expected numbers but for rounding.

    Accepts whatever becomes an array of the same shape: a list, a tuple, a Series, a 0-d array.
    `tolerance` is relative to the largest expected number (absolute where that is 0).
    """
    given = np.asarray(answer, dtype=float).squeeze()
    wanted = np.asarray(expected, dtype=float).squeeze()
    if given.shape != wanted.shape:
        return False
    scale = np.abs(wanted).max(initial=0) or 1.0
    return bool(np.allclose(given, wanted, rtol=0, atol=tolerance * scale))
