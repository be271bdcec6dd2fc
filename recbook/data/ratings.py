"""Read anybody's ratings from a CSV or Parquet file, or say exactly what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recbook.data.interactions import Interactions
from recbook.data.ratings_columns import Complaints, ids, integers_if_all_are, numbers, seconds
from recbook.data.ratings_text import (
    RatingsFileError,
    find_encoding,
    find_header,
    missing_columns,
    numbered_records,
    places,
)

DUPLICATES = ("error", "first", "last", "mean")


def read_ratings(
    path: str | Path,
    *,
    duplicates: str = "error",
    user: str = "user_id",
    item: str = "item_id",
    rating: str = "rating",
    time: str = "timestamp",
    encoding: str | None = None,
) -> Interactions:
    """Read ratings from a CSV or Parquet file with one rating a row.

    Other columns are ignored, and the time column may be missing. In a CSV the separator is
    whichever of comma, semicolon, tab and bar makes the columns appear, and spaces around a name or
    a value do not count. Ids stay what they are: those of a CSV column become integers only if
    every one is written as a plain integer, so that "007" and "7" stay two users.

    Parameters
    ----------
    path : str or Path
        The file. It counts as Parquet if it begins like one or is named so.
    duplicates : {"error", "first", "last", "mean"}
        What to do where a user rated an item more than once: refuse, keep the row that comes first
        or last in the file, or keep the first row with the mean rating and the latest time.
    user, item, rating, time : str
        The names of the columns. Times are seconds since 1970-01-01 UTC, or dates (ISO 8601).
    encoding : str, optional
        How the CSV's text is encoded; where None, UTF-8 (with or without a byte-order mark) is
        tried first, then GB18030, of which GBK is a part.

    Returns
    -------
    Interactions
        The ratings in the order of the file, the indexes sorted.

    Raises
    ------
    RatingsFileError
        If the file cannot be read as ratings; the message names file, lines and remedy.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "r.csv")
    ...     _ = file.write_text("user_id,item_id,rating\\nann,tea,5\\nbo,tea,3\\n")
    ...     read_ratings(file).value
    array([5., 3.])
    """
    if duplicates not in DUPLICATES:
        raise ValueError(f"duplicates must be one of {DUPLICATES}, got {duplicates!r}")
    path = Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(4)
    except FileNotFoundError:
        raise RatingsFileError(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        kind = "is a folder" if path.is_dir() else f"cannot be opened ({error.strerror})"
        raise RatingsFileError(f"{path} {kind}; name a CSV or Parquet file you may read") from None
    if not head:
        raise RatingsFileError(f"{path} is empty (0 bytes); export or download it again")
    names = (user, item, rating, time)
    if head == b"PAR1" or path.suffix.lower() in (".parquet", ".pq"):
        columns, where = _read_parquet(path, names)
    else:
        columns, where = _read_csv(path, names, encoding)
    if not len(columns[user]):
        raise RatingsFileError(f"{path} has column names but no ratings; export it again")
    bad = Complaints(path, where)
    users, user_codes = ids(columns[user], user, bad)
    items, item_codes = ids(columns[item], item, bad)
    values = numbers(columns[rating], rating, bad)
    clock = seconds(columns[time], time, bad) if time in columns else np.zeros(len(values), int)
    key = user_codes.astype(np.int64) * len(items) + item_codes
    kept, values, clock = _without_duplicates(
        pd.Series(key),
        values,
        clock,
        duplicates,
        lambda row: (columns[user][row], columns[item][row]),
        bad,
    )
    return Interactions(
        user_codes[kept], item_codes[kept], values, clock,
        users=pd.Index(users), items=pd.Index(items), has_time=time in columns,
    )  # fmt: skip


Columns = dict[str, pa.Array]
Where = Callable[[Sequence[int], int], str]


def _read_csv(path: Path, names: Sequence[str], encoding: str | None) -> tuple[Columns, Where]:
    from pyarrow import csv

    encoding, quoted = find_encoding(path, encoding)
    header, separator = find_header(path, encoding, names[:3])
    raw = {written.strip(): written for written in header if written.strip() in names}

    def records():
        return islice(numbered_records(path, encoding, separator), 1, None)

    def where(rows: Sequence[int], total: int) -> str:
        lines = {}
        for position, (line, _) in enumerate(records()):
            if position in rows:
                lines[position] = line
                if len(lines) == len(set(rows)):
                    break
        return places("line", [lines[row] for row in rows], total)

    if quoted:  # Arrow takes an unclosed quote for a very long field
        for _ in records():
            pass
    try:
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(encoding=encoding.replace("utf-8-sig", "utf8")),
            parse_options=csv.ParseOptions(delimiter=separator, newlines_in_values=quoted),
            convert_options=csv.ConvertOptions(
                include_columns=list(raw.values()),
                column_types=dict.fromkeys(raw.values(), pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        for line, fields in records():
            if len(fields) != len(header):
                raise RatingsFileError(
                    f"{path}: line {line} has {len(fields)} fields where the header has "
                    f"{len(header)}; mend the line, or put quotes round a field with {separator!r}"
                ) from error
        raise RatingsFileError(f"{path} cannot be read as CSV ({error}); save it again") from error
    columns = {
        name: pc.utf8_trim_whitespace(table.column(written).combine_chunks())
        for name, written in raw.items()
    }
    for name in names[:2]:
        columns[name] = integers_if_all_are(columns[name])
    return columns, where


def _read_parquet(path: Path, names: Sequence[str]) -> tuple[Columns, Where]:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            raw = {name.strip(): name for name in file.schema_arrow.names if name.strip() in names}
            if set(names[:3]) - set(raw):
                raise missing_columns(path, names[:3], file.schema_arrow.names)
            table = file.read(columns=list(raw.values()))
    except (pa.ArrowException, OSError) as error:
        raise RatingsFileError(
            f"{path} is not a whole Parquet file ({str(error).splitlines()[0].rstrip('.')}); "
            "it may be cut short: copy or export it again"
        ) from error
    columns = {}
    for name, written in raw.items():
        column = table.column(written).combine_chunks()
        dictionary = pa.types.is_dictionary(column.type)
        columns[name] = column.cast(column.type.value_type) if dictionary else column
    return columns, lambda rows, total: places("row", [row + 1 for row in rows], total)


def _without_duplicates(
    key: pd.Series,
    values: np.ndarray,
    clock: np.ndarray,
    policy: str,
    pair: Callable,
    bad: Complaints,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the positions kept with their values and times, one for each user and item."""
    again = key.duplicated()
    if not again.any():
        return np.arange(len(key)), values, clock
    if policy == "error":
        row = int(again.argmax())
        user, item = pair(row)
        bad.unless_none(
            np.flatnonzero(key == key[row])[:3],
            f"rate the same item {item} by the same user {user} ({again.sum():,} rows of the file "
            "repeat a pair); delete them, or pass duplicates='first', 'last' or 'mean'",
        )
    if policy in ("first", "last"):
        kept = np.flatnonzero(~key.duplicated(keep=policy))
        return kept, values[kept], clock[kept]
    cell, _ = pd.factorize(key)
    latest = np.full(cell.max() + 1, np.iinfo(np.int64).min)
    np.maximum.at(latest, cell, clock)
    mean = np.bincount(cell, weights=values) / np.bincount(cell)
    return np.flatnonzero(~again), mean, latest
