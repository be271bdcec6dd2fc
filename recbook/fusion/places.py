"""Places in a list: 1 for the highest score, equal scores share theirs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_BLOCK_CELLS = 200_000  # scores sorted at a time: a few MB in all, which fits a cache


def places(scores: np.ndarray) -> np.ndarray:
    """Return each score's place in its row, 1 for the highest.

    Parameters
    ----------
    scores : float array (..., width)
        Each row along the last axis by itself. -inf means "not there".

    Returns
    -------
    float array (..., width)
        float32 where `scores` are, else float64; +inf for what is not there. Equal scores share
        the mean of their places, so nothing depends on the order of the columns.

    Raises
    ------
    ValueError
        If a score is NaN or +inf, or there is no axis.

    Examples
    --------
    >>> places(np.array([5.0, 9.0, 5.0, -np.inf]))
    array([2.5, 1. , 2.5, inf])
    """
    return by_blocks(row_places, scores)


def first_places(scores: np.ndarray, depth: int) -> np.ndarray:
    """Keep each row's scores down to place `depth`, and put -inf everywhere else.

    Equal scores share the mean of their places: they are kept or left out together.

    Parameters
    ----------
    scores : float array (..., width)
        -inf means "not there".
    depth : int
        At least 1.

    Returns
    -------
    float array (..., width)

    Raises
    ------
    ValueError
        If `depth` is below 1, a score is NaN or +inf, or there is no axis.

    Examples
    --------
    >>> first_places(np.array([0.3, 0.5, 0.4]), 2)
    array([-inf,  0.5,  0.4])
    """
    if depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth!r}")
    place = places(scores)
    return np.where(place <= depth, np.asarray(scores, dtype=place.dtype), -np.inf)


def checked_scores(scores: np.ndarray) -> np.ndarray:
    """Return the scores as float32 or float64; refuse NaN, +inf and scores without an axis."""
    scores = np.asarray(scores)
    if scores.dtype != np.float32:
        scores = scores.astype(np.float64, copy=False)
    if scores.ndim == 0:
        raise ValueError("scores must have at least one axis, that of the candidates")
    # The highest is NaN where any score is, so one pass finds both faults.
    if scores.size and not scores.max() < np.inf:
        where = tuple(int(axis[0]) for axis in np.nonzero(~(scores < np.inf)))
        raise ValueError(
            f"the score at {where} is {scores[where]}; scores must be finite, "
            "or -inf for what is not there"
        )
    return scores


def checked_members(scores: np.ndarray) -> np.ndarray:
    """Return checked scores of at least one member."""
    scores = checked_scores(scores)
    if scores.ndim < 2 or len(scores) == 0:
        raise ValueError(f"scores must have the shape (n_members, ..., width), got {scores.shape}")
    return scores


def checked_weights(weights: np.ndarray | None, n_members: int) -> np.ndarray:
    """Return one finite weight for each member, 1 where None."""
    if weights is None:
        return np.ones(n_members)
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (n_members,) or not np.isfinite(weights).all():
        raise ValueError(
            f"weights must be {n_members} finite numbers, one for each member, got {weights!r}"
        )
    return weights


def by_blocks(function: Callable, scores: np.ndarray) -> np.ndarray:
    """Apply a function of rows (n, width) to scores (..., width), some rows at a time."""
    scores = checked_scores(scores)
    rows = scores.reshape(-1, scores.shape[-1]) if scores.size else np.empty((0, 1))
    result = np.empty(rows.shape, dtype=scores.dtype)
    step = max(1, _BLOCK_CELLS // rows.shape[1])
    for start in range(0, len(rows), step):
        result[start : start + step] = function(rows[start : start + step])
    return result.reshape(scores.shape)


def row_places(rows: np.ndarray) -> np.ndarray:
    """Do what `places` does, for checked rows (n, width)."""
    n, width = rows.shape
    order = np.argsort(-rows, axis=1)
    ranked = np.take_along_axis(rows, order, axis=1)
    place = np.broadcast_to(np.arange(1, width + 1, dtype=np.float64), (n, width))
    same = (ranked[:, 1:] == ranked[:, :-1]) & (ranked[:, 1:] > -np.inf)
    tied = np.flatnonzero(same.any(axis=1))
    place = place.copy()
    if len(tied):
        place[tied] = _shared(same[tied])
    place[ranked == -np.inf] = np.inf
    result = np.empty_like(place)
    np.put_along_axis(result, order, place, axis=1)
    return result


def _shared(same: np.ndarray) -> np.ndarray:
    """Return the mean place of each group, from whether each of a row equals the one before."""
    n, width = len(same), same.shape[1] + 1
    place = np.arange(1, width + 1)
    first, last = np.zeros((n, width), dtype=int), np.full((n, width), width)
    first[:, :1] = 1
    first[:, 1:] = np.where(same, 0, place[1:])
    last[:, :-1] = np.where(same, width, place[:-1])
    first = np.maximum.accumulate(first, axis=1)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    return (first + last) / 2
