"""What was found in a table and what was done about it; and the one sentence of refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recbook.data.ratings_text import places

if TYPE_CHECKING:
    import pandas as pd


class ProjectError(ValueError):
    """The project cannot go on; the message says in one sentence what, where and how to mend it."""


@dataclass(frozen=True)
class Finding:
    """One thing noticed in a table.

    Parameters
    ----------
    kind : str
        What it is, such as "missing rating".
    count : int
        Rows concerned; 0 for a fact that concerns the whole table, such as its encoding.
    done : str
        What was done about it.
    lines : tuple of int
        Where the first of them stand.
    unit : str
        What the numbers in `lines` count: lines of a text file, or rows of a table.
    """

    kind: str
    count: int
    done: str
    lines: tuple[int, ...] = ()
    unit: str = "line"

    def __str__(self) -> str:
        if not self.count:
            return f"{self.kind}: {self.done}"
        where = f" ({places(self.unit, self.lines, self.count)})" if self.lines else ""
        return f"{self.kind}: {self.count:,}{where}; {self.done}"


@dataclass
class Report:
    """All findings of one table, in the order in which they were made.

    Examples
    --------
    >>> report = Report()
    >>> report.add("missing rating", 2, "left out", lines=[4, 9])
    >>> report.sentences()
    ['missing rating: 2 (lines 4 and 9); left out']
    """

    unit: str = "line"
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: str, count: int, done: str, *, lines=()) -> None:
        """Note a finding that concerns `count` rows; nothing is noted where that is 0."""
        if count:
            first = tuple(int(line) for line in list(lines)[:3])
            self.findings.append(Finding(kind, int(count), done, first, self.unit))

    def fact(self, kind: str, done: str) -> None:
        """Note what holds for the whole table."""
        self.findings.append(Finding(kind, 0, done))

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each kind concerns, facts left out."""
        return {found.kind: found.count for found in self.findings if found.count}

    def frame(self) -> pd.DataFrame:
        """Return one row a finding: found, rows, done."""
        import pandas as pd

        rows = [(found.kind, found.count, found.done) for found in self.findings]
        return pd.DataFrame(rows, columns=["found", "rows", "done"])

    def sentences(self) -> list[str]:
        """Return one line of text a finding."""
        return [str(found) for found in self.findings]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)
