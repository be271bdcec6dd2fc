"""How much each member counts: a grid, two searches by trial, and constrained least squares."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb

import numpy as np

_MAX_POINTS = 2_000_000  # of a grid: 160 MB for ten members


def simplex_grid(n_members: int, steps: int) -> np.ndarray:
    """Return all weights of 0 and more that sum to 1 and are whole multiples of 1 / steps.

    Parameters
    ----------
    n_members, steps : int
        At least 1 each.

    Returns
    -------
    float array (n_points, n_members)
        In rising order of the first weight, then the second, and so on. There are
        (steps + n_members - 1) over (n_members - 1) of them.

    Raises
    ------
    ValueError
        If a number is below 1, or there would be more than two million points.

    Examples
    --------
    >>> simplex_grid(2, 2)
    array([[0. , 1. ],
           [0.5, 0.5],
           [1. , 0. ]])
    """
    if n_members < 1 or steps < 1:
        raise ValueError(f"members and steps must be at least 1, got {n_members} and {steps}")
    n_points = comb(steps + n_members - 1, n_members - 1)
    if n_points > _MAX_POINTS:
        raise ValueError(
            f"{n_members} members and {steps} steps make {n_points:,} points; "
            "take fewer steps, or a search such as greedy_weights"
        )
    # Each point is a row of `steps` stars with n_members - 1 bars between them.
    places = steps + n_members - 1
    bars = np.array(list(combinations(range(places), n_members - 1))).reshape(n_points, -1)
    edges = np.concatenate(
        [np.full((n_points, 1), -1), bars, np.full((n_points, 1), places)], axis=1
    )
    return (np.diff(edges, axis=1) - 1) / steps


def greedy_weights(
    evaluate: Callable[[np.ndarray], float], n_members: int, n_rounds: int
) -> np.ndarray:
    """Choose members one at a time, each as often as it helps: forward selection.

    In each round the member is added whose addition makes the average best. A member that is added
    again gets more weight, so the weights are whole multiples of 1 / rounds.

    Parameters
    ----------
    evaluate : callable
        Takes weights (n_members,) of 0 and more that sum to 1; higher is better. Hand it
        validation data, or what it finds is luck.
    n_members, n_rounds : int
        It is called n_members × n_rounds times.

    Returns
    -------
    float array (n_members,)
        The best of all rounds, the earliest of equals; among equal members the first is added.

    Raises
    ------
    ValueError
        If a number is below 1, or `evaluate` gives NaN.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew and Ksikes: Ensemble selection from libraries of models. ICML
    2004.

    Examples
    --------
    >>> greedy_weights(lambda w: -abs(w[0] - 2 / 3), 2, 6)
    array([0.66666667, 0.33333333])
    """
    if n_members < 1 or n_rounds < 1:
        raise ValueError(f"members and rounds must be at least 1, got {n_members} and {n_rounds}")
    counts = np.zeros(n_members)
    best, best_value = counts, -np.inf
    for n in range(1, n_rounds + 1):
        trials = (counts + np.eye(n_members)) / n
        values = [_value(evaluate, trial) for trial in trials]
        member = int(np.argmax(values))
        counts[member] += 1
        if values[member] > best_value or n == 1:
            best, best_value = trials[member], values[member]
    return best


def nnls_weights(X: np.ndarray, y: np.ndarray, *, sum_to_one: bool = True) -> np.ndarray:
    """Return the weights of 0 and more whose sum of columns comes closest to y.

    w = argmin |X w - y|² with w >= 0, and Σw = 1 if asked for.

    Parameters
    ----------
    X : float array (n, n_members)
        What each member predicted: for cases that it has not learnt from.
    y : float array (n,)
        What is true.
    sum_to_one : bool
        False leaves the sum free.

    Returns
    -------
    float array (n_members,)

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no case, or a number is not finite.

    Notes
    -----
    With Σw = 1 the error is D w with D = X - y, column by column. Solve |D v|² + s² (1 - Σv)² with
    v >= 0 for any s > 0, which is least squares with one more row. Where v is above 0, the
    derivative says (DᵀD v)_i = s² (1 - Σv), one number for all; elsewhere the left side is no
    smaller. These are the conditions of the constrained problem for w = v / Σv, so it is the exact
    answer whatever s is.

    References
    ----------
    Lawson and Hanson: Solving least squares problems. 1974.
    Breiman: Stacked regressions. Machine Learning 24 (1996).

    Examples
    --------
    >>> nnls_weights(np.array([[0.0, 2.0], [2.0, 0.0]]), np.array([0.5, 1.5])).round(9)
    array([0.75, 0.25])
    """
    from scipy.optimize import nnls

    X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if X.ndim != 2 or y.shape != X.shape[:1] or X.size == 0:
        raise ValueError(
            f"X must be (n, n_members) and y (n,) with at least one case, got {X.shape}, {y.shape}"
        )
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("X and y must be finite; leave out the cases that a member cannot judge")
    if not sum_to_one:
        # |X w - y| = |R (w, -1)| with R of at most n_members + 1 rows.
        R = np.linalg.qr(np.column_stack([X, y]), mode="r")
        return nnls(R[:, :-1], R[:, -1])[0]
    R = np.linalg.qr(X - y[:, None], mode="r")
    s = np.abs(R).max() or 1.0
    v = nnls(np.vstack([R, np.full(X.shape[1], s)]), np.append(np.zeros(len(R)), s))[0]
    return v / v.sum()


def coordinate_ascent(
    evaluate: Callable[[np.ndarray], float],
    start: np.ndarray,
    *,
    step: float = 0.25,
    min_step: float = 0.01,
    max_calls: int = 2000,
) -> np.ndarray:
    """Move one weight at a time, up or down, while that helps; then with half the step.

    Weights may become negative: a member that says what the others overrate earns one. Lists do
    not change if all weights are multiplied by a positive number, so start with a sum of 1.

    Parameters
    ----------
    evaluate : callable
        Takes weights (n_members,); higher is better.
    start : float array (n_members,)
    step, min_step : float
        The first move, and the last, in units of weight.
    max_calls : int
        `evaluate` is not called more often.

    Returns
    -------
    float array (n_members,)
        Never worse than `start` by `evaluate`.

    Raises
    ------
    ValueError
        If a step is not above 0, `start` is not a vector of finite numbers, or `evaluate` gives
        NaN.

    References
    ----------
    Metzler and Croft: Linear feature-based models for information retrieval. Information Retrieval
    10 (2007).

    Examples
    --------
    >>> coordinate_ascent(lambda w: -((w[0] - 1.5) ** 2) - (w[1] + 0.5) ** 2, [0.5, 0.5])
    array([ 1.5, -0.5])
    """
    weights = np.array(start, dtype=float)
    if weights.ndim != 1 or not weights.size or not np.isfinite(weights).all():
        raise ValueError(f"start must be a vector of finite numbers, got {start!r}")
    if not (step > 0 and min_step > 0):
        raise ValueError(f"steps must be above 0, got {step!r} and {min_step!r}")
    best, calls = _value(evaluate, weights.copy()), 1
    while step >= min_step:
        moved = False
        for member in range(len(weights)):
            for direction in (step, -step):
                if calls >= max_calls:
                    return weights
                trial = weights.copy()
                trial[member] += direction
                value, calls = _value(evaluate, trial), calls + 1
                if value > best:
                    weights, best, moved = trial, value, True
                    break
        if not moved:
            step /= 2
    return weights


def _value(evaluate: Callable[[np.ndarray], float], weights: np.ndarray) -> float:
    value = float(evaluate(weights))
    if np.isnan(value):
        raise ValueError(f"evaluate gave NaN for the weights {weights.tolist()}")
    return value
