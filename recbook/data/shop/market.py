"""Weeks of the shop: prices, promotions, seasons, and the units sold in all channels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.shop.stream import Stream
from recbook.data.shop.words import DEPARTMENTS

FIRST_DAY = np.datetime64("2025-01-01")
WEEKS = 52
DAYS = 7 * WEEKS
PROMOTION_LIFT = 1.25  # a promoted item sells this much more, beyond what its price explains
DISPLAY_BOOST = 3.0  # a promoted item is this much likelier to stand on the home page
REGULAR = (0.95, 1.0, 1.0, 1.05)  # price over list price, drawn anew every four weeks
PROMOTED = (0.75, 0.8, 0.85, 0.9)


def seasonality() -> np.ndarray:
    """Return the factor of each department in each week, float (6, 52), mean about 1."""
    week = np.arange(WEEKS)
    peak = np.array([2, 46, 48, 14, 45, 26])[: len(DEPARTMENTS), None]
    size = np.array([0.10, 0.25, 0.35, 0.25, 0.30, 0.40])[: len(DEPARTMENTS), None]
    return np.round(1 + size * np.cos(2 * np.pi * (week - peak) / WEEKS), 4)


def expected_units(
    items: pd.DataFrame, truth_items: pd.DataFrame, price: np.ndarray, promoted: np.ndarray
) -> np.ndarray:
    """Return the mean units of each item and week, before chance.

    base demand × season × (price / list price) ** elasticity × promotion lift.

    Parameters
    ----------
    items, truth_items : pandas.DataFrame (n_items rows)
    price : float array (n_items, 52)
    promoted : bool array (n_items, 52)

    Returns
    -------
    float64 array (n_items, 52); 0 before an item's launch.
    """
    names = [name for name, _ in DEPARTMENTS]
    department = np.array([names.index(d) for d in items["department"]])
    ratio = price / items["list_price"].to_numpy()[:, None]
    mean = (
        truth_items["base_demand"].to_numpy()[:, None]
        * seasonality()[department]
        * ratio ** truth_items["elasticity"].to_numpy()[:, None]
        * np.where(promoted, PROMOTION_LIFT, 1.0)
    )
    return np.where(np.arange(WEEKS) >= items["launch_week"].to_numpy()[:, None], mean, 0.0)


def make_weeks(items: pd.DataFrame, truth_items: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Make the weekly table: one row per item and week.

    Promotions are planned for a department's high season, as in a real shop: who regresses units
    on price without the season finds too strong an elasticity.

    Returns
    -------
    pandas.DataFrame: item_id, week (0 … 51), price, promoted (0 or 1), units (sold in all channels
    together; only some of them are in the events).
    """
    draw = Stream(seed, "weeks")
    n = len(items)
    names = [name for name, _ in DEPARTMENTS]
    department = np.array([names.index(d) for d in items["department"]])
    block = np.array(REGULAR)[draw.integers(len(REGULAR), n, WEEKS // 4)]
    chance = np.clip(0.10 + 0.4 * (seasonality()[department] - 1), 0.02, 0.4)
    promoted = draw.uniform(n, WEEKS) < chance
    offer = np.array(PROMOTED)[draw.integers(len(PROMOTED), n, WEEKS)]
    ratio = np.where(promoted, offer, np.repeat(block, 4, axis=1))
    price = np.round(items["list_price"].to_numpy()[:, None] * ratio, 2)
    units = draw.poisson(expected_units(items, truth_items, price, promoted))
    return pd.DataFrame(
        {
            "item_id": np.repeat(items["item_id"].to_numpy(), WEEKS),
            "week": np.tile(np.arange(WEEKS), n),
            "price": price.ravel(),
            "promoted": promoted.ravel().astype(np.int64),
            "units": units.ravel(),
        }
    )
