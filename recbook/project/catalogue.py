"""What the items are called, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from recbook.project.columns import columns_known, find_columns
from recbook.project.findings import ProjectError, Report
from recbook.project.reading import as_texts, read_table

ROLES = ("item", "name", "category", "text", "price")
DESCRIBES = ("name", "category", "text")


def read_items(
    source: str | Path | pd.DataFrame, *, item: str | None = None, encoding: str | None = None
) -> tuple[pd.DataFrame, Report]:
    """Read a table of items: one row each, with a name and whatever else is known.

    Parameters
    ----------
    source : path or pandas.DataFrame
        item_id and any of name, category, text (or description) and price, in many spellings.
    item : str, optional
        The name of the id column.
    encoding : str, optional

    Returns
    -------
    items : pandas.DataFrame of str
        item_id (text), then the columns that there are; the first row of an id counts.
    report : Report

    Raises
    ------
    ProjectError
        If there is no such table, or it names nothing.
    """
    given = {"item": item}
    if isinstance(source, pd.DataFrame):
        table, report, name = as_texts(source), Report(unit="row"), "the table of items"
    else:
        name = str(source)
        table, report = read_table(
            source,
            recognise=lambda names: _recognised(names, given),
            needs="no column item_id and one of name, category or text is recognised among {}; "
            "rename them",
            encoding=encoding,
        )
    columns = _columns(list(table.columns), given, name)
    items = pd.DataFrame({role: table.iloc[:, at] for role, at in columns.items()})
    missing = items["item"] == ""
    report.add("missing item", missing.sum(), "left out", lines=items.index[missing])
    items = items[~missing]
    if not len(items):
        raise ProjectError(f"{name} has column names but no items; export it again")
    again = items["item"].duplicated()
    report.add("item named again", again.sum(), "its first row counts", lines=items.index[again])
    return items[~again].rename(columns={"item": "item_id"}).reset_index(drop=True), report


def described(ids: pd.Index, known: pd.DataFrame | None, report: Report) -> pd.DataFrame:
    """Return name, category, text and price of the items, in the order of `ids`.

    What is not known is "", and the name then is the id. `text` is all that is said of an item:
    name, category and description, for content models.
    """
    keys = ids.astype(str)
    out = pd.DataFrame("", index=ids, columns=[*DESCRIBES, "price"])
    if known is not None:
        at = _places(known["item_id"], ids, report)
        for role in out.columns.intersection(known.columns):
            values = known[role].to_numpy(dtype=object)
            out[role] = np.where(at >= 0, values[at], "")
        unknown = int((at < 0).sum())
        if unknown == len(ids):
            raise ProjectError(
                f"none of the {len(ids):,} items that are rated, such as {keys[0]!r}, is in the "
                f"table of items, which has ids such as {str(known['item_id'].iloc[0])!r}; the "
                "column of the ids is to be called item_id in both"
            )
        report.add("items without a row in the table of items", unknown, "named by their ids")
    category = out["category"].str.replace(r"[|/>;,]+", " ", regex=True)
    out["text"] = (out["name"] + ". " + category + ". " + out["text"]).str.strip(" .")
    out["name"] = np.where(out["name"] == "", keys, out["name"])
    return out.rename_axis("item_id")


def named_in(table: pd.DataFrame, item: pd.Series, columns: dict[str, int]) -> pd.DataFrame | None:
    """Return what a table of ratings says of its items, None where it says nothing."""
    roles = [role for role in (*DESCRIBES, "price") if role in columns]
    if not roles:
        return None
    told = pd.DataFrame({role: table.iloc[:, columns[role]] for role in roles})
    told.insert(0, "item_id", item)
    told = told[told["item_id"] != ""]
    return told.drop_duplicates("item_id").reset_index(drop=True)


def _recognised(names: list[str], given: dict) -> bool:
    found = columns_known(names, ROLES, given)
    return "item" in found and any(role in found for role in DESCRIBES)


def _columns(names: list[str], given: dict, name: str) -> dict[str, int]:
    try:
        columns = find_columns(names, ROLES, given)
    except ValueError as error:
        raise ProjectError(f"{name} {error}") from None
    if "item" not in columns or not any(role in columns for role in DESCRIBES):
        shown = ", ".join(map(repr, names[:8]))
        raise ProjectError(
            f"{name} needs a column item_id and one of name, category or text, but has {shown}; "
            "rename them"
        )
    return columns


def _places(told: pd.Series, ids: pd.Index, report: Report) -> np.ndarray:
    """Return in which row of the table of items each id stands, -1 where in none.

    Whole numbers are written as the ratings write them, "42.0" as "42". Where no id is found, those
    of digits are compared without the zeros before them, which spreadsheets drop.
    """
    keys, told = ids.astype(str), told.reset_index(drop=True)
    if pd.api.types.is_integer_dtype(ids):
        told = told.str.replace(r"\.0+$", "", regex=True).drop_duplicates()
    at = pd.Index(told).get_indexer(keys)
    if (at >= 0).any():
        return np.where(at >= 0, told.index.to_numpy()[at], -1)
    short, own = (one.str.replace(r"^0+(?=\d+$)", "", regex=True) for one in (told, keys))
    if short.duplicated().any() or own.duplicated().any():
        return at
    at = pd.Index(short).get_indexer(own)
    if (at >= 0).any():
        report.fact("items: ids", "007 and 7 are taken as the same, for only so are items found")
    return np.where(at >= 0, told.index.to_numpy()[at], -1)
