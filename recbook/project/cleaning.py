"""From texts to ratings: what is mended, what is left out, and how many rows each concerns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.project.findings import ProjectError, Report

_NOTHING = "nan null none na n/a nil - -- ? \\n #n/a 缺失 无 空"
MISSING = frozenset(["", *_NOTHING.split()])
_GOOD = "true yes like liked up 👍 是 喜欢 赞"
_BAD = "false no dislike disliked down 👎 否 不喜欢 踩"
_WORDS = dict.fromkeys(_GOOD.split(), "1") | dict.fromkeys(_BAD.split(), "0")
_UNIT = r"\s*(?:/\s*\d+|stars?|星|分|%)$"  # after a number: 4/5, 4 stars
_LARGEST = 100.0  # the highest rating of any scale; numbers above count something
_TIDY = 0.97  # share of the numbers that a scale must hold


def clean(
    table: pd.DataFrame,
    columns: dict[str, int],
    report: Report,
    *,
    scale: tuple[float, float] | None = None,
    name: str = "the table",
) -> tuple[pd.DataFrame, tuple[float, float] | None]:
    """Turn a table of texts into one row for each user and item, and report every change.

    Parameters
    ----------
    table : pandas.DataFrame of str
        As `read_table` gives it, its index telling the lines.
    columns : dict of role to position
        "user", "item" and, where there are, "rating", "count" and "time".
    report : Report
        Is added to.
    scale : (low, high), optional
        What a rating may be; found out from the numbers where None.

    Returns
    -------
    ratings : pandas.DataFrame
        user_id, item_id; rating, or count where there are no ratings; time (seconds, where known).
    scale : (low, high), or None where the numbers are no ratings

    Raises
    ------
    ProjectError
        If nothing is left.
    """
    data = pd.DataFrame({role: table.iloc[:, at] for role, at in columns.items()})
    if not len(data):
        raise ProjectError(f"{name} has column names but no rows; export it again")
    for role in ("user", "item"):
        data = _without_missing(data, role, report)
        if len(data):
            data[role] = _whole_ids(data[role], role, report)
    numbered = "rating" if "rating" in data else "count" if "count" in data else None
    data["value"] = 1.0
    if numbered and len(data):
        data = _numbers(data, numbered, report)
        if len(data):
            data, scale = _to_scale(data, numbered, scale, report)
    else:
        scale = None
        others = [str(name)[:30] for at, name in enumerate(table) if at not in columns.values()]
        told = f"; not used: {', '.join(map(repr, others[:6]))} (--rating-column)" if others else ""
        report.fact("no rating column", f"every row counts as one event{told}")
    if "time" in data and len(data):
        data = _times(data, report)
    if not len(data):
        lost = [found for found in report if found.done.startswith("left out")]
        worst = max(lost, key=lambda found: found.count)
        raise ProjectError(
            f"{name}: no row is left after cleaning, most of them for this: {worst}; "
            "mend these, or name the right columns by option"
        )
    data = _once_each(data, scale is not None, report)
    names = {"user": "user_id", "item": "item_id", "value": "rating" if scale else "count"}
    kept = [role for role in (*names, "time") if role in data]
    return data[kept].rename(columns=names).reset_index(drop=True), scale


def _is_missing(texts: pd.Series) -> pd.Series:
    return texts.str.casefold().isin(MISSING)


def _without_missing(data: pd.DataFrame, role: str, report: Report) -> pd.DataFrame:
    missing = _is_missing(data[role])
    report.add(f"missing {role}", missing.sum(), "left out", lines=data.index[missing])
    return data[~missing].copy()


def _whole_ids(ids: pd.Series, role: str, report: Report) -> pd.Series:
    """Return whole numbers where every id is written as one, else the texts."""
    if ids.str.fullmatch(r"0|-?[1-9][0-9]{0,17}").all():
        return ids.astype(np.int64)
    if ids.str.fullmatch(r"(0|-?[1-9][0-9]{0,14})(\.0+)?").all():
        report.fact(f"{role} ids written as decimals", "42.0 is read as 42")
        return ids.str.replace(r"\.0+$", "", regex=True).astype(np.int64)
    return ids


def _numbers(data: pd.DataFrame, role: str, report: Report) -> pd.DataFrame:
    texts = data[role].str.normalize("NFKC").str.strip()
    missing = _is_missing(texts)
    if role == "rating":
        texts = _without_words(texts, ~missing, report)
    comma = texts.str.fullmatch(r"[+-]?\d+,\d+")
    report.add("decimal commas", comma.sum(), "read as points", lines=data.index[comma])
    texts = texts.where(~comma, texts.str.replace(",", "."))
    numeric = texts.str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
    value = pd.to_numeric(texts.where(numeric), errors="coerce").astype(float)
    report.add(f"missing {role}", missing.sum(), "left out", lines=data.index[missing])
    wrong = ~missing & ~np.isfinite(value)
    if wrong.any():
        shown = ", ".join(repr(text[:20]) for text in data.loc[wrong, role].unique()[:3])
        lines = data.index[wrong]
        report.add(f"{role} not a number", wrong.sum(), f"left out ({shown})", lines=lines)
    kept = ~missing & ~wrong
    return data.assign(value=value)[kept].copy()


def _without_words(texts: pd.Series, there: pd.Series, report: Report) -> pd.Series:
    """Return ratings in figures: thumbs and yes or no where most are such, stars, 4/5, 4 stars."""
    low = texts.str.casefold()
    words = there & low.isin(list(_WORDS))
    if words.sum() > there.sum() / 2:
        used = low[words].unique()
        told = ", ".join(f"{word!r} is read as {_WORDS[word]}" for word in used[:6])
        report.fact("ratings in words", told)
        texts = texts.where(~words, low.map(_WORDS))
    drawn = texts.str.fullmatch("[★☆]+")
    texts = texts.where(~drawn, texts.str.count("★").astype(str))
    unit = texts.str.contains(r"\d" + _UNIT, regex=True, case=False)
    report.add("stars or units in ratings", (drawn | unit).sum(), "read as their number")
    return texts.where(~unit, texts.str.replace(_UNIT, "", regex=True, case=False))


def guess_scale(values: np.ndarray) -> tuple[float, float] | None:
    """Return the scale that ratings were given on, None where the numbers are no ratings.

    The highest is the least of 1, 5, 10 and 100 that 97 % of the numbers do not exceed. The lowest
    is 1; 0.5 where half stars are given; 0 where at least 3 % are 0, or the highest is 1 or 100.

    Examples
    --------
    >>> guess_scale(np.array([1, 5, 4, 4])), guess_scale(np.array([3.5, 0.5, 5]))
    ((1.0, 5.0), (0.5, 5.0))
    >>> guess_scale(np.array([1, 1, 1])) is None
    True
    """
    values = np.asarray(values, dtype=float)
    if len(np.unique(values)) < 2 or np.mean(values > _LARGEST) > 1 - _TIDY:
        return None
    high = next(top for top in (1.0, 5.0, 10.0, _LARGEST) if np.mean(values <= top) >= _TIDY)
    if np.mean(values < 0) > 1 - _TIDY:
        return float(values.min()), float(min(high, values.max()))
    inside = values[(values >= 0) & (values <= high)]
    if high in (1, _LARGEST) or np.mean(inside == 0) >= 1 - _TIDY:
        return 0.0, high
    halves = np.mean((2 * inside == np.round(2 * inside)) & (inside != np.round(inside)))
    return (0.5 if high == 5 and halves > 0.005 else 1.0), high


def _to_scale(data, role, scale, report: Report):
    values = data["value"].to_numpy()
    given = scale is not None
    if role == "rating" and not given:
        scale = guess_scale(values)
    if role == "count" or scale is None:
        why = "one and the same" if len(np.unique(values)) == 1 else f"above {_LARGEST:g}"
        if role == "rating":
            report.fact("no ratings", f"the numbers are {why}; every row counts as an event")
        wrong = ~(values > 0)
        report.add(f"{role} not above 0", wrong.sum(), "left out", lines=data.index[wrong])
        return data[~wrong].copy(), None
    low, high = scale
    told = "as told" if given else "as the numbers suggest; tell another with --scale"
    report.fact("rating scale", f"{low:g} to {high:g}, {told}")
    wrong = (values < low) | (values > high)
    lines = data.index[wrong]
    report.add("rating out of range", wrong.sum(), f"left out ({low:g} to {high:g})", lines=lines)
    return data[~wrong].copy(), (float(low), float(high))


def _times(data: pd.DataFrame, report: Report) -> pd.DataFrame:
    from recbook.project.times import seconds

    missing = _is_missing(data["time"])
    time = seconds(data["time"].where(~missing, ""), report)
    bad = ~np.isfinite(time)
    if bad.mean() > 0.1:
        shown = (
            f", such as {texts.iloc[0][:30]!r}"
            if len(texts := data["time"][bad & ~missing])
            else ""
        )
        report.fact(
            "times",
            f"{bad.sum():,} rows have none that can be read{shown}; no time is used "
            "(2026-01-31 14:05 is understood)",
        )
        return data.drop(columns="time")
    report.add("missing time", (bad & missing).sum(), "left out", lines=data.index[bad & missing])
    unread = bad & ~missing
    report.add("unreadable time", unread.sum(), "left out", lines=data.index[unread])
    kept = data[~bad].copy()
    kept["time"] = time[~bad].astype(np.int64)
    if kept["time"].nunique() < 2:
        report.fact("times", "all the same; no time is used")
        return kept.drop(columns="time")
    return kept


def _once_each(data: pd.DataFrame, explicit: bool, report: Report) -> pd.DataFrame:
    """Return one row for each user and item."""
    pair = ["user", "item"]
    if explicit or "time" in data:
        same = data.duplicated([*pair, "value", *(["time"] if "time" in data else [])])
        report.add("exact duplicates", same.sum(), "left out", lines=data.index[same])
        data = data[~same]
    if explicit:
        if "time" in data:
            data = data.sort_values("time", kind="stable")
        again = data.duplicated(pair, keep="last")
        report.add("rated again", again.sum(), "the last rating stands", lines=data.index[again])
        return data[~again].sort_index(kind="stable")
    again = data.duplicated(pair)
    if again.any():
        report.add("repeated events", again.sum(), "counted into one event")
        first = {"value": "sum"} | ({"time": "min"} if "time" in data else {})
        data = data.groupby(pair, sort=False, as_index=False).agg(first)
    return data
