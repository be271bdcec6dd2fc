"""Neighbourhood models for lists: items like those the user took, items that like users took."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice
from recbook.models.recency import decayed_by_events
from recbook.models.similarity import (
    SIMILARITIES,
    WEIGHTINGS,
    dense_product,
    nearest_rows,
    weigh,
)


class _Neighbours(Recommender):
    """What item and user neighbours share: the parameters, and from events to similarities."""

    def __init__(
        self,
        k: int = 100,
        similarity: str = "cosine",
        *,
        shrinkage: float = 0.0,
        weighting: str | None = None,
        values: str = "binary",
        include_self: bool = False,
    ) -> None:
        check_at_least("k", k, 1)
        check_choice("similarity", similarity, SIMILARITIES)
        check_at_least("shrinkage", shrinkage, 0)
        check_choice("weighting", weighting, WEIGHTINGS)
        check_choice("values", values, ("binary", "count", "value"))
        if similarity == "adjusted cosine" and values == "binary":
            raise ValueError(
                'adjusted cosine of binary values is 0 everywhere; pass values="value" or "count"'
            )
        self.k = k
        self.similarity = similarity
        self.shrinkage = shrinkage
        self.weighting = weighting
        self.values = values
        self.include_self = include_self

    def _learn(self, interactions: Interactions, *, transposed: bool) -> Self:
        self.matrix_ = interactions.matrix(self.values)
        if self.matrix_.nnz and not self.matrix_.data.min() >= 0:
            raise ValueError(
                "neighbours need values of at least 0, so that a missing cell can count as 0; "
                'shift them, or pass values="binary"'
            )
        entities = self.matrix_.T.tocsr() if transposed else self.matrix_
        similarities = nearest_rows(
            weigh(entities, self.weighting),
            self.k,
            similarity=self.similarity,
            shrinkage=self.shrinkage,
        )
        if self.include_self:
            similarities = sparse.csr_array(similarities + _identity_where_held(entities))
        self.similarities_ = similarities
        self.interactions_ = interactions
        return self


class ItemNeighbours(_Neighbours):
    """Scores an item by its similarity to the items the user took.

    score(u, i) = sum over j in N(i) of sim(i, j) · r(u, j), with N(i) the `k` items most similar to
    i (similarity above 0 only) and r(u, j) the unweighted value, 0 where u did not take j.
    `recbook.models.similarity.nearest_rows` defines the similarities; a row is an item, a column a
    user.

    Memory: fit at most ``(80 * min(n_items**2, 4e6) if shrinkage else 0) + 60 * k * n_items
    + 120 * n_events + 2e6`` bytes, score at most ``24 * n_rows * n_items + 1e6`` bytes. Kept are 8
    bytes a neighbour; no matrix of n_items × n_items is made.

    Parameters
    ----------
    k : int
        Neighbours kept for each item.
    similarity : {"cosine", "adjusted cosine", "pearson"}
    shrinkage : float
        Multiplies a similarity by n / (n + shrinkage), n the users who took both items.
    weighting : {None, "tfidf", "bm25"}
        Weighs the cells before the similarity; see `recbook.models.similarity.weigh`.
    values : {"binary", "count", "value"}
        What a cell holds: 1, the number of events, or the sum of their values.
    include_self : bool
        Whether an item is its own neighbour too, with similarity 1: for tasks where repeats count.
    half_life_events : float, optional
        In r(u, j), an event counts for half when the user had this many later ones (events at a
        strictly later time; where `values` is "binary", the last event of a cell decides). All
        events count alike where None. The similarities are not touched.

    Attributes
    ----------
    similarities_ : scipy.sparse.csr_array, float32 (n_items, n_items)
        Row i holds the neighbours of i.
    matrix_, profiles_ : scipy.sparse.csr_array, float32 (n_users, n_items)
        The values, and the same decayed: r(u, j).

    References
    ----------
    Deshpande, Karypis: Item-based top-N recommendation algorithms. ACM TOIS 22(1), 2004.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": ["a", "b", "a", "b", "a"]})
    >>> ItemNeighbours().fit(Interactions.from_frame(frame)).score()[2].round(3)
    array([0.   , 0.816], dtype=float32)
    """

    def __init__(
        self,
        k: int = 100,
        similarity: str = "cosine",
        *,
        shrinkage: float = 0.0,
        weighting: str | None = None,
        values: str = "binary",
        include_self: bool = False,
        half_life_events: float | None = None,
    ) -> None:
        super().__init__(
            k, similarity, shrinkage=shrinkage, weighting=weighting, values=values,
            include_self=include_self,
        )  # fmt: skip
        if half_life_events is not None and not half_life_events > 0:
            raise ValueError(f"half_life_events must be above 0 or None, got {half_life_events!r}")
        self.half_life_events = half_life_events

    def fit(self, interactions: Interactions) -> Self:
        """Find each item's neighbours, and weigh what each user took."""
        self._learn(interactions, transposed=True)
        self.profiles_ = self.matrix_
        if self.half_life_events is not None:
            self.profiles_ = decayed_by_events(interactions, self.values, self.half_life_events)
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); 0 where no neighbour was taken."""
        rows = self._rows(users)
        return dense_product(self.profiles_, self.similarities_.T.tocsr(), rows)


class UserNeighbours(_Neighbours):
    """Scores an item by how many similar users took it.

    score(u, i) = sum over v in N(u) of sim(u, v) · r(v, i), with N(u) the `k` users most similar to
    u (similarity above 0 only) and r(v, i) the unweighted value, 0 where v did not take i.
    `recbook.models.similarity.nearest_rows` defines the similarities; a row is a user, a column an
    item, so adjusted cosine subtracts the item's mean and tf-idf tells rare items from common ones.

    Memory: fit at most ``(80 * min(n_users**2, 4e6) if shrinkage else 0) + 60 * k * n_users
    + 120 * n_events + 2e6`` bytes, score at most ``24 * n_rows * n_items + 1e6`` bytes. Kept are 8
    bytes a neighbour; no matrix of n_users × n_users is made.

    Parameters
    ----------
    k : int
        Neighbours kept for each user.
    similarity, shrinkage, weighting, values, include_self
        As in `ItemNeighbours`, users and items exchanged.

    Attributes
    ----------
    similarities_ : scipy.sparse.csr_array, float32 (n_users, n_users)
        Row u holds the neighbours of u.
    matrix_ : scipy.sparse.csr_array, float32 (n_users, n_items)

    References
    ----------
    Herlocker, Konstan, Borchers, Riedl: An algorithmic framework for performing collaborative
    filtering. SIGIR 1999.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": ["a", "b", "a"]})
    >>> UserNeighbours().fit(Interactions.from_frame(frame)).score()[1].round(3)
    array([0.707, 0.707], dtype=float32)
    """

    def fit(self, interactions: Interactions) -> Self:
        """Find each user's neighbours."""
        return self._learn(interactions, transposed=False)

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); 0 where no neighbour took the item."""
        rows = self._rows(users)
        return dense_product(self.similarities_, self.matrix_, rows)


def _identity_where_held(entities: sparse.csr_array) -> sparse.csr_array:
    held = np.diff(entities.indptr) > 0
    return sparse.csr_array(sparse.diags_array(held.astype(np.float32)))
