"""Ratings predicted from the ratings of the nearest users, or of the nearest items."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import RatingPredictor, check_at_least, check_choice, check_scale
from recbook.models.rating_similarity import RATING_SIMILARITIES, co_rated_similarities

_BLOCK_CELLS = 2_000_000  # (pair, neighbour) similarities held at a time: 16 MB


class RatingNeighbours(RatingPredictor):
    """Averages what the `k` most similar users gave the item (or the user gave similar items).

    By users, with N(u, i) the `k` users most similar to u among those who rated i, of these the
    ones whose similarity is above 0:

        r(u, i) = sum over N of sim(u, v) · r(v, i) / sum over N of sim(u, v)

    and, `centred`, with m(u) the mean of u's ratings,

        r(u, i) = m(u) + sum over N of sim(u, v) · (r(v, i) - m(v)) / sum over N of sim(u, v).

    By items, users and items change places. The result is clipped to the scale.

    Edge rules, those of Surprise's KNNBasic and KNNWithMeans: a user or an item without any rating
    gets the mean of all ratings; fewer than `min_k` neighbours give the mean of all ratings, or
    m(u) where `centred`; of equally similar neighbours the ones whose events come first are taken;
    for a pair in the training data the user herself is among the neighbours.

    Memory: fit at most ``16 * (n_users if by == "user" else n_items) ** 2 + 12 * n_users * n_items
    + 100 * n_events + 1e6`` bytes, predict at most ``200 * n_pairs + 1e6`` bytes. Kept are 8 bytes
    a similarity: 7 MB for 943 users, 23 MB for 1,682 items.

    Parameters
    ----------
    by : {"user", "item"}
    similarity : {"cosine", "msd", "pearson", "adjusted cosine"}
        Over co-rated cells; see `recbook.models.rating_similarity.co_rated_similarities`.
    k, min_k : int
        Most and fewest neighbours of one prediction.
    centred : bool
        Whether to average deviations from each neighbour's mean.
    shrinkage : float
        Multiplies a similarity by n / (n + shrinkage), n the number of co-rated cells.
    min_support : int
        Similarities over fewer co-rated cells than this are 0.
    scale : (float, float), optional
        Lowest and highest rating; those of the training ratings where None.

    Attributes
    ----------
    similarities_ : float64 array (n_users, n_users) or (n_items, n_items)
    means_ : float64 array (n_users,) or (n_items,)
        NaN where there is no rating.

    References
    ----------
    Herlocker, Konstan, Borchers, Riedl: An algorithmic framework for performing collaborative
    filtering. SIGIR 1999.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": ["a", "b", "a", "b", "a"],
    ...                       "rating": [5, 1, 4, 2, 4]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> RatingNeighbours(k=1, similarity="msd").fit(events).predict([2], [1])
    array([2.])
    """

    def __init__(
        self,
        by: str = "user",
        similarity: str = "cosine",
        *,
        k: int = 40,
        min_k: int = 1,
        centred: bool = False,
        shrinkage: float = 0.0,
        min_support: int = 1,
        scale: tuple[float, float] | None = None,
    ) -> None:
        check_choice("by", by, ("user", "item"))
        check_choice("similarity", similarity, RATING_SIMILARITIES)
        check_at_least("k", k, 1)
        check_at_least("min_k", min_k, 1)
        check_at_least("shrinkage", shrinkage, 0)
        check_at_least("min_support", min_support, 1)
        check_scale(scale)
        self.by = by
        self.similarity = similarity
        self.k = k
        self.min_k = min_k
        self.centred = centred
        self.shrinkage = shrinkage
        self.min_support = min_support
        self.scale = scale

    def fit(self, interactions: Interactions) -> Self:
        """Compute the similarities and the means."""
        self._learn_scale(interactions)
        x, y = self._sides(interactions.user, interactions.item)
        n_x, n_y = self._sides(interactions.n_users, interactions.n_items)
        value = interactions.value
        self.similarities_ = co_rated_similarities(
            sparse.coo_array((value, (x, y)), shape=(n_x, n_y)).tocsr(),
            similarity=self.similarity,
            shrinkage=self.shrinkage,
            min_support=self.min_support,
        )
        counts = np.bincount(x, minlength=n_x)
        sums = np.bincount(x, weights=value, minlength=n_x)
        self.means_ = np.divide(sums, counts, out=np.full(n_x, np.nan), where=counts > 0)
        # The raters of each y, in the order of the events: ties are broken by it.
        order = np.argsort(y, kind="stable")
        self._raters = x[order]
        self._ratings = value[order] - (self.means_[self._raters] if self.centred else 0)
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(y, minlength=n_y))])
        self.interactions_ = interactions
        return self

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float64 predictions (n,) for pairs of positions.

        The pairs are taken item by item (by items: user by user), because the pairs of one item
        choose among the same raters.
        """
        x, y = self._sides(*self._pairs(users, items))
        rated = np.diff(self._starts)[y] > 0
        known = rated & ~np.isnan(self.means_[x])
        predicted = np.where(known, self.means_[x], self.mean_) if self.centred else np.full(
            len(x), self.mean_
        )  # fmt: skip
        pairs = np.flatnonzero(known)
        pairs = pairs[np.argsort(y[pairs], kind="stable")]
        found, first = np.unique(y[pairs], return_index=True)
        for one, group in zip(found, np.split(pairs, first)[1:], strict=True):
            cells = slice(self._starts[one], self._starts[one + 1])
            raters, ratings = self._raters[cells], self._ratings[cells]
            step = max(1, _BLOCK_CELLS // len(raters))
            for start in range(0, len(group), step):
                part = group[start : start + step]
                average, enough = self._average(x[part], raters, ratings)
                base = self.means_[x[part]] if self.centred else 0
                predicted[part[enough]] = (base + average)[enough]
        return predicted.clip(*self.scale_)

    def _average(
        self, x: np.ndarray, raters: np.ndarray, ratings: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return each x's weighted mean of the ratings, and whether it has enough neighbours."""
        # The similarities are symmetric, and along the raters' rows they are quicker to read.
        # The positions were checked already; to clip them is the quickest way to take.
        flat = raters[:, None] * self.similarities_.shape[1] + x
        block = self.similarities_.ravel().take(flat, mode="clip")
        weights = _nearest_only(np.ascontiguousarray(block.T), self.k)
        enough = np.count_nonzero(weights, axis=1) >= self.min_k
        # Not a matrix product: on narrow blocks the linear algebra library's threads cost more
        # than they bring.
        weighted = np.einsum("ij,j->i", weights, ratings)
        return np.divide(weighted, weights.sum(axis=1), out=weighted, where=enough), enough

    def _sides(self, user: object, item: object) -> tuple:
        """Return what is compared (x) and what links it (y): user and item, or item and user."""
        return (user, item) if self.by == "user" else (item, user)


def _nearest_only(similarities: np.ndarray, k: int) -> np.ndarray:
    """Keep each row's `k` highest similarities above 0, the first of equal ones, and zero the rest.

    Overwrites `similarities` (n, m).
    """
    m = similarities.shape[1]
    if m <= k:
        return np.maximum(similarities, 0, out=similarities)
    edge = np.partition(similarities, m - k, axis=1)[:, m - k, None]
    np.maximum(edge, np.finfo(float).tiny, out=edge)
    similarities *= similarities >= edge
    # Ties at the edge may leave more than k.
    over = np.flatnonzero(np.count_nonzero(similarities, axis=1) > k)
    if len(over):
        rows = similarities[over]
        tied = rows == edge[over]
        room = k - np.count_nonzero(rows > edge[over], axis=1)
        rows[tied & (np.cumsum(tied, axis=1) > room[:, None])] = 0
        similarities[over] = rows
    return similarities
