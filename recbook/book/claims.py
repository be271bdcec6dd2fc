"""Claims: statements that fail when they stop being true, and sentences with numbers."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

LEDGER = "RECBOOK_LEDGER"  # environment: the file a build collects a chapter's claims in
CHAPTER = "RECBOOK_CHAPTER"  # environment: the chapter the build is running


class BrokenClaim(AssertionError):
    """A statement of the book is no longer true."""


@dataclass(frozen=True)
class Claim:
    """One checked statement, as the ledger holds it.

    `low` and `high` are the bounds the value must lie in; None is an open end. The bounds
    themselves pass unless `strict`.
    """

    id: str
    chapter: str
    statement: str
    value: float
    low: float | None
    high: float | None
    passed: bool
    covers: str
    seed: int | None
    strict: bool = False

    def _repr_markdown_(self) -> str:
        return f"✓ **Checked:** {self.statement} — {self.measured()}. `{self.id}`"

    def measured(self) -> str:
        """Say what was measured and what it must be."""
        if self.low == self.high == 1 and self.value in (0, 1):
            return "true" if self.value else "false, must be true"
        if self.low is None:
            bound = f"{'below' if self.strict else 'at most'} {self.high:.4g}"
        elif self.high is None:
            bound = f"{'above' if self.strict else 'at least'} {self.low:.4g}"
        elif self.low == self.high:
            bound = f"exactly {self.low:.4g}"
        else:
            bound = f"between {self.low:.4g} and {self.high:.4g}"
        return f"measured {self.value:.4g}, must be {bound}"


def claim(
    id: str,
    statement: str,
    value: float | bool,
    bounds: tuple[float | None, float | None] | bool,
    *,
    covers: str = "",
    seed: int | None = None,
    strict: bool = False,
) -> Claim:
    """Check that a statement holds, and record it in the ledger of the build.

    Parameters
    ----------
    id : str
        Unique in the book: lower-case words joined by hyphens, the chapter's number first.
    statement : str
        One sentence that is true while the claim holds.
    value : float or bool
        What the run measured.
    bounds : (low, high) or True
        Inclusive; None leaves one end open. True for a statement that either holds or not. Bounds
        come from the spread over seeds, or from what the sentence says ("more than half").
    covers : str
        Rows of the seed map that this claim shows at work, separated by blanks: "C1 C3".
    seed : int, optional
        The seed that the value depends on.
    strict : bool
        Whether the bounds themselves fail. A difference that must be above 0 needs it: a model
        compared with itself differs by exactly 0.

    Returns
    -------
    Claim, shown in a notebook as one line.

    Raises
    ------
    BrokenClaim
        If the value is outside its bounds or not a number.
    ValueError
        If the claim could not fail: no bound at all, or low above high; or if `id` is no id.

    Examples
    --------
    >>> claim("01-half", "A coin has two sides.", 2, (2, 2)).passed
    True
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", id):
        raise ValueError(
            f"claim id {id!r} must be lower-case words joined by hyphens: '03-toy-cosine'"
        )
    low, high = _bounds(id, value, bounds)
    number = float(value)
    passed = (
        math.isfinite(number)
        and (low is None or number >= low)
        and (high is None or number <= high)
        and not (strict and number in (low, high))
    )
    chapter = os.environ.get(CHAPTER, "interactive")
    result = Claim(id, chapter, statement, number, low, high, passed, covers, seed, strict)
    if ledger := os.environ.get(LEDGER):
        with Path(ledger).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
    if not passed:
        raise BrokenClaim(f"claim {id!r} is broken: {statement} ({result.measured()})")
    return result


def _bounds(id: str, value: float | bool, bounds: object) -> tuple[float | None, float | None]:
    if bounds is True:
        if value not in (True, False):
            raise ValueError(
                f"claim {id!r}: bounds=True needs a value of True or False, got {value!r}"
            )
        return 1.0, 1.0
    if not isinstance(bounds, tuple) or len(bounds) != 2:
        raise ValueError(f"claim {id!r}: bounds must be (low, high) or True, got {bounds!r}")
    low, high = (None if end is None or math.isinf(end) else float(end) for end in bounds)
    if low is None and high is None:
        raise ValueError(
            f"claim {id!r} has no bound, so it could never fail: give low, high or both"
        )
    if any(end is not None and math.isnan(end) for end in (low, high)):
        raise ValueError(f"claim {id!r}: a bound is not a number")
    if low is not None and high is not None and low > high:
        raise ValueError(f"claim {id!r}: low {low} is above high {high}")
    return low, high


def say(text: str) -> None:
    """Show a sentence whose numbers come from the run, as Markdown.

    It looks the same on the site, in JupyterLab and in Colab.
    """
    from IPython.display import Markdown, display

    display(Markdown(text))
