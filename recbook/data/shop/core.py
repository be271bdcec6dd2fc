"""The shop as one object: its tables, its truth, its dirty copy and its pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.data.shop.dirt import DirtyTables, plan_faults, soil
from recbook.data.shop.pictures import draw_pictures
from recbook.data.shop.queries import grade
from recbook.data.shop.ratings import make_ratings
from recbook.data.shop.truth import Truth
from recbook.data.shop.visits import EVENTS, simulate_visits
from recbook.data.shop.words import TOPICS
from recbook.data.shop.world import make_world

N_USERS, N_ITEMS, SEED = 600, 300, 2025  # the committed instance


@dataclass(frozen=True, eq=False)
class Shop:
    """A year of a simulated shop, 1 January to 30 December 2025 (52 weeks), times in UTC.

    Parameters
    ----------
    users : pandas.DataFrame (n_users rows)
        user_id, age (years), sex, city, region, language ("en", "zh"), signup (date as text).
    items : pandas.DataFrame (n_items rows)
        item_id, department, category, brand, style, list_price, cost (money), launch_week,
        title_en, title_zh, description_en, description_zh.
    sessions : pandas.DataFrame
        session_id, user_id, time, surface ("home", "search", or "random": a home page in random
        order), query_id (0 where nothing was searched for). A session shows one list.
    exposures : pandas.DataFrame
        session_id, user_id, surface, item_id, position (1 … 12), viewed (0 or 1): everything shown.
    offers : pandas.DataFrame
        What was offered at the till: session_id, item_id, after_id (the item bought that called
        for it), taken (0 or 1).
    events : pandas.DataFrame
        session_id, user_id, item_id, time, event ("view", "cart", "purchase"), quantity, price (of
        one unit that week).
    ratings : pandas.DataFrame
        user_id, item_id, rating (1 … 5), time. Buyers rate what they like more often.
    queries : pandas.DataFrame
        query_id, language, text, form ("plain", "synonym", "misspelt", "style", "topic", "brand"),
        category, attribute, value (what is asked for).
    weeks : pandas.DataFrame
        item_id, week (0 … 51), price, promoted (0 or 1), units (sold in all channels).
    friends : pandas.DataFrame
        user_id < friend_id.
    truth : Truth
        What the generator knows.
    seed : int
        The seed it was made from.
    """

    users: pd.DataFrame = field(repr=False)
    items: pd.DataFrame = field(repr=False)
    sessions: pd.DataFrame = field(repr=False)
    exposures: pd.DataFrame = field(repr=False)
    offers: pd.DataFrame = field(repr=False)
    events: pd.DataFrame = field(repr=False)
    ratings: pd.DataFrame = field(repr=False)
    queries: pd.DataFrame = field(repr=False)
    weeks: pd.DataFrame = field(repr=False)
    friends: pd.DataFrame = field(repr=False)
    truth: Truth = field(repr=False)
    seed: int

    @property
    def searches(self) -> pd.DataFrame:
        """The sessions that searched: session_id, user_id, time, query_id, text, language."""
        asked = self.sessions[self.sessions["surface"] == "search"].drop(columns="surface")
        words = self.queries[["query_id", "text", "language"]]
        return asked.merge(words, on="query_id", how="left", validate="many_to_one")

    @property
    def clean(self) -> dict[str, pd.DataFrame]:
        """The four tables that have a dirty copy, as they ought to be."""
        return {name: getattr(self, name) for name in DirtyTables._fields}

    @cached_property
    def dirty(self) -> DirtyTables:
        """Dirty copies of users, items, events and ratings; `truth.faults` lists every fault."""
        return soil(self.clean, self.truth.faults)

    def interactions(self, event: str = "purchase") -> Interactions:
        """Return the events of one kind; the value is the quantity.

        Parameters
        ----------
        event : {"purchase", "cart", "view"}

        Returns
        -------
        Interactions whose indexes are all users and all items, in the order of the tables.
        """
        if event not in EVENTS:
            raise ValueError(f"event must be one of {', '.join(EVENTS)}, got {event!r}")
        rows = self.events[self.events["event"] == event]
        return self._interactions(rows, "quantity")

    def ratings_interactions(self) -> Interactions:
        """Return the ratings, with the same indexes as `interactions`; the value is the stars."""
        return self._interactions(self.ratings, "rating")

    def pictures(self) -> np.ndarray:
        """Return the pictures of all items, read-only uint8 (n_items, 32, 32, 3)."""
        return self._pictures

    def picture(self, item_id: int) -> np.ndarray:
        """Return the picture of one item, by its id, uint8 (32, 32, 3)."""
        position = np.flatnonzero(self.items["item_id"].to_numpy() == item_id)
        if not len(position):
            raise ValueError(f"the shop has no item {item_id!r}; the ids stand in shop.items")
        return self._pictures[position[0]]

    @cached_property
    def _pictures(self) -> np.ndarray:
        drawn = draw_pictures(self.items, seed=self.seed)
        drawn.setflags(write=False)
        return drawn

    def _interactions(self, rows: pd.DataFrame, value: str) -> Interactions:
        return Interactions.from_frame(
            rows,
            value=value,
            time="time",
            users=self.users["user_id"],
            items=self.items["item_id"],
        )


def simulate_shop(n_users: int = N_USERS, n_items: int = N_ITEMS, *, seed: int = SEED) -> Shop:
    """Make a shop; the same arguments give the same shop on every machine.

    About 18 visits, 50 events and 10 purchases a user. 600 × 300 takes about a second, 10,000 ×
    2,000 (0.6 million events) several.

    Parameters
    ----------
    n_users : int, at least 20
    n_items : int, at least 48 (two a category)
    seed : int, 0 or more

    Raises
    ------
    ValueError
        If a number is too small.

    Examples
    --------
    >>> shop = simulate_shop(50, 60, seed=1)
    >>> shop.interactions("purchase").n_items
    60
    """
    for name, value, least in (
        ("n_users", n_users, 20),
        ("n_items", n_items, 48),
        ("seed", seed, 0),
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    world = make_world(n_users, n_items, seed=seed)
    log = simulate_visits(world, seed=seed)
    ratings, noise_floor = make_ratings(world, log.events, seed=seed)
    tables = {
        "users": world.users,
        "items": world.items,
        "sessions": log.sessions,
        "exposures": log.exposures,
        "offers": log.offers,
        "events": log.events,
        "ratings": ratings,
        "queries": world.queries,
        "weeks": world.weeks,
        "friends": world.friends,
        "truth_users": world.truth_users,
        "truth_items": world.truth_items,
        "truth_rules": world.rules,
        "truth_transitions": world.transitions,
        "truth_effects": world.attribute_effects,
    }
    return assemble(tables, seed=seed, noise_floor=noise_floor)


def assemble(tables: dict[str, pd.DataFrame], *, seed: int, noise_floor: float) -> Shop:
    """Put a shop together from its tables, with times in seconds since 1970.

    `tables` holds those of `Shop` and, with "truth_" before the name, those of `Truth`. The faults
    are planned where they are not given; exposures need not name their user and surface.
    """
    tables = dict(tables)
    for name in ("sessions", "events", "ratings"):
        table = tables[name].copy()
        table["time"] = table["time"].to_numpy().astype("datetime64[s]")
        tables[name] = table
    session = tables["exposures"]["session_id"].to_numpy() - 1
    for place, column in ((1, "user_id"), (2, "surface")):
        values = tables["sessions"][column].to_numpy()[session]
        tables["exposures"].insert(place, column, values)
    clean = {name: tables[name] for name in DirtyTables._fields}
    truth = {name: tables.pop(name) for name in list(tables) if name.startswith("truth_")}
    faults = truth.get("truth_faults")
    return Shop(
        **tables,
        truth=Truth(
            users=truth["truth_users"],
            items=truth["truth_items"],
            rules=truth["truth_rules"],
            transitions=truth["truth_transitions"],
            attribute_effects=truth["truth_effects"],
            topics=_topics(),
            relevance=grade(tables["queries"], tables["items"], truth["truth_items"]),
            faults=plan_faults(clean, seed=seed) if faults is None else faults,
            noise_floor=noise_floor,
        ),
        seed=seed,
    )


def _topics() -> pd.DataFrame:
    rows = [
        (topic.en, kind, en, zh)
        for topic in TOPICS
        for kind, words in (("adjective", topic.adjectives), ("noun", topic.nouns))
        for en, zh in words
    ]
    return pd.DataFrame(rows, columns=["topic", "kind", "en", "zh"])
