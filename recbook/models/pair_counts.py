"""How often two items share a basket, counted exactly with sparse matrices."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions

_CHUNK_CELLS = 2_000_000  # pairs counted at a time; each takes up to 20 bytes
_FORGIVEN = 1 - 1e-12  # a share at its threshold may come out a hair below it


def count_pairs(
    baskets: sparse.csr_array, min_count: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Count the baskets that hold both items of a pair, for every pair with enough of them.

    With B the basket × item matrix of zeros and ones, the counts are the entries of BᵀB. Only
    columns that are frequent themselves take part: no basket holds a pair without holding both
    items, so a pair is never more frequent than its rarer item.

    Parameters
    ----------
    baskets : sparse matrix (n_baskets, n_items)
        Any stored number but 0 means that the basket holds the item.
    min_count : int
        Baskets that a pair needs, at least 1.

    Returns
    -------
    first, second : int32 arrays (n_pairs,)
        Columns, first < second, sorted by first, then second.
    count : int32 array (n_pairs,)
    item_counts : int32 array (n_items,)
        Baskets that hold each item, frequent or not.

    References
    ----------
    Agrawal, Srikant: Fast algorithms for mining association rules. VLDB 1994 (the pruning).

    Examples
    --------
    >>> B = sparse.csr_array(np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]]))
    >>> first, second, count, item_counts = count_pairs(B, 2)
    >>> first.tolist(), second.tolist(), count.tolist(), item_counts.tolist()
    ([0, 1], [1, 2], [2, 2], [2, 3, 2])
    """
    if min_count < 1:
        raise ValueError(f"min_count must be at least 1, got {min_count!r}")
    held = _zeros_and_ones(baskets)
    item_counts = np.bincount(held.indices, minlength=held.shape[1])
    item_counts = item_counts.astype(np.int32)
    frequent = np.flatnonzero(item_counts >= min_count).astype(np.int32)
    part = held if len(frequent) == held.shape[1] else held[:, frequent]
    columns = part.T.tocsr()
    step = max(1, _CHUNK_CELLS // max(1, len(frequent)))
    found = [np.zeros((3, 0), dtype=np.int32)]
    for start in range(0, len(frequent), step):
        block = columns[start : start + step] @ part
        block.sort_indices()
        row = np.repeat(np.arange(block.shape[0], dtype=np.int32), np.diff(block.indptr))
        keep = (block.data >= min_count) & (block.indices > row + start)
        ends = frequent[row[keep] + start], frequent[block.indices[keep]]
        found.append(np.stack([*ends, block.data[keep]]))
    first, second, count = np.concatenate(found, axis=1)
    return first, second, count, item_counts


def rule_counts(
    baskets: sparse.csr_array, min_count: float, min_confidence: float, min_lift: float
) -> tuple[np.ndarray, ...]:
    """Return antecedent, consequent, n_ab, n_a and n_b of the rules that pass the thresholds.

    Each pair is two rules, one in each direction. The thresholds are those of
    `recbook.models.rules.pair_rules`; all five arrays are int32 (n_rules,).
    """
    first, second, count, size = count_pairs(baskets, min_count)
    a, b = np.concatenate([first, second]), np.concatenate([second, first])
    count = np.concatenate([count, count])
    least = min_confidence * _FORGIVEN * size  # what n_ab has to reach, by antecedent
    passing = count >= least[a]
    least = min_lift * _FORGIVEN * size / max(1, baskets.shape[0])
    passing &= count >= least[a] * size[b]
    a, b, count = a[passing], b[passing], count[passing]
    return a, b, count, size[a], size[b]


def basket_matrix(interactions: Interactions) -> sparse.csr_array:
    """Return the baskets as rows of zeros and ones: what one user took at one moment is a basket.

    Returns
    -------
    scipy.sparse.csr_array, int32 (n_baskets, n_items), by user, then by time; no row is empty.

    Raises
    ------
    ValueError
        If the events have no times.

    Examples
    --------
    >>> import pandas as pd
    >>> events = Interactions(user=[0, 0, 0], item=[0, 1, 1], value=[1, 1, 1], time=[5, 5, 9],
    ...                       users=pd.Index(["ann"]), items=pd.Index(["tea", "milk"]))
    >>> basket_matrix(events).toarray()
    array([[1, 1],
           [0, 1]], dtype=int32)
    """
    if not interactions.has_time:
        raise ValueError(
            "these interactions carry no times, so nothing tells one basket from the next; "
            'load them with time=, or take each user\'s whole history: matrix("binary")'
        )
    user, time = interactions.user, interactions.time
    order = np.lexsort((time, user))
    first = (np.diff(user[order], prepend=-1) != 0) | (np.diff(time[order], prepend=0) != 0)
    basket = np.cumsum(first, dtype=np.int32) - 1
    shape = (int(first.sum()), interactions.n_items)
    held = (np.ones(len(order), dtype=np.int32), (basket, interactions.item[order]))
    return _zeros_and_ones(sparse.csr_array(sparse.coo_array(held, shape=shape)))


def labelled_baskets(
    baskets: sparse.csr_array | pd.DataFrame | Interactions, items: Iterable | None = None
) -> tuple[sparse.csr_array, pd.Index]:
    """Return the basket × item matrix and the labels of its columns."""
    if isinstance(baskets, Interactions):
        matrix, labels = basket_matrix(baskets), baskets.items
    elif isinstance(baskets, pd.DataFrame):
        held = baskets.sparse.to_coo() if hasattr(baskets, "sparse") else baskets.to_numpy()
        matrix, labels = sparse.csr_array(held), baskets.columns
    else:
        matrix = sparse.csr_array(baskets)
        labels = pd.RangeIndex(matrix.shape[1])
    labels = labels if items is None else pd.Index(items)
    if len(labels) != matrix.shape[1]:
        raise ValueError(f"{len(labels)} labels for {matrix.shape[1]} columns; give one for each")
    return matrix, labels


def least_count(share: float, n: int) -> int:
    """Return the smallest whole number that is at least this share of n.

    A product such as 0.07 · 100 is a hair above 7 in binary; one part in 10¹² is forgiven, so that
    the answer is 7 and not 8.

    Examples
    --------
    >>> least_count(0.07, 100)
    7
    """
    return math.ceil(share * n * _FORGIVEN)


def _zeros_and_ones(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return a copy that stores 1 where a cell is not 0, once a cell."""
    held = sparse.csr_array(matrix, copy=True)
    held.sum_duplicates()
    held.eliminate_zeros()
    held.data = np.ones(held.nnz, dtype=np.int32)
    return held
