"""How sure a mean over users is: intervals, a test, and the smallest gain one could have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import special  # the few functions needed; scipy.stats takes a second to import

from recbook.evaluation.corrections import benjamini_hochberg as benjamini_hochberg
from recbook.evaluation.corrections import holm as holm

_CHUNK_CELLS = 4_000_000  # resampled numbers held at a time


@dataclass(frozen=True)
class Interval:
    """A mean with the interval of the given level around it."""

    mean: float
    low: float
    high: float
    level: float

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True)
class SeedSpread:
    """What one function gave for several seeds: mean, sample standard deviation, extremes."""

    mean: float
    sd: float
    min: float
    max: float
    values: tuple[float, ...]


def bootstrap_interval(
    values: np.ndarray,
    other: np.ndarray | None = None,
    *,
    level: float = 0.95,
    n_resamples: int = 2000,
    method: str = "percentile",
    rng: int | np.random.Generator | None = 0,
) -> Interval:
    """Return the bootstrap interval of the mean of `values`, or of the paired `values` − `other`.

    Users are drawn with replacement, and the mean of each draw is taken. "percentile" takes the
    quantiles of these means, set a little further out for few users so that the interval is as wide
    as Student's t asks for; "bca" corrects for bias and skewness instead.

    Parameters
    ----------
    values, other : float array (n,)
        One value a user, the same users in both. Users that are NaN (in both) are left out.
    level : float
        Between 0 and 1.
    n_resamples : int
    method : {"percentile", "bca"}
    rng : seed or numpy Generator

    Raises
    ------
    ValueError
        If fewer than two users have a value, a value is infinite, or NaN stand at different places.

    References
    ----------
    Hesterberg: What teachers should know about the bootstrap, The American Statistician 69 (2015);
    Efron: Better bootstrap confidence intervals, JASA 82 (1987).

    Examples
    --------
    >>> bootstrap_interval([1.0, 2.0, 3.0, 4.0]).mean
    2.5
    """
    if method not in ("percentile", "bca"):
        raise ValueError(f'method must be "percentile" or "bca", got {method!r}')
    _check_share(level, "level")
    values = paired_values(values, other)
    n, mean = len(values), values.mean()
    rng = np.random.default_rng(rng)
    means = np.empty(n_resamples)
    step = max(1, _CHUNK_CELLS // n)
    for start in range(0, n_resamples, step):
        stop = min(n_resamples, start + step)
        drawn = rng.integers(n, size=(stop - start, n), dtype=np.int32)
        means[start:stop] = values[drawn].mean(axis=1)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    spread = np.abs(values - mean).max()
    if spread <= 1e-12 * max(1.0, abs(mean)):  # one number for everybody: nothing to resample
        return Interval(float(mean), float(mean), float(mean), level)
    if method == "percentile":
        shares = special.ndtr(np.sqrt(n / (n - 1)) * special.stdtrit(n - 1, tails))
    else:
        below = np.mean(means < mean) + np.mean(means == mean) / 2
        bias = special.ndtri(np.clip(below, 1 / n_resamples, 1 - 1 / n_resamples))
        centred = values - mean
        acceleration = (centred**3).sum() / (6 * (centred**2).sum() ** 1.5)
        shifted = bias + special.ndtri(tails)
        shares = special.ndtr(bias + shifted / (1 - acceleration * shifted))
    low, high = np.quantile(means, shares)
    return Interval(float(mean), float(low), float(high), level)


def randomisation_test(
    values: np.ndarray,
    other: np.ndarray | None = None,
    *,
    n_resamples: int = 10_000,
    rng: int | np.random.Generator | None = 0,
) -> float:
    """Return the two-sided p-value of "the mean of `values` (− `other`) is zero" by sign flips.

    If two models are equally good, a user's two values could as well be swapped, which flips the
    sign of the difference. p = (flips at least as far from 0 + 1) / (`n_resamples` + 1), never 0.

    Parameters
    ----------
    values, other : float array (n,)
        Differences, or two values a user; NaN as in `bootstrap_interval`.
    n_resamples : int
        Also sets the lowest p-value possible, 1 / (n_resamples + 1).
    rng : seed or numpy Generator

    References
    ----------
    Smucker, Allan, Carterette: A comparison of statistical significance tests for information
    retrieval evaluation, CIKM (2007); Phipson and Smyth: Permutation p-values should never be zero,
    SAGMB 9 (2010).

    Examples
    --------
    >>> randomisation_test([1.0, -1.0, 2.0, -2.0])
    1.0
    """
    differences = paired_values(values, other)
    n = len(differences)
    observed = abs(differences.sum())
    slack = 1e-12 * np.abs(differences).sum()  # sums of the same numbers differ by rounding
    rng = np.random.default_rng(rng)
    step = max(1, _CHUNK_CELLS // n)
    as_far = 0
    for start in range(0, n_resamples, step):
        size = min(step, n_resamples - start)
        # Whole 32-bit words for each draw, so that the flips do not depend on the chunks.
        words = rng.integers(2**32, size=(size, (n + 31) // 32), dtype=np.uint32)
        bits = words.view(np.uint8)
        flips = np.unpackbits(bits, axis=1, count=n)
        sums = differences.sum() - 2 * (flips @ differences)
        as_far += int(np.count_nonzero(np.abs(sums) >= observed - slack))
    return (as_far + 1) / (n_resamples + 1)


def seed_spread(function: Callable[[int], float], seeds: Iterable[int]) -> SeedSpread:
    """Return the spread of `function(seed)` over the seeds (standard deviation with n − 1).

    Examples
    --------
    >>> seed_spread(lambda seed: 2 * seed, [1, 2, 3]).sd
    2.0
    """
    values = np.array([float(function(seed)) for seed in seeds])
    if len(values) < 2:
        raise ValueError("a spread needs at least two seeds")
    return SeedSpread(
        mean=float(values.mean()),
        sd=float(values.std(ddof=1)),
        min=float(values.min()),
        max=float(values.max()),
        values=tuple(values.tolist()),
    )


def smallest_detectable(
    differences: np.ndarray, *, power: float = 0.8, level: float = 0.95
) -> float:
    """Return the true mean difference that as many users would reveal with the given probability.

    (z(1 − α/2) + z(power)) · s / √n with α = 1 − level and s the standard deviation of the paired
    differences: a gain below it could well have been missed.

    Examples
    --------
    >>> round(smallest_detectable([1.0, -1.0] * 50), 3)  # (1.96 + 0.84) · 1.005 / 10
    0.282
    """
    _check_share(power, "power")
    _check_share(level, "level")
    values = paired_values(differences)
    reach = special.ndtri((1 + level) / 2) + special.ndtri(power)
    return float(reach * values.std(ddof=1) / np.sqrt(len(values)))


def paired_values(values: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
    """Return `values` (− `other`) of the users that have a value, after checks; float64 (n,)."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"one value a user is needed, got an array of shape {values.shape}")
    if other is not None:
        other = np.asarray(other, dtype=float)
        if other.shape != values.shape:
            raise ValueError(
                f"paired values need the same users, got {values.shape} and {other.shape}"
            )
        differ = np.flatnonzero(np.isnan(values) != np.isnan(other))
        if len(differ):
            raise ValueError(
                f"{len(differ)} users have a value on one side only (first at position "
                f"{differ[0]}); evaluate both on the same users"
            )
        with np.errstate(invalid="ignore"):  # inf − inf is refused below
            both = np.isnan(values)
            values = np.where(both, np.nan, values - other)
            infinite = ~np.isfinite(values) & ~both
    else:
        infinite = np.isinf(values)
    if infinite.any():
        raise ValueError(f"the value at position {np.flatnonzero(infinite)[0]} is not finite")
    values = values[~np.isnan(values)]
    if len(values) < 2:
        raise ValueError(f"at least two users with a value are needed, got {len(values)}")
    return values


def _check_share(value: float, name: str) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, such as 0.95, got {value!r}")
