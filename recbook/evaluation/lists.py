"""The check that every metric of lists makes first."""

from __future__ import annotations

import numpy as np


def checked_lists(ranked: np.ndarray, n_items: int) -> np.ndarray:
    """Return `ranked` as int64 (n, k), or say in a ValueError what is wrong with it.

    Examples
    --------
    >>> checked_lists(np.array([[1, -1]]), 2)
    array([[ 1, -1]])
    """
    ranked = np.asarray(ranked)
    if ranked.ndim != 2 or not np.issubdtype(ranked.dtype, np.integer):
        raise ValueError(
            f"ranked must be an int array (n, k) of item columns, got {ranked.dtype} {ranked.shape}"
        )
    if not isinstance(n_items, int | np.integer) or n_items < 1:
        raise ValueError(f"n_items must be a whole number of at least 1, got {n_items!r}")
    if ranked.size and (ranked.min() < -1 or ranked.max() >= n_items):
        raise ValueError(
            f"ranked names column {ranked.max() if ranked.max() >= n_items else ranked.min()}, "
            f"outside the {n_items} items; -1 alone may stand for an empty place"
        )
    in_order = np.sort(ranked, axis=1)
    twice = (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)
    if twice.any():
        row = np.argwhere(twice)[0, 0]
        raise ValueError(f"an item stands twice in the list of row {row}; an item may stand once")
    return ranked.astype(np.int64)
