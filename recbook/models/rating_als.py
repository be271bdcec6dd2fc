"""Ratings predicted by matrix factorisation, learnt by alternating least squares."""

from __future__ import annotations

from typing import Self

import numpy as np

from recbook.data.interactions import Interactions
from recbook.models.base import check_at_least, check_scale
from recbook.models.rating_products import FactorPredictor, check_whole, grouped


class RatingALS(FactorPredictor):
    """Matrix factorisation with biases, each side solved exactly while the other is fixed.

        r(u, i) = mean + b_u + b_i + p_u · q_i

    lowers the sum over the training ratings of (r - r(u, i))², plus the penalty

        regularization · (sum over u of w_u · (b_u² + |p_u|²) + sum over i of w_i · (b_i² + |q_i|²))

    where w is the number of ratings of the user or item if `weighted`, else 1. The mean is that of
    all ratings and stays. With the items fixed, each user has a ridge regression of her own: with
    x_i = (1, q_i) and the sums over her items,

        (sum of x_i x_iᵀ + regularization · w_u · I) · (b_u, p_u) = sum of x_i · (r - mean - b_i).

    These normal equations are solved for all users, then the same for all items: one iteration. No
    half of it can raise the objective. A user or an item without ratings has bias and factors 0.

    Parameters
    ----------
    n_factors : int
    regularization : float
        Above 0. On MovieLens 100K about 0.15 does well, or 12 if not `weighted`.
    n_iterations : int
        0 leaves the initial factors.
    weighted : bool
        Whether the penalty grows with the number of ratings ("weighted-λ" of Zhou et al.).
    init_std : float
        The items' factors start as draws from a normal distribution around 0; the users' are solved
        first.
    rng : int or numpy.random.Generator
        Seed; a Generator gives new initial factors at every `fit`.
    scale : (float, float), optional
        Lowest and highest rating; those of the training ratings where None.

    Attributes
    ----------
    user_factors_, item_factors_ : float64 arrays (n_users, n_factors), (n_items, n_factors)
    user_bias_, item_bias_ : float64 arrays (n_users,), (n_items,)
    loss_ : float64 array (2 · n_iterations,)
        The objective after each half: users, items, users, …

    Notes
    -----
    Memory: fit at most ``(20 * n_factors + 150) * (n_users + n_items) + 70 * n_events + 1e6``
    bytes, predict at most ``30 * n_pairs + 1.2e7`` bytes.

    References
    ----------
    Zhou, Wilkinson, Schreiber, Pan: Large-scale parallel collaborative filtering for the Netflix
    Prize. AAIM 2008.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": list("aba"), "rating": [5, 1, 5]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> RatingALS(2, 0.001).fit(events).predict([0, 0], [0, 1]).round(1)
    array([5., 1.])
    """

    def __init__(
        self,
        n_factors: int = 20,
        regularization: float = 0.15,
        *,
        n_iterations: int = 15,
        weighted: bool = True,
        init_std: float = 0.1,
        rng: int | np.random.Generator = 0,
        scale: tuple[float, float] | None = None,
    ) -> None:
        check_whole("n_factors", n_factors, 1)
        check_whole("n_iterations", n_iterations, 0)
        if not (isinstance(regularization, int | float | np.number) and regularization > 0):
            raise ValueError(
                "regularization must be a number above 0, or a user with fewer ratings than "
                f"factors has no unique solution; got {regularization!r}"
            )
        check_at_least("init_std", init_std, 0)
        check_scale(scale)
        self.n_factors = n_factors
        self.regularization = regularization
        self.n_iterations = n_iterations
        self.weighted = weighted
        self.init_std = init_std
        self.rng = rng
        self.scale = scale

    def fit(self, interactions: Interactions) -> Self:
        """Learn biases and factors; raise a ValueError if the equations are singular."""
        from recbook.models._rating_kernels import als_rows

        self._learn_scale(interactions)
        vars(self).pop("interactions_", None)
        sides = {"user": interactions.n_users, "item": interactions.n_items}
        rest = interactions.value - self.mean_
        by = {
            "user": grouped(interactions.user, interactions.item, rest),
            "item": grouped(interactions.item, interactions.user, rest),
        }
        # Each side's bias (column 0) and factors; without ratings they stay 0.
        both = {side: np.zeros((n, self.n_factors + 1)) for side, n in sides.items()}
        start = np.random.default_rng(self.rng).normal(
            0, self.init_std, (sides["item"], self.n_factors)
        )
        seen = by["item"][0]
        both["item"][seen, 1:] = start[seen]
        loss = []
        for half in range(2 * self.n_iterations):
            side, fixed = ("user", "item") if half % 2 == 0 else ("item", "user")
            squares = als_rows(*by[side], both[fixed], self._penalty(by[side]), both[side])
            for one in sides:
                rows = both[one][by[one][0]]
                squares += self._penalty(by[one]) @ np.einsum("ij,ij->i", rows, rows)
            loss.append(squares)
        if not np.isfinite(loss).all():
            raise ValueError(
                "the normal equations are singular to rounding; raise "
                f"regularization={self.regularization}"
            )
        for side, rows in both.items():
            setattr(self, f"{side}_bias_", rows[:, 0].copy())
            setattr(self, f"{side}_factors_", rows[:, 1:].copy())
        self.loss_ = np.array(loss)
        self.interactions_ = interactions
        return self

    def _penalty(self, ratings: tuple[np.ndarray, ...]) -> np.ndarray:
        """Return regularization · w of each group."""
        counts = np.diff(ratings[1])
        return self.regularization * (counts if self.weighted else np.ones(len(counts)))
