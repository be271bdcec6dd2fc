"""The dirty copy of four tables: every fault is planned, written down, and can be undone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from recbook.data.shop.stream import Stream
from recbook.data.shop.words import CATEGORIES, CITIES, DEPARTMENTS

COLUMNS = ("table", "row", "column", "kind", "clean", "dirty", "source")
TIME = "%Y-%m-%d %H:%M:%S"
NUMBERS = {  # columns that hold fractions or gaps in the dirty copy, and their clean type
    "users": {"age": "int64"},
    "items": {"list_price": "float64"},
    "events": {"quantity": "int64", "price": "float64"},
    "ratings": {"rating": "int64"},
}
EXACT = {"users": 0.02, "items": 0.03, "events": 0.012, "ratings": 0.015}  # share of rows
NEAR = {"events": 0.008}
DUPLICATES = ("exact duplicate", "near duplicate")
SEXES = {"F": ("f", "female", "Female", "女", " F"), "M": ("m", "male", "Male", "男", " M")}
CHINESE = {c.en: c.zh for c in CATEGORIES} | dict(DEPARTMENTS) | {en: zh for en, zh, _ in CITIES}
NO_SUCH_TIME = (
    "1970-01-01 00:00:00",
    "2099-12-31 23:59:59",
    "2025-02-30 12:00:00",
    "2025-13-01 08:00:00",
)


class DirtyTables(NamedTuple):
    """Four tables as a careless export would hand them over; times are text, numbers are floats."""

    users: pd.DataFrame
    items: pd.DataFrame
    events: pd.DataFrame
    ratings: pd.DataFrame


def plan_faults(tables: dict[str, pd.DataFrame], *, seed: int) -> pd.DataFrame:
    """Plan the faults of the dirty copy.

    No cell has two faults, and a row that is copied has none, so every fault can be told from the
    others.

    Parameters
    ----------
    tables : dict
        The clean "users", "items", "events" and "ratings".
    seed : int

    Returns
    -------
    pandas.DataFrame, one row per fault:
        table; row (position in the dirty table); column ("" where a whole row is the fault); kind;
        clean and dirty (the two values as text, "" where there is none); source (position in the
        dirty table of the row that was copied, -1 elsewhere). Kinds: "exact duplicate"; "near
        duplicate" (the event once more, seconds later, its time in another format); "missing
        (MCAR)"; "missing (MAR)" (ages: 40 % in the North, which is older, 6 % elsewhere);
        "outlier"; "spelling" (case, blanks, other words, Chinese); "impossible time"; "orphan id".
    """
    return pd.concat(
        [_plan(name, table, Stream(seed, f"dirt of {name}")) for name, table in tables.items()],
        ignore_index=True,
    )


def soil(tables: dict[str, pd.DataFrame], faults: pd.DataFrame) -> DirtyTables:
    """Return the dirty copy: the clean tables with the faults put in."""
    return DirtyTables(**{name: _soil(name, tables[name], faults) for name in NUMBERS})


def restore(dirty: DirtyTables, faults: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Undo every fault: what perfect cleaning gives back, which is the clean tables exactly."""
    clean = {}
    for name in NUMBERS:
        table, mine = getattr(dirty, name).copy(), faults[faults["table"] == name]
        copied = mine["kind"].isin(DUPLICATES)
        table = _write(table, mine[~copied], "clean").drop(index=mine["row"][copied])
        table = table.astype(NUMBERS[name]).reset_index(drop=True)
        if "time" in table:
            table["time"] = pd.to_datetime(table["time"], format=TIME).astype("datetime64[s]")
        clean[name] = table
    return clean


def _soil(name: str, clean: pd.DataFrame, faults: pd.DataFrame) -> pd.DataFrame:
    mine = faults[faults["table"] == name]
    copies = mine[mine["kind"].isin(DUPLICATES)]
    n = len(clean) + len(copies)
    origin = np.full(n, -1)
    kept = np.setdiff1d(np.arange(n), copies["row"])
    origin[kept] = np.arange(len(clean))
    origin[copies["row"]] = origin[copies["source"]]
    table = clean.iloc[origin].reset_index(drop=True)
    if "time" in table:
        table["time"] = table["time"].dt.strftime(TIME)
    table = table.astype(dict.fromkeys(NUMBERS[name], float))
    return _write(table, mine[mine["column"] != ""], "dirty")


def _write(table: pd.DataFrame, faults: pd.DataFrame, which: str) -> pd.DataFrame:
    for column, some in faults.groupby("column"):
        old = table[column]
        values = old.to_numpy(object).copy()
        text = some[which].tolist()
        if old.dtype == float:
            values[some["row"]] = [float(t) if t else np.nan for t in text]
        elif old.dtype == np.int64:
            values[some["row"]] = [int(t) for t in text]
        else:
            values[some["row"]] = [t or None for t in text]
        table[column] = pd.Series(values.tolist(), index=table.index, dtype=old.dtype)
    return table


def _plan(name: str, clean: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    n = len(clean)
    exact, near = round(EXACT[name] * n), round(NEAR.get(name, 0.0) * n)
    source = draw.permutation(n)[: exact + near]
    # A copy arrives up to 200 rows after its original.
    place = np.concatenate([np.arange(n), np.minimum(source + draw.integers(200, len(source)), n)])
    order = np.lexsort((np.arange(len(place)) >= n, place))
    row = np.empty(len(place), dtype=np.int64)
    row[order] = np.arange(len(place))
    faults = [(name, row[n + i], "", DUPLICATES[0], "", "", row[source[i]]) for i in range(exact)]
    for i in range(exact, exact + near):  # a few hundred
        later = clean["time"].iloc[source[i]] + pd.Timedelta(int(1 + draw.integers(5, 1)[0]), "s")
        text = later.strftime("%d/%m/%Y %H:%M:%S")
        faults.append((name, row[n + i], "time", DUPLICATES[1], "", text, row[source[i]]))
    taken = {column: np.isin(np.arange(n), source) for column in clean}
    for column, kind, chance, change in _recipes(name, clean):
        hit = np.flatnonzero((draw.uniform(n) < chance) & ~taken[column])
        taken[column][hit] = True
        which = draw.integers(1000, n)
        values = clean[column].iloc[hit].tolist()
        for i, value in zip(hit, values, strict=True):
            dirty = change(value, which[i])
            faults.append((name, row[i], column, kind, _text(value), dirty, -1))
    faults.sort(key=lambda fault: (fault[1], fault[2]))
    return pd.DataFrame(faults, columns=list(COLUMNS)).astype({"row": "int64", "source": "int64"})


def _recipes(name: str, clean: pd.DataFrame) -> list[tuple]:
    # column, kind, chance per row, (clean value, a number) -> dirty text
    if name == "users":
        north = (clean["region"] == "North").to_numpy()
        return [
            ("age", "missing (MAR)", np.where(north, 0.40, 0.06), _nothing),
            ("age", "outlier", 0.04, _one_of("999", "-1", "199")),
            ("sex", "spelling", 0.10, lambda v, k: SEXES[v][k % 5]),
            ("city", "spelling", 0.12, _misspell),
        ]
    if name == "items":
        return [
            ("list_price", "missing (MCAR)", 0.06, _nothing),
            ("list_price", "outlier", 0.05, _hundredfold),
            ("brand", "missing (MCAR)", 0.05, _nothing),
            ("department", "spelling", 0.05, _misspell),
            ("category", "spelling", 0.15, _misspell),
        ]
    if name == "ratings":
        return [
            ("rating", "missing (MCAR)", 0.04, _nothing),
            ("rating", "outlier", 0.012, _one_of("0", "10", "55")),
            ("item_id", "orphan id", 0.004, _orphan),
        ]
    bought = (clean["event"] == "purchase").to_numpy()
    return [
        ("quantity", "outlier", np.where(bought, 0.010, 0.0), _wrong_quantity),
        ("price", "outlier", np.where(bought, 0.010, 0.0), _hundredfold),
        ("price", "missing (MCAR)", 0.010, _nothing),
        ("event", "spelling", 0.006, _misspell),
        ("time", "impossible time", 0.003, _one_of(*NO_SUCH_TIME)),
        ("item_id", "orphan id", 0.003, _orphan),
        ("user_id", "orphan id", 0.002, _orphan),
    ]


def _text(value: object) -> str:
    return value.strftime(TIME) if isinstance(value, pd.Timestamp) else str(value)


def _nothing(value: object, k: int) -> str:
    return ""


def _one_of(*choices: str):
    return lambda value, k: choices[k % len(choices)]


def _hundredfold(value: float, k: int) -> str:
    return str(round(value * 100, 2))


def _wrong_quantity(value: int, k: int) -> str:
    return str(-value) if k % 2 else "999"


def _orphan(value: int, k: int) -> str:
    return str(900_000 + int(k))


def _misspell(value: str, k: int) -> str:
    other_case = value.lower() if value != value.lower() else value.capitalize()
    forms = [other_case, value.upper(), f" {value}", f"{value} "]
    if value in CHINESE:
        forms.append(CHINESE[value])
    return forms[k % len(forms)]
