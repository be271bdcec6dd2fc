"""Exercises that tell a right answer from a wrong one, however it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from recbook.book.answers import forms, same_answers, wrong_answers


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
    >>> sides.judged(np.array([4.0]))
    (True, '')
    """

    def __init__(self, name: str, judge: Callable[[object], bool | str]) -> None:
        self.name = name
        self.judge = judge

    def judged(self, answer: object) -> tuple[bool, str]:
        """Return whether the answer is right, and the hint if it is not.

        The judge sees the answer as it was given and, if it does not like that, the same values in
        plain Python: without arrays, Series and spare brackets, flat, and with the last one apart.
        """
        hints, failures = [], []
        for form in forms(answer):
            try:
                verdict = self.judge(form)
            except Exception as error:  # whatever a reader's code may do, the hint must reach her
                failures.append(f"{type(error).__name__}: {error}")
            else:
                if not isinstance(verdict, str) and verdict:
                    return True, ""
                hints.append(verdict if verdict else "Not this; read the question once more.")
        if hints:
            return False, str(hints[0])
        if callable(answer):
            return False, f"Checking your answer raised {failures[0]}"
        return False, f"Write it in the form that the question asks for ({failures[0]})."

    def check(self, answer: object) -> None:
        """Show whether the answer is right; never raises, so that a notebook runs to its end."""
        from recbook.book.claims import say

        if answer is None or answer is ...:
            say(f"**Exercise {self.name}:** not answered yet. Put your answer in the cell above.")
            return
        right, hint = self.judged(answer)
        say(f"**Exercise {self.name}:** " + ("right. ✓" if right else f"not yet. {hint}"))

    def solution(self, answer: object, *, wrong: Iterable, also: Iterable = ()) -> None:
        """Check the book's own solution in many forms, and that wrong answers are told from it.

        Parameters
        ----------
        answer
            The solution. Other ways to write it are tried too: other containers, other types of
            number, three significant digits, capitals and blanks.
        wrong : iterable
            At least two common wrong answers. Answers that can never be right are tried too: none,
            not a number, signs turned, places swapped or missing.
        also : iterable
            Further right answers, as the same names in another order.

        Raises
        ------
        AssertionError
            If the solution is judged wrong in any form, or a wrong answer right, or fewer than two
            wrong answers are given.
        """
        from recbook.book.claims import say

        right, hint = self.judged(answer)
        if not right:
            raise AssertionError(f"exercise {self.name}: the solution is judged wrong: {hint}")
        accepted = [*same_answers(answer), *(("another answer", one) for one in also)]
        for kind, other in accepted:
            right, hint = self.judged(other)
            if not right:
                raise AssertionError(
                    f"exercise {self.name}: the solution is judged wrong as {kind}: {hint}"
                )
        wrong, refused = list(wrong), list(wrong_answers(answer))
        if len(wrong) < 2:
            raise AssertionError(f"exercise {self.name}: give two common wrong answers or more")
        named = [(f"wrong answer {number}", other) for number, other in enumerate(wrong)]
        for kind, other in [*named, *refused]:
            if self.judged(other)[0]:
                raise AssertionError(f"exercise {self.name}: {kind} is judged right")
        say(
            f"**Exercise {self.name}:** this solution was checked, written in {1 + len(accepted)} "
            f"ways; {len(named) + len(refused)} wrong answers were told from it. ✓"
        )


def near(answer: object, expected: object, *, tolerance: float = 1e-6) -> bool:
    """Whether an answer equals the expected numbers but for rounding.

    Accepts whatever becomes an array of the same shape: a list, a tuple, a Series, a 0-d array;
    what does not, is not near. `tolerance` is relative to the largest expected number (absolute
    where that is 0).
    """
    try:
        given = np.asarray(answer, dtype=float).squeeze()
    except (TypeError, ValueError):
        return False
    wanted = np.asarray(expected, dtype=float).squeeze()
    if given.shape != wanted.shape:
        return False
    scale = np.abs(wanted).max(initial=0) or 1.0
    return bool(np.allclose(given, wanted, rtol=0, atol=tolerance * scale))
