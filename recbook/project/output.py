"""Lists as a table to read, as CSV or as JSON; and a file that is written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recbook.project.findings import ProjectError

if TYPE_CHECKING:  # the command's --help has no need of pandas
    import pandas as pd

FORMATS = ("table", "csv", "json")
_FORMULA = (*"=+-@＝＋－＠", "\t", "\r")  # what a spreadsheet takes for the start of a formula
# JSON escapes the others by itself; the last ones turn the direction of writing.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_WIDTH = 60  # of a column of the table


def render(lists: pd.DataFrame, form: str, *, facts: dict) -> str:
    """Return the lists as text that ends in a line feed.

    Parameters
    ----------
    lists : pandas.DataFrame
        As `recommend` gives them.
    form : {"table", "csv", "json"}
    facts : dict
        What goes to the head of the JSON: source, model, …

    Examples
    --------
    >>> import pandas as pd
    >>> lists = pd.DataFrame({"user_id": ["ann"], "rank": [1], "item_id": ["tea"],
    ...                       "name": ["=Tea"], "score": [0.5]})
    >>> render(lists, "csv", facts={}).splitlines()[1]
    "ann,1,tea,'=Tea,0.5"
    """
    makers = {"table": _table, "csv": _csv, "json": _json}
    return makers[form](lists, facts)


def write(text: str, path: str | Path) -> None:
    """Write the text (UTF-8) to a file: the old one stays until the new one is whole.

    Raises
    ------
    ProjectError
        If it cannot be written; nothing is left behind.
    """
    path = Path(os.path.realpath(path))  # a link stays one
    if path.exists() and not path.is_file():  # /dev/null and pipes are written to, not replaced
        try:
            path.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise ProjectError(f"{path} cannot be written ({error.strerror})") from None
        return
    try:
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be written ({error.strerror}); name a folder that you may write to"
        ) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(part, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        os.replace(part, path)
    except OSError as error:
        raise ProjectError(f"{path} cannot be written ({error.strerror})") from None
    finally:
        Path(part).unlink(missing_ok=True)


def check_writable(path: str | Path, *, inputs: Sequence[str | Path] = ()) -> None:
    """Refuse, before any work is done, a file that could not be written or that is read."""
    path = Path(path)
    for read in inputs:
        if path.exists() and Path(read).exists() and path.samefile(read):
            raise ProjectError(f"{path} is read from, and would be lost; name another file")
    if path.is_dir():
        raise ProjectError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ProjectError(f"there is no folder {path.parent}; make it, or name another file")
    if path.exists() and not os.access(path, os.W_OK):
        raise ProjectError(f"{path} is write-protected; name another file")
    if not os.access(path.parent, os.W_OK):
        raise ProjectError(f"you may not write into {path.parent}; name another file")


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese character takes two.

    Examples
    --------
    >>> width("tea"), width("绿茶")
    (3, 4)
    """
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) > 0 for sign in text)


def _csv(lists: pd.DataFrame, facts: dict) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(lists.columns)
    for row in lists.itertuples(index=False):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: object) -> object:
    """Return what stands in a CSV: a text that a spreadsheet would run gets a ' before it.

    Control characters, which could drive a terminal, become blanks, but for tabs and line ends.
    """
    if isinstance(value, tuple):
        value = " | ".join(map(str, value))
    if isinstance(value, str):
        value = _CONTROL.sub(" ", value)
        return "'" + value if value.startswith(_FORMULA) else value
    return value


def _json(lists: pd.DataFrame, facts: dict) -> str:
    users = []
    for user, rows in lists.groupby("user_id", sort=False):
        items = rows.drop(columns="user_id").to_dict("records")
        users.append({"user_id": user, "items": items})
    text = json.dumps({**facts, "users": users}, ensure_ascii=False, indent=2, default=_plain)
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _plain(value: object) -> object:
    if hasattr(value, "item"):  # a number of NumPy
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _table(lists: pd.DataFrame, facts: dict) -> str:
    shown = [name for name in ("rank", "item_id", "name", "score") if name in lists]
    lines = []
    for user, rows in lists.groupby("user_id", sort=False):
        cells = [[_short(_shown(value)) for value in row] for row in rows[shown].to_numpy(object)]
        widths = [max(map(width, column)) for column in zip(shown, *cells, strict=True)]
        lines.append(f"For user {printable(user)}:")
        reasons = [None, *rows["reason"]] if "reason" in rows else [None] * (len(cells) + 1)
        for row, reason in zip([shown, *cells], reasons, strict=True):
            padded = [
                one + " " * (wide - width(one)) for one, wide in zip(row, widths, strict=True)
            ]
            lines.append(("  " + "  ".join(padded)).rstrip())
            if reason is not None:
                lines.append(f"      {printable(reason)}")
        lines.append("")
    return "\n".join(lines)


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else printable(value)


def printable(value: object) -> str:
    """Return a text without control characters, which could drive a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in str(value))


def _short(text: str) -> str:
    if width(text) <= _WIDTH:
        return text
    while width(text) > _WIDTH - 1:
        text = text[:-1]
    return text + "…"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
