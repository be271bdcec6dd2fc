"""Rating predictors side by side: errors summed per user, a table with intervals and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.evaluation.compare import compare_all
from recbook.evaluation.rating import absolute_errors, squared_errors

_CHUNK = 200  # resamples held at a time


def user_errors(
    predicted: np.ndarray, folds: Sequence[tuple[Interactions, Interactions]]
) -> pd.DataFrame:
    """Return each user's number of held-out ratings and the sums of their errors.

    Parameters
    ----------
    predicted : float array (n,)
        Predictions for the test parts of the folds, one fold after the other.
    folds : list of (train, test)
        As `recbook.evaluation.protocols.rating_folds` yields them.

    Returns
    -------
    pandas.DataFrame
        Users' ids as index; n (ratings), squared (stars²) and absolute (stars), both summed.

    Raises
    ------
    ValueError
        If there is not one finite prediction for each held-out rating.
    """
    actual = np.concatenate([test.value for _, test in folds])
    user = np.concatenate([test.user for _, test in folds])
    users = folds[0][1].users
    sums = {
        "n": np.bincount(user, minlength=len(users)),
        "squared": np.bincount(user, squared_errors(actual, predicted), len(users)),
        "absolute": np.bincount(user, absolute_errors(actual, predicted), len(users)),
    }
    return pd.DataFrame(sums, index=users.rename("user_id"))


def rating_leaderboard(
    errors: Mapping[str, pd.DataFrame],
    *,
    baseline: str,
    level: float = 0.95,
    n_resamples: int = 2000,
    rng: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Return one row per predictor: RMSE, MAE, interval, verdict against the baseline; best first.

    Users are drawn with replacement, each with all her ratings, because one person's errors are
    alike. The comparison is paired, on each user's summed squared errors, so that it has the sign
    of the difference of the RMSE.

    Parameters
    ----------
    errors : mapping of name to what `user_errors` gave, all for the same ratings
    baseline : str
        The name that the others are compared with.
    level, n_resamples, rng
        Of the bootstrap, as for `recbook.evaluation.compare.compare_all`.

    Returns
    -------
    pandas.DataFrame
        rmse, low, high (its interval), mae, difference (of the RMSE from the baseline's),
        difference_low, difference_high, p_holm and verdict; the baseline's own are missing.

    Raises
    ------
    ValueError
        If the predictors were judged on other ratings, or as for `compare_all`.

    Examples
    --------
    >>> users = pd.Index(range(20), name="user_id")
    >>> small = pd.DataFrame({"n": 2, "squared": 2.0, "absolute": 2.0}, index=users)
    >>> table = rating_leaderboard({"a": small, "b": small * [1, 4, 2]}, baseline="b")
    >>> [float(x) for x in table.rmse], str(table.verdict["a"])
    ([1.0, 2.0], 'better')
    """
    rng = np.random.default_rng(rng)
    squared = {name: frame["squared"] for name, frame in errors.items()}
    against = compare_all(squared, baseline, level=level, lower_is_better=True, rng=rng)
    n = errors[baseline]["n"].to_numpy()
    for name, frame in errors.items():
        if not np.array_equal(frame["n"], n):
            raise ValueError(f"{name!r} and {baseline!r} were judged on other ratings")
    drawn = _drawn_rmse({name: s.to_numpy() for name, s in squared.items()}, n, n_resamples, rng)
    shares = [(1 - level) / 2, (1 + level) / 2]
    rows = {}
    for name, frame in errors.items():
        low, high = np.quantile(drawn[name], shares)
        rmse = np.sqrt(frame["squared"].sum() / n.sum())
        row = {"rmse": rmse, "low": low, "high": high, "mae": frame["absolute"].sum() / n.sum()}
        if name != baseline:
            ends = np.quantile(drawn[name] - drawn[baseline], shares)
            row["difference"] = rmse - np.sqrt(errors[baseline]["squared"].sum() / n.sum())
            row |= dict(zip(["difference_low", "difference_high"], ends, strict=True))
        rows[name] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    return table.join(against[["p_holm", "verdict"]]).sort_values("rmse", kind="stable")


def _drawn_rmse(
    squared: Mapping[str, np.ndarray], n: np.ndarray, n_resamples: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the RMSE of each predictor in each resample of the users, the same for all."""
    stacked = np.stack(list(squared.values()))
    parts = []
    for start in range(0, n_resamples, _CHUNK):
        rows = rng.integers(len(n), size=(min(_CHUNK, n_resamples - start), len(n)))
        parts.append(np.sqrt(stacked[:, rows].sum(axis=2) / n[rows].sum(axis=1)))
    return dict(zip(squared, np.concatenate(parts, axis=1), strict=True))
