"""A shop that answers: shoppers arrive, are shown a list, click, buy and rate."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from recbook.data.shop import truth as laws
from recbook.data.shop.core import Shop


class Response(NamedTuple):
    """What came of some lists, each array (n, k) in the shape of the lists."""

    clicks: np.ndarray  # bool
    purchases: np.ndarray  # bool
    ratings: np.ndarray  # float64, stars; NaN where none was given


class LiveShop:
    """The shop's people, by the laws of its truth, at list prices, without bundles or searches.

    Users and items are row positions, as in `Recommender.recommend`. Answers are independent of
    each other: nobody gets tired, and nobody learns.

    Parameters
    ----------
    shop : Shop
    rng : int, numpy.random.Generator or None
        The seed of the answers. It has nothing to do with the seed of the shop.

    Examples
    --------
    >>> from recbook.data.shop import simulate_shop
    >>> live = LiveShop(simulate_shop(50, 60, seed=1), rng=0)
    >>> live.respond(live.arrive(3), [[0, 1], [2, 3], [4, -1]]).clicks.shape
    (3, 2)
    """

    def __init__(self, shop: Shop, *, rng: int | np.random.Generator | None = None) -> None:
        self._truth = shop.truth
        self._rng = np.random.default_rng(rng)
        activity = shop.truth.users["activity"].to_numpy()
        self._share = activity / activity.sum()

    def arrive(self, n: int = 1) -> np.ndarray:
        """Return the next `n` shoppers, int64 (n,); active ones come more often."""
        return self._rng.choice(len(self._share), size=n, p=self._share)

    def respond(self, users: int | np.ndarray, lists: np.ndarray) -> Response:
        """Show each user her list and return what she does.

        A click needs a look (the position bias) and a liking (σ of the utility); a purchase needs a
        click; a rating needs a purchase.

        Parameters
        ----------
        users : int, or int array (n,)
        lists : int array (k,) for one user, or (n, k)
            Items, best first; -1 is an empty place.

        Raises
        ------
        ValueError
            If the shapes do not fit or a position lies outside the shop.
        """
        users, lists = self._checked(users, lists)
        chance = self._rng.random((4, *lists.shape))
        there, items = lists >= 0, np.maximum(lists, 0)
        click = self.click_probability(users, lists)
        clicks = chance[0] < click
        like = self._truth.view_probability(users[:, None], items)
        after = self.true_purchase_probability(users[:, None], items) / like
        purchases = clicks & (chance[1] < after)
        pairs = (self._truth.users, self._truth.items, users[:, None], items)
        rated = purchases & (chance[2] < laws.rate_probability(laws.rating_centre(*pairs)))
        below = np.cumsum(laws.star_probabilities(*pairs), axis=-1)[..., :-1]
        stars = 1.0 + (chance[3][..., None] >= below).sum(axis=-1)
        return Response(clicks & there, purchases & there, np.where(rated, stars, np.nan))

    def click_probability(self, users: int | np.ndarray, lists: np.ndarray) -> np.ndarray:
        """Return the true chance of a click on each place, float64 (n, k); 0 on an empty one."""
        users, lists = self._checked(users, lists)
        like = self._truth.view_probability(users[:, None], np.maximum(lists, 0))
        return np.where(lists >= 0, like * self.position_bias(lists.shape[1]), 0.0)

    def expected_purchases(self, users: int | np.ndarray, lists: np.ndarray) -> np.ndarray:
        """Return how many items each user buys from her list on average, float64 (n,)."""
        users, lists = self._checked(users, lists)
        buy = self.true_purchase_probability(users[:, None], np.maximum(lists, 0))
        return np.where(lists >= 0, buy * self.position_bias(lists.shape[1]), 0.0).sum(axis=1)

    def true_purchase_probability(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the chance that a user buys an item she looks at; positions that broadcast."""
        return self._truth.purchase_probability(users, items)

    @staticmethod
    def position_bias(k: int) -> np.ndarray:
        """Return the chance that a shopper looks at positions 1 … k: position ** -0.6, rounded."""
        return np.round(np.arange(1, k + 1) ** -0.6, 4)

    def _checked(self, users: int | np.ndarray, lists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        users, lists = np.atleast_1d(users), np.atleast_2d(lists)
        if lists.shape[0] != len(users):
            raise ValueError(
                f"{len(users)} users need as many lists, one a row, got shape {lists.shape}"
            )
        for name, given, least, size in (
            ("user", users, 0, len(self._truth.users)),
            ("item", lists, -1, len(self._truth.items)),
        ):
            if given.size and (given.min() < least or given.max() >= size):
                raise ValueError(f"a {name} position lies outside 0 … {size - 1} of the shop")
        return users, lists
