"""What every recommender and every rating predictor has in common."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.data.ranking import top_k


class Estimator(ABC):
    """Parameters live in the constructor, what is learnt in attributes that end in `_`.

    A constructor stores its arguments under their own names and refuses impossible ones; `fit`
    learns, keeps the events as `interactions_` and returns self. The same constructor arguments
    and the same events give the same model.
    """

    @abstractmethod
    def fit(self, interactions: Interactions) -> Self:
        """Learn from the events and return self."""

    def get_params(self) -> dict:
        """Return the constructor's parameters, by name."""
        names = [
            name for name in inspect.signature(type(self).__init__).parameters if name != "self"
        ]
        return {name: getattr(self, name) for name in names}

    def held_megabytes(self) -> float:
        """Return how many MB of arrays the fitted model holds, without the events it learnt from.

        That is what it takes to serve it. To fit it takes more: see the class's Memory line.
        """
        seen: dict[int, object] = {}
        waiting = [value for name, value in vars(self).items() if name != "interactions_"]
        total = 0
        while waiting:
            value = waiting.pop()
            if id(value) in seen or isinstance(value, Interactions | type):
                continue
            seen[id(value)] = value
            if isinstance(value, np.ndarray):
                total += value.nbytes
            elif isinstance(value, dict):
                waiting += value.values()
            elif isinstance(value, list | tuple):
                waiting += value
            elif hasattr(value, "__dict__"):
                waiting += vars(value).values()
        return total / 2**20

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({params})"

    def _fitted(self) -> Interactions:
        try:
            return self.interactions_
        except AttributeError:
            raise ValueError(
                f"{type(self).__name__} is not fitted yet: call fit(interactions)"
            ) from None

    def _rows(self, users: np.ndarray | None) -> np.ndarray:
        """Return checked user positions of a fitted model, everyone's where `users` is None."""
        n_users = self._fitted().n_users
        return np.arange(n_users) if users is None else positions(users, n_users, "users")


class Recommender(Estimator):
    """Scores every item for every user; a higher score means earlier in the list."""

    @abstractmethod
    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items), every user's where `users` is None.

        `users` are row positions, not ids. An item that the model cannot judge scores lowest, never
        NaN. The array is the caller's: writing into it does not change the model.
        """

    def recommend(
        self,
        users: np.ndarray | None = None,
        k: int = 10,
        *,
        exclude: Interactions | sparse.csr_array | None = None,
        candidates: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the `k` best items of each user, best first.

        Parameters
        ----------
        users : int array (n,), optional
            Row positions; everyone where None.
        k : int
            Length of each list.
        exclude : Interactions or sparse matrix (n_users, n_items), optional
            Cells with an event, or a stored number, are left out: pass the training events to
            recommend only what is new to the user.
        candidates : bool array (n_items,), optional
            Items that may be recommended; all where None.

        Returns
        -------
        int32 array (n, k) of column positions, -1 where a user has fewer than `k` candidates.
        """
        rows = self._rows(users)
        return top_k(self.score(rows), k, exclude=exclude, rows=rows, candidates=candidates)


class RatingPredictor(Estimator):
    """Predicts the rating a user would give an item.

    Every predictor takes `scale`, the lowest and the highest rating there is; where it is None,
    `fit` takes those of the training ratings. Predictions are clipped to it. Learnt by all:
    `scale_` (tuple of two floats) and `mean_`, the mean training rating, which is what a predictor
    that knows nothing of a user or an item falls back to.
    """

    @abstractmethod
    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return a float64 prediction for each pair of a row and a column position."""

    def predict_all(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float64 predictions (len(users), n_items), every user's where `users` is None."""
        rows = self._rows(users)
        n_items = self.interactions_.n_items
        pairs = np.repeat(rows, n_items), np.tile(np.arange(n_items), len(rows))
        return self.predict(*pairs).reshape(len(rows), n_items)

    def _learn_scale(self, interactions: Interactions) -> None:
        """Check the ratings and learn `scale_` and `mean_` from them."""
        value = interactions.value
        if not len(value):
            raise ValueError(f"{type(self).__name__} cannot learn from no ratings at all")
        if not np.isfinite(value).all():
            at = np.flatnonzero(~np.isfinite(value))[0]
            raise ValueError(f"rating {at} is {value[at]}; drop or mend it before fitting")
        cells = interactions.user.astype(np.int64) * interactions.n_items + interactions.item
        repeated = len(cells) - len(np.unique(cells))
        if repeated:
            raise ValueError(
                f"{repeated} ratings repeat a (user, item) pair; keep one rating a pair first"
            )
        low, high = (value.min(), value.max()) if self.scale is None else self.scale
        self.scale_ = (float(low), float(high))
        self.mean_ = float(value.mean())

    def _pairs(self, users: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the checked positions of the pairs to predict."""
        events = self._fitted()
        users = positions(users, events.n_users, "users")
        items = positions(items, events.n_items, "items")
        if len(users) != len(items):
            raise ValueError(
                f"predict needs one item for each user, got {len(users)} users and "
                f"{len(items)} items"
            )
        return users, items


def positions(values: np.ndarray, n: int, name: str) -> np.ndarray:
    """Return `values` as a flat int array of positions below `n`, or say what is wrong."""
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be a flat array of whole-number positions, got {array.dtype} "
            f"{array.shape}; turn ids into positions with the index's get_indexer"
        )
    if array.size and (array.min() < 0 or array.max() >= n):
        raise ValueError(f"{name} must lie between 0 and {n - 1}: the index has {n} ids")
    return array


def check_choice(name: str, value: object, choices: tuple) -> None:
    """Raise a ValueError unless `value` is one of `choices`."""
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"{name} must be one of {listed}, got {value!r}")


def check_at_least(name: str, value: float, least: float) -> None:
    """Raise a ValueError unless `value` is a number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or value < least:
        raise ValueError(f"{name} must be a number of at least {least}, got {value!r}")


def check_scale(scale: tuple[float, float] | None) -> None:
    """Raise a ValueError unless `scale` is None or a lower and an upper bound."""
    if scale is not None and not (len(scale) == 2 and scale[0] < scale[1]):
        raise ValueError(f"scale must be (lowest, highest) rating such as (1, 5), got {scale!r}")
