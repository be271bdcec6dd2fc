"""What several models say of the same candidates: the table that every fusion reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.evaluation.tasks import Window, metrics_per_user

BLOCK_CELLS = 2_000_000  # scores of one member held at a time


@dataclass(frozen=True, eq=False)
class Pool:
    """Scores of several members for each user's candidates.

    Parameters
    ----------
    names : tuple of str
        The members.
    users : int array (n,)
        Row positions of the users.
    items : int32 array (n, width)
        Column positions of each user's candidates, rising; -1 pads the end of a row.
    scores : float32 array (n_members, n, width)
        -inf on padding.
    known : Interactions
        What the members were fitted on.
    window : Window, optional
        Where the candidates are judged; None where nothing is held out.
    learnt_from : tuple of Interactions
        Everything a member learnt anything from: `known`, and what nested fusions learnt from.
    seconds : mapping of str to (fit, score)
        What each member took.
    megabytes : mapping of str to float
        What each fitted member holds.
    """

    names: tuple[str, ...]
    users: np.ndarray
    items: np.ndarray
    scores: np.ndarray
    known: Interactions
    window: Window | None = None
    learnt_from: tuple[Interactions, ...] = ()
    seconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    megabytes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.scores.shape != (len(self.names), *self.items.shape):
            raise ValueError(
                f"scores must have the shape (n_members, n, width) = "
                f"{(len(self.names), *self.items.shape)}, got {self.scores.shape}"
            )

    @cached_property
    def there(self) -> np.ndarray:
        """Where a candidate stands, bool (n, width)."""
        return self.items >= 0

    @cached_property
    def labels(self) -> np.ndarray:
        """Which candidates are relevant, bool (n, width)."""
        return self.lookup(self.judged_window().relevant) > 0

    def only(self, names: Sequence[str]) -> Pool:
        """Return the pool with these members alone, in this order; the candidates stay."""
        missing = [name for name in names if name not in self.names]
        if missing:
            raise ValueError(f"the pool has no member {missing[0]!r}; it has {list(self.names)}")
        if tuple(names) == self.names:
            return self
        rows = [self.names.index(name) for name in names]
        return self._with(tuple(names), self.scores[rows])

    def shorten(self, depth: int) -> Pool:
        """Return the pool of the candidates that stand among the first `depth` of some member."""
        near = np.zeros(self.items.shape, dtype=bool)
        for scores in self.scores:
            np.put_along_axis(near, self.order(scores, depth), True, axis=1)
        near &= self.there
        # The kept ones first, in the order in which they stand: rising.
        places = np.argsort(~near, axis=1, kind="stable")[:, : near.sum(axis=1).max(initial=1)]
        kept = np.take_along_axis(near, places, axis=1)
        items = np.where(kept, np.take_along_axis(self.items, places, axis=1), -1)
        scores = np.take_along_axis(self.scores, places[None], axis=2)
        return replace(self, items=items, scores=np.where(kept, scores, -np.inf))

    def rows(self, chosen: np.ndarray) -> Pool:
        """Return the pool of some users: a bool array (n,), or positions among its users."""
        return replace(
            self, users=self.users[chosen], items=self.items[chosen], scores=self.scores[:, chosen]
        )

    def lookup(self, matrix: sparse.sparray) -> np.ndarray:
        """Return the cells of a (n_users, n_items) matrix that stand here, float32 (n, width)."""
        columns = np.maximum(self.items, 0)
        found = np.zeros(self.items.shape, dtype=np.float32)
        step = max(1, BLOCK_CELLS // matrix.shape[1])
        for start in range(0, len(self.users), step):
            part = slice(start, start + step)
            dense = matrix[self.users[part]].toarray()
            found[part] = np.take_along_axis(dense, columns[part], axis=1)
        found[~self.there] = 0
        return found

    def order(self, fused: np.ndarray, k: int = 10) -> np.ndarray:
        """Return where in each row the `k` best stand, best first; equal scores by item position.

        Rows with fewer candidates name padding at the end.
        """
        k = min(k, fused.shape[1])
        cost = np.where(self.there, -fused, np.inf)
        bound = np.partition(cost, k - 1, axis=1)[:, k - 1 : k]
        sure = cost < bound
        tied = cost == bound  # take the first of those, as many as are missing
        missing = k - sure.sum(axis=1, keepdims=True)
        taken = sure | (tied & (np.cumsum(tied, axis=1) <= missing))
        columns = np.nonzero(taken)[1].reshape(len(cost), k)
        inside = np.argsort(np.take_along_axis(cost, columns, axis=1), axis=1, kind="stable")
        return np.take_along_axis(columns, inside, axis=1)

    def lists(self, fused: np.ndarray, k: int = 10) -> np.ndarray:
        """Return the items of the `k` highest scores, int32 (n, k), best first; -1 where none."""
        found = np.take_along_axis(self.items, self.order(fused, k), axis=1)
        return np.pad(found, ((0, 0), (0, k - found.shape[1])), constant_values=-1)

    def ndcg(self, fused: np.ndarray, k: int = 10) -> np.ndarray:
        """Return NDCG@k of each user, float (n,); the metric that weights are learnt by."""
        hits = np.take_along_axis(self.labels, self.order(fused, k), axis=1)
        discounts = 1 / np.log2(np.arange(2, k + 2))
        ideal = np.cumsum(discounts)[np.minimum(self._n_relevant, k) - 1]
        return hits @ discounts[: hits.shape[1]] / ideal

    def evaluate(self, fused: np.ndarray, k: int = 10) -> pd.DataFrame:
        """Return every metric of every user, as `recbook.evaluation.protocols.evaluate` does."""
        lists, relevant = self.lists(fused, k), self.judged_window().relevant[self.users]
        return metrics_per_user(lists, relevant, self.known.users[self.users], k)

    def full(self, fused: np.ndarray) -> np.ndarray:
        """Return scores of all items, float32 (n, n_items): below the row's lowest outside."""
        lowest = np.where(self.there, fused, np.inf).min(axis=1, initial=0)
        scores = np.repeat(lowest[:, None].astype(np.float32) - 1, self.known.n_items, axis=1)
        rows = np.nonzero(self.there)[0]
        scores[rows, self.items[self.there]] = fused[self.there]
        return scores

    @cached_property
    def _n_relevant(self) -> np.ndarray:
        return np.diff(self.judged_window().relevant.indptr)[self.users]

    def judged_window(self) -> Window:
        """Return the window that the candidates are judged on; ValueError where there is none."""
        if self.window is None:
            raise ValueError("this pool has no held-out window, so nothing here can be judged")
        return self.window

    def _with(self, names: tuple[str, ...], scores: np.ndarray) -> Pool:
        other = replace(self, names=names, scores=scores)
        for shared in ("there", "labels", "_n_relevant"):  # these depend on the candidates alone
            if shared in self.__dict__:
                other.__dict__[shared] = self.__dict__[shared]
        return other
