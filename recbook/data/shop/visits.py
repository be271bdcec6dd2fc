"""A year of visits: what is shown, what comes of it, and what is bought at the till."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from recbook.data.shop import truth as laws
from recbook.data.shop.calendar import DAY, make_calendar
from recbook.data.shop.lists import SURFACES, Lists
from recbook.data.shop.market import FIRST_DAY, WEEKS
from recbook.data.shop.stream import Stream
from recbook.data.shop.words import CATEGORY_NAMES
from recbook.data.shop.world import World

EVENTS = ("view", "cart", "purchase")
YEAR_START = int(FIRST_DAY.astype("datetime64[s]").astype(np.int64))


class Log(NamedTuple):
    """What happened: tables as in `Shop`, with times in seconds since 1970."""

    sessions: pd.DataFrame
    exposures: pd.DataFrame
    offers: pd.DataFrame
    events: pd.DataFrame


def simulate_visits(world: World, *, seed: int) -> Log:
    """Run the year: everybody's first visit, then everybody's second, and so on.

    What a user bought last time decides what she may search for next, so her visits come one after
    the other; those of different users are computed together.
    """
    calendar = make_calendar(world.users, world.truth_users, seed=seed)
    visitor, start, nth = (calendar[c].to_numpy() for c in ("user", "start", "nth"))
    lists, draw = Lists(world, seed=seed), Stream(seed, "visits")
    category = np.array([CATEGORY_NAMES.index(c) for c in world.items["category"]])
    factor = _price_factor(world)
    surface, query = np.zeros(len(start), dtype=np.int64), np.full(len(start), -1)
    last_bought = np.full(len(world.users), -1)
    parts = []
    rounds = np.split(np.argsort(nth, kind="stable"), np.cumsum(np.bincount(nth))[:-1])
    for visits in rounds:
        user, week = visitor[visits], start[visits] // DAY // 7
        surface[visits], query[visits] = lists.intents(user, last_bought[user])
        row, item, position = lists.show(surface[visits], query[visits], week)
        asked = query[visits][row]
        worth = laws.utility(world.truth_users, world.truth_items, user[row], item)
        grade = world.relevance[np.maximum(asked, 0), item].astype(float)
        pull = np.where(asked >= 0, laws.RELEVANCE_EFFECT * (grade - 2), 0.0)
        chance = draw.uniform(3, len(row))
        viewed = chance[0] < laws.POSITION_BIAS[position - 1] * expit(worth + pull)
        cart = viewed & (chance[1] < laws.cart_probability(worth, factor[item, week[row]]))
        bought = cart & (chance[2] < laws.BUY_AFTER_CART)
        parts.append((visits[row], item, position, viewed, cart, bought))
        last_bought[user] = -1
        last_bought[user[row[bought]]] = category[item[bought]]  # the lowest in the list remains
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[2], columns[0]))
    names = ("visit", "item", "position", "viewed", "cart", "bought")
    shown = pd.DataFrame({name: c[order] for name, c in zip(names, columns, strict=True)})
    offers = _till(world, visitor, start, shown[shown["bought"]], factor, seed=seed)
    food = (world.items["department"] == "Food").to_numpy()
    happened = _events(shown, offers, start, food, seed=seed)
    return _named(world, calendar, surface, query, shown, offers, happened)


def _price_factor(world: World) -> np.ndarray:
    price = world.weeks["price"].to_numpy().reshape(-1, WEEKS)
    ratio = price / world.items["list_price"].to_numpy()[:, None]
    return ratio ** world.truth_items["elasticity"].to_numpy()[:, None]


def _till(world, visitor, start, basket, factor, *, seed: int) -> pd.DataFrame:
    # One more item is offered for each one bought: the rule's, or any that starts no rule itself.
    draw = Stream(seed, "till")
    ids = pd.Index(world.items["item_id"])
    partner, strength = np.full(len(ids), -1), np.zeros(len(ids))
    antecedent = ids.get_indexer(world.rules["antecedent"])
    partner[antecedent] = ids.get_indexer(world.rules["consequent"])
    strength[antecedent] = world.rules["probability"]
    visit, item = basket["visit"].to_numpy(), basket["item"].to_numpy()
    others = np.flatnonzero(partner < 0)
    ruled = partner[item] >= 0
    offered = np.where(ruled, partner[item], others[draw.integers(len(others), len(item))])
    week = start[visit] // DAY // 7
    worth = laws.utility(world.truth_users, world.truth_items, visitor[visit], offered)
    chance = expit(worth) * laws.cart_probability(worth, factor[offered, week])
    chance = np.where(ruled, strength[item], chance * laws.BUY_AFTER_CART)
    offers = pd.DataFrame(
        {
            "visit": visit,
            "item": offered,
            "after": item,
            "taken": draw.uniform(len(item)) < chance,
            "random": ~ruled,
        }
    )
    launched = world.items["launch_week"].to_numpy()[offered] <= week
    in_basket = np.isin(visit * len(ids) + offered, visit * len(ids) + item)
    offers = offers[launched & ~in_basket].sort_values(["visit", "random"], kind="stable")
    return offers.drop_duplicates(["visit", "item"]).drop(columns="random").reset_index(drop=True)


def _events(shown, offers, start, food, *, seed: int) -> pd.DataFrame:
    # -> visit, item, time (s since the year began), kind (position in EVENTS), units
    draw = Stream(seed, "seconds")
    look = start[shown["visit"]] + 15 * shown["position"].to_numpy() + draw.integers(10, len(shown))
    add = look + 2 + draw.integers(4, len(shown))
    pay = start[shown["visit"]] + 15 * (laws.LIST_LENGTH + 2) + shown["position"].to_numpy()
    taken = offers[offers["taken"]]
    late = start[taken["visit"]] + 240 + 3 * taken.groupby("visit").cumcount().to_numpy()
    steps = [
        (shown, "viewed", look, 0),
        (shown, "cart", add, 1),
        (shown, "bought", pay, 2),
        (taken, "taken", late, 1),
        (taken, "taken", late + 1, 2),
    ]
    parts = [
        pd.DataFrame({"visit": table["visit"], "item": table["item"], "time": time, "kind": kind})[
            table[flag]
        ]
        for table, flag, time, kind in steps
    ]
    # What lay in the cart from the list and is taken at the till after all is not put there twice.
    events = pd.concat(parts, ignore_index=True).drop_duplicates(["visit", "item", "kind"])
    order = np.lexsort((events["item"], events["kind"], events["visit"], events["time"]))
    events = events.iloc[order].reset_index(drop=True)
    several = food[events["item"]] & (events["kind"] == 2).to_numpy()
    more = np.searchsorted([0.65, 0.92], draw.uniform(len(events)), side="right")  # 0, 1 or 2
    events["units"] = 1 + np.where(several, more, 0)
    return events


def _named(world, calendar, surface, query, shown, offers, happened) -> Log:
    user_ids, item_ids = (world.users["user_id"].to_numpy(), world.items["item_id"].to_numpy())
    owner = user_ids[calendar["user"].to_numpy()]
    sessions = pd.DataFrame(
        {
            "session_id": np.arange(1, len(calendar) + 1),
            "user_id": owner,
            "time": YEAR_START + calendar["start"].to_numpy(),
            "surface": np.array(SURFACES, dtype=object)[surface].tolist(),
            "query_id": query + 1,
        }
    )
    exposures = pd.DataFrame(
        {
            "session_id": shown["visit"] + 1,
            "item_id": item_ids[shown["item"]],
            "position": shown["position"],
            "viewed": shown["viewed"].astype(np.int64),
        }
    )
    at_till = pd.DataFrame(
        {
            "session_id": offers["visit"] + 1,
            "item_id": item_ids[offers["item"]],
            "after_id": item_ids[offers["after"]],
            "taken": offers["taken"].astype(np.int64),
        }
    )
    visit, item, kind = (happened[c].to_numpy() for c in ("visit", "item", "kind"))
    week = calendar["start"].to_numpy()[visit] // DAY // 7
    events = pd.DataFrame(
        {
            "session_id": visit + 1,
            "user_id": owner[visit],
            "item_id": item_ids[item],
            "time": YEAR_START + happened["time"].to_numpy(),
            "event": np.array(EVENTS, dtype=object)[kind].tolist(),
            "quantity": happened["units"].to_numpy(),
            "price": world.weeks["price"].to_numpy().reshape(-1, WEEKS)[item, week],
        }
    )
    return Log(sessions, exposures, at_till, events)
