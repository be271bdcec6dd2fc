"""What the rating factor models share: prediction by products, and ratings in groups."""

from __future__ import annotations

import numpy as np

from recbook.models.base import RatingPredictor

_BLOCK_CELLS = 500_000  # factors of pairs gathered at a time: 4 MB a side


class FactorPredictor(RatingPredictor):
    """Predicts mean + user bias + item bias + product of the two vectors, from what `fit` learnt.

    A user or an item without ratings has the bias 0 and the vector 0.
    """

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float64 predictions (n,) for pairs of positions."""
        users, items = self._pairs(users, items)
        predicted = self._without_factors(users, items)
        x, y = self._user_vectors(), self.item_factors_
        step = max(1, _BLOCK_CELLS // y.shape[1])
        for start in range(0, len(users), step):
            block = slice(start, start + step)
            predicted[block] += np.einsum("ij,ij->i", x[users[block]], y[items[block]])
        return predicted.clip(*self.scale_, out=predicted)

    def predict_all(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float64 predictions (len(users), n_items), every user's where `users` is None."""
        rows = self._rows(users)
        predicted = self._without_factors(rows[:, None], np.arange(len(self.item_factors_)))
        predicted += self._user_vectors()[rows] @ self.item_factors_.T
        return predicted.clip(*self.scale_, out=predicted)

    def _without_factors(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return self.mean_ + self.user_bias_[users] + self.item_bias_[items]

    def _user_vectors(self) -> np.ndarray:
        return self.user_factors_


def grouped(group: np.ndarray, other: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the ratings group by group, as the compiled loops take them.

    Groups come in the order of their first rating, the ratings of one in their own order.

    Parameters
    ----------
    group, other : int arrays (n_events,)
        Users and items, or items and users.
    value : float array (n_events,)

    Returns
    -------
    rows : array (n_groups,)
        The groups that have ratings.
    starts : int64 array (n_groups + 1,)
        Where each one's ratings begin in the next two.
    other, value : arrays (n_events,)

    Examples
    --------
    >>> grouped(np.array([7, 4, 7]), np.array([0, 1, 2]), np.array([5.0, 4.0, 3.0]))
    (array([7, 4]), array([0, 2, 3]), array([0, 2, 1]), array([5., 3., 4.]))
    """
    found, first, row = np.unique(group, return_index=True, return_inverse=True)
    turn = np.argsort(first)
    order = np.argsort(first[row], kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(row)[turn])])
    return found[turn], starts, other[order], value[order]


def check_whole(name: str, value: int, least: int) -> None:
    """Raise a ValueError unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
