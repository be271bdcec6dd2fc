"""Factors of what users took, by alternating least squares in which every cell counts."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least
from recbook.models.list_inputs import block_scores, check_input, has_events, input_matrix


class ImplicitALS(Recommender):
    """Matrix factorisation for implicit feedback: each cell is 0 or 1, believed more or less.

    p(u, i) is 1 where u took i and else 0; the confidence c(u, i) = 1 + α r(u, i) grows with the
    value r of the cell. The factors make

        Σ_ui c(u, i) (p(u, i) - x_u · y_i)² + λ (Σ_u |x_u|² + Σ_i |y_i|²)

    small over all cells, empty ones too. Given Y, the best x_u solves
    (YᵀY + Yᵀ(C_u - I)Y + λI) x_u = Yᵀ C_u p_u; YᵀY is common to all users and C_u - I is 0 where u
    took nothing, so a user costs the time of the cells she holds. Each iteration solves all items,
    then all users. score(u, i) = x_u · y_i.

    Parameters
    ----------
    n_factors : int
    regularization : float
        λ, above 0.
    alpha : float
        α: how much more a cell of value 1 is believed than an empty one.
    n_iterations : int
    values : {"binary", "count", "value"}
        What r holds: 1, the number of events, or the sum of their values.
    half_life_days, half_life_events : float, optional
        At most one; r forgets, see `recbook.models.list_inputs.input_matrix`.
    damping : {None, "sqrt", "log"}
        r to √r or ln(1 + r).
    rng : int or numpy.random.Generator
        Of the users' first factors, normal with variance 1 / n_factors.

    Attributes
    ----------
    user_factors_ : float64 array (n_users, n_factors)
        Solves the equations above with `item_factors_`. 0 for a user without events.
    item_factors_ : float64 array (n_items, n_factors)
    loss_ : float64 array (n_iterations,)
        The sum above after each iteration; it never rises.

    Notes
    -----
    Memory: fit at most ``8 * n_factors * (n_users + n_items) + 100 * n_events + 1e6`` bytes, score
    at most ``4 * n_rows * n_items + 2500 * n_items + 1e6`` bytes.

    References
    ----------
    Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets. ICDM 2008.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": ["a", "b", "a", "b", "a"]})
    >>> ImplicitALS(2).fit(Interactions.from_frame(frame)).recommend(k=2)[2]
    array([0, 1], dtype=int32)
    """

    def __init__(
        self,
        n_factors: int = 64,
        regularization: float = 10.0,
        *,
        alpha: float = 10.0,
        n_iterations: int = 10,
        values: str = "binary",
        half_life_days: float | None = None,
        half_life_events: float | None = None,
        damping: str | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        check_at_least("n_factors", n_factors, 1)
        check_at_least("regularization", regularization, 0)
        if regularization == 0:
            raise ValueError("regularization must be above 0, or some equations have no one answer")
        check_at_least("alpha", alpha, 0)
        check_at_least("n_iterations", n_iterations, 1)
        check_input(values, half_life_days, half_life_events, damping)
        self.n_factors = n_factors
        self.regularization = regularization
        self.alpha = alpha
        self.n_iterations = n_iterations
        self.values = values
        self.half_life_days = half_life_days
        self.half_life_events = half_life_events
        self.damping = damping
        self.rng = rng

    def fit(self, interactions: Interactions) -> Self:
        """Solve for the items' and the users' factors in turn."""
        extra = input_matrix(
            interactions, self.values, half_life_days=self.half_life_days,
            half_life_events=self.half_life_events, damping=self.damping,
        )  # fmt: skip
        extra.data *= self.alpha  # c - 1
        by_item = extra.T.tocsr()
        rng = np.random.default_rng(self.rng)
        users = rng.normal(size=(interactions.n_users, self.n_factors)) / np.sqrt(self.n_factors)
        items = np.zeros((interactions.n_items, self.n_factors))
        self.loss_ = np.empty(self.n_iterations)
        for iteration in range(self.n_iterations):
            _solve(by_item, users, self.regularization, items)
            _solve(extra, items, self.regularization, users)
            self.loss_[iteration] = _loss(extra, users, items, self.regularization)
        self.user_factors_, self.item_factors_ = users, items
        self.known_ = has_events(extra)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); an item without events scores lowest."""
        rows = self._rows(users)
        return block_scores(
            lambda start, stop: self.user_factors_[start:stop] @ self.item_factors_.T,
            rows, self.interactions_.n_items, self.known_,
        )  # fmt: skip


def _solve(
    extra: sparse.csr_array, other: np.ndarray, regularization: float, solved: np.ndarray
) -> None:
    """Put into `solved` the factors that are best for each row of `extra`, given the `other`s."""
    from recbook.models._list_kernels import solve_rows

    f = other.shape[1]
    gram = other.T @ other
    gram[np.diag_indices(f)] += regularization
    room = np.empty((f, f)), np.empty(f)
    solve_rows(extra.indptr, extra.indices, extra.data, other, gram, solved, *room)


def _loss(
    extra: sparse.csr_array, users: np.ndarray, items: np.ndarray, regularization: float
) -> float:
    """Return the loss over all cells at the cost of the stored ones."""
    from recbook.models._list_kernels import cell_products

    products = np.empty(extra.nnz)
    cell_products(extra.indptr, extra.indices, users, items, products)
    # Every cell as if it were empty, Σ (x·y)² = Σ (XᵀX)∘(YᵀY); then the stored ones put right.
    empty = ((users.T @ users) * (items.T @ items)).sum()
    stored = ((1 + extra.data) * (1 - products) ** 2 - products**2).sum()
    return empty + stored + regularization * ((users**2).sum() + (items**2).sum())
