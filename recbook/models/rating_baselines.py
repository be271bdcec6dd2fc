"""Rating predictors without a model of taste: chance, the mean, and user and item biases."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.special import ndtri

from recbook.data.interactions import Interactions
from recbook.models.base import RatingPredictor, check_at_least, check_scale
from recbook.models.hashing import cell_uniform


class RandomRating(RatingPredictor):
    """Draws each rating from a normal distribution with the training ratings' mean and spread.

    A pair's prediction does not depend on which other pairs are asked for.

    Memory: fit at most ``32 * n_events + 1e4`` bytes, predict at most ``64 * n_pairs + 1e4`` bytes.

    Parameters
    ----------
    rng : int or numpy.random.Generator
        Seed; a Generator gives a new seed at every `fit`.
    scale : (float, float), optional
        Lowest and highest rating; those of the training ratings where None.

    Attributes
    ----------
    std_ : float
        Standard deviation of the training ratings (divided by n).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 2], "item_id": ["a", "b"], "rating": [5, 1]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> RandomRating().fit(events).predict([0, 1], [1, 0]).shape
    (2,)
    """

    def __init__(
        self, rng: int | np.random.Generator = 0, *, scale: tuple[float, float] | None = None
    ) -> None:
        check_scale(scale)
        self.rng = rng
        self.scale = scale

    def fit(self, interactions: Interactions) -> Self:
        """Learn mean and spread, and draw the seed."""
        self._learn_scale(interactions)
        self.std_ = float(interactions.value.std())
        self.seed_ = int(np.random.default_rng(self.rng).integers(2**63))
        self.interactions_ = interactions
        return self

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float64 predictions (n,) for pairs of positions."""
        users, items = self._pairs(users, items)
        chance = cell_uniform(self.seed_, users, items)
        return (self.mean_ + self.std_ * ndtri(chance)).clip(*self.scale_)


class GlobalMean(RatingPredictor):
    """Predicts the mean of the training ratings, whoever and whatever is asked for.

    Memory: fit at most ``32 * n_events + 1e4`` bytes, predict at most ``48 * n_pairs + 1e4`` bytes.

    Parameters
    ----------
    scale : (float, float), optional
        Lowest and highest rating; those of the training ratings where None.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 2], "item_id": ["a", "b"], "rating": [5, 2]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> GlobalMean().fit(events).predict([0], [1])
    array([3.5])
    """

    def __init__(self, *, scale: tuple[float, float] | None = None) -> None:
        check_scale(scale)
        self.scale = scale

    def fit(self, interactions: Interactions) -> Self:
        """Learn the mean."""
        self._learn_scale(interactions)
        self.interactions_ = interactions
        return self

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float64 predictions (n,) for pairs of positions."""
        users, _ = self._pairs(users, items)
        return np.full(len(users), self.mean_).clip(*self.scale_)


class UserItemBias(RatingPredictor):
    """Predicts mean + user bias + item bias, the biases shrunk towards 0.

    r(u, i) = mu + b_u + b_i minimises the squared error plus reg_user · |b_u|² + reg_item · |b_i|².
    Starting from 0, each round sets, first for all items, then for all users,

        b_i = sum over the item's raters u of (r(u, i) - mu - b_u) / (reg_item + number of raters)
        b_u = sum over the user's items i of (r(u, i) - mu - b_i) / (reg_user + number of items)

    A user or an item without ratings has the bias 0. The defaults are those of Surprise's
    BaselineOnly.

    Memory: fit at most ``32 * n_events + 60 * (n_users + n_items)`` bytes, predict at most
    ``56 * n_pairs + 1e4`` bytes.

    Parameters
    ----------
    reg_user, reg_item : float
        In ratings: this many ratings at the mean are added to each user and item.
    n_rounds : int
    scale : (float, float), optional
        Lowest and highest rating; those of the training ratings where None.

    Attributes
    ----------
    user_bias_ : float64 array (n_users,)
    item_bias_ : float64 array (n_items,)

    References
    ----------
    Koren: Factor in the neighbors: scalable and accurate collaborative filtering. ACM TKDD 4(1),
    2010, section 2.1.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 2], "item_id": ["a", "a"], "rating": [5, 1]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> UserItemBias(reg_user=1).fit(events).predict([0, 1], [0, 0])
    array([4., 2.])
    """

    def __init__(
        self,
        reg_user: float = 15.0,
        reg_item: float = 10.0,
        *,
        n_rounds: int = 10,
        scale: tuple[float, float] | None = None,
    ) -> None:
        check_at_least("reg_user", reg_user, 0)
        check_at_least("reg_item", reg_item, 0)
        check_at_least("n_rounds", n_rounds, 1)
        check_scale(scale)
        self.reg_user = reg_user
        self.reg_item = reg_item
        self.n_rounds = n_rounds
        self.scale = scale

    def fit(self, interactions: Interactions) -> Self:
        """Fit the biases by alternating least squares."""
        self._learn_scale(interactions)
        user, item = interactions.user, interactions.item
        rest = interactions.value - self.mean_
        users, items = interactions.n_users, interactions.n_items
        self.user_bias_, self.item_bias_ = np.zeros(users), np.zeros(items)
        for _ in range(self.n_rounds):
            self.item_bias_ = _bias(item, rest - self.user_bias_[user], items, self.reg_item)
            self.user_bias_ = _bias(user, rest - self.item_bias_[item], users, self.reg_user)
        self.interactions_ = interactions
        return self

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float64 predictions (n,) for pairs of positions."""
        users, items = self._pairs(users, items)
        return (self.mean_ + self.user_bias_[users] + self.item_bias_[items]).clip(*self.scale_)


def _bias(group: np.ndarray, rest: np.ndarray, n: int, reg: float) -> np.ndarray:
    """Return the shrunk mean of `rest` in each of `n` groups, 0 in an empty one."""
    counts = np.bincount(group, minlength=n) + reg
    sums = np.bincount(group, weights=rest, minlength=n)
    return np.divide(sums, counts, out=np.zeros(n), where=counts > 0)
