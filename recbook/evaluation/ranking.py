"""How good lists are: precision, recall, F1, hit rate, MAP, MRR and NDCG, for one list length k.

Every metric comes twice: `X_per_user` gives one value a user, `X` their mean. All of them share

- `ranked`, an int array (n, at least k) of columns, best first, -1 where a list is shorter, as
  `recbook.data.ranking.top_k` returns it;
- `relevant`, a sparse matrix (n, n_items) whose row i belongs to row i of `ranked`; a stored number
  above zero means relevant, anything else not;
- the policy for missing values: a user with no relevant item has no value (NaN) and is left out of
  the mean; a user with relevant items and an empty list has 0;
- the errors: ValueError where shapes do not fit, a list is shorter than k and not padded, a column
  lies outside the items, or an item stands twice in one list.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recbook.evaluation.lists import checked_lists


def precision_per_user(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> np.ndarray:
    """Return the share of the k places that hold a relevant item: hits / k.

    A shorter list is divided by k all the same: an empty place helps nobody.

    Returns
    -------
    float64 array (n,) between 0 and 1, NaN for a user with no relevant item.
    """
    hits, n_relevant = _hits(ranked, relevant, k)
    return _known(hits.sum(axis=1) / k, n_relevant)


def recall_per_user(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> np.ndarray:
    """Return the share of the relevant items that are in the list: hits / number relevant.

    With more than k relevant items it cannot reach 1.

    Returns
    -------
    float64 array (n,) between 0 and 1, NaN for a user with no relevant item.
    """
    hits, n_relevant = _hits(ranked, relevant, k)
    return _known(hits.sum(axis=1) / np.maximum(n_relevant, 1), n_relevant)


def f1_per_user(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> np.ndarray:
    """Return the harmonic mean of precision and recall: 2 hits / (k + number relevant).

    Returns
    -------
    float64 array (n,) between 0 and 1, 0 without a hit, NaN for a user with no relevant item.
    """
    hits, n_relevant = _hits(ranked, relevant, k)
    return _known(2 * hits.sum(axis=1) / (k + n_relevant), n_relevant)


def hit_rate_per_user(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> np.ndarray:
    """Return 1 where at least one of the k places holds a relevant item, else 0.

    Returns
    -------
    float64 array (n,) of 0 and 1, NaN for a user with no relevant item.
    """
    hits, n_relevant = _hits(ranked, relevant, k)
    return _known(hits.any(axis=1).astype(float), n_relevant)


def average_precision_per_user(
    ranked: np.ndarray, relevant: sparse.sparray, k: int = 10
) -> np.ndarray:
    """Return the mean, over the relevant items, of the precision at the place of each.

    AP = (sum of precision@i over the places i ≤ k that hold a relevant item) / min(R, k), with R
    relevant items. Dividing by min(R, k) rather than R lets a list of k relevant items reach 1;
    libraries that divide by R give AP · min(R, k) / R.

    Returns
    -------
    float64 array (n,) between 0 and 1, NaN for a user with no relevant item.

    References
    ----------
    Manning, Raghavan, Schütze: Introduction to Information Retrieval (2008), section 8.4.
    """
    hits, n_relevant = _hits(ranked, relevant, k)
    precision_at = np.cumsum(hits, axis=1) / np.arange(1, k + 1)
    total = (precision_at * hits).sum(axis=1)
    return _known(total / np.clip(n_relevant, 1, k), n_relevant)


def reciprocal_rank_per_user(
    ranked: np.ndarray, relevant: sparse.sparray, k: int = 10
) -> np.ndarray:
    """Return 1 / the place of the first relevant item, 0 where none is among the first k.

    Returns
    -------
    float64 array (n,) between 0 and 1, NaN for a user with no relevant item.
    """
    hits, n_relevant = _hits(ranked, relevant, k)
    return _known((hits / np.arange(1, k + 1)).max(axis=1), n_relevant)


def ndcg_per_user(
    ranked: np.ndarray, relevant: sparse.sparray, k: int = 10, *, gain: str = "binary"
) -> np.ndarray:
    """Return the discounted cumulative gain of the list over that of the best possible list.

    DCG = Σ over the places i ≤ k of gain(item at i) / log2(i + 1); NDCG = DCG / the DCG of the k
    items of highest gain.

    Parameters
    ----------
    gain : {"binary", "linear", "exponential"}
        1 for every relevant item; the stored number g itself; or 2^g − 1.

    Returns
    -------
    float64 array (n,) between 0 and 1, NaN for a user with no relevant item.

    References
    ----------
    Järvelin and Kekäläinen: Cumulated gain-based evaluation of IR techniques, TOIS 20 (2002);
    the exponential gain is from Burges et al.: Learning to rank using gradient descent (2005).

    Examples
    --------
    >>> ndcg_per_user(np.array([[2, 0]]), sparse.csr_array([[1, 0, 0]]), 2)  # 1 / log2(3)
    array([0.63092975])
    """
    if gain not in ("binary", "linear", "exponential"):
        raise ValueError(f'gain must be "binary", "linear" or "exponential", got {gain!r}')
    ranked, relevant = _checked(ranked, relevant, k)
    if gain == "binary":
        relevant.data = np.ones_like(relevant.data)
    elif gain == "exponential":
        relevant.data = np.exp2(relevant.data) - 1
    discount = 1 / np.log2(np.arange(2, k + 2))
    dcg = _lookup(ranked, relevant) @ discount

    n_relevant = np.diff(relevant.indptr)
    row = np.repeat(np.arange(len(ranked)), n_relevant)
    best_first = np.lexsort((-relevant.data, row))
    place = np.arange(len(row)) - np.repeat(relevant.indptr[:-1], n_relevant)
    top = place < k
    best = np.zeros_like(ranked, dtype=float)
    best[row[top], place[top]] = relevant.data[best_first][top]
    ideal = best @ discount  # the same sum as above, so that a perfect list has exactly 1
    return _known(dcg / np.where(n_relevant > 0, ideal, 1), n_relevant)


def precision(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> float:
    """Return the mean of `precision_per_user` over the users with a relevant item.

    Examples
    --------
    >>> precision(np.array([[0, 1]]), sparse.csr_array([[1, 0, 1]]), 2)  # 1 hit in 2 places
    0.5
    """
    return mean_over_users(precision_per_user(ranked, relevant, k))


def recall(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> float:
    """Return the mean of `recall_per_user` over the users with a relevant item."""
    return mean_over_users(recall_per_user(ranked, relevant, k))


def f1(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> float:
    """Return the mean of `f1_per_user`, which is not the F1 of the mean precision and recall."""
    return mean_over_users(f1_per_user(ranked, relevant, k))


def hit_rate(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> float:
    """Return the share of the users with a relevant item whose list holds one."""
    return mean_over_users(hit_rate_per_user(ranked, relevant, k))


def mean_average_precision(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> float:
    """Return the mean of `average_precision_per_user` (MAP) over users with a relevant item."""
    return mean_over_users(average_precision_per_user(ranked, relevant, k))


def mean_reciprocal_rank(ranked: np.ndarray, relevant: sparse.sparray, k: int = 10) -> float:
    """Return the mean of `reciprocal_rank_per_user` (MRR) over users with a relevant item."""
    return mean_over_users(reciprocal_rank_per_user(ranked, relevant, k))


def ndcg(
    ranked: np.ndarray, relevant: sparse.sparray, k: int = 10, *, gain: str = "binary"
) -> float:
    """Return the mean of `ndcg_per_user` over the users with a relevant item."""
    return mean_over_users(ndcg_per_user(ranked, relevant, k, gain=gain))


def mean_over_users(values: np.ndarray) -> float:
    """Return the mean of the values that are not NaN; a ValueError where all of them are."""
    values = np.asarray(values, dtype=float)
    known = values[~np.isnan(values)]
    if not len(known):
        raise ValueError("no user has a value to take the mean of: nobody has a relevant item")
    return float(known.mean())


def _hits(ranked: np.ndarray, relevant: sparse.sparray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the k places hold a relevant item, bool (n, k), and the number relevant."""
    ranked, relevant = _checked(ranked, relevant, k)
    return _lookup(ranked, relevant) > 0, np.diff(relevant.indptr)


def _lookup(ranked: np.ndarray, relevant: sparse.csr_array) -> np.ndarray:
    """Return the number stored for each ranked item, 0 for none, float64 (n, k)."""
    n, n_items = relevant.shape
    row = np.repeat(np.arange(n), np.diff(relevant.indptr))
    # One sorted list of all cells, closed by a cell that no list can name, makes one search enough.
    cells = np.append(row * n_items + relevant.indices, n * n_items)
    wanted = np.arange(n)[:, None] * n_items + ranked
    found = np.searchsorted(cells, wanted)
    stored = np.append(relevant.data, 0.0)[found]
    return np.where((ranked >= 0) & (cells[found] == wanted), stored, 0.0)


def _checked(ranked, relevant, k: int) -> tuple[np.ndarray, sparse.csr_array]:
    """Return the first k columns of `ranked`, and `relevant` as a new CSR of positive numbers."""
    if not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
    if not sparse.issparse(relevant):
        raise ValueError(f"relevant must be a sparse matrix, got {type(relevant).__name__}")
    ranked = checked_lists(ranked, relevant.shape[1])
    if ranked.shape[0] != relevant.shape[0]:
        raise ValueError(
            f"ranked has {ranked.shape[0]} rows but relevant has {relevant.shape[0]}; "
            "take the rows of relevant that belong to the users ranked"
        )
    if ranked.shape[1] < k:
        raise ValueError(f"ranked has {ranked.shape[1]} places but k is {k}; rank at least k items")
    matrix = sparse.csr_array(relevant, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    matrix.data[~(matrix.data > 0)] = 0
    matrix.eliminate_zeros()
    return ranked[:, :k], matrix


def _known(values: np.ndarray, n_relevant: np.ndarray) -> np.ndarray:
    return np.where(n_relevant > 0, values, np.nan)
