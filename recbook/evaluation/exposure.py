"""What another way of choosing would have brought, judged from a log that somebody else chose."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from recbook.evaluation.statistics import Interval


def inverse_propensity(
    rewards: np.ndarray,
    logged: np.ndarray,
    target: np.ndarray,
    *,
    clip: float | None = None,
    normalise: bool = False,
    level: float = 0.95,
) -> Interval:
    """Return the mean reward that another policy would have had, from a log of this one.

    mean(w r) with w = π(a|u) / π₀(a|u), for the action a that was logged. Unbiased where π₀ gives
    every action a chance that π gives one. `clip` caps w, which lowers the variance and adds bias;
    `normalise` divides by mean(w) instead of by its expectation, 1.

    Parameters
    ----------
    rewards : float array (n,)
    logged : float array (n,)
        The probability π₀(a|u) with which the logging policy chose what it chose, above 0.
    target : float array (n,)
        The probability π(a|u) with which the other policy would have chosen the same.
    clip : float, optional
        The largest weight allowed.
    normalise : bool
    level : float
        Of the interval, from the spread of the weighted rewards (delta method if `normalise`).

    Raises
    ------
    ValueError
        If the shapes differ, a probability is outside 0 … 1, a logged one is 0, or `normalise` is
        asked for and the policies have no action in common.

    References
    ----------
    Horvitz and Thompson: A generalization of sampling without replacement, JASA 47 (1952);
    Swaminathan and Joachims: The self-normalized estimator for counterfactual learning, NIPS 2015.

    Examples
    --------
    >>> inverse_propensity([1, 0, 1, 0], [0.5] * 4, [1, 1, 0, 0]).mean  # (1 / 0.5) / 4
    0.5
    """
    rewards, logged, target = (np.asarray(x, dtype=float) for x in (rewards, logged, target))
    if not (rewards.ndim == 1 and rewards.shape == logged.shape == target.shape):
        raise ValueError(
            "rewards, logged and target need one number for each record, got shapes "
            f"{rewards.shape}, {logged.shape} and {target.shape}"
        )
    if len(rewards) < 2 or not np.isfinite(rewards).all():
        raise ValueError("rewards need at least two records, all finite numbers")
    if not ((logged > 0) & (logged <= 1)).all():
        raise ValueError(
            "every logged probability must be above 0 and at most 1; "
            "what was chosen had a chance of being chosen"
        )
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError("every target probability must lie between 0 and 1")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip must be above 0, got {clip!r}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, got {level!r}")
    weight = target / logged
    if clip is not None:
        weight = np.minimum(weight, clip)
    n = len(weight)
    if normalise:
        if not weight.any():
            raise ValueError(
                "the target policy would have chosen nothing of what was logged; "
                "no estimate can be normalised"
            )
        mean = float(weight @ rewards / weight.sum())
        part = weight * (rewards - mean) / weight.mean()
    else:
        mean = float(weight @ rewards / n)
        part = weight * rewards - mean
    error = math.sqrt(float(part @ part) / (n * (n - 1)))
    reach = float(special.ndtri((1 + level) / 2)) * error
    return Interval(mean, mean - reach, mean + reach, level)
