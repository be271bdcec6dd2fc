"""Any table, as text: encoding, separator and header are found out and told, not asked for."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from recbook.data.ratings_text import SEPARATORS, RatingsFileError, find_encoding
from recbook.project.columns import plain
from recbook.project.findings import ProjectError, Report

_SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_HEADER_WITHIN = 20  # records that may stand before the header
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_table(
    path: str | Path,
    *,
    recognise: Callable[[Sequence[str]], bool],
    needs: str,
    encoding: str | None = None,
    headerless: Sequence[str] = (),
) -> tuple[pd.DataFrame, Report]:
    """Read a CSV or Parquet file as a table of texts, and report what was found on the way.

    Parameters
    ----------
    path : str or Path
    recognise : callable
        Tells of a list of names whether it is the header that is looked for.
    needs : str
        What a header must hold and how to mend it, for the refusal: "no column … among {} …".
    encoding : str, optional
        Of a CSV; found out where None.
    headerless : sequence of str
        What the columns mean, in order, in a file of numbers that has no header.

    Returns
    -------
    table : pandas.DataFrame of str
        Blanks stripped, "" where a field is empty; the index tells the line (row, for Parquet).
    report : Report

    Raises
    ------
    ProjectError
        If the file is not there, is no table, or nothing in it is recognised.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(4)
    except FileNotFoundError:
        raise ProjectError(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        kind = "is a folder" if path.is_dir() else f"cannot be opened ({error.strerror})"
        raise ProjectError(f"{path} {kind}; name a CSV or Parquet file that you may read") from None
    if not head:
        raise ProjectError(f"{path} is empty (0 bytes); export it again")
    if head == b"PAR1":
        return _read_parquet(path)
    try:
        if encoding is None and head[:2] in _UTF16:
            encoding = "utf-16"
        encoding, _ = find_encoding(path, encoding)
    except RatingsFileError as error:
        told = str(error).replace("encoding='latin-1'", "--encoding latin-1 (encoding='latin-1')")
        if "control character" in told and b"\0" not in head:
            told += "; if it is text, delete that character, or keep it with --encoding utf-8"
        raise ProjectError(told) from None
    except Exception:  # codecs that are no encodings, as hex and rot13, raise half a dozen kinds
        if encoding is None:
            raise
        raise ProjectError(
            f"{path}: there is no encoding {encoding!r} that could read it; leave --encoding out, "
            "or try utf-8, gbk or latin-1"
        ) from None
    report = Report()
    if encoding not in ("utf-8-sig", "utf-8"):
        shown = "GBK (GB18030)" if encoding == "gb18030" else encoding
        report.fact("encoding", f"read as {shown}; tell another with --encoding")
    return _read_text(path, encoding, recognise, needs, headerless, report), report


def as_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a data frame as a table of texts, "" where a value is missing."""
    columns = {at: _texts(frame.iloc[:, at]) for at in range(frame.shape[1])}
    table = pd.DataFrame(columns, index=np.arange(1, len(frame) + 1), dtype=object)
    table.columns = [str(name) for name in frame.columns]
    return table


def _texts(column: pd.Series) -> np.ndarray:
    missing = column.isna().to_numpy()
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        finite = values[np.isfinite(values)]
        if (finite == np.round(finite)).all() and (np.abs(finite) < 2**53).all():
            column = pd.Series(np.where(np.isfinite(values), values, 0).astype(np.int64))
    texts = column.astype(str).str.strip().to_numpy(dtype=object)
    texts[missing] = ""
    return texts


def _read_parquet(path: Path) -> tuple[pd.DataFrame, Report]:
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # Arrow raises half a dozen kinds
        reason = str(error).splitlines()[0].rstrip(".")
        raise ProjectError(
            f"{path} is not a whole Parquet file ({reason}); copy or export it again"
        ) from None
    return as_texts(frame), Report(unit="row")


def _read_text(path, encoding, recognise, needs, headerless, report: Report) -> pd.DataFrame:
    found = _find_header(path, encoding, recognise, needs, headerless)
    separator, header_at, header, quoting = found
    report.fact("separator", _SEPARATOR_NAMES[separator]) if separator != "," else None
    if header_at is None:
        names = [*headerless[: len(header)]] + [f"column {n}" for n in range(5, len(header) + 1)]
        report.fact("no header", f"columns taken as {', '.join(names)}")
    else:
        names = header
        report.add("lines before the header", header_at, "left out")
    if quoting == csv.QUOTE_NONE:
        report.fact("quotation marks", "not balanced; read as any other character")
    rows, lines, blank, repeated, uneven = [], [], [], [], []
    wide = len(names)
    key = [plain(name) for name in names]
    start = 0 if header_at is None else header_at + 1
    for line, record in islice(_records(path, encoding, separator, quoting), start, None):
        if not any(field.strip() for field in record):
            blank.append(line)
        elif len(record) < min(wide, 2) or any(field.strip() for field in record[wide:]):
            uneven.append(line)
        elif header_at is not None and [plain(field) for field in record[:wide]] == key:
            repeated.append(line)
        else:
            rows.append([*record[:wide], *[""] * (wide - len(record))])
            lines.append(line)
    report.add("blank lines", len(blank), "left out", lines=blank)
    report.add("repeated headers", len(repeated), "left out", lines=repeated)
    report.add(
        "wrong number of fields", len(uneven), f"left out; the header has {wide}", lines=uneven
    )
    if uneven and not rows:
        raise ProjectError(
            f"{path}: every row has another number of fields than the header, which has {wide}, "
            f"such as line {uneven[0]}; export it again, with quotation marks round a field that "
            f"holds a {_SEPARATOR_NAMES[separator]}"
        )
    strip = _strip(quoting)
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    texts = {n: [field.strip(strip) for field in column] for n, column in enumerate(columns)}
    table = pd.DataFrame(texts, index=lines, dtype=object)
    table.columns = [name.strip(strip) for name in names]
    spaced = sum(field != field.strip() for row in rows for field in row)
    report.add("spaces around values", spaced, "stripped")
    return table


def _find_header(path, encoding, recognise, needs, headerless):
    """Return separator, place of the header (None where there is none), its names, and quoting."""
    tried = {}
    for separator in SEPARATORS:
        quoting = _quoting(path, encoding, separator)
        records = islice(_records(path, encoding, separator, quoting), _HEADER_WITHIN)
        strip = _strip(quoting)
        tried[separator] = [[field.strip(strip) for field in record] for _, record in records]
        for at, names in enumerate(tried[separator]):
            if len(names) > 1 and recognise(names):
                return separator, at, names, quoting
    for separator, records in tried.items():
        full = [record for record in records if any(record)]
        if full and 2 <= len(full[0]) <= 8 and headerless and all(map(_is_number, full[0])):
            return separator, None, full[0], _quoting(path, encoding, separator)
    widest = max((r for records in tried.values() for r in records[:1]), key=len, default=[])
    if not any(map(str.strip, widest)):
        widest = next((r for r in tried[","] if any(r)), [])
    if not widest:
        raise ProjectError(f"{path} holds only blank lines; export it again")
    shown = ", ".join(repr(name[:30]) for name in widest[:8]) + ", …" * (len(widest) > 8)
    if len(widest) == 1:
        raise ProjectError(
            f"{path}: the first line, {shown}, holds no comma, semicolon, tab or bar between two "
            "columns; export the table as CSV"
        )
    raise ProjectError(f"{path}: {needs.format(shown)}")


def _strip(quoting: int) -> str | None:
    """Return what is stripped off a field: blanks, and quotation marks that quote nothing."""
    return '" \t\r\n\ufeff' if quoting == csv.QUOTE_NONE else None


def _quoting(path: Path, encoding: str, separator: str) -> int:
    """Return how quotation marks are to be read: as such only where every one is closed."""
    try:
        for _ in _records(path, encoding, separator, csv.QUOTE_MINIMAL, strict=True):
            pass
    except csv.Error:
        return csv.QUOTE_NONE
    return csv.QUOTE_MINIMAL


def _records(
    path: Path, encoding: str, separator: str, quoting: int, *, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield each record, blank ones too, with the line it begins on."""
    with open(path, encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=separator, quoting=quoting, strict=strict)
        before = 0
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if strict:
                    raise
                raise ProjectError(
                    f"{path}: the record that begins on line {before + 1} cannot be read "
                    f"({error}); mend or delete it"
                ) from None
            yield before + 1, record
            before = reader.line_num


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
