"""Scores of different models on one scale: each row by itself, and what that throws away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from recbook.fusion.places import by_blocks, row_places


def min_max(scores: np.ndarray) -> np.ndarray:
    """Stretch each row to [0, 1]: (s - lowest) / (highest - lowest).

    Kept is the shape: order, and gaps relative to each other. Destroyed are level and spread, and
    with them how sure the model was: the best candidate has 1 even where all are poor. The two
    extremes decide everything, so that one outlier pushes all the others together.

    Parameters
    ----------
    scores : float array (..., width)
        Each row along the last axis by itself. -inf means "not there" and stays -inf.

    Returns
    -------
    float array (..., width)
        float32 where `scores` are, else float64. A row whose scores are all equal has 1/2.

    Raises
    ------
    ValueError
        If a score is NaN or +inf, or there is no axis.

    Examples
    --------
    >>> min_max(np.array([2.0, 6.0, 4.0, -np.inf]))
    array([ 0. ,  1. ,  0.5, -inf])
    """
    return by_blocks(_min_max, scores)


def z_score(scores: np.ndarray) -> np.ndarray:
    """Count each row's scores in standard deviations from their mean: (s - mean) / deviation.

    Kept is the shape, as by `min_max`. Destroyed are level and spread. All candidates decide the
    scale, not two of them; but nothing is bounded, so a far outlier still outvotes other models,
    and the result depends on which candidates are in the row.

    Parameters
    ----------
    scores : float array (..., width)
        Each row along the last axis by itself. -inf means "not there" and stays -inf.

    Returns
    -------
    float array (..., width)
        float32 where `scores` are, else float64. The deviation is the population's (divided by
        n); a row whose scores are all equal has 0.

    Raises
    ------
    ValueError
        If a score is NaN or +inf, or there is no axis.

    Examples
    --------
    >>> z_score(np.array([1.0, 3.0, -np.inf]))
    array([ -1.,   1., -inf])
    """
    return by_blocks(_z_score, scores)


def rank(scores: np.ndarray) -> np.ndarray:
    """Replace each score by its place: 1 - (place - 1) / n for the n candidates of its row.

    The best has 1, the last 1/n, so that what is not there could count as 0. Kept is the order.
    Destroyed are all gaps: a win by a hair and a landslide look the same.

    Parameters
    ----------
    scores : float array (..., width)
        Each row along the last axis by itself. -inf means "not there" and stays -inf.

    Returns
    -------
    float array (..., width)
        float32 where `scores` are, else float64. Equal scores share the mean of their places.

    Raises
    ------
    ValueError
        If a score is NaN or +inf, or there is no axis.

    References
    ----------
    Lee: Analyses of multiple evidence combination. SIGIR 1997.

    Examples
    --------
    >>> rank(np.array([0.9, 0.1, 0.2, 0.89]))
    array([1.  , 0.25, 0.5 , 0.75])
    """
    return by_blocks(_rank, scores)


def log_rank(scores: np.ndarray) -> np.ndarray:
    """Replace each score by -log2(1 + place), scaled: the best has 1, the place after the last 0.

    With n candidates it is (log2(2 + n) - log2(1 + place)) / (log2(2 + n) - 1). Kept is the order,
    and most of all the order at the top. Destroyed are all gaps, as by `rank`, and nearly all
    difference between places far down.

    Parameters
    ----------
    scores : float array (..., width)
        Each row along the last axis by itself. -inf means "not there" and stays -inf.

    Returns
    -------
    float array (..., width)
        float32 where `scores` are, else float64. Equal scores share the mean of their places.

    Raises
    ------
    ValueError
        If a score is NaN or +inf, or there is no axis.

    Examples
    --------
    >>> log_rank(np.array([7.0, 5.0])) == [1, (2 - np.log2(3)) / (2 - 1)]
    array([ True,  True])
    """
    return by_blocks(_log_rank, scores)


def _min_max(rows: np.ndarray) -> np.ndarray:
    there = rows > -np.inf
    rows = np.where(there, rows, np.nan).astype(np.float64)
    low = np.fmin.reduce(rows, axis=1, keepdims=True)
    spread = np.fmax.reduce(rows, axis=1, keepdims=True) - low
    flat = spread == 0
    scaled = np.where(flat, 0.5, (rows - low) / np.where(flat, 1, spread))
    return np.where(there, scaled, -np.inf)


def _z_score(rows: np.ndarray) -> np.ndarray:
    # From [0, 1] on: the same z, and no square can overflow or vanish.
    scaled = _min_max(rows)
    there = scaled > -np.inf
    n = np.maximum(there.sum(axis=1, keepdims=True), 1)
    scaled = np.where(there, scaled, 0)
    centred = np.where(there, scaled - scaled.sum(axis=1, keepdims=True) / n, 0)
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / n)
    z = centred / np.where(deviation == 0, 1, deviation)
    return np.where(there, z, -np.inf)


def _rank(rows: np.ndarray) -> np.ndarray:
    place, n = row_places(rows), (rows > -np.inf).sum(axis=1, keepdims=True)
    return 1 - (place - 1) / np.maximum(n, 1)


def _log_rank(rows: np.ndarray) -> np.ndarray:
    place, n = row_places(rows), (rows > -np.inf).sum(axis=1, keepdims=True)
    end = np.log2(2 + np.maximum(n, 1))
    return (end - np.log2(1 + place)) / (end - 1)


NORMALISATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {"min_max": min_max, "z_score": z_score, "rank": rank, "log_rank": log_rank}
)
