"""The book's own data sets as sources of a project."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.project.findings import Report
from recbook.project.source import Source, make_source

MIN_HOUSEHOLDS = 100  # who bought a product of Complete Journey for it to take part


def load_known(name: str, *, like: float | None = None) -> Source:
    """Return "shop", "movielens" or "complete journey" as a Source."""
    loaders = {"shop": _shop, "movielens": _movielens, "complete journey": _journey}
    return loaders[name](like)


def _shop(like) -> Source:
    from io import BytesIO

    from recbook.project.shop_file import committed_file, shop_items, user_item_data

    path = committed_file()
    content = path.read_bytes() if path.is_file() else user_item_data()
    ratings = pd.read_csv(BytesIO(content))
    items = shop_items().astype({"item_id": str})
    events = Interactions.from_frame(ratings, value="rating")
    source = make_source("the simulated shop", events, items, (1.0, 5.0), like, Report())
    names = items.set_index("item_id")["name_zh"].reindex(events.items.astype(str))
    source.items["name_zh"] = names.to_numpy()
    return source


def _movielens(like) -> Source:
    from recbook.data import load_movielens

    data = load_movielens("100k")
    films = data.films
    items = pd.DataFrame(
        {
            "item_id": films["item_id"].astype(str),
            "name": films["title"],
            "category": films["genres"],
        }
    ).fillna("")
    return make_source("MovieLens 100K", data.interactions(), items, (1.0, 5.0), like, Report())


def _journey(like) -> Source:
    from recbook.data import load_complete_journey

    journey = load_complete_journey()
    baskets = journey.interactions(min_households=MIN_HOUSEHOLDS)
    products = journey.products
    report = Report()
    report.fact("products", f"those that {MIN_HOUSEHOLDS} households bought before week 50")
    frame = pd.DataFrame({"user": baskets.user, "item": baskets.item, "time": baskets.time})
    once = frame.groupby(["user", "item"], as_index=False).agg(
        time=("time", "min"), count=("time", "size")
    )
    report.add("repeated events", len(frame) - len(once), "counted into one event")
    order = np.argsort(once["time"].to_numpy(), kind="stable")
    events = Interactions(
        once["user"].to_numpy()[order], once["item"].to_numpy()[order],
        once["count"].to_numpy()[order], once["time"].to_numpy()[order],
        users=baskets.users, items=baskets.items,
    )  # fmt: skip
    items = pd.DataFrame(
        {
            "item_id": products["product_id"].astype(str),
            "name": products["name"].astype(str),
            "category": products["product_category"].astype(str),
            "text": products["product_type"].astype(str),
        }
    ).fillna("")
    return make_source("Complete Journey", events, items, None, like, report)
