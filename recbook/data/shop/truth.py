"""What is true in the shop: the laws by which its people look, buy and rate."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr

LIST_LENGTH = 12
POSITION_BIAS = np.round(np.arange(1, LIST_LENGTH + 1) ** -0.6, 4)
POSITION_BIAS.setflags(write=False)
BASE_UTILITY = -1.8
RELEVANCE_EFFECT = 0.6  # added to the utility per grade above 2, in search lists only
CART_RANGE = (0.20, 0.50)  # chance of view -> cart at list price, as the utility goes from -∞ to ∞
BUY_AFTER_CART = 0.8
RATING_MEAN, RATING_QUALITY, RATING_TASTE, RATING_NOISE = 2.8, 0.6, 0.40, 0.8
STARS = np.arange(1, 6)
STARS.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Truth:
    """What the generator knows and a model can only guess.

    Every method takes row positions of `Shop.users` and `Shop.items` (the rows and columns of
    `Shop.interactions(…)`), as arrays that broadcast against each other.

    Parameters
    ----------
    users : pandas.DataFrame (n_users rows)
        user_id, activity, openness (added to each utility), leniency (added to each rating) and
        the taste vector t1 … t8.
    items : pandas.DataFrame (n_items rows)
        item_id, topic, quality, popularity (weight in the home page's lists), elasticity,
        base_demand (units a week) and the taste vector t1 … t8.
    rules : pandas.DataFrame
        Bundles: antecedent, consequent (item ids), probability. Who buys the antecedent from a
        list is offered the consequent at the till and takes it with this probability.
    transitions : pandas.DataFrame
        source, target (categories), probability that the visit after a purchase from the source is
        a search for the target.
    attribute_effects : pandas.DataFrame
        What each user attribute adds to the taste vector.
    topics : pandas.DataFrame
        topic, kind ("adjective", "noun"), en, zh: the words of the latent topics.
    relevance : int8 array (n_queries, n_items)
        Grade 0 … 3 of each item for each query.
    faults : pandas.DataFrame
        Every fault of the dirty copy: see `recbook.data.shop.dirt`.
    noise_floor : float
        RMSE of the true expected rating against `Shop.ratings`, in stars: what remains when all is
        known that can be known. `expected_rating` gives the floor of any part of them.
    """

    users: pd.DataFrame = field(repr=False)
    items: pd.DataFrame = field(repr=False)
    rules: pd.DataFrame = field(repr=False)
    transitions: pd.DataFrame = field(repr=False)
    attribute_effects: pd.DataFrame = field(repr=False)
    topics: pd.DataFrame = field(repr=False)
    relevance: np.ndarray = field(repr=False)
    faults: pd.DataFrame = field(repr=False)
    noise_floor: float

    @property
    def position_bias(self) -> np.ndarray:
        """Chance that a shopper looks at position 1 … 12 of a list, float64 (12,)."""
        return POSITION_BIAS

    @property
    def user_tastes(self) -> np.ndarray:
        """Taste vectors of the users, float64 (n_users, 8)."""
        return tastes(self.users)

    @property
    def item_tastes(self) -> np.ndarray:
        """Taste vectors of the items, float64 (n_items, 8)."""
        return tastes(self.items)

    def utility(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the utility of items to users: base + openness + quality + taste · taste."""
        return utility(self.users, self.items, users, items)

    def view_probability(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the chance that a user opens an item she has looked at in a list."""
        return expit(self.utility(users, items))

    def purchase_probability(
        self, users: np.ndarray, items: np.ndarray, *, price_ratio: np.ndarray | float = 1.0
    ) -> np.ndarray:
        """Return the chance that a user buys an item she has looked at in a list.

        σ(utility) × cart(utility) × price_ratio ** elasticity × 0.8. In a list it is multiplied by
        the position bias of the place; rules at the till come on top.

        Parameters
        ----------
        users, items : int arrays that broadcast
        price_ratio : float or array
            Price over list price, in 0.75 … 1.05 as in the shop's weeks.
        """
        worth = self.utility(users, items)
        elasticity = self.items["elasticity"].to_numpy()[items]
        return expit(worth) * cart_probability(worth, price_ratio**elasticity) * BUY_AFTER_CART

    def star_probabilities(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the chances of one to five stars, float64 (..., 5)."""
        return star_probabilities(self.users, self.items, users, items)

    def expected_rating(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the mean rating (stars) of items by users: the best possible prediction."""
        return self.star_probabilities(users, items) @ STARS


def tastes(frame: pd.DataFrame) -> np.ndarray:
    """Return the columns t1 … t8 as a float64 array."""
    return frame.filter(regex=r"^t\d+$").to_numpy(float)


def utility(
    truth_users: pd.DataFrame, truth_items: pd.DataFrame, users: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """Return base + openness + quality + taste · taste for positions that broadcast."""
    users, items = np.broadcast_arrays(users, items)
    dot = np.einsum("...f,...f->...", tastes(truth_users)[users], tastes(truth_items)[items])
    openness = truth_users["openness"].to_numpy()[users]
    return BASE_UTILITY + openness + truth_items["quality"].to_numpy()[items] + dot


def cart_probability(worth: np.ndarray, price_factor: np.ndarray | float) -> np.ndarray:
    """Return the chance of view -> cart; exactly proportional to price ** elasticity."""
    low, high = CART_RANGE
    return np.minimum((low + (high - low) * expit(worth)) * price_factor, 1.0)


def rating_centre(
    truth_users: pd.DataFrame, truth_items: pd.DataFrame, users: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """Return the rating in stars before noise, rounding and clipping."""
    dot = np.einsum("...f,...f->...", tastes(truth_users)[users], tastes(truth_items)[items])
    quality = truth_items["quality"].to_numpy()[items]
    leniency = truth_users["leniency"].to_numpy()[users]
    return RATING_MEAN + leniency + RATING_QUALITY * quality + RATING_TASTE * dot


def star_probabilities(
    truth_users: pd.DataFrame, truth_items: pd.DataFrame, users: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """Return the chances of one to five stars: a normal number around the centre, rounded."""
    users, items = np.broadcast_arrays(users, items)
    centre = rating_centre(truth_users, truth_items, users, items)
    below = ndtr((STARS[:-1] + 0.5 - centre[..., None]) / RATING_NOISE)
    edges = np.zeros((*centre.shape, 1))
    return np.diff(np.concatenate([edges, below, edges + 1], axis=-1), axis=-1)


def rate_probability(centre: np.ndarray) -> np.ndarray:
    """Return the chance that a buyer rates: people rate what they like (not missing at random).

    It depends on the pair only through the centre, never on the stars given, so the noise floor
    holds for the ratings that are seen.
    """
    return 0.4 + 0.4 * expit(2 * (centre - RATING_MEAN))
