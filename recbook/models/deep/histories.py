"""Histories in the order of their times, as arrays of one width, and windows cut out of them."""

from __future__ import annotations

import numpy as np

from recbook.data.interactions import Interactions

FOLLOWS = ("event", "moment")
NOTHING = -1  # where there is no event, or nothing to predict


def histories(interactions: Interactions, length: int, rng: np.random.Generator) -> np.ndarray:
    """Return each user's last `length` items, oldest first, then -1: int32 (n_users, length).

    Events of one moment stand in an order drawn by `rng`. The padding is at the end, where no
    state that counts sees it.
    """
    user, item, _ = _ordered(interactions, rng)
    held = np.bincount(user, minlength=interactions.n_users)
    place = np.arange(len(user)) - (np.cumsum(held) - held)[user]
    place -= np.maximum(held - length, 0)[user]
    rows = np.full((interactions.n_users, length), NOTHING, dtype=np.int32)
    rows[user[place >= 0], place[place >= 0]] = item[place >= 0]
    return rows


def windows(
    interactions: Interactions,
    length: int,
    rng: np.random.Generator,
    *,
    follows: str = "event",
    max_windows: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return windows of histories, and at each place what is to be predicted there.

    Returns
    -------
    items, targets : int32 arrays (n_windows, length)
        -1 after a window's end; targets are -1 too where nothing follows.
    """
    user, item, moment = _ordered(interactions, rng)
    n = len(user)
    if follows == "event":
        after = np.arange(1, n + 1)
    else:  # one of the next moment's, which begins where this one ends
        begins = np.flatnonzero(np.diff(moment, prepend=-1))
        sizes = np.diff(begins, append=n)
        after = begins[moment] + sizes[moment]
        after += (rng.random(n) * np.append(sizes, 1)[moment + 1]).astype(np.int64)
    there = after < n
    there[there] = user[after[there]] == user[there]
    target = np.where(there, item[np.where(there, after, 0)], NOTHING)

    held = np.bincount(user, minlength=interactions.n_users)
    place = np.arange(n) - (np.cumsum(held) - held)[user]
    # A history that fits into one window stays whole.
    shift = np.where(held > length, rng.integers(length, size=len(held)), 0)
    begins = np.flatnonzero((place == 0) | ((place + shift[user]) % length == 0))
    sizes = np.diff(begins, append=n)
    asks = np.add.reduceat(there, begins) > 0 if n else np.zeros(0, dtype=bool)
    begins, sizes = begins[asks], sizes[asks]
    if max_windows is not None:
        order = np.lexsort((rng.random(len(begins)), user[begins]))
        _, first, number = np.unique(user[begins[order]], return_index=True, return_inverse=True)
        kept = np.sort(order[np.arange(len(order)) - first[number] < max_windows])
        begins, sizes = begins[kept], sizes[kept]
    at = begins[:, None] + np.arange(length)
    inside = np.arange(length) < sizes[:, None]
    at = np.where(inside, at, 0)
    rows = (np.where(inside, column[at], NOTHING).astype(np.int32) for column in (item, target))
    return tuple(rows) if n else (np.zeros((0, length), dtype=np.int32),) * 2


def _ordered(
    interactions: Interactions, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return user, item and number of the moment of all events, in order but for ties."""
    user, time = interactions.user, interactions.time
    order = np.lexsort((rng.random(len(user)), time, user))
    user, time = user[order], time[order]
    new = (np.diff(user, prepend=-1) != 0) | (np.diff(time, prepend=0) != 0)
    return user, interactions.item[order], np.cumsum(new) - 1
