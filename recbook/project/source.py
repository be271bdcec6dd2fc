"""The data of a project, whatever it came from: ratings, items, and a report of what was mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.project.catalogue import DESCRIBES, described, named_in, read_items
from recbook.project.cleaning import clean
from recbook.project.columns import columns_known, find_columns, plain
from recbook.project.findings import ProjectError, Report
from recbook.project.reading import as_texts, read_table
from recbook.project.shop_file import is_project_file, shop_items

ROLES = ("user", "item", "rating", "count", "time", *DESCRIBES, "price")
KNOWN = ("shop", "movielens", "complete journey")
MIN_EVENTS = 5  # of a user for her own events to be held out: 3 known, 1 validation, 1 test
MIN_KNOWN_USERS = 2  # who liked an item, for it to be recommended
LIKED_FROM = 0.75  # of the way from the lowest rating to the highest: 4 of 5 stars


@dataclass(frozen=True, eq=False)
class Source:
    """Ratings or events, once for each user and item, and what is known of the items.

    Attributes
    ----------
    name : str
    interactions : Interactions
        The value is the rating, or how often the user took the item.
    items : pandas.DataFrame
        name, category, text, price (text, "" where not known) by item, as in
        `interactions.items`; name is the id where no name is known.
    scale : (low, high) or None
        Of the ratings; None where there are none.
    like : float or None
        A rating of at least this counts as a like.
    report : Report
        What was found in the table and what was done.
    """

    name: str
    interactions: Interactions = field(repr=False)
    items: pd.DataFrame = field(repr=False)
    scale: tuple[float, float] | None = None
    like: float | None = None
    report: Report = field(default_factory=Report, repr=False)

    @property
    def explicit(self) -> bool:
        """Whether the values are ratings."""
        return self.scale is not None

    @property
    def has_text(self) -> bool:
        """Whether most items are described by more than an id."""
        return bool((self.items["text"] != "").mean() > 0.5)

    @property
    def likes(self) -> np.ndarray:
        """Which events are likes, bool (n_events,): all where there are no ratings."""
        value = self.interactions.value
        return np.ones(len(value), bool) if self.like is None else value >= self.like

    @property
    def liked(self) -> Interactions:
        """The likes alone."""
        return self.interactions.select(self.likes)


def load(
    source: str | Path | pd.DataFrame = "shop",
    *,
    items: str | Path | pd.DataFrame | None = None,
    columns: Mapping[str, str] | None = None,
    scale: tuple[float, float] | None = None,
    like: float | None = None,
    encoding: str | None = None,
) -> Source:
    """Return the data of a project, read and cleaned.

    Parameters
    ----------
    source : str, path or pandas.DataFrame
        "shop" (the book's `user_item_data.csv`), "movielens", "complete journey", or a CSV or
        Parquet file with a row for each rating, purchase or other event.
    items : path or pandas.DataFrame, optional
        What the items are called: see `read_items`.
    columns : mapping of role to name, optional
        The names of the columns "user", "item", "rating", "time", where they are not recognised.
    scale : (low, high), optional
        What a rating may be.
    like : float, optional
        The rating from which on an item counts as liked; three quarters up the scale where None.
    encoding : str, optional

    Raises
    ------
    ProjectError
        If the table cannot be used; one sentence says why.
    """
    if isinstance(source, str) and source.lower() in KNOWN and not Path(source).exists():
        from recbook.project.known import load_known

        return load_known(source.lower(), like=like)
    frame, report, scale, told, name = _read(source, columns, scale, encoding)
    if items is None and not isinstance(source, pd.DataFrame) and is_project_file(source):
        told = shop_items().astype({"item_id": str})
        report.fact("names", "those of the simulated shop, whose file this is")
    value = "rating" if scale else "count"
    interactions = Interactions.from_frame(
        frame, user="user_id", item="item_id", value=value, time="time" if "time" in frame else None
    )
    if items is not None:
        told, found = read_items(items, encoding=encoding)
        report.findings += [replace(one, kind=f"items: {one.kind}") for one in found]
    return make_source(name, interactions, told, scale, like, report)


def read_messy(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    scale: tuple[float, float] | None = None,
    encoding: str | None = None,
) -> tuple[pd.DataFrame, Report]:
    """Return the clean ratings of any table, and what was found and done.

    Returns
    -------
    ratings : pandas.DataFrame
        user_id, item_id, rating (or count), and time in seconds where it is known.
    report : Report

    Examples
    --------
    >>> told = pd.DataFrame({"User ID": [1, 1, 2], "SKU": ["a", "b", "a"], "Stars": [5, "five", 4]})
    >>> ratings, report = read_messy(told, scale=(1, 5))
    >>> ratings["rating"].tolist(), report.counts
    ([5.0, 4.0], {'rating not a number': 1})
    """
    frame, report, _, _, _ = _read(source, columns, scale, encoding)
    return frame, report


def make_source(name, interactions, items, scale, like, report: Report) -> Source:
    """Return a Source; note what will not be recommended or judged."""
    if scale and like is None:
        low, high = scale
        like = high if high - low <= 1 else low + LIKED_FROM * (high - low)
    if not scale and like is not None:
        raise ProjectError(f"{name}: there are no ratings that {like:g} (--like) could part")
    source = Source(
        name, interactions, described(interactions.items, items, report), scale, like, report
    )
    if scale:
        share = source.likes.mean()
        report.fact("likes", f"ratings of {like:g} and more, {share:.0%} of all")
        if not source.likes.any():
            raise ProjectError(
                f"{name}: no rating reaches {like:g}, so nothing counts as liked; "
                "lower it with --like"
            )
    liked = source.liked
    takers = np.bincount(liked.matrix("binary").indices, minlength=liked.n_items)
    if rare := int((takers < MIN_KNOWN_USERS).sum()):
        verb = "liked" if scale else "took"
        report.fact("rare items", f"{rare:,} that no two users {verb}; never recommended")
    events = np.bincount(interactions.user, minlength=interactions.n_users)
    if few := int((events < MIN_EVENTS).sum()):
        report.fact("short histories", f"{few:,} users with fewer than {MIN_EVENTS} events; kept")
    return source


def _read(source, given, scale, encoding):
    if scale is not None and not scale[0] < scale[1]:
        raise ProjectError(
            f"a scale goes from the lowest rating to the highest, as --scale 1 5, not from "
            f"{scale[0]:g} to {scale[1]:g}"
        )
    given = dict(given or {})
    unknown = set(given) - set(ROLES)
    if unknown:
        raise ValueError(f"there is no role {sorted(unknown)[0]!r}; roles are {', '.join(ROLES)}")
    if isinstance(source, pd.DataFrame):
        table, report, name = as_texts(source), Report(unit="row"), "the table"
    else:
        name = str(source)
        table, report = _table(source, given, encoding)
    try:
        columns = find_columns(list(table.columns), ROLES, given)
    except ValueError as error:
        raise ProjectError(f"{name} {error}") from None
    if "item" not in columns and "name" in columns:
        columns["item"] = columns.pop("name")
        report.fact("no item ids", "the names stand for them")
    lacking = [role for role in ("user", "item") if role not in columns]
    if lacking:
        shown = ", ".join(repr(str(one)[:30]) for one in table.columns[:8])
        raise ProjectError(
            f"{name} has no column that is recognised as the {' or the '.join(lacking)} among "
            f"{shown}; rename it {lacking[0]}_id, or name yours (--{lacking[0]}-column)"
        )
    used = {role: str(table.columns[at]) for role, at in columns.items()}
    written = [plain(column) for column in table.columns]
    for column in used.values():
        if (times := written.count(plain(column))) > 1:
            report.fact("columns", f"{times} are called {column!r}; only the first is used")
    expected = {"user": "user_id", "item": "item_id", "rating": "rating", "time": "timestamp"}
    other = {role: used[role] for role in expected if role in used and used[role] != expected[role]}
    if other:
        report.fact("columns", ", ".join(f"{to!r} is the {role}" for role, to in other.items()))
    if "rating" in columns:
        columns.pop("count", None)
    told = named_in(table, table.iloc[:, columns["item"]], columns)
    frame, scale = clean(table, columns, report, scale=scale, name=name)
    return frame, report, scale, told, name


def _table(source, given, encoding) -> tuple[pd.DataFrame, Report]:
    how = {
        "needs": "no column for the user and the product is recognised among {}; rename them "
        "user_id and item_id, add such a line of names if there is none, or name yours "
        "(--user-column, --item-column)",
        "encoding": encoding,
        "headerless": ("user", "item", "rating", "time"),
    }
    try:
        return read_table(
            source, recognise=lambda names: {"user", "item"} <= set(_roles(names, given)), **how
        )
    except ProjectError:
        if not given:  # else a name that was told may be amiss: `find_columns` says which
            raise
    return read_table(
        source, recognise=lambda names: {"user", "item"} <= set(_roles(names, {})), **how
    )


def _roles(names, given) -> dict[str, int]:
    found = columns_known(names, ROLES, given)
    if "item" not in found and "name" in found:
        found["item"] = found.pop("name")
    return found
