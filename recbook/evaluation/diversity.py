"""How varied the lists are and how much they surprise: information, categories, serendipity.

`ranked` is int (n, k) of columns, best first, -1 where a list is shorter, one list a user. The
Jaccard and cosine forms of diversity stand in `beyond.intra_list_diversity_per_user`.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from recbook.data.interactions import Interactions
from recbook.evaluation.lists import checked_lists
from recbook.evaluation.ranking import precision_per_user


def information_diversity_per_user(
    ranked: np.ndarray, known: Interactions | sparse.sparray
) -> np.ndarray:
    """Return 1 − the mean normalised mutual information over all pairs of items in the list.

    An item is a column of zeros and ones over the users, X: who had it. The mutual information of
    two, I(X; Y) = Σ p(x, y) log(p(x, y) / (p(x) p(y))), divided by the mean of their entropies,
    is 0 if having one says nothing about having the other, and 1 if each determines the other, also
    where one is had exactly by those who have not the other. Two items that nobody, or everybody,
    had have 1.

    Parameters
    ----------
    ranked : int array (n, k)
    known : Interactions or sparse matrix (n_users, n_items)
        What was known when the lists were made.

    Returns
    -------
    float64 array (n,), NaN for a list of fewer than two items.

    Raises
    ------
    ValueError
        If there are no users, or a list names an item outside the matrix.

    References
    ----------
    Cover and Thomas: Elements of Information Theory (2006), chapter 2.

    Examples
    --------
    >>> had = sparse.csr_array([[1, 1], [1, 0], [0, 1], [0, 0]])  # independent of each other
    >>> information_diversity_per_user(np.array([[0, 1]]), had)
    array([1.])
    """
    matrix = known.matrix("binary") if isinstance(known, Interactions) else sparse.csr_array(known)
    n_users, n_items = matrix.shape
    if not n_users:
        raise ValueError("mutual information needs at least one user; the matrix has none")
    lists = checked_lists(ranked, n_items)
    had = sparse.csc_array(matrix != 0, dtype=np.float64)
    owners = np.asarray(had.sum(axis=0)).ravel()

    first, second = np.triu_indices(lists.shape[1], k=1)
    rows, pairs = np.nonzero((lists[:, first] >= 0) & (lists[:, second] >= 0))
    left, right = lists[rows, first[pairs]], lists[rows, second[pairs]]
    # Lists share their pairs: each pair of items is worked out once.
    cells, back = np.unique(
        np.minimum(left, right) * n_items + np.maximum(left, right), return_inverse=True
    )
    alike = _normalised_information(had, owners, *np.divmod(cells, n_items))[back]
    n_pairs = np.bincount(rows, minlength=len(lists))
    total = np.bincount(rows, weights=alike, minlength=len(lists))
    return 1 - np.divide(total, n_pairs, out=np.full(len(lists), np.nan), where=n_pairs > 0)


def category_diversity_per_user(
    ranked: np.ndarray, categories: np.ndarray | sparse.sparray
) -> np.ndarray:
    """Return the entropy of the categories in the list, in bits.

    An item with several categories belongs to each by an equal part; one without any is left out.

    Parameters
    ----------
    ranked : int array (n, k)
    categories : array or sparse matrix (n_items, n_categories)
        Above 0 where the item belongs to the category.

    Returns
    -------
    float64 array (n,): 0 where all is of one category, log2(m) where m share the list alike, NaN
    where no item has a category.

    Examples
    --------
    >>> category_diversity_per_user(np.array([[0, 1]]), np.eye(2))  # two categories alike: log2(2)
    array([1.])
    """
    member = sparse.csr_array(sparse.csr_array(categories) > 0, dtype=np.float64)
    lists = checked_lists(ranked, member.shape[0])
    size = np.asarray(member.sum(axis=1)).ravel()
    part = sparse.diags_array(np.divide(1, size, out=np.zeros_like(size), where=size > 0)) @ member
    row, _ = np.nonzero(lists >= 0)
    shown = sparse.csr_array(
        (np.ones(len(row)), (row, lists[lists >= 0])), shape=(len(lists), member.shape[0])
    )
    weight = (shown @ part).toarray()
    total = weight.sum(axis=1, keepdims=True)
    share = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    bits = -xlogy(share, share).sum(axis=1) / np.log(2)
    return np.where(total.ravel() > 0, np.maximum(bits, 0), np.nan)


def serendipity_per_user(
    ranked: np.ndarray, relevant: sparse.sparray, expected: np.ndarray, k: int = 10
) -> np.ndarray:
    """Return the share of the k places that hold an item that is relevant and not expected.

    Parameters
    ----------
    ranked : int array (n, at least k)
    relevant : scipy.sparse.csr_array (n, n_items)
        Row i belongs to row i of `ranked`; above 0 means relevant.
    expected : int array (n, any)
        What the user would have been shown, or would have found, anyway: such as the lists of a
        popularity count. -1 is an empty place.
    k : int

    Returns
    -------
    float64 array (n,) between 0 and the precision, NaN for a user with no relevant item.

    References
    ----------
    Ge, Delgado-Battenfeld and Jannach: Beyond accuracy, RecSys (2010).

    Examples
    --------
    >>> liked = sparse.csr_array([[1, 1, 0]])
    >>> serendipity_per_user(np.array([[0, 1]]), liked, np.array([[0, 2]]), 2)  # one of two places
    array([0.5])
    """
    lists = checked_lists(ranked, relevant.shape[1])
    obvious = checked_lists(expected, relevant.shape[1])
    if len(obvious) != len(lists):
        raise ValueError(
            f"expected has {len(obvious)} rows but ranked has {len(lists)}; "
            "give the expected items of the same users in the same order"
        )
    known = (lists[:, :, None] == obvious[:, None, :]).any(axis=2)
    return precision_per_user(np.where(known, -1, lists), relevant, k)


def _normalised_information(
    had: sparse.csc_array, owners: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Return I(X; Y) over the mean of both entropies for each pair of columns."""
    n = had.shape[0]
    both = np.empty(len(left))
    for start in range(0, len(left), 20_000):
        stop = start + 20_000
        shared = had[:, left[start:stop]].multiply(had[:, right[start:stop]])
        both[start:stop] = np.asarray(shared.sum(axis=0)).ravel()
    a, b = owners[left], owners[right]
    joint = np.stack([both, a - both, b - both, n - a - b + both]) / n
    one = -xlogy(a / n, a / n) - xlogy(1 - a / n, 1 - a / n)
    two = -xlogy(b / n, b / n) - xlogy(1 - b / n, 1 - b / n)
    information = np.maximum(one + two + xlogy(joint, joint).sum(axis=0), 0)
    mean = (one + two) / 2
    return np.divide(information, mean, out=np.ones_like(mean), where=mean > 0)
