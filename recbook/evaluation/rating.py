"""How far predicted ratings are from the actual ones: RMSE and MAE, over pairs and per user."""

from __future__ import annotations

import numpy as np


def rmse(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Return the root of the mean squared error over all pairs: sqrt(mean((actual − predicted)²)).

    Every rating counts the same, so a user with many ratings counts for more. The mean over users
    of `rmse_per_user` is another number, and is not comparable with published RMSE.

    Parameters
    ----------
    actual, predicted : float array (n,), in units of the rating scale

    Raises
    ------
    ValueError
        If the lengths differ, there is no pair, or a number is NaN or infinite.

    Examples
    --------
    >>> rmse([1, 5], [1, 3])  # sqrt((0 + 4) / 2)
    1.4142135623730951
    """
    return float(np.sqrt(squared_errors(actual, predicted).mean()))


def mae(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean absolute error over all pairs: mean(|actual − predicted|).

    Parameters and errors as for `rmse`.

    Examples
    --------
    >>> mae([1, 5], [1, 3])  # (0 + 2) / 2
    1.0
    """
    return float(absolute_errors(actual, predicted).mean())


def rmse_per_user(
    users: np.ndarray, actual: np.ndarray, predicted: np.ndarray, *, n_users: int | None = None
) -> np.ndarray:
    """Return each user's own RMSE.

    Parameters
    ----------
    users : int array (n,)
        The row position of each pair's user.
    actual, predicted : float array (n,)
    n_users : int, optional
        Length of the answer; the highest position + 1 where None.

    Returns
    -------
    float64 array (n_users,), NaN for a user without a pair.
    """
    return np.sqrt(_mean_per_user(users, squared_errors(actual, predicted), n_users))


def mae_per_user(
    users: np.ndarray, actual: np.ndarray, predicted: np.ndarray, *, n_users: int | None = None
) -> np.ndarray:
    """Return each user's own MAE; parameters and answer as for `rmse_per_user`.

    Examples
    --------
    >>> mae_per_user([0, 0, 2], [1, 5, 4], [1, 3, 1])
    array([ 1., nan,  3.])
    """
    return _mean_per_user(users, absolute_errors(actual, predicted), n_users)


def squared_errors(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return (actual − predicted)² for each pair, float64 (n,): what a paired test of RMSE takes.

    The mean of the differences of two models' squared errors has the sign of the difference of
    their RMSE.
    """
    actual, predicted = _checked(actual, predicted)
    return (actual - predicted) ** 2


def absolute_errors(actual: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return |actual − predicted| for each pair, float64 (n,): what a paired test of MAE takes."""
    actual, predicted = _checked(actual, predicted)
    return np.abs(actual - predicted)


def _checked(actual, predicted) -> tuple[np.ndarray, np.ndarray]:
    actual, predicted = np.asarray(actual, dtype=float), np.asarray(predicted, dtype=float)
    if actual.ndim != 1 or actual.shape != predicted.shape or not len(actual):
        raise ValueError(
            "actual and predicted need one number for each pair, at least one pair, "
            f"got shapes {actual.shape} and {predicted.shape}"
        )
    for name, values in (("actual", actual), ("predicted", predicted)):
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise ValueError(
                f"{name} rating {values[bad[0]]} at position {bad[0]} ({len(bad)} in all) is not a "
                "finite number; give every pair one, such as the mean rating"
            )
    return actual, predicted


def _mean_per_user(users, errors: np.ndarray, n_users: int | None) -> np.ndarray:
    users = np.asarray(users)
    if users.shape != errors.shape or not np.issubdtype(users.dtype, np.integer):
        raise ValueError(
            f"users needs one int row position for each of the {len(errors)} pairs, "
            f"got {users.dtype} {users.shape}"
        )
    n_users = int(users.max()) + 1 if n_users is None else n_users
    if users.min() < 0 or users.max() >= n_users:
        raise ValueError(f"a user position lies outside the {n_users} users")
    counts = np.bincount(users, minlength=n_users)
    totals = np.bincount(users, weights=errors, minlength=n_users)
    return np.divide(totals, counts, out=np.full(n_users, np.nan), where=counts > 0)
