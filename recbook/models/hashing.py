"""Random numbers that belong to a (user, item) cell, whichever cells are asked for together."""

from __future__ import annotations

import numpy as np


def cell_uniform(seed: int, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return one uniform number in the open interval (0, 1) for each (user, item) cell.

    A generator would give a user other numbers when she is asked for alone than when everyone is.
    Here the number is a hash of seed, user and item: the finalising step of SplitMix64, applied
    once for each of the three.

    Parameters
    ----------
    seed : int
    users, items : int arrays that broadcast together

    Returns
    -------
    float64 array of the broadcast shape.

    References
    ----------
    Steele, Lea, Flood: Fast splittable pseudorandom number generators. OOPSLA 2014.

    Examples
    --------
    >>> both = cell_uniform(7, np.array([[0], [1]]), np.arange(3))
    >>> bool((both[1] == cell_uniform(7, np.array([1]), np.arange(3))).all())
    True
    """
    state = _mix(np.array([seed % 2**64], dtype=np.uint64))
    state = _mix(state ^ np.asarray(users).astype(np.uint64))
    state = _mix(state ^ np.asarray(items).astype(np.uint64))
    # 53 bits fill a float64's mantissa; the half keeps 0 and 1 out, so that a quantile is finite.
    return ((state >> np.uint64(11)).astype(float) + 0.5) / 2.0**53


def _mix(state: np.ndarray) -> np.ndarray:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
