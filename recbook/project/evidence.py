"""Which of a user's own items raised a score: for each member by its own formula."""

from __future__ import annotations

import numpy as np

from recbook.models.base import Recommender

MAX_SQUARE = 25_000_000  # cells of an item-by-item table that is kept


class Evidence:
    """How much each item of a user's history adds to a member's score of an item.

    item neighbours   sim(i, j) · r(u, j)
    pair rules        confidence(j → i)
    content           cos(x_i, x_j), of which the profile is the sum
    EASE              B_ji
    iALS              c_uj y_iᵀ (Yᵀ C_u Y + λI)⁻¹ y_j, which sum to the score (Hu et al. 2008)
    Mult-VAE          the score less the score without j

    Popularity has none: it is the same for everybody.

    Parameters
    ----------
    member : fitted Recommender
    """

    def __init__(self, member: Recommender) -> None:
        self.member = member
        self._kind = type(member).__name__
        self._cache: dict = {}

    def of(self, row: int, item: int, history: np.ndarray) -> np.ndarray:
        """Return what each item of `history` (positions) adds, float (len(history),)."""
        find = getattr(self, f"_{self._kind}", None)
        if find is None or not len(history):
            return np.zeros(len(history))
        return np.asarray(find(row, item, history), dtype=float).ravel()

    def _ItemNeighbours(self, row, item, history):
        similar = _row(self.member.similarities_, item)[history]
        return similar * _row(self.member.profiles_, row)[history]

    def _PairRules(self, row, item, history):
        if "to" not in self._cache:
            self._cache["to"] = self.member.rules_.T.tocsr()
        return _row(self._cache["to"], item)[history]

    def _ContentProfile(self, row, item, history):
        vectors = self.member.vectors_
        if self._cache.get("row") != row:
            self._cache["row"], self._cache["own"] = row, vectors[history]
        one = vectors[[item]]
        return self._cache["own"] @ (one.toarray() if hasattr(one, "toarray") else one)[0]

    def _EASE(self, row, item, history):
        if "B" not in self._cache:
            n = self.member.interactions_.n_items
            whole = n * n <= MAX_SQUARE
            self._cache["B"] = self.member.item_weights(np.arange(n)) if whole else None
        if self._cache["B"] is not None:
            return self._cache["B"][history, item]
        return self.member.item_weights(np.array([item]))[history, 0]

    def _ImplicitALS(self, row, item, history):
        if self._cache.get("row") != row:
            model, Y = self.member, self.member.item_factors_
            if "gram" not in self._cache:
                self._cache["gram"] = Y.T @ Y
                self._cache["extra"] = model.interactions_.matrix(model.values)
            extra = model.alpha * self._cache["extra"][[row]].toarray()[0][history]
            own = Y[history]
            A = self._cache["gram"] + own.T @ (extra[:, None] * own)
            A[np.diag_indices(len(A))] += model.regularization
            self._cache["row"] = row
            self._cache["parts"] = np.linalg.solve(A, own.T) * (1 + extra)
        return self.member.item_factors_[item] @ self._cache["parts"]

    def _MultVAE(self, row, item, history):
        if self._cache.get("row") != row:
            rows = np.zeros((len(history) + 1, self.member.interactions_.n_items), np.float32)
            rows[:, history] = 1
            rows[np.arange(1, len(rows)), history] = 0
            self._cache["row"], self._cache["out"] = row, self._decode(rows)
        out = self._cache["out"] @ self.member.item_vectors_[item] + self.member.item_bias_[item]
        return out[0] - out[1:]

    def _decode(self, rows: np.ndarray) -> np.ndarray:
        """Return tanh(W₃ μ + b₃) of the given rows, in NumPy: see `MultVAE`."""
        weights = [one for one in self.member.weights_ if np.asarray(one).dtype == np.float32]
        W1, b1, W2, b2, W3, b3 = weights[:6]
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        hidden = np.tanh(np.divide(rows, length, out=rows, where=length > 0) @ W1 + b1)
        return np.tanh((hidden @ W2 + b2)[:, : self.member.n_latent] @ W3 + b3)


def _row(matrix, at: int) -> np.ndarray:
    """Return a row of a sparse matrix as an array: its own indexing takes longer."""
    inside = slice(*matrix.indptr[at : at + 2])
    row = np.zeros(matrix.shape[1], dtype=matrix.dtype)
    row[matrix.indices[inside]] = matrix.data[inside]
    return row
