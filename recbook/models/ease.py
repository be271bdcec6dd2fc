"""A linear model in closed form: each item predicted from all the others."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice, positions
from recbook.models.list_inputs import (
    BLOCK_USERS,
    block_scores,
    check_input,
    has_events,
    input_matrix,
)

_SOLVERS = ("auto", "primal", "dual")


class EASE(Recommender):
    """Embarrassingly shallow autoencoder: the item-to-item weights that rebuild the users' rows.

    B makes |X - X B|² + λ |B|² smallest among all matrices with a diagonal of 0, so that no item
    explains itself; the scores are X B. With P = (XᵀX + λI)⁻¹,

        B = I - P · diag(P)⁻¹,        B_ji = -P_ji / P_ii where j ≠ i.

    "primal" inverts this matrix of n_items × n_items. "dual" never makes one: with
    K = XXᵀ + λI over the users, P = (I - XᵀK⁻¹X) / λ, so P_ii needs only sums of squares, and
    X P = K⁻¹X gives the scores as X - K⁻¹X · diag(P)⁻¹. Both give the same scores.

    Parameters
    ----------
    regularization : float
        λ, above 0.
    values : {"binary", "count", "value"}
        What a cell of X holds: 1, the number of events, or the sum of their values.
    half_life_days, half_life_events : float, optional
        At most one; the values forget, see `recbook.models.list_inputs.input_matrix`.
    damping : {None, "sqrt", "log"}
        A value x to √x or ln(1 + x).
    solver : {"auto", "primal", "dual"}
        "auto" takes the smaller of the two matrices.

    Attributes
    ----------
    matrix_ : scipy.sparse.csr_array, float64 (n_users, n_items)
        X.
    inverse_ : float64 array, (n_items, n_items) or (n_users, n_users)
        P of the primal, K⁻¹ of the dual solver.
    diagonal_ : float64 array (n_items,)
        P_ii.
    product_ : float32 array (n_users, n_items)
        K⁻¹X, of the dual solver only.

    Notes
    -----
    Memory: fit at most
    ``10 * {"auto": min(n_users, n_items), "primal": n_items, "dual": n_users}[solver]**2
    + (4 * n_users * n_items if solver == "dual" or solver == "auto" and n_users < n_items else 0)
    + 2500 * n_items + 60 * n_events + 1e6`` bytes,
    score at most ``4 * n_rows * n_items + 3500 * n_items + 1e6`` bytes.

    References
    ----------
    Steck: Embarrassingly shallow autoencoders for sparse data. WWW 2019.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": ["a", "b", "a", "b", "a"]})
    >>> EASE(1).fit(Interactions.from_frame(frame)).score()[2].round(3)  # b: XᵀX_ab / (XᵀX_aa + 1)
    array([0. , 0.5], dtype=float32)
    """

    def __init__(
        self,
        regularization: float = 100.0,
        values: str = "binary",
        *,
        half_life_days: float | None = None,
        half_life_events: float | None = None,
        damping: str | None = None,
        solver: str = "auto",
    ) -> None:
        check_at_least("regularization", regularization, 0)
        if regularization == 0:
            raise ValueError("regularization must be above 0, or the matrix has no inverse")
        check_input(values, half_life_days, half_life_events, damping)
        check_choice("solver", solver, _SOLVERS)
        self.regularization = regularization
        self.values = values
        self.half_life_days = half_life_days
        self.half_life_events = half_life_events
        self.damping = damping
        self.solver = solver

    def fit(self, interactions: Interactions) -> Self:
        """Invert the smaller Gram matrix."""
        self.matrix_ = input_matrix(
            interactions, self.values, half_life_days=self.half_life_days,
            half_life_events=self.half_life_events, damping=self.damping,
        )  # fmt: skip
        n_users, n_items = self.matrix_.shape
        self.dual_ = self.solver == "dual" or (self.solver == "auto" and n_users < n_items)
        factor = self.matrix_ if self.dual_ else self.matrix_.T.tocsr()
        self.inverse_ = _inverse_of_gram(factor, self.regularization)
        self.diagonal_ = self._solve_dual() if self.dual_ else np.diag(self.inverse_).copy()
        self.known_ = has_events(self.matrix_)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); an item without events scores lowest."""
        rows = self._rows(users)
        return block_scores(self._block, rows, self.interactions_.n_items, self.known_)

    def item_weights(self, items: np.ndarray) -> np.ndarray:
        """Return the columns B[:, items]: what each item taken adds to the scores of `items`.

        Parameters
        ----------
        items : int array (n,)
            Column positions.

        Returns
        -------
        float64 array (n_items, n), 0 where an item would explain itself.
        """
        items = positions(items, self._fitted().n_items, "items")
        if self.dual_:
            columns = self.matrix_[:, items].toarray()
            weights = self.matrix_.T @ (self.inverse_ @ columns) / self.regularization
        else:
            weights = -self.inverse_[:, items]
        weights /= self.diagonal_[items]
        weights[items, np.arange(len(items))] = 0
        return weights

    def _block(self, start: int, stop: int) -> np.ndarray:
        """Return X B for a block of users."""
        part = self.matrix_[start:stop]
        product = self.product_[start:stop] if self.dual_ else part @ self.inverse_
        product = product / -self.diagonal_
        row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        product[row, part.indices] += part.data
        return product

    def _solve_dual(self) -> np.ndarray:
        """Keep K⁻¹X as `product_`; return P_ii = (1 - x_iᵀ K⁻¹ x_i) / λ, x_i a column of X."""
        self.product_ = np.empty(self.matrix_.shape, dtype=np.float32)
        explained = np.zeros(self.matrix_.shape[1])
        for start in range(0, self.matrix_.shape[0], BLOCK_USERS):
            block = slice(start, start + BLOCK_USERS)
            part = self.matrix_[block]
            product = self.inverse_[block] @ self.matrix_
            row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
            cells = part.data * product[row, part.indices]
            explained += np.bincount(part.indices, cells, minlength=len(explained))
            self.product_[block] = product
        return (1 - explained) / self.regularization


def _inverse_of_gram(rows: sparse.csr_array, regularization: float) -> np.ndarray:
    """Return (rows rowsᵀ + λI)⁻¹ by Cholesky, in the place of the matrix itself."""
    from scipy.linalg import lapack

    n = rows.shape[0]
    gram = np.empty((n, n), order="F")
    columns = rows.T.tocsr()
    for start in range(
        0, n, BLOCK_USERS
    ):  # as one sparse product it would take three times as much
        gram[:, start : start + BLOCK_USERS] = (
            rows @ columns[:, start : start + BLOCK_USERS]
        ).toarray()
    gram[np.diag_indices(n)] += regularization
    factor, failed = lapack.dpotrf(gram, lower=True, overwrite_a=True, clean=False)
    if failed:
        raise ValueError("the Gram matrix is singular to rounding; raise regularization")
    inverse, _ = lapack.dpotri(factor, lower=True, overwrite_c=True)
    for start in range(0, n, BLOCK_USERS):  # LAPACK fills the lower triangle only
        stop = start + BLOCK_USERS
        corner = np.tril(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = corner + np.tril(corner, -1).T
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
    return inverse.T  # the same, in C order
