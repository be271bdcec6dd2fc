"""One rating predictor after another: the second learns what the first leaves over."""

from __future__ import annotations

import copy
from typing import Self

import numpy as np

from recbook.data.interactions import Interactions
from recbook.models.base import RatingPredictor, check_scale


class OnResiduals(RatingPredictor):
    """Adds a second model's guess of what the first leaves unexplained.

    With r1 the first model's predictions for its own training ratings, the second is fitted on
    r - r1 in place of the ratings, and

        r(u, i) = r1(u, i) + r2(u, i).

    Levels first and neighbours second, compared by cosine, are the neighbours of Koren: each
    neighbour's deviation from what the levels expect is averaged. A first model that fits the
    training ratings closely leaves a second one nothing to learn, so the first should be simple.

    Memory: fit at most ``16 * max(n_users, n_items)**2 + 12 * n_users * n_items + 200 * n_events
    + 1e6`` bytes, predict at most ``250 * n_pairs + 1e6`` bytes, with models no larger than
    `RatingNeighbours`.

    Parameters
    ----------
    first, second : RatingPredictor
        Copied by `fit`; what is handed in stays as it is. Their `scale` is set by this model.
    scale : (float, float), optional
        Lowest and highest rating; those of the training ratings where None.

    Attributes
    ----------
    first_, second_ : RatingPredictor
        Fitted.

    References
    ----------
    Koren: Factor in the neighbors: scalable and accurate collaborative filtering. ACM TKDD 4(1),
    2010, section 2.2.

    Examples
    --------
    >>> import pandas as pd
    >>> from recbook.models import GlobalMean, UserItemBias
    >>> frame = pd.DataFrame({"user_id": [1, 2], "item_id": ["a", "a"], "rating": [5, 1]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> OnResiduals(GlobalMean(), UserItemBias(reg_user=1)).fit(events).predict([0, 1], [0, 0])
    array([4., 2.])
    """

    def __init__(
        self,
        first: RatingPredictor,
        second: RatingPredictor,
        *,
        scale: tuple[float, float] | None = None,
    ) -> None:
        for name, model in (("first", first), ("second", second)):
            if not isinstance(model, RatingPredictor):
                raise TypeError(f"{name} must be a RatingPredictor, got {type(model).__name__}")
        check_scale(scale)
        self.first = first
        self.second = second
        self.scale = scale

    def fit(self, interactions: Interactions) -> Self:
        """Fit the first model on the ratings, then the second on what is left."""
        self._learn_scale(interactions)
        low, high = self.scale_
        wide = 2 * (high - low) or 1.0  # clipped is the sum, not its parts
        self.first_ = _scaled(self.first, (low - wide, high + wide)).fit(interactions)
        rest = interactions.value - self.first_.predict(interactions.user, interactions.item)
        left = Interactions(
            interactions.user, interactions.item, rest, interactions.time,
            users=interactions.users, items=interactions.items, has_time=interactions.has_time,
        )  # fmt: skip
        self.second_ = _scaled(self.second, (-2 * wide, 2 * wide)).fit(left)
        self.interactions_ = interactions
        return self

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float64 predictions (n,) for pairs of positions."""
        users, items = self._pairs(users, items)
        predicted = self.first_.predict(users, items)
        predicted += self.second_.predict(users, items)
        return predicted.clip(*self.scale_)


def _scaled(model: RatingPredictor, scale: tuple[float, float]) -> RatingPredictor:
    """Return an unfitted copy with another scale."""
    params = {name: copy.deepcopy(value) for name, value in model.get_params().items()}
    return type(model)(**(params | {"scale": scale}))
