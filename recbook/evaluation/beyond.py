"""What accuracy does not see: how much of the catalogue is shown, how evenly, how varied, how new.

`ranked` is int (n, k) of columns, best first, -1 where a list is shorter, one list a user.

Coverage and Gini belong to all lists together. So that the same statistics work on them, their
`*_per_user` forms give jackknife values: user u gets M + (n − 1)(m − M₋ᵤ), where M is the measure,
M₋ᵤ the measure without her list and m the mean of all M₋ᵤ. Their mean is M, and their spread gives
the jackknife standard error of M, which on average is too wide rather than too narrow (Efron and
Stein: The jackknife estimate of variance, Annals of Statistics 9, 1981). A bootstrap of whole lists
would not do: a draw with repeats shows fewer items than the lists it came from.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.evaluation.lists import checked_lists
from recbook.evaluation.ranking import mean_over_users

_CHUNK_PAIRS = 50_000


def coverage(ranked: np.ndarray, n_items: int) -> float:
    """Return the share of the `n_items` of the catalogue that stand in at least one list.

    Examples
    --------
    >>> coverage(np.array([[0, 1], [0, 2]]), 4)  # 3 of 4
    0.75
    """
    return float(np.count_nonzero(_exposure(checked_lists(ranked, n_items), n_items)) / n_items)


def coverage_per_user(ranked: np.ndarray, n_items: int) -> np.ndarray:
    """Return jackknife values of coverage, float64 (n,); see the module's head.

    Without user u, coverage loses what stands in her list alone.
    """
    lists = checked_lists(ranked, n_items)
    exposure = _exposure(lists, n_items)
    alone = ((lists >= 0) & (exposure[lists] == 1)).sum(axis=1) / n_items
    return _jackknife(np.count_nonzero(exposure) / n_items, -alone)


def gini(ranked: np.ndarray, n_items: int) -> float:
    """Return how unequally the lists' places are shared among the items, 0 if all alike.

    G = Σᵢ Σⱼ |xᵢ − xⱼ| / (2 n Σᵢ xᵢ), where xᵢ counts the lists that hold item i, over all
    n = `n_items` of the catalogue, also those in no list. (n − 1) / n where one item has all.

    Raises
    ------
    ValueError
        If all lists are empty.

    Examples
    --------
    >>> gini(np.array([[0], [0]]), 4)  # one item of four has everything: 3/4
    0.75
    """
    exposure = _exposure(checked_lists(ranked, n_items), n_items)
    return _differences(exposure) / (n_items * _places(exposure))


def gini_per_user(ranked: np.ndarray, n_items: int) -> np.ndarray:
    """Return jackknife values of the Gini index, float64 (n,); see the module's head."""
    lists = checked_lists(ranked, n_items)
    exposure = _exposure(lists, n_items)
    total, places = _differences(exposure), _places(exposure)
    # Taking item i's count down by one moves it towards the items below, and away from the others;
    # two items of the same list keep their distance.
    below = np.searchsorted(np.sort(exposure), exposure)
    shift = np.where(lists >= 0, (n_items - 2 * below)[lists], 0).sum(axis=1)
    counts = np.where(lists >= 0, exposure[lists], -1)
    real = counts >= 0
    both = real[:, :, None] & real[:, None, :]
    shift -= (both & (counts[:, :, None] <= counts[:, None, :])).sum(axis=(1, 2))
    shift += (both & (counts[:, :, None] > counts[:, None, :])).sum(axis=(1, 2))
    left = places - real.sum(axis=1)
    if (left == 0).any():
        raise ValueError("Gini needs recommendations to at least two users to vary over users")
    without = (total + shift) / (n_items * left)
    return _jackknife(total / (n_items * places), without - total / (n_items * places))


def intra_list_diversity_per_user(
    ranked: np.ndarray, features: np.ndarray | sparse.sparray, *, similarity: str = "cosine"
) -> np.ndarray:
    """Return 1 − the mean similarity over all pairs of items in the list.

    Parameters
    ----------
    ranked : int array (n, k)
    features : float array or sparse matrix (n_items, n_features)
        A row describes an item.
    similarity : {"cosine", "jaccard"}
        Jaccard compares which features are not 0. An item without any feature is similar to none.

    Returns
    -------
    float64 array (n,), NaN for a list of fewer than two items.

    References
    ----------
    Ziegler et al.: Improving recommendation lists through topic diversification, WWW (2005).

    Examples
    --------
    >>> intra_list_diversity_per_user(np.array([[0, 1]]), np.array([[1.0, 0.0], [1.0, 1.0]]))
    array([0.29289322])
    """
    if similarity not in ("cosine", "jaccard"):
        raise ValueError(f'similarity must be "cosine" or "jaccard", got {similarity!r}')
    matrix = sparse.csr_array(features, dtype=float, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if not np.isfinite(matrix.data).all():
        raise ValueError("features must be finite numbers; fill or drop what is missing")
    lists = checked_lists(ranked, matrix.shape[0])
    if similarity == "jaccard":
        matrix.data[:] = 1
    size = np.asarray((matrix * matrix).sum(axis=1), dtype=float).ravel()

    first, second = np.triu_indices(lists.shape[1], k=1)
    rows, pairs = np.nonzero((lists[:, first] >= 0) & (lists[:, second] >= 0))
    left, right = lists[rows, first[pairs]], lists[rows, second[pairs]]
    alike = np.empty(len(rows))
    for start in range(0, len(rows), _CHUNK_PAIRS):
        i, j = left[start : start + _CHUNK_PAIRS], right[start : start + _CHUNK_PAIRS]
        shared = np.asarray(matrix[i].multiply(matrix[j]).sum(axis=1)).ravel()
        whole = np.sqrt(size[i] * size[j]) if similarity == "cosine" else size[i] + size[j] - shared
        alike[start : start + _CHUNK_PAIRS] = np.divide(
            shared, whole, out=np.zeros_like(shared), where=whole > 0
        )
    n_pairs = np.bincount(rows, minlength=len(lists))
    total = np.bincount(rows, weights=alike, minlength=len(lists))
    return 1 - np.divide(total, n_pairs, out=np.full(len(lists), np.nan), where=n_pairs > 0)


def intra_list_diversity(
    ranked: np.ndarray, features: np.ndarray | sparse.sparray, *, similarity: str = "cosine"
) -> float:
    """Return the mean of `intra_list_diversity_per_user` over lists of two items or more."""
    return mean_over_users(intra_list_diversity_per_user(ranked, features, similarity=similarity))


def novelty_per_user(ranked: np.ndarray, known: Interactions | sparse.sparray) -> np.ndarray:
    """Return the mean self-information of the items in the list, in bits.

    −log2(users who had the item / users who had anything). An item that nobody had counts as if
    one user had.

    Parameters
    ----------
    ranked : int array (n, k)
    known : Interactions or sparse matrix (n_users, n_items)
        What was known when the lists were made: the training events.

    Returns
    -------
    float64 array (n,), NaN for an empty list.

    References
    ----------
    Vargas and Castells: Rank and relevance in novelty and diversity metrics, RecSys (2011).

    Examples
    --------
    >>> novelty_per_user(np.array([[1]]), sparse.csr_array([[1, 1], [1, 0]]))  # one of two users
    array([1.])
    """
    matrix = known.matrix("binary") if isinstance(known, Interactions) else sparse.csr_array(known)
    lists = checked_lists(ranked, matrix.shape[1])
    taken = matrix != 0
    owners = np.asarray(taken.sum(axis=0), dtype=float).ravel()
    active = np.count_nonzero(np.asarray(taken.sum(axis=1)))
    if not active:
        raise ValueError("novelty needs at least one user with an event")
    bits = -np.log2(np.maximum(owners, 1) / active)
    real = lists >= 0
    length = real.sum(axis=1)
    total = np.where(real, bits[lists], 0).sum(axis=1)
    return np.divide(total, length, out=np.full(len(lists), np.nan), where=length > 0)


def novelty(ranked: np.ndarray, known: Interactions | sparse.sparray) -> float:
    """Return the mean of `novelty_per_user`, in bits, over lists that are not empty."""
    return mean_over_users(novelty_per_user(ranked, known))


def _exposure(lists: np.ndarray, n_items: int) -> np.ndarray:
    return np.bincount(lists[lists >= 0], minlength=n_items)


def _places(exposure: np.ndarray) -> int:
    if not exposure.sum():
        raise ValueError("all lists are empty, so there is no exposure to share out")
    return int(exposure.sum())


def _differences(exposure: np.ndarray) -> float:
    """Return the sum of |xᵢ − xⱼ| over the pairs i < j."""
    n = len(exposure)
    return float(np.sort(exposure) @ (2 * np.arange(n) - n + 1))


def _jackknife(measure: float, change: np.ndarray) -> np.ndarray:
    """Return measure + (n − 1)(mean change − change); `change` is what leaving a user out does."""
    return measure + (len(change) - 1) * (change.mean() - change)
