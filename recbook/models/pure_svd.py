"""Truncated singular value decomposition of what users took."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice
from recbook.models.list_inputs import block_scores, check_input, has_events, input_matrix
from recbook.models.similarity import WEIGHTINGS, weigh


class PureSVD(Recommender):
    """Scores by the rank-k matrix nearest to the users' matrix in which empty cells are 0.

    X = U Σ Vᵀ. With V_k the k right singular vectors of the largest singular values, the scores are
    X V_k V_kᵀ = U_k Σ_k V_kᵀ: of all matrices of rank k none is nearer to X in squares
    (Eckart–Young). As ratings these numbers mean nothing; as an order they do. Where the k-th and
    the next singular value are equal, V_k is one of many.

    Parameters
    ----------
    n_factors : int
        k. Components whose singular value is 0 to rounding are dropped, so fewer may remain.
    weighting : {None, "tfidf", "bm25"}
        Weighs the cells first, a user as a document and an item as a word; see
        `recbook.models.similarity.weigh`.
    values : {"binary", "count", "value"}
        What a cell of X holds: 1, the number of events, or the sum of their values.
    half_life_days, half_life_events : float, optional
        At most one; the values forget, see `recbook.models.list_inputs.input_matrix`.
    damping : {None, "sqrt", "log"}
        A value x to √x or ln(1 + x), before the weighting.
    rng : int or numpy.random.Generator
        Of the vector that the iteration starts from; it shows in the last digits only.

    Attributes
    ----------
    user_factors_ : float64 array (n_users, k)
        X V_k, the left singular vectors times the singular values.
    item_factors_ : float64 array (n_items, k)
        V_k; the entry of largest size in each column is positive.
    singular_values_ : float64 array (k,)
        Falling.

    Notes
    -----
    Memory: fit at most
    ``24 * n_factors * (n_users + n_items) + 100 * n_events + 1e6`` bytes,
    score at most ``4 * n_rows * n_items + 2500 * n_items + 1e6`` bytes.
    Where `n_factors` is half of the smaller side or more, the full decomposition is made, and fit
    takes ``32 * n_users * n_items`` bytes on top.

    References
    ----------
    Cremonesi, Koren, Turrin: Performance of recommender algorithms on top-N recommendation tasks.
    RecSys 2010.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": ["a", "b", "a", "b", "a"]})
    >>> PureSVD(1).fit(Interactions.from_frame(frame)).score()[2].round(3)
    array([0.621, 0.485], dtype=float32)
    """

    def __init__(
        self,
        n_factors: int = 64,
        weighting: str | None = None,
        *,
        values: str = "binary",
        half_life_days: float | None = None,
        half_life_events: float | None = None,
        damping: str | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        check_at_least("n_factors", n_factors, 1)
        check_choice("weighting", weighting, WEIGHTINGS)
        check_input(values, half_life_days, half_life_events, damping)
        self.n_factors = n_factors
        self.weighting = weighting
        self.values = values
        self.half_life_days = half_life_days
        self.half_life_events = half_life_events
        self.damping = damping
        self.rng = rng

    def fit(self, interactions: Interactions) -> Self:
        """Decompose the matrix."""
        held = input_matrix(
            interactions, self.values, half_life_days=self.half_life_days,
            half_life_events=self.half_life_events, damping=self.damping,
        )  # fmt: skip
        self.known_ = has_events(held)
        matrix = weigh(held, self.weighting)
        self.singular_values_, self.item_factors_ = right_singular_vectors(
            matrix, self.n_factors, np.random.default_rng(self.rng)
        )
        self.user_factors_ = matrix @ self.item_factors_
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); an item without events scores lowest."""
        rows = self._rows(users)
        return block_scores(
            lambda start, stop: self.user_factors_[start:stop] @ self.item_factors_.T,
            rows, self.interactions_.n_items, self.known_,
        )  # fmt: skip


def right_singular_vectors(
    matrix: sparse.csr_array, k: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k largest singular values, falling, and their right vectors as columns."""
    from scipy.sparse.linalg import svds

    smaller = min(matrix.shape)
    if not matrix.nnz:
        return np.zeros(0), np.zeros((matrix.shape[1], 0))
    if 2 * k >= smaller:  # the iteration is made for a few values out of many
        _, values, right = np.linalg.svd(matrix.toarray(), full_matrices=False)
        values, right = values[:k], right[:k]
    else:
        _, values, right = svds(matrix, k=k, v0=rng.uniform(-1, 1, smaller), solver="arpack")
        order = np.argsort(-values)
        values, right = values[order], right[order]
    kept = values > 1e-10 * values[0]
    values, right = values[kept], right[kept]
    largest = right[np.arange(len(right)), np.abs(right).argmax(axis=1)]
    return values, np.ascontiguousarray((right * np.sign(largest)[:, None]).T)
