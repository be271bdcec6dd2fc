"""The ratings that buyers give, and how well they could be predicted at best."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.shop import truth as laws
from recbook.data.shop.calendar import DAY
from recbook.data.shop.market import DAYS
from recbook.data.shop.stream import Stream
from recbook.data.shop.visits import YEAR_START
from recbook.data.shop.world import World


def make_ratings(world: World, events: pd.DataFrame, *, seed: int) -> tuple[pd.DataFrame, float]:
    """Let buyers rate what they bought, once per item, within ten days of the first purchase.

    Returns
    -------
    ratings : pandas.DataFrame
        user_id, item_id, rating (1 … 5), time (s since 1970), in order of time.
    noise_floor : float
        RMSE of the true expected ratings against these, in stars.
    """
    draw = Stream(seed, "ratings")
    first = events[events["event"] == "purchase"].drop_duplicates(["user_id", "item_id"])
    user = pd.Index(world.users["user_id"]).get_indexer(first["user_id"])
    item = pd.Index(world.items["item_id"]).get_indexer(first["item_id"])
    pairs = (world.truth_users, world.truth_items, user, item)
    time = first["time"].to_numpy() + DAY + draw.integers(9 * DAY, len(first))
    given = draw.uniform(len(first)) < laws.rate_probability(laws.rating_centre(*pairs))
    given &= time < YEAR_START + DAYS * DAY
    chances = laws.star_probabilities(*pairs)
    below = np.cumsum(chances, axis=1)[:, :-1]
    stars = 1 + (draw.uniform(len(first))[:, None] >= below).sum(axis=1)
    order = np.lexsort((item[given], user[given], time[given]))
    ratings = pd.DataFrame(
        {
            "user_id": first["user_id"].to_numpy()[given][order],
            "item_id": first["item_id"].to_numpy()[given][order],
            "rating": stars[given][order],
            "time": time[given][order],
        }
    )
    error = (chances @ laws.STARS - stars)[given]
    return ratings, float(np.round(np.sqrt((error**2).mean()), 6))
