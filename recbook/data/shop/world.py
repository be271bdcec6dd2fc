"""The static part of the shop: everything that stands before the first visit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from recbook.data.shop.catalogue import make_items
from recbook.data.shop.market import make_weeks
from recbook.data.shop.people import make_users
from recbook.data.shop.queries import grade, make_queries
from recbook.data.shop.stream import Stream
from recbook.data.shop.words import TRANSITIONS

STRENGTHS = (0.3, 0.4, 0.5, 0.6)  # of the planted bundles, in turn


class World(NamedTuple):
    """The tables that depend on nobody's visit; see `Shop` and `Truth` for their columns."""

    users: pd.DataFrame
    items: pd.DataFrame
    queries: pd.DataFrame
    weeks: pd.DataFrame
    friends: pd.DataFrame
    rules: pd.DataFrame
    transitions: pd.DataFrame
    attribute_effects: pd.DataFrame
    truth_users: pd.DataFrame
    truth_items: pd.DataFrame
    relevance: np.ndarray


def make_world(n_users: int, n_items: int, *, seed: int) -> World:
    """Make users, items, text, queries, prices, bundles and friends."""
    users, truth_users, effects, friends = make_users(n_users, seed=seed)
    items, truth_items = make_items(n_items, seed=seed)
    queries = make_queries(items, truth_items, seed=seed)
    return World(
        users=users,
        items=items,
        queries=queries,
        weeks=make_weeks(items, truth_items, seed=seed),
        friends=friends,
        rules=_rules(items, truth_items, seed=seed),
        transitions=pd.DataFrame(TRANSITIONS, columns=["source", "target", "probability"]),
        attribute_effects=effects,
        truth_users=truth_users,
        truth_items=truth_items,
        relevance=grade(queries, items, truth_items),
    )


def _rules(items: pd.DataFrame, truth_items: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    # No item is in two rules. Antecedents sell well, else a rule could not be seen; all have been
    # there since the first week; the two sides are of different categories.
    draw = Stream(seed, "rules")
    popularity = truth_items["popularity"].to_numpy()
    category = items["category"].to_numpy(object)
    known = np.flatnonzero(items["launch_week"].to_numpy() == 0)
    by_sales = known[np.argsort(-popularity[known], kind="stable")]
    n_rules = max(4, len(items) // 25)
    head = by_sales[: max(2 * n_rules, n_rules + 1)]
    antecedents = head[draw.permutation(len(head))[:n_rules]]
    rest = np.setdiff1d(by_sales, antecedents)
    rest = list(rest[draw.permutation(len(rest))])
    consequents = []
    for a in antecedents:  # a few dozen
        b = next(b for b in rest if category[b] != category[a])
        rest.remove(b)
        consequents.append(b)
    ids = items["item_id"].to_numpy()
    return pd.DataFrame(
        {
            "antecedent": ids[antecedents],
            "consequent": ids[consequents],
            "probability": [STRENGTHS[i % len(STRENGTHS)] for i in range(n_rules)],
        }
    )
