"""What a CSV file of unknown making needs before its columns can be read."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

CHUNK = 1 << 20
SEPARATORS = (",", ";", "\t", "|")
_CONTROL = bytes(set(range(32)) - {9, 10, 13}) + b"\x7f"
# GB18030 gives almost any bytes a meaning; these are the ones nobody writes on purpose.
_UNLIKELY = re.compile("[\x80-\x9f\ue000-\uf8ff]")
_MARKS = {
    codecs.BOM_UTF16_LE: 'UTF-16 text, as Excel\'s "Unicode text"',
    codecs.BOM_UTF16_BE: "UTF-16 text",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
}


class RatingsFileError(ValueError):
    """A file cannot be read as ratings; the message names file, lines and remedy."""


def find_encoding(path: Path, given: str | None = None) -> tuple[str, bool]:
    """Return the encoding of a text file, and whether it holds a double quote.

    Raises
    ------
    RatingsFileError
        If the file is not text, or in none of the encodings tried.
    """
    with open(path, "rb") as file:
        head = file.read(4)
    if given is not None:
        try:
            codecs.lookup(given)
        except LookupError:
            raise ValueError(f"there is no encoding {given!r}; try 'latin-1' or None") from None
        failure, quoted = _decodes(path, given)
        if failure:
            raise RatingsFileError(f"{path}: {failure} is not {given}; name another encoding")
        return given, quoted
    for mark, kind in _MARKS.items():
        if head.startswith(mark):
            raise RatingsFileError(f"{path} is {kind}; save it as CSV in UTF-8")
    _refuse_control_characters(path)
    utf8, quoted = _decodes(path, "utf-8")
    if not utf8:
        return "utf-8-sig", quoted
    gb, quoted = _decodes(path, "gb18030")
    if gb:
        raise RatingsFileError(
            f"{path}: {utf8} is neither UTF-8 nor GBK; save the file as UTF-8, or name its "
            "encoding, such as encoding='latin-1'"
        )
    return "gb18030", quoted


def numbered_records(path: Path, encoding: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line it begins on, blank lines left out.

    Raises
    ------
    RatingsFileError
        If a quote is not closed, or text follows a closing quote.
    """
    before = 0
    with open(path, encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise RatingsFileError(
                    f"{path}: the record that begins on line {before + 1} has a wrong quotation "
                    f"mark ({error}); close the quote, or write a quote within quotes twice"
                ) from error
            if record:
                yield before + 1, record
            before = reader.line_num


def find_header(path: Path, encoding: str, required: Sequence[str]) -> tuple[list[str], str]:
    """Return the column names as written, and the separator that makes `required` appear.

    Raises
    ------
    RatingsFileError
        If no separator does, or a required name stands twice.
    """
    tried = {}
    for separator in SEPARATORS:
        try:
            tried[separator] = next(numbered_records(path, encoding, separator))[1]
        except StopIteration:
            raise RatingsFileError(f"{path} holds only blank lines; export it again") from None
        except RatingsFileError:
            if separator == SEPARATORS[-1] and not tried:
                raise
    for separator, names in tried.items():
        stripped = [name.strip() for name in names]
        if set(required) <= set(stripped):
            for name in required:
                if stripped.count(name) > 1:
                    raise RatingsFileError(
                        f"{path}: line 1 names the column {name!r} twice; rename one"
                    )
            return names, separator
    names = [name.strip() for name in max(tried.values(), key=len)]
    raise missing_columns(path, required, names, "line 1 ")


def missing_columns(
    path: Path, required: Sequence[str], names: Sequence[str], where: str = ""
) -> RatingsFileError:
    """Return the error for columns that are not there."""
    lacking = [name for name in required if name not in names]
    shown = ", ".join(repr(name[:30]) for name in names[:8]) + ", …" * (len(names) > 8)
    return RatingsFileError(
        f"{path}: {where}has no column {' and no '.join(map(repr, lacking))} but {shown}; "
        "rename the column, or name yours by argument (user=, item=, rating=)"
    )


def places(unit: str, numbers: Sequence[int], total: int) -> str:
    """Say "line 3", "lines 3 and 7" or "lines 3, 7, 9 and 40 more"."""
    shown = [f"{number:d}" for number in numbers]
    if total > len(shown):
        shown.append(f"{total - len(shown):,} more")
    if len(shown) == 1:
        return f"{unit} {shown[0]}"
    return f"{unit}s {', '.join(shown[:-1])} and {shown[-1]}"


def _decodes(path: Path, encoding: str) -> tuple[str, bool]:
    """Return where decoding fails ("" where it does not), and whether there is a quote."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, quoted = 1, False
    with open(path, "rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                return f"line {line} (byte 0x{error.object[error.start]:02x})", quoted
            odd = _UNLIKELY.search(text) if encoding == "gb18030" else None
            if odd:
                return f"line {line + text[: odd.start()].count(chr(10))}", quoted
            if not chunk:
                return "", quoted
            line += chunk.count(b"\n")
            quoted = quoted or '"' in text


def _refuse_control_characters(path: Path) -> None:
    line = 1
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            if len(chunk.translate(None, _CONTROL)) < len(chunk):
                at = next(i for i, byte in enumerate(chunk) if byte in _CONTROL)
                line += chunk[:at].count(b"\n")
                raise RatingsFileError(
                    f"{path}: line {line} holds the control character 0x{chunk[at]:02x}, so this "
                    "is not a text file; export the ratings as CSV in UTF-8 or as Parquet"
                )
            line += chunk.count(b"\n")
