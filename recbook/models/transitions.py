"""What follows what: a Markov chain between items, with gaps and a short memory."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice
from recbook.models.similarity import dense_product

MEASURES = ("cosine", "confidence", "log")


class ItemTransitions(Recommender):
    """Scores an item by how often it came soon after what the user took last.

    Put each user's events in the order of their times. A pair of events a, b of one user, b coming
    g events and t seconds after a, counts with 2^(-(g - 1) / half_life_gap), and where
    `half_life_seconds` is given also times 2^(-t / half_life_seconds). T_ab is the sum over all
    pairs with g ≤ `longest_gap`, plus `backward` times the pairs in the other order. With n_a and
    m_b the sums of T's row a and column b, and s the shrinkage, a's word for b is

    - "confidence": T_ab / (n_a + s), the chance that b follows;
    - "cosine": T_ab / √((n_a + s)(m_b + s)), which does not favour popular items so much;
    - "log": ln(1 + T_ab / (s p_b)) + ½ ln p_b, with p_b the share of b in Σ m. But for what is the
      same for all b, that is the logarithm of the chance smoothed by s draws from p, less half of
      ln p_b, so that it does not favour popular items so much either.

    score(u, b) = Σ_a r(u, a) · word(a, b), with r(u, a) halved for every `half_life_events` later
    events of the user, and for every `half_life_seconds` before the last of them.

    Parameters
    ----------
    half_life_gap : float
        Events between the two of a pair after which it counts for half.
    by : {"cosine", "confidence", "log"}
    backward : float
        How much a pair counts in the direction against time, between 0 and 1.
    longest_gap : int
    shrinkage : float
        s, above 0.
    half_life_events : float
        Of the user's memory.
    half_life_seconds : float, optional
        The clock counts too, for pairs and for the memory: what came within one sitting.

    Attributes
    ----------
    transitions_ : scipy.sparse.csr_array, float32 (n_items, n_items)
        Row a holds a's word for each b; of "log" the first term.
    popularity_ : float32 array (n_items,)
        ½ ln p_b of "log", with 0.1 added to each m_b; else 0.
    counts_ : scipy.sparse.csr_array, float32 (n_items, n_items)
        T.
    profiles_ : scipy.sparse.csr_array, float32 (n_users, n_items)
        r(u, a).

    Notes
    -----
    Events of one moment stand in the order of their columns. Memory: fit at most
    ``40 * min(n_items**2, 2 * longest_gap * n_events) + 250 * n_events + 2e6`` bytes, score at most
    ``24 * n_rows * n_items + 1e6`` bytes.

    References
    ----------
    Rendle, Freudenthaler, Schmidt-Thieme: Factorizing personalized Markov chains for next-basket
    recommendation. WWW 2010 (the chain, there factorised). Ludewig, Jannach: Evaluation of
    session-based recommendation algorithms. UMUAI 28, 2018 (sequential rules that count by gap).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": list("aba"), "second": [0, 9, 5]})
    >>> chain = ItemTransitions(by="confidence", backward=0, shrinkage=1)
    >>> chain.fit(Interactions.from_frame(frame, time="second")).score()[1]  # 1 / (1 + 1)
    array([0. , 0.5], dtype=float32)
    """

    def __init__(
        self,
        half_life_gap: float = 10.0,
        by: str = "cosine",
        *,
        backward: float = 0.5,
        longest_gap: int = 40,
        shrinkage: float = 10.0,
        half_life_events: float = 6.0,
        half_life_seconds: float | None = None,
    ) -> None:
        check_choice("by", by, MEASURES)
        check_at_least("backward", backward, 0)
        check_at_least("longest_gap", longest_gap, 1)
        for name, value in (
            ("half_life_gap", half_life_gap), ("shrinkage", shrinkage),
            ("half_life_events", half_life_events),
        ):  # fmt: skip
            check_at_least(name, value, 0)
            if value == 0:
                raise ValueError(f"{name} must be above 0, got {value!r}")
        if backward > 1:
            raise ValueError(f"backward must be between 0 and 1, got {backward!r}")
        if half_life_seconds is not None and not half_life_seconds > 0:
            raise ValueError(
                f"half_life_seconds must be above 0 or None, got {half_life_seconds!r}"
            )
        self.half_life_gap = half_life_gap
        self.by = by
        self.backward = backward
        self.longest_gap = longest_gap
        self.shrinkage = shrinkage
        self.half_life_events = half_life_events
        self.half_life_seconds = half_life_seconds

    def fit(self, interactions: Interactions) -> Self:
        """Count what follows what, and keep what each user took last.

        Raises
        ------
        ValueError
            If the interactions carry no times.
        """
        if not interactions.has_time:
            raise ValueError(
                "these interactions carry no times, so nothing follows anything; "
                "load them with time="
            )
        order = np.lexsort((interactions.item, interactions.time, interactions.user))
        user, item, time = (
            column[order] for column in (interactions.user, interactions.item, interactions.time)
        )
        self.counts_ = self._count(user, item, time, interactions.n_items)
        self.transitions_ = self._weigh(self.counts_)
        self.profiles_ = self._remember(user, item, time, interactions)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); 0 where nothing the user took leads."""
        rows = self._rows(users)
        scores = dense_product(self.profiles_, self.transitions_, rows)
        if self.by == "log":
            memory = np.maximum(self.profiles_.sum(axis=1)[rows], 1e-3)  # nobody's is empty
            for row, total in zip(scores, memory, strict=True):
                row += total * self.popularity_
        return scores

    def _count(
        self, user: np.ndarray, item: np.ndarray, time: np.ndarray, n_items: int
    ) -> sparse.csr_array:
        """Return T of events sorted by user and time."""
        counts = sparse.csr_array((n_items, n_items), dtype=np.float64)
        for gap in range(1, self.longest_gap + 1):
            first = np.flatnonzero(user[gap:] == user[:-gap])
            if not len(first):
                break  # nobody has so many events
            weight = np.full(len(first), 2.0 ** (-(gap - 1) / self.half_life_gap))
            if self.half_life_seconds is not None:
                weight *= np.exp2(-(time[first + gap] - time[first]) / self.half_life_seconds)
            pairs = (weight, (item[first], item[first + gap]))
            counts = counts + sparse.coo_array(pairs, shape=counts.shape).tocsr()
        if self.backward:
            counts = counts + self.backward * counts.T.tocsr()
        counts.setdiag(0)  # an item taken again says nothing of others
        counts.eliminate_zeros()
        counts.sort_indices()
        return sparse.csr_array(counts)

    def _weigh(self, counts: sparse.csr_array) -> sparse.csr_array:
        """Return each item's word for each other."""
        leaving, coming = counts.sum(axis=1), counts.sum(axis=0)
        row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        n, m = leaving[row], coming[counts.indices]
        self.popularity_ = np.zeros(counts.shape[0], dtype=np.float32)
        if self.by == "confidence":
            word = counts.data / (n + self.shrinkage)
        elif self.by == "cosine":
            word = counts.data / np.sqrt((n + self.shrinkage) * (m + self.shrinkage))
        else:
            share = (coming + 0.1) / (coming + 0.1).sum()
            self.popularity_ = (0.5 * np.log(share)).astype(np.float32)
            word = np.log1p(counts.data / (self.shrinkage * share[counts.indices]))
        shape = (word.astype(np.float32), counts.indices, counts.indptr)
        return sparse.csr_array(shape, shape=counts.shape)

    def _remember(
        self, user: np.ndarray, item: np.ndarray, time: np.ndarray, interactions: Interactions
    ) -> sparse.csr_array:
        """Return r(u, a) of events sorted by user and time; of one item the last event counts."""
        n_users, n_items = interactions.n_users, interactions.n_items
        last = np.cumsum(np.bincount(user, minlength=n_users)) - 1
        later = last[user] - np.arange(len(user))
        weight = np.exp2(-later / self.half_life_events)
        if self.half_life_seconds is not None:
            weight *= np.exp2(-(time[last[user]] - time) / self.half_life_seconds)
        cell = user.astype(np.int64) * n_items + item
        _, reversed_at = np.unique(cell[::-1], return_index=True)
        at = len(cell) - 1 - reversed_at
        kept = weight[at] > 1e-6  # what is long past would only fill the matrix
        at = at[kept]
        matrix = sparse.coo_array(
            (weight[at], (user[at], item[at])), shape=(n_users, n_items)
        ).tocsr()
        matrix.sort_indices()
        return matrix.astype(np.float32)
