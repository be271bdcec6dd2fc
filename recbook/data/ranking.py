"""From scores to lists: the best items of each user."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions

_CHUNK_CELLS = 2_000_000  # scores held at a time: about 8 MB of float32, which fits a cache


def top_k(
    scores: np.ndarray,
    k: int = 10,
    *,
    exclude: Interactions | sparse.sparray | sparse.spmatrix | None = None,
    rows: np.ndarray | None = None,
    candidates: np.ndarray | None = None,
) -> np.ndarray:
    """Return the columns of the `k` highest scores of each row, best first.

    Equal scores stand in the order of their columns, so that the lists depend on nothing but the
    scores. A score of minus infinity means "cannot be recommended".

    Parameters
    ----------
    scores : float array (n, n_items)
        Left as it is.
    k : int
        Length of each list.
    exclude : Interactions or sparse matrix (n_users, n_items), optional
        Cells with an event, or a stored number (a stored zero too), are left out.
    rows : int array (n,), optional
        The rows of `exclude` that the rows of `scores` stand for; row by row where None.
    candidates : bool array (n_items,), optional
        Columns that may be recommended; all where None.

    Returns
    -------
    int32 array (n, k) of columns, -1 where fewer than `k` items can be recommended.

    Raises
    ------
    ValueError
        If a score is NaN, `k` is below 1, or the shapes do not fit together.

    Examples
    --------
    >>> top_k(np.array([[0.1, 0.9, 0.9]]), 2, candidates=np.array([True, True, True]))
    array([[1, 2]], dtype=int32)
    """
    scores = np.asarray(scores)
    if scores.ndim != 2:
        raise ValueError(
            f"scores must have the shape (n, n_items), got {scores.shape}; "
            "for one user pass scores[None, :]"
        )
    if not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
    n, n_items = scores.shape
    closed = None if candidates is None else ~_checked_candidates(candidates, n_items)
    seen, rows = _checked_exclude(exclude, rows, n, n_items)

    best = np.full((n, k), -1, dtype=np.int32)
    step = max(1, _CHUNK_CELLS // max(1, n_items))
    for start in range(0, n, step):
        stop = min(n, start + step)
        # Costs are negated scores: the caller's scores stay as they are, and sorting puts the best
        # first. Only these rows are copied.
        cost = np.negative(scores[start:stop], dtype=np.result_type(scores.dtype, np.float32))
        _refuse_nan(cost, start)
        if closed is not None:
            cost[:, closed] = np.inf
        if seen is not None:
            part = rows[start:stop]
            first, last = seen.indptr[part], seen.indptr[part + 1]
            lengths = last - first
            within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            columns = seen.indices[np.repeat(first, lengths) + within]
            cost[np.repeat(np.arange(stop - start), lengths), columns] = np.inf
        _fill_lowest(cost, best[start:stop])
    return best


def _fill_lowest(cost: np.ndarray, best: np.ndarray) -> None:
    """Write the columns of the lowest finite costs of each row into `best`, lowest first."""
    n, n_items = cost.shape
    k = min(best.shape[1], n_items)
    if k == 0:
        return
    # The k-th lowest of the minima of blocks of columns bounds the k-th lowest cost from above, and
    # is found far faster than a partition of the whole row, which ties slow down further.
    width = min(16, max(1, n_items // (4 * k)))
    minima = cost[:, : n_items // width * width].reshape(n, width, -1).min(axis=1)
    bound = np.partition(minima, k - 1, axis=1)[:, k - 1]
    for row in range(n):  # each row has its own number of columns within the bound, k or a few more
        near = np.flatnonzero(cost[row] <= bound[row])
        values = cost[row, near]
        order = np.argsort(values, kind="stable")[:k]  # stable: equal costs stay in column order
        order = order[values[order] < np.inf]
        best[row, : len(order)] = near[order]


def _refuse_nan(cost: np.ndarray, start: int) -> None:
    # A row's sum is NaN where a cost is, or where infinities of both signs meet: look closer then.
    with np.errstate(invalid="ignore", over="ignore"):
        suspect = np.flatnonzero(np.isnan(cost.sum(axis=1)))
    where = np.argwhere(np.isnan(cost[suspect]))
    if len(where):
        row, column = start + suspect[where[0, 0]], where[0, 1]
        raise ValueError(
            f"the score at row {row}, column {column} is NaN; "
            "a model must score what it cannot judge lowest"
        )


def _checked_candidates(candidates: np.ndarray, n_items: int) -> np.ndarray:
    candidates = np.asarray(candidates)
    if candidates.dtype != bool or candidates.shape != (n_items,):
        raise ValueError(
            f"candidates must be a bool array with one entry for each of the {n_items} items, "
            f"got {candidates.dtype} {candidates.shape}"
        )
    return candidates


def _checked_exclude(exclude, rows, n: int, n_items: int):
    """Return `exclude` as a CSR matrix and the row of it for each row of scores."""
    if exclude is None:
        return None, None
    seen = exclude.matrix("binary") if isinstance(exclude, Interactions) else exclude
    if not sparse.issparse(seen):
        raise ValueError(
            f"exclude must be Interactions or a sparse matrix, got {type(exclude).__name__}"
        )
    seen = seen.tocsr()
    if seen.shape[1] != n_items:
        raise ValueError(
            f"exclude has {seen.shape[1]} items but the scores have {n_items}; "
            "both must share one item index"
        )
    rows = np.arange(n) if rows is None else np.asarray(rows)
    if rows.shape != (n,):
        raise ValueError(f"rows needs one row of exclude for each of the {n} score rows")
    if n and (rows.min() < 0 or rows.max() >= seen.shape[0]):
        raise ValueError(
            f"rows points outside the {seen.shape[0]} users of exclude; "
            "pass rows= when the scores are those of some users only"
        )
    return seen, rows
