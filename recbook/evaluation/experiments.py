"""Experiments on people: how many are needed, what came out, and how to need fewer.

One value stands for one user, the unit that is drawn: visits and clicks of one user belong together
and are added up first (`ratio_interval` for rates such as clicks per impression).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from recbook.evaluation.statistics import Interval


@dataclass(frozen=True)
class Effect:
    """What an experiment says about the mean of treatment − control.

    Attributes
    ----------
    difference, low, high : float
        The difference of the means and its interval, in units of the metric.
    relative : float
        The difference as a share of the control's mean; NaN where that is 0.
    p_value : float
        Two-sided, of "there is no difference".
    level : float
    """

    difference: float
    low: float
    high: float
    relative: float
    p_value: float
    level: float = 0.95

    def __str__(self) -> str:
        return (
            f"{self.difference:+.4g} ({self.relative:+.1%}), {self.level:.0%} interval "
            f"[{self.low:+.4g}, {self.high:+.4g}], p = {self.p_value:.2g}"
        )


def ab_test(treatment: np.ndarray, control: np.ndarray, *, level: float = 0.95) -> Effect:
    """Compare the means of two groups of users by Welch's t-test.

    Parameters
    ----------
    treatment, control : float array
        One value a user; the groups may differ in size and in spread.
    level : float
        Of the interval.

    Raises
    ------
    ValueError
        If a group has fewer than two users, a value that is not finite, or nothing varies.

    References
    ----------
    Welch: The generalization of "Student's" problem when several different population variances
    are involved, Biometrika 34 (1947).

    Examples
    --------
    >>> round(ab_test([1.0, 2.0, 3.0], [0.0, 1.0, 2.0]).difference, 6)
    1.0
    """
    a, b = _values(treatment, "treatment"), _values(control, "control")
    _check_share(level, "level")
    of_a, of_b = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    error = math.sqrt(of_a + of_b)
    if not error:
        raise ValueError("no user differs from another in either group, so nothing can be tested")
    freedom = (of_a + of_b) ** 2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    difference = float(a.mean() - b.mean())
    reach = float(special.stdtrit(freedom, (1 + level) / 2)) * error
    return Effect(
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        relative=difference / float(b.mean()) if b.mean() else float("nan"),
        p_value=float(2 * special.stdtr(freedom, -abs(difference) / error)),
        level=level,
    )


def sample_size(difference: float, sd: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """Return how many users each of two equal groups needs to reveal a true difference.

    n = 2 s² (z(1 − α/2) + z(power))² / d² with α = 1 − level, rounded up.

    Parameters
    ----------
    difference : float
        The true difference of the means, in units of the metric; not 0.
    sd : float
        The standard deviation of one user's value; √(p (1 − p)) for a rate p of users.
    power, level : float

    Examples
    --------
    >>> sample_size(0.1, 1)  # 2 · 2.80² / 0.01
    1570
    """
    _check_share(power, "power")
    _check_share(level, "level")
    if not difference or not math.isfinite(difference):
        raise ValueError(f"difference must be a number other than 0, got {difference!r}")
    if not (sd > 0 and math.isfinite(sd)):
        raise ValueError(f"sd must be above 0, got {sd!r}")
    reach = special.ndtri((1 + level) / 2) + special.ndtri(power)
    return math.ceil(2 * (sd * reach / difference) ** 2)


def cuped(values: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the values less what was known of the users before the experiment.

    y − θ (x − mean x) with θ = cov(x, y) / var(x), over both groups together. The mean stays; the
    variance falls to 1 − ρ² of what it was, ρ the correlation of x and y. x must have been measured
    before the experiment began: else part of the effect is taken away.

    Parameters
    ----------
    values, before : float array (n,)
        One number a user, of both groups in one array.

    Raises
    ------
    ValueError
        If the lengths differ, a number is not finite, or `before` is the same for everybody.

    References
    ----------
    Deng, Xu, Kohavi and Walker: Improving the sensitivity of online controlled experiments by
    utilizing pre-experiment data, WSDM (2013).

    Examples
    --------
    >>> cuped(np.array([1.0, 3.0]), np.array([0.0, 1.0]))  # x explains all of y
    array([2., 2.])
    """
    y, x = _values(values, "values"), _values(before, "before")
    if y.shape != x.shape:
        raise ValueError(f"values and before need the same users, got {len(y)} and {len(x)}")
    away = x - x.mean()
    if not away.any():
        raise ValueError("before is the same for everybody, so it explains nothing; leave it out")
    return y - away * (away @ y) / (away @ away)


def ratio_interval(
    numerator: np.ndarray, denominator: np.ndarray, *, level: float = 0.95
) -> Interval:
    """Return a rate over all users, such as clicks per impression, and its interval.

    R = Σ yᵤ / Σ xᵤ. What one user does hangs together, so the error comes from the spread of
    yᵤ − R xᵤ over users (the delta method), not from the number of impressions.

    Parameters
    ----------
    numerator, denominator : float array (n_users,)
        Sums a user; the denominators 0 or more, and not all 0.
    level : float

    References
    ----------
    Deng, Knoblich and Lu: Applying the delta method in metric analytics, KDD (2018).

    Examples
    --------
    >>> ratio_interval([1, 2], [10, 10]).mean  # 3 / 20
    0.15
    """
    y, x = _values(numerator, "numerator"), _values(denominator, "denominator")
    _check_share(level, "level")
    if y.shape != x.shape or (x < 0).any() or not x.any():
        raise ValueError(
            "numerator and denominator need one number for each user, "
            "with denominators of 0 or more that are not all 0"
        )
    rate = float(y.sum() / x.sum())
    n = len(x)
    error = math.sqrt(n / (n - 1) * float(((y - rate * x) ** 2).sum())) / float(x.sum())
    reach = float(special.ndtri((1 + level) / 2)) * error
    return Interval(rate, rate - reach, rate + reach, level)


def _values(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(
            f"{name} needs one finite number for each of at least two users, "
            f"got an array of shape {values.shape}"
        )
    return values


def _check_share(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, such as 0.95, got {value!r}")
