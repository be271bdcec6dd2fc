"""Turn columns of text or numbers into ids, ratings and times, or say which rows are wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recbook.data.ratings_text import RatingsFileError


class Complaints:
    """Turns positions of bad rows into an error that names their lines."""

    def __init__(self, path: Path, where: Callable[[Sequence[int], int], str]) -> None:
        self.path, self.where = path, where

    def unless_none(self, rows: np.ndarray, problem: str) -> None:
        """Raise where `rows` (positions) holds any."""
        if len(rows):
            at = self.where(rows[:3].tolist(), len(rows))
            if len(rows) > 1 and problem.startswith("has "):
                problem = "have " + problem.removeprefix("has ")
            raise RatingsFileError(f"{self.path}: {at} {problem}")


def ids(column: pa.Array, name: str, bad: Complaints) -> tuple[np.ndarray | list, np.ndarray]:
    """Return the sorted distinct ids and the position of each row's id among them."""
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if not text and not pa.types.is_integer(column.type):
        raise RatingsFileError(
            f"{bad.path}: column {name!r} is of type {column.type}; ids must be text or integers"
        )
    missing = column.is_null() if not text else pc.fill_null(pc.equal(column, ""), True)
    bad.unless_none(np.flatnonzero(missing), f"has no {name}; fill it in or delete the row")
    encoded = column.dictionary_encode()
    distinct = encoded.dictionary
    order = pc.array_sort_indices(distinct).to_numpy()
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order))
    ids = distinct.take(order)
    return (ids.to_pylist() if text else ids.to_numpy()), rank[encoded.indices.to_numpy()]


def numbers(column: pa.Array, name: str, bad: Complaints) -> np.ndarray:
    """Return finite float64 numbers."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            values = column.cast(pa.float64())
        except pa.ArrowInvalid:
            values = pa.array([_float(text) for text in column.to_pylist()], pa.float64())
    elif pa.types.is_boolean(column.type) or not (
        pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
        or pa.types.is_decimal(column.type)
    ):
        raise RatingsFileError(
            f"{bad.path}: column {name!r} is of type {column.type}; it must hold numbers"
        )
    else:
        values = column.cast(pa.float64())
    values = values.to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        shown = column[int(wrong[0])].as_py()
        bad.unless_none(
            wrong, f"has {name} {shown!r}, not a finite number; correct it or delete the row"
        )
    return values


def _float(text: str | None) -> float:
    """Return the number that a text writes in full, NaN where it writes none."""
    found = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text or "", re.ASCII)
    return float(text) if found else np.nan


def seconds(column: pa.Array, name: str, bad: Complaints) -> np.ndarray:
    """Return int64 seconds since 1970 from numbers, timestamps or ISO 8601 text."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        bad.unless_none(np.flatnonzero(column.is_null()), f"has no {name}; fill it in")
        seconds = column.cast(pa.timestamp("s", getattr(column.type, "tz", None)), safe=False)
        return seconds.cast(pa.int64()).to_numpy()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            column = column.cast(pa.float64())
        except pa.ArrowInvalid:
            numeric = np.array([_float(text) for text in column.to_pylist()])
            if not np.isfinite(numeric).any():
                return _dates(pd.Series(column.to_pylist()), name, bad)
            bad.unless_none(np.flatnonzero(np.isnan(numeric)), _NEITHER.format(name))
    values = np.floor(numbers(column, name, bad))
    bad.unless_none(
        np.flatnonzero(np.abs(values) > 1e11),
        f"has a {name} beyond the year 5000; these look like milliseconds: divide them by 1000",
    )
    return values.astype(np.int64)


_NEITHER = "has a {} that is neither seconds since 1970 nor a date like 2026-01-31; mend or drop it"


def _dates(texts: pd.Series, name: str, bad: Complaints) -> np.ndarray:
    dates = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    bad.unless_none(np.flatnonzero(dates.isna()), _NEITHER.format(name))
    return (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy().astype(np.int64)


def integers_if_all_are(column: pa.Array) -> pa.Array:
    """Turn text into int64 where every value is written as a plain integer, else keep it."""
    plain = pc.match_substring_regex(column, r"^(0|-?[1-9][0-9]{0,17})$")
    return column.cast(pa.int64()) if pc.all(plain).as_py() else column
