"""Times as people write them: seconds, milliseconds, dates of several kinds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.project.findings import Report

_DATES = {
    "%Y/%m/%d": "year/month/day",
    "%m/%d/%Y": "month/day/year",
    "%d/%m/%Y": "day/month/year",
    "%m/%d/%y": "month/day/year",
    "%d/%m/%y": "day/month/year",
    "%d.%m.%Y": "day.month.year",
    "%d-%m-%Y": "day-month-year",
    "%d %b %Y": "day month year",
    "%b %d, %Y": "month day, year",
    "%Y年%m月%d日": "年月日",
}
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_FORMATS = {"ISO8601": "year-month-day"} | {
    date + clock: told for clock in _CLOCKS for date, told in _DATES.items()
}
_SAMPLE = 500  # texts that tell the format
_SMALLER = {1e17: "nano", 1e14: "micro", 1e11: "milli"}  # seconds beyond the year 5000
_PER_SECOND = {"nano": 1e9, "micro": 1e6, "milli": 1e3}
_LATEST = 1e11
_SPREADSHEET = (20_000, 80_000)  # days since 1900: the years 1954 to 2119
_DAYS_BEFORE_1970 = 25_569


def seconds(texts: pd.Series, report: Report) -> np.ndarray:
    """Return seconds since 1970 (UTC), float64 (n,), NaN where a text is no time.

    Examples
    --------
    >>> seconds(pd.Series(["1970-01-02", "soon"]), Report())
    array([86400.,    nan])
    """
    filled = texts.str.strip().str.replace(r"\s*(UTC|GMT)$", "Z", regex=True)
    there = (filled != "").to_numpy()
    digits = filled.str.fullmatch(r"-?\d{1,19}(\.\d*)?")
    # Eight digits that are a day, 20240131, are no second of 1970.
    for pattern, form in ((r"(19|20)\d{6}", "%Y%m%d"), (r"(19|20)\d{12}", "%Y%m%d%H%M%S")):
        if there.any() and filled[there].str.fullmatch(pattern).all():
            return _parsed(filled, form)
    if digits.sum() > there.sum() / 2:
        value = pd.to_numeric(filled.where(digits), errors="coerce").to_numpy(float)
        middle = np.nanmedian(value)
        unit = next((unit for least, unit in _SMALLER.items() if middle > least), None)
        if unit:
            report.fact("times", f"in {unit}seconds; divided by {_PER_SECOND[unit]:,.0f}")
            value = value / _PER_SECOND[unit]
        low, high = _SPREADSHEET
        if np.nanmin(value) >= low and np.nanmax(value) <= high:
            report.fact("times", "in days since 1900, as spreadsheets count")
            value = (value - _DAYS_BEFORE_1970) * 86_400
        return np.where(np.abs(value) <= _LATEST, value, np.nan)
    return _dates(filled, there, report)


def _dates(filled: pd.Series, there: np.ndarray, report: Report) -> np.ndarray:
    """Return the seconds of dates, in the form that most of them can be read in."""
    shown = filled[there]
    shown = shown.iloc[:: max(1, len(shown) // _SAMPLE)]
    read = {form: int(np.isfinite(_parsed(shown, form)).sum()) for form in _FORMATS}
    best = max(read, key=lambda form: read[form])
    if not read[best]:
        return np.full(len(filled), np.nan)
    found = _parsed(filled, best)
    if best.startswith(("%m/%d", "%d/%m")):
        month_first, day_first = (_parsed(filled, order + best[5:]) for order in ("%m/%d", "%d/%m"))
        n_month, n_day = (int(np.isfinite(time).sum()) for time in (month_first, day_first))
        found = month_first if n_month >= n_day else day_first
        order = "month/day/year" if n_month >= n_day else "day/month/year"
        doubt = "either month/day or day/month; " if n_month == n_day else ""
        report.fact("times", f"{doubt}read as {order}")
    elif best != "ISO8601":
        report.fact("times", f"read as {_FORMATS[best]}")
    return found


def _parsed(texts: pd.Series, form: str) -> np.ndarray:
    dates = pd.to_datetime(texts, format=form, utc=True, errors="coerce")
    return ((dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(float)
