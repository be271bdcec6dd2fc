"""Recommenders without a model: chance, popularity, and what the user bought before."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice
from recbook.models.hashing import cell_uniform
from recbook.models.recency import age_days


class Random(Recommender):
    """Scores by chance: what any model has to beat.

    A user's scores do not depend on who else is asked for.

    Memory: fit at most ``1e4`` bytes, score at most ``4 * n_rows * n_items + 3e7`` bytes.

    Parameters
    ----------
    rng : int or numpy.random.Generator
        Seed; a Generator gives a new seed at every `fit`.

    Examples
    --------
    >>> import pandas as pd
    >>> events = Interactions(user=[0, 1], item=[0, 2], value=[1, 1], time=[0, 0],
    ...                       users=pd.Index(["ann", "bo"]), items=pd.Index(["a", "b", "c"]))
    >>> Random(rng=1).fit(events).recommend(k=3).shape
    (2, 3)
    """

    def __init__(self, rng: int | np.random.Generator = 0) -> None:
        self.rng = rng

    def fit(self, interactions: Interactions) -> Self:
        """Draw the seed of the scores."""
        self.seed_ = int(np.random.default_rng(self.rng).integers(2**63))
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items), uniform between 0 and 1."""
        rows = self._rows(users)
        items = np.arange(self.interactions_.n_items)
        scores = np.empty((len(rows), len(items)), dtype=np.float32)
        step = max(1, 1_000_000 // max(1, len(items)))  # the hash works in 64 bits: 8 MB a chunk
        for start in range(0, len(rows), step):
            part = rows[start : start + step, None]
            scores[start : start + step] = cell_uniform(self.seed_, part, items)
        return scores


class Popularity(Recommender):
    """Gives everyone the same list: the items that most people took.

    Memory: fit at most ``40 * n_events + 60 * n_items`` bytes, score at most
    ``6 * n_rows * n_items + 1e5`` bytes.

    Parameters
    ----------
    window_days : float, optional
        Count only the events at most this old, measured back from the last training event; all
        events where None.
    by : {"users", "events"}
        Count each user once an item, or every event.

    Attributes
    ----------
    counts_ : int64 array (n_items,)

    Examples
    --------
    >>> import pandas as pd
    >>> events = Interactions(user=[0, 1, 0], item=[0, 0, 1], value=[1, 1, 1], time=[0, 9, 9],
    ...                       users=pd.Index(["ann", "bo"]), items=pd.Index(["a", "b"]))
    >>> Popularity().fit(events).counts_
    array([2, 1])
    """

    def __init__(self, window_days: float | None = None, by: str = "users") -> None:
        check_choice("by", by, ("users", "events"))
        if window_days is not None:
            check_at_least("window_days", window_days, 0)
        self.window_days = window_days
        self.by = by

    def fit(self, interactions: Interactions) -> Self:
        """Count the events, or the users, of each item."""
        recent = interactions
        if self.window_days is not None:
            recent = interactions.select(age_days(interactions) <= self.window_days)
        self.counts_ = _popularity(recent, self.by)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return the counts as float32 (len(users), n_items), the same in each row."""
        rows = self._rows(users)
        return np.tile(self.counts_.astype(np.float32), (len(rows), 1))


class PersonalFrequency(Recommender):
    """Scores an item by how often the user took it, old events counting less.

    An event of age a days adds 2^(-a / half-life); age is measured back from the last training
    event of anyone. Counts that agree to one part in ten thousand rank by popularity (distinct
    users), and what the user never took follows below, by popularity too, with scores under 0: so
    that lists are always full.

    Memory: fit at most ``60 * n_events + 60 * n_items`` bytes, score at most
    ``6 * n_rows * n_items + 1e6`` bytes.

    Parameters
    ----------
    half_life_days : float, optional
        Age at which an event counts for half; every event counts 1 where None.

    Attributes
    ----------
    frequencies_ : scipy.sparse.csr_array, float32 (n_users, n_items)
    popularity_ : float32 array (n_items,)
        Share of the users who took the item, between 0 and 1.

    Examples
    --------
    >>> import pandas as pd
    >>> events = Interactions(user=[0, 0, 1], item=[0, 0, 1], value=[1, 1, 1], time=[0, 0, 0],
    ...                       users=pd.Index(["ann", "bo"]), items=pd.Index(["a", "b", "c"]))
    >>> PersonalFrequency().fit(events).recommend(k=3)
    array([[0, 1, 2],
           [1, 0, 2]], dtype=int32)
    """

    def __init__(self, half_life_days: float | None = None) -> None:
        if half_life_days is not None and not half_life_days > 0:
            raise ValueError(f"half_life_days must be above 0 or None, got {half_life_days!r}")
        self.half_life_days = half_life_days

    def fit(self, interactions: Interactions) -> Self:
        """Sum the decayed events of each (user, item) cell."""
        weight = np.ones(len(interactions))
        if self.half_life_days is not None:
            weight = np.exp2(-age_days(interactions) / self.half_life_days)
        self.frequencies_ = interactions.matrix(weight)
        users = max(1, interactions.n_users)
        self.popularity_ = (_popularity(interactions, "users") / users).astype(np.float32)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items)."""
        rows = self._rows(users)
        own = sparse.csr_array(self.frequencies_[rows])
        scores = np.empty(own.shape, dtype=np.float32)
        scores[:] = self.popularity_ - 1  # nothing bought is worth more than a popular newcomer
        at = np.repeat(np.arange(len(rows)), np.diff(own.indptr))
        scores[at, own.indices] = own.data * (1 + 1e-4 * self.popularity_[own.indices])
        return scores


def _popularity(interactions: Interactions, by: str) -> np.ndarray:
    item = interactions.matrix("binary").indices if by == "users" else interactions.item
    return np.bincount(item, minlength=interactions.n_items)
