"""Latent semantic indexing: histories as documents, seen through a few directions."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice
from recbook.models.list_inputs import block_scores, check_input, has_events, input_matrix
from recbook.models.pure_svd import right_singular_vectors


class LSI(Recommender):
    """Scores an item by the user's weighted history, seen through a few latent directions.

    The cell of user u and item i is t(u, i), the number of events, and X holds its weight

        x(u, i) = t(u, i) · w_i / |row u|,   w_i = ln((1 + n) / (1 + n_i)) + 1,

    with n the users that have any event and n_i those that have i. With X = U S Vᵀ cut to the
    `n_factors` largest singular values, score(u, ·) = x_u V Vᵀ, divided by w where `unweighted`.

    Parameters
    ----------
    n_factors : int
        Fewer are kept where X has a lower rank.
    weighting : {"tfidf", None}
        Where None, X is t itself: neither weighted nor divided by the row's length.
    values, half_life_days, half_life_events, damping
        What t is, the number of events unless told otherwise: see
        `recbook.models.list_inputs.input_matrix`.
    unweighted : bool
        Whether scores are turned back from weights into counts: what is rare tells more about a
        user, and is taken less often all the same.

    Attributes
    ----------
    item_factors_ : float64 array (n_items, n_kept)
        V: orthonormal columns, each with its largest entry above 0.
    user_factors_ : float64 array (n_users, n_kept)
        X V; also what a new history is projected to.
    singular_values_ : float64 array (n_kept,), largest first
    item_weights_ : float64 array (n_items,)
        w, all 1 where there is no weighting.
    known_ : bool array (n_items,)
        Which items have any event; the others score lowest.

    Notes
    -----
    Memory: fit at most ``8 * n_factors * (3 * min(n_users, n_items) + 5 * n_items + 2 * n_users)
    + 45 * n_events + 1e6`` bytes, score at most ``4 * n_rows * n_items
    + (4500 + 10 * n_factors) * n_items + 2e6`` bytes. With `n_factors` from half of the smaller
    side on, all of X is made dense on top of it.

    References
    ----------
    Deerwester, Dumais, Furnas, Landauer, Harshman: Indexing by latent semantic analysis. Journal of
    the American Society for Information Science 41(6), 1990.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": list("abaca")})
    >>> LSI(1).fit(Interactions.from_frame(frame)).recommend([2], 3)
    array([[0, 1, 2]], dtype=int32)
    """

    def __init__(
        self,
        n_factors: int = 64,
        *,
        weighting: str | None = "tfidf",
        values: str = "count",
        half_life_days: float | None = None,
        half_life_events: float | None = None,
        damping: str | None = None,
        unweighted: bool = True,
    ) -> None:
        check_at_least("n_factors", n_factors, 1)
        check_choice("weighting", weighting, ("tfidf", None))
        check_input(values, half_life_days, half_life_events, damping)
        self.n_factors = n_factors
        self.weighting = weighting
        self.values = values
        self.half_life_days = half_life_days
        self.half_life_events = half_life_events
        self.damping = damping
        self.unweighted = unweighted

    def fit(self, interactions: Interactions) -> Self:
        """Weigh the histories and find the directions."""
        cells = input_matrix(
            interactions,
            self.values,
            half_life_days=self.half_life_days,
            half_life_events=self.half_life_events,
            damping=self.damping,
        )
        self.item_weights_ = np.ones(cells.shape[1])
        if self.weighting == "tfidf":
            self.item_weights_ = _weigh(cells)
        self.singular_values_, self.item_factors_ = right_singular_vectors(
            cells, self.n_factors, np.random.default_rng(0)
        )
        self.user_factors_ = cells @ self.item_factors_
        self.known_ = has_events(cells)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); the lowest of the row where nobody has i."""
        rows = self._rows(users)
        right = self.item_factors_.T
        if self.unweighted:
            right = right / self.item_weights_

        def product(start: int, stop: int) -> np.ndarray:
            return _without_rounding(self.user_factors_[start:stop] @ right)

        return block_scores(product, rows, len(self.known_), self.known_)


def _weigh(cells: sparse.csr_array) -> np.ndarray:
    """Weigh the cells in place, bring each row to unit length, and return the items' weights."""
    n = np.count_nonzero(np.diff(cells.indptr))
    weights = np.log((1 + n) / (1 + np.bincount(cells.indices, minlength=cells.shape[1]))) + 1
    cells.data *= weights[cells.indices]
    row = np.repeat(np.arange(cells.shape[0]), np.diff(cells.indptr))
    cells.data /= np.sqrt(np.bincount(row, weights=cells.data**2, minlength=1))[row]
    return weights


def _without_rounding(scores: np.ndarray) -> np.ndarray:
    """Set to 0 what is 0 but for rounding, so that no order rests on it."""
    scores[np.abs(scores) < 1e-12 * np.abs(scores).max(initial=0)] = 0
    return scores
