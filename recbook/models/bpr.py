"""Factors learnt from pairs: what a user took should score above what she did not."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least
from recbook.models.list_inputs import block_scores, check_input, has_events, input_matrix


class BPR(Recommender):
    """Bayesian personalised ranking: matrix factorisation for the order of a list.

    score(u, i) = b_i + x_u · y_i. For a user u, an item i she took and an item j she did not,

        -ln σ(score(u, i) - score(u, j)) + λ/2 (|x_u|² + |y_i|² + |y_j|² + b_i² + b_j²)

    is the loss, σ the logistic function; one step of stochastic gradient descent is taken for each
    triple drawn. A cell (u, i) is drawn with chance in proportion to its value, then j uniformly
    among the items with events that u never took. An epoch draws as many triples as there are
    cells with events.

    Parameters
    ----------
    n_factors : int
    learning_rate : float
    regularization : float
        λ.
    n_epochs : int
    values : {"binary", "count", "value"}
        What a cell is worth when it is drawn: 1, its number of events, or the sum of their values.
    half_life_days, half_life_events : float, optional
        At most one; the values forget, see `recbook.models.list_inputs.input_matrix`.
    damping : {None, "sqrt", "log"}
        A value x to √x or ln(1 + x).
    rng : int or numpy.random.Generator
        Of the first factors, normal with standard deviation 0.1, and of the triples.

    Attributes
    ----------
    user_factors_ : float64 array (n_users, n_factors)
        0 for a user without events, who so gets the items with the largest `item_bias_`.
    item_factors_ : float64 array (n_items, n_factors)
    item_bias_ : float64 array (n_items,)
    loss_ : float64 array (n_epochs,)
        Mean of -ln σ over an epoch's triples, each taken just before its own step.

    Notes
    -----
    Memory: fit at most ``8 * n_factors * (n_users + n_items) + 130 * n_events + 1e6`` bytes, score
    at most ``4 * n_rows * n_items + 2500 * n_items + 1e6`` bytes.

    References
    ----------
    Rendle, Freudenthaler, Gantner, Schmidt-Thieme: BPR: Bayesian personalized ranking from implicit
    feedback. UAI 2009.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": ["a", "b", "a"]})
    >>> BPR(2, rng=1).fit(Interactions.from_frame(frame)).recommend(k=2)[1]
    array([0, 1], dtype=int32)
    """

    def __init__(
        self,
        n_factors: int = 64,
        learning_rate: float = 0.05,
        *,
        regularization: float = 0.01,
        n_epochs: int = 30,
        values: str = "binary",
        half_life_days: float | None = None,
        half_life_events: float | None = None,
        damping: str | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        check_at_least("n_factors", n_factors, 1)
        check_at_least("learning_rate", learning_rate, 0)
        check_at_least("regularization", regularization, 0)
        check_at_least("n_epochs", n_epochs, 1)
        check_input(values, half_life_days, half_life_events, damping)
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.n_epochs = n_epochs
        self.values = values
        self.half_life_days = half_life_days
        self.half_life_events = half_life_events
        self.damping = damping
        self.rng = rng

    def fit(self, interactions: Interactions) -> Self:
        """Draw triples and descend.

        Raises
        ------
        ValueError
            If the factors grow beyond all bounds.
        """
        from recbook.models._list_kernels import bpr_epoch

        taken = input_matrix(
            interactions, self.values, half_life_days=self.half_life_days,
            half_life_events=self.half_life_events, damping=self.damping,
        )  # fmt: skip
        rng = np.random.default_rng(self.rng)
        n_users, n_items = taken.shape
        self.user_factors_ = rng.normal(scale=0.1, size=(n_users, self.n_factors))
        self.item_factors_ = rng.normal(scale=0.1, size=(n_items, self.n_factors))
        self.item_bias_ = np.zeros(n_items)
        self.loss_ = np.full(self.n_epochs, np.nan)
        draw = _TripleSampler(taken, rng)
        for epoch in range(self.n_epochs if draw.possible else 0):
            triples = draw(taken.nnz)
            total = bpr_epoch(
                *triples, self.user_factors_, self.item_factors_, self.item_bias_,
                float(self.learning_rate), float(self.regularization),
            )  # fmt: skip
            if not (np.isfinite(total) and np.isfinite(self.item_factors_).all()):
                raise ValueError(
                    f"the factors grew beyond all bounds in epoch {epoch + 1}; "
                    f"lower learning_rate={self.learning_rate!r}"
                )
            self.loss_[epoch] = total / taken.nnz
        self.user_factors_[np.diff(taken.indptr) == 0] = 0  # never drawn: only chance so far
        self.known_ = has_events(taken)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); an item without events scores lowest."""
        rows = self._rows(users)
        return block_scores(self._block, rows, self.interactions_.n_items, self.known_)

    def _block(self, start: int, stop: int) -> np.ndarray:
        scores = self.user_factors_[start:stop] @ self.item_factors_.T
        scores += self.item_bias_
        return scores


def bpr_loss_and_gradient(
    user: np.ndarray,
    positive: np.ndarray,
    negative: np.ndarray,
    biases: tuple[float, float] = (0.0, 0.0),
    *,
    regularization: float = 0.0,
) -> tuple[float, tuple]:
    """Return one triple's loss, and its gradient, as `BPR` descends it.

    Parameters
    ----------
    user, positive, negative : float arrays (n_factors,)
        x_u, y_i and y_j.
    biases : pair of floats
        b_i and b_j.
    regularization : float
        λ.

    Returns
    -------
    (loss, (user, positive, negative, biases)) : float, and gradients of the shapes that came in

    Examples
    --------
    >>> loss, gradient = bpr_loss_and_gradient(np.zeros(1), np.ones(1), np.zeros(1))
    >>> float(loss), gradient[0]  # ln 2, and -(y_i - y_j) / 2
    (0.6931471805599453, array([-0.5]))
    """
    biases = np.asarray(biases, dtype=float)
    margin = biases[0] - biases[1] + user @ (positive - negative)
    pull = 1 / (1 + np.exp(margin))  # 1 - σ(margin)
    parameters = (user, positive, negative, biases)
    penalty = regularization / 2 * sum((part**2).sum() for part in parameters)
    slopes = (
        -pull * (positive - negative), -pull * user, pull * user, pull * np.array([-1.0, 1.0]),
    )  # fmt: skip
    gradient = tuple(
        slope + regularization * part for slope, part in zip(slopes, parameters, strict=True)
    )
    return np.logaddexp(0, -margin) + penalty, gradient


class _TripleSampler:
    """Draws (user, item taken, item not taken)."""

    def __init__(self, taken: sparse.csr_array, rng: np.random.Generator) -> None:
        self.rng = rng
        self.items = np.flatnonzero(has_events(taken))  # those there is something to learn of
        held = np.diff(taken.indptr)
        self.user = np.repeat(np.arange(taken.shape[0]), held)
        self.item = taken.indices
        self.n_columns = taken.shape[1]
        self.cells = self.user * self.n_columns + self.item  # sorted, as rows and columns are
        weight = np.where(held[self.user] < len(self.items), taken.data, 0)
        self.cumulative = np.cumsum(weight)  # a user who took everything has no j
        self.possible = bool(weight.any())

    def __call__(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return `n` triples as three int arrays."""
        spot = self.rng.uniform(0, self.cumulative[-1], n)
        at = np.searchsorted(self.cumulative, spot, side="right")
        user, positive = self.user[at], self.item[at]
        negative = np.empty(n, dtype=np.int64)
        open_ = np.arange(n)
        while len(open_):
            negative[open_] = self.rng.choice(self.items, len(open_))
            cell = user[open_] * self.n_columns + negative[open_]
            place = np.minimum(np.searchsorted(self.cells, cell), len(self.cells) - 1)
            open_ = open_[self.cells[place] == cell]
        return user, positive, negative
