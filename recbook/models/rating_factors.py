"""Ratings predicted by matrix factorisation, learnt by stochastic gradient descent."""

from __future__ import annotations

from typing import Self

import numpy as np

from recbook.data.interactions import Interactions
from recbook.models.base import check_at_least, check_scale
from recbook.models.rating_products import FactorPredictor, check_whole, grouped


class SVD(FactorPredictor):
    """Matrix factorisation with biases, learnt one rating at a time: the SVD of Funk and Koren.

        r(u, i) = mean + b_u + b_i + p_u · q_i

    lowers the squared error over the training ratings, each with the penalty
    regularization · (b_u² + b_i² + |p_u|² + |q_i|²). In every epoch the ratings are passed user by
    user, users in the order of their first rating, and each rating moves its four parameters down
    its own gradient. With e = r - r(u, i) and all values from before the step:

        b_u += learning_rate · (e - regularization · b_u)           and b_i alike,
        p_u += learning_rate · (e · q_i - regularization · p_u)     and q_i alike, with e · p_u.

    Not `biased`, mean and biases are left out. A user or an item without ratings has the bias 0 and
    the factors 0; not `biased`, such a pair gets the mean. Steps, their order, edge rules and
    defaults are those of Surprise's SVD: equal initial factors give equal results.

    Parameters
    ----------
    n_factors : int
    n_epochs : int
        Passes over the ratings; 0 leaves the initial factors.
    learning_rate : float
        Length of the steps. If they are too long, the descent diverges and `fit` says so.
    regularization : float
    init_std : float
        The factors start as draws from a normal distribution around 0, the biases at 0.
    biased : bool
    rng : int or numpy.random.Generator
        Seed; a Generator gives new initial factors at every `fit`.
    scale : (float, float), optional
        Lowest and highest rating; those of the training ratings where None.

    Attributes
    ----------
    user_factors_, item_factors_ : float64 arrays (n_users, n_factors), (n_items, n_factors)
    user_bias_, item_bias_ : float64 arrays (n_users,), (n_items,)
    loss_ : float64 array (n_epochs,)
        Root of the mean of e² over each epoch, in units of the rating, without the penalty.

    Notes
    -----
    Memory: fit at most ``(10 * n_factors + 100) * (n_users + n_items) + 45 * n_events + 1e6``
    bytes, predict at most ``30 * n_pairs + 1.2e7`` bytes.

    References
    ----------
    Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems. Computer 42(8),
    2009.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": list("aba"), "rating": [5, 1, 5]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> SVD(2, n_epochs=500, learning_rate=0.05).fit(events).predict([0, 0], [0, 1]).round(1)
    array([5., 1.])
    """

    def __init__(
        self,
        n_factors: int = 100,
        n_epochs: int = 20,
        *,
        learning_rate: float = 0.005,
        regularization: float = 0.02,
        init_std: float = 0.1,
        biased: bool = True,
        rng: int | np.random.Generator = 0,
        scale: tuple[float, float] | None = None,
    ) -> None:
        check_whole("n_factors", n_factors, 1)
        check_whole("n_epochs", n_epochs, 0)
        check_at_least("learning_rate", learning_rate, 0)
        check_at_least("regularization", regularization, 0)
        check_at_least("init_std", init_std, 0)
        check_scale(scale)
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.init_std = init_std
        self.biased = biased
        self.rng = rng
        self.scale = scale

    def fit(self, interactions: Interactions) -> Self:
        """Learn biases and factors; raise a ValueError, and stay unfitted, if they diverge."""
        self._learn_scale(interactions)
        vars(self).pop("interactions_", None)
        ratings = grouped(interactions.user, interactions.item, interactions.value)
        learnt = self._initial(interactions.n_users, interactions.n_items)
        loss = np.zeros(self.n_epochs)
        for epoch in range(self.n_epochs):
            loss[epoch] = np.sqrt(self._epoch(ratings, learnt) / len(interactions))
            if not all(np.isfinite(array).all() for array in (loss, *learnt.values())):
                raise ValueError(
                    f"{type(self).__name__} diverged in epoch {epoch + 1} of {self.n_epochs}: its "
                    f"steps are too long; lower learning_rate={self.learning_rate}"
                )
        self._rated = []
        for kind, n in (("user", interactions.n_users), ("item", interactions.n_items)):
            rated = np.bincount(getattr(interactions, kind), minlength=n) > 0
            self._rated.append(rated)
            learnt[f"{kind}_factors_"][~rated] = 0
        vars(self).update(learnt)
        self.loss_ = loss
        self.interactions_ = interactions
        return self

    def _initial(self, n_users: int, n_items: int) -> dict[str, np.ndarray]:
        """Return what the descent sets out from, by the attribute it will become."""
        rng = np.random.default_rng(self.rng)
        return {
            "user_bias_": np.zeros(n_users),
            "item_bias_": np.zeros(n_items),
            "user_factors_": rng.normal(0, self.init_std, (n_users, self.n_factors)),
            "item_factors_": rng.normal(0, self.init_std, (n_items, self.n_factors)),
        }

    def _epoch(self, ratings: tuple, learnt: dict[str, np.ndarray]) -> float:
        """Pass the ratings once, changing `learnt`; return the sum of squared errors."""
        from recbook.models._rating_kernels import svd_epoch

        mean = self.mean_ if self.biased else 0.0
        steps = float(self.learning_rate), float(self.regularization)
        return svd_epoch(*ratings, mean, *learnt.values(), *steps, bool(self.biased))

    def _without_factors(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        if self.biased:
            return super()._without_factors(users, items)
        return np.where(self._rated[0][users] & self._rated[1][items], 0, self.mean_)


class SVDpp(SVD):
    """SVD++: the films a user chose to rate say something of her, whatever she gave them.

        r(u, i) = mean + b_u + b_i + q_i · (p_u + |N(u)|^(-1/2) · sum over N(u) of y_j)

    with N(u) the items the user rated. Learnt as `SVD` is; a rating also moves the implicit factors
    y_j of all her items j,

        y_j += learning_rate · (e · q_i / sqrt(|N(u)|) - regularization · y_j),

    and q_i by its product with the whole user vector. Written so, a user's n ratings cost n² such
    moves. But one rating moves all her y_j by the same affine map, so it is enough to follow the
    map and the sum of the y_j, and to apply the map once, after her last rating: the same numbers
    in n moves. Steps, order, edge rules and defaults are those of Surprise's SVDpp.

    Parameters
    ----------
    n_factors, n_epochs, learning_rate, regularization, init_std, rng, scale
        As for `SVD`.

    Attributes
    ----------
    user_factors_, item_factors_, user_bias_, item_bias_, loss_
        As for `SVD`.
    implicit_factors_ : float64 array (n_items, n_factors)
        The y_j.
    user_vectors_ : float64 array (n_users, n_factors)
        The bracket of the formula.

    Notes
    -----
    Memory: fit at most ``(20 * n_factors + 100) * (n_users + n_items) + 45 * n_events + 1e6``
    bytes, predict at most ``30 * n_pairs + 1.2e7`` bytes.

    References
    ----------
    Koren: Factorization meets the neighborhood: a multifaceted collaborative filtering model. KDD
    2008, section 4.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": list("aba"), "rating": [5, 1, 5]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> SVDpp(2, n_epochs=500, learning_rate=0.05).fit(events).predict([0, 0], [0, 1]).round(1)
    array([5., 1.])
    """

    def __init__(
        self,
        n_factors: int = 20,
        n_epochs: int = 20,
        *,
        learning_rate: float = 0.007,
        regularization: float = 0.02,
        init_std: float = 0.1,
        rng: int | np.random.Generator = 0,
        scale: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(
            n_factors, n_epochs, learning_rate=learning_rate, regularization=regularization,
            init_std=init_std, rng=rng, scale=scale,
        )  # fmt: skip

    def fit(self, interactions: Interactions) -> Self:
        """Learn biases and factors; raise a ValueError, and stay unfitted, if they diverge."""
        super().fit(interactions)
        self.implicit_factors_[~self._rated[1]] = 0
        rated = interactions.matrix("binary")
        root = np.sqrt(np.maximum(np.diff(rated.indptr), 1))
        self.user_vectors_ = rated @ self.implicit_factors_
        self.user_vectors_ /= root[:, None]
        self.user_vectors_ += self.user_factors_
        return self

    def _initial(self, n_users: int, n_items: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.rng)
        drawn = {
            name: rng.normal(0, self.init_std, (n, self.n_factors))
            for name, n in (
                ("user_factors_", n_users), ("item_factors_", n_items),
                ("implicit_factors_", n_items),
            )
        }  # fmt: skip
        return {"user_bias_": np.zeros(n_users), "item_bias_": np.zeros(n_items)} | drawn

    def _epoch(self, ratings: tuple, learnt: dict[str, np.ndarray]) -> float:
        from recbook.models._rating_kernels import svdpp_epoch

        steps = float(self.learning_rate), float(self.regularization)
        return svdpp_epoch(*ratings, self.mean_, *learnt.values(), *steps)

    def _user_vectors(self) -> np.ndarray:
        return self.user_vectors_
