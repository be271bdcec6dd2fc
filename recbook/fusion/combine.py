"""Several models' scores for the same candidates made one: sums of scores and of places."""

from __future__ import annotations

import numpy as np

from recbook.fusion.places import checked_members, checked_weights, places
from recbook.fusion.votes import condorcet, majority_vote

__all__ = ["borda", "comb_mnz", "comb_sum", "condorcet", "majority_vote", "reciprocal_rank"]


def comb_sum(scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Add up the members' scores: CombSUM, the weighted sum, and for order also the average.

    What a member does not have adds nothing, so scores should be on one scale whose 0 says
    "nothing": see `recbook.fusion.normalise`.

    Parameters
    ----------
    scores : float array (n_members, ..., width)
        -inf means that the member does not have this candidate.
    weights : float array (n_members,), optional
        1 for each where None; they may be negative.

    Returns
    -------
    float array (..., width)
        -inf where no member has the candidate; float32 where `scores` are, else float64.

    Raises
    ------
    ValueError
        If a score is NaN or +inf, there are no members, or not one finite weight for each.

    References
    ----------
    Fox and Shaw: Combination of multiple searches. TREC-2, 1994.

    Examples
    --------
    >>> comb_sum(np.array([[0.5, 1.0, -np.inf], [0.25, -np.inf, -np.inf]]))
    array([0.75, 1.  , -inf])
    """
    scores = checked_members(scores)
    weights = checked_weights(weights, len(scores))
    there = scores > -np.inf
    # Member by member, in this order for each candidate: a row's sum never depends on other rows.
    total = np.zeros(scores.shape[1:])
    for one, has, weight in zip(scores, there, weights, strict=True):
        total += weight * np.where(has, one, 0).astype(np.float64)
    return np.where(there.any(axis=0), total, -np.inf).astype(scores.dtype)


def comb_mnz(scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Multiply the sum by the number of members that have the candidate: CombMNZ.

    It rewards agreement, and needs scores of at least 0. Where each member has each candidate the
    factor is the same for all, and the order that of `comb_sum`: cut the members' lists first
    (`recbook.fusion.places.first_places`).

    Parameters
    ----------
    scores : float array (n_members, ..., width)
        At least 0, or -inf where the member does not have this candidate.
    weights : float array (n_members,), optional
        Of the sum; the count has none.

    Returns
    -------
    float array (..., width)
        -inf where no member has the candidate; float32 where `scores` are, else float64.

    Raises
    ------
    ValueError
        If a score is negative, and as for `comb_sum`.

    References
    ----------
    Fox and Shaw: Combination of multiple searches. TREC-2, 1994.

    Examples
    --------
    >>> comb_mnz(np.array([[0.5, 1.0, -np.inf], [0.25, -np.inf, -np.inf]]))
    array([ 1.5,  1. , -inf])
    """
    scores = checked_members(scores)
    there = scores > -np.inf
    if (there & (scores < 0)).any():
        raise ValueError(
            "comb_mnz needs scores of at least 0, since agreement would push a negative sum down; "
            "normalise with min_max or rank first"
        )
    total = comb_sum(scores, weights)
    return np.maximum(there.sum(axis=0), 1).astype(scores.dtype) * total


def borda(scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Count the candidates that each member puts below: Borda's points, added up.

    A candidate gets from each member a point for each candidate that the member scores lower, and
    half a point for each scored equal. What a member does not have stands, shared, at the end of
    its list. With n candidates and all of them scored, the points are n - place.

    Parameters
    ----------
    scores : float array (n_members, ..., width)
        -inf means that the member does not have this candidate.
    weights : float array (n_members,), optional
        1 for each where None.

    Returns
    -------
    float array (..., width)
        -inf where no member has the candidate; float32 where `scores` are, else float64.

    Raises
    ------
    ValueError
        As for `comb_sum`.

    References
    ----------
    Borda: Mémoire sur les élections au scrutin. 1781.
    Aslam and Montague: Models for metasearch. SIGIR 2001.

    Examples
    --------
    >>> borda(np.array([[3.0, 2.0, 1.0], [1.0, 3.0, 2.0]]))
    array([2., 3., 1.])
    """
    scores = checked_members(scores)
    there = scores > -np.inf
    n = there.any(axis=0).sum(axis=-1, keepdims=True)
    held = there.sum(axis=-1, keepdims=True)
    points = np.where(there, n - places(scores), (n - held - 1) / 2)
    points[:, ~there.any(axis=0)] = -np.inf
    return comb_sum(points.astype(scores.dtype), weights)


def reciprocal_rank(
    scores: np.ndarray, k: float = 60, *, weights: np.ndarray | None = None
) -> np.ndarray:
    """Add up 1 / (k + place) over the members: reciprocal-rank fusion.

    What a member does not have adds nothing. A small k makes first places count; a large one, near
    the number of candidates, makes it Borda's count.

    Parameters
    ----------
    scores : float array (n_members, ..., width)
        -inf means that the member does not have this candidate.
    k : float
        At least 0; 60 in the paper.
    weights : float array (n_members,), optional
        1 for each where None.

    Returns
    -------
    float array (..., width)
        -inf where no member has the candidate; float32 where `scores` are, else float64.

    Raises
    ------
    ValueError
        If `k` is negative, and as for `comb_sum`.

    References
    ----------
    Cormack, Clarke and Büttcher: Reciprocal rank fusion outperforms Condorcet and individual rank
    learning methods. SIGIR 2009.

    Examples
    --------
    >>> reciprocal_rank(np.array([[9.0, 7.0], [0.2, 0.4]]), 1) == [1/2 + 1/3, 1/3 + 1/2]
    array([ True,  True])
    """
    if not 0 <= k < np.inf:
        raise ValueError(f"k must be a number of at least 0, got {k!r}")
    scores = checked_members(scores)
    place = places(scores)
    return comb_sum(np.where(place < np.inf, 1 / (k + place), -np.inf), weights)
