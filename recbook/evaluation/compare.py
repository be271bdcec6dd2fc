"""Better, worse, or cannot tell: one model against another, user by user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recbook.evaluation.corrections import holm
from recbook.evaluation.statistics import (
    bootstrap_interval,
    paired_values,
    randomisation_test,
    smallest_detectable,
)

BETTER, WORSE, CANNOT_TELL = "better", "worse", "cannot tell"


@dataclass(frozen=True)
class Comparison:
    """The answer of `compare`: model a relative to model b.

    Attributes
    ----------
    verdict : {"better", "worse", "cannot tell"}
    difference, low, high : float
        Mean of a − b over the users, and its bootstrap interval, in units of the metric.
    p_value : float
        Of the paired randomisation test.
    relative : float
        The difference as a share of the mean of b; NaN where that is 0.
    detectable : float
        The smallest true difference that this many users would have shown with the given power.
    n : int
        Users compared.
    level : float
        Of the interval.
    """

    verdict: str
    difference: float
    low: float
    high: float
    p_value: float
    relative: float
    detectable: float
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        return (
            f"{self.verdict}: {self.difference:+.4f} ({self.relative:+.1%}), "
            f"{self.level:.0%} interval [{self.low:+.4f}, {self.high:+.4f}], "
            f"p = {self.p_value:.2g}, n = {self.n}; "
            f"a difference of {self.detectable:.4f} would probably have been seen"
        )


def compare(
    a: np.ndarray,
    b: np.ndarray,
    *,
    level: float = 0.95,
    lower_is_better: bool = False,
    n_resamples: int = 2000,
    power: float = 0.8,
    rng: int | np.random.Generator | None = 0,
) -> Comparison:
    """Compare model a with model b on their values for the same users.

    The verdict is "better" or "worse" only where the bootstrap interval of the mean difference
    excludes 0 and the randomisation test's p-value is at most 1 − `level`; else "cannot tell".
    "Cannot tell" does not mean equal: see `detectable` for what may have been missed.

    Parameters
    ----------
    a, b : float array (n,), or pandas.Series with one index
        One value a user, such as from `ndcg_per_user`. NaN users must be the same in both and are
        left out.
    level : float
        Of the interval, between 0 and 1.
    lower_is_better : bool
        True for errors.
    n_resamples : int
        Draws of the bootstrap; the test takes five times as many sign flips.
    power : float
        The probability of being seen that `detectable` stands for.
    rng : seed or numpy Generator

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If the lengths or Series indexes differ, NaN stand at different users, or fewer than two
        users have a value.

    Examples
    --------
    >>> compare(np.arange(20.0) + 1, np.arange(20.0)).verdict
    'better'
    """
    _check_same_users({"a": a, "b": b})
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    differences = paired_values(a, b)
    rng = np.random.default_rng(rng)
    interval = bootstrap_interval(differences, level=level, n_resamples=n_resamples, rng=rng)
    p_value = randomisation_test(differences, n_resamples=5 * n_resamples, rng=rng)
    verdict = CANNOT_TELL
    if (interval.low > 0 or interval.high < 0) and p_value <= 1 - level:
        verdict = BETTER if (interval.mean > 0) != lower_is_better else WORSE
    base = b[~np.isnan(b)].mean()
    return Comparison(
        verdict=verdict,
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        p_value=p_value,
        relative=float(interval.mean / base) if base else float("nan"),
        detectable=smallest_detectable(differences, power=power, level=level),
        n=len(differences),
        level=level,
    )


def compare_all(
    per_user: Mapping[str, np.ndarray],
    baseline: str,
    *,
    level: float = 0.95,
    lower_is_better: bool = False,
    n_resamples: int = 2000,
    rng: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Compare every model with the baseline, corrected for the number of comparisons.

    Parameters
    ----------
    per_user : mapping of name to float array (n,)
    baseline : str
        The name that the others are compared with.
    level, lower_is_better, n_resamples, rng
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        One row for each model but the baseline, in the order given: difference, low, high (the
        interval of each comparison by itself), relative, detectable, n, p_value, p_holm (Holm's
        adjusted p-value), and the verdict, which asks p_holm to be at most 1 − `level` too.

    Raises
    ------
    ValueError
        If the baseline is not among the names, nothing is left to compare, or as for `compare`.

    Examples
    --------
    >>> values = {"base": np.arange(20.0), "new": np.arange(20.0) + 1}
    >>> str(compare_all(values, "base").loc["new", "verdict"])
    'better'
    """
    if baseline not in per_user:
        raise ValueError(f"no baseline {baseline!r} among {list(per_user)}")
    _check_same_users(per_user)
    rng = np.random.default_rng(rng)
    rows = {
        name: compare(
            values,
            per_user[baseline],
            level=level,
            lower_is_better=lower_is_better,
            n_resamples=n_resamples,
            rng=rng,
        )
        for name, values in per_user.items()
        if name != baseline
    }
    if not rows:
        raise ValueError(
            f"only the baseline {baseline!r} was given; add a model to compare it with"
        )
    columns = ["difference", "low", "high", "relative", "detectable", "n", "p_value"]
    table = pd.DataFrame(
        [[getattr(row, column) for column in columns] for row in rows.values()],
        index=pd.Index(rows, name="model"),
        columns=columns,
    )
    table["p_holm"] = holm(table["p_value"].to_numpy())
    table["verdict"] = [
        row.verdict if p <= 1 - level else CANNOT_TELL
        for row, p in zip(rows.values(), table["p_holm"], strict=True)
    ]
    return table


def _check_same_users(per_user: Mapping[str, np.ndarray]) -> None:
    series = {name: values for name, values in per_user.items() if isinstance(values, pd.Series)}
    first = next(iter(series), None)
    for name, values in series.items():
        if not values.index.equals(series[first].index):
            raise ValueError(
                f"{first} and {name} have values for different users; "
                "evaluate both on the same task, in the same order"
            )
