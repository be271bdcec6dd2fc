"""Fusions that choose instead of adding: a model for each kind of user, or one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from recbook.data.interactions import Interactions
from recbook.fusion.base import Fusion
from recbook.fusion.pool import Pool
from recbook.models.base import Recommender, check_at_least

Members = Mapping[str, Recommender] | Sequence[str]


def history_length(known: Interactions, users: np.ndarray) -> np.ndarray:
    """Return how many events each of the users has, float (n,)."""
    return np.bincount(known.user, minlength=known.n_users)[users].astype(float)


class Switch(Fusion):
    """Give each group of users the member that was best for such users: a switching hybrid.

    Users are cut into groups of equal size by a trait known beforehand; in each the member with
    the highest mean NDCG@10 on the held-out events is taken.

    Parameters
    ----------
    members : mapping of str to Recommender, or sequence of str
    by : callable (known, users) -> float array (n,)
        The trait; by default the number of known events.
    n_groups : int
    n_candidates : int, optional

    Attributes
    ----------
    edges_ : float array (n_groups - 1,)
        Values of the trait where one group ends and the next begins.
    chosen_ : int array (n_groups,)
        Each group's member, as a position in `names`.

    References
    ----------
    Burke: Hybrid recommender systems: survey and experiments. UMUAI 12 (2002).
    """

    learns = True

    def __init__(
        self,
        members: Members,
        *,
        by: Callable[[Interactions, np.ndarray], np.ndarray] = history_length,
        n_groups: int = 4,
        n_candidates: int | None = None,
    ) -> None:
        super().__init__(members, n_candidates=n_candidates)
        check_at_least("n_groups", n_groups, 1)
        self.by = by
        self.n_groups = n_groups

    def _learn(self, pools: list[Pool]) -> None:
        traits = [self.by(pool.known, pool.users) for pool in pools]
        shares = np.arange(1, self.n_groups) / self.n_groups
        self.edges_ = np.quantile(np.concatenate(traits), shares)
        group = np.concatenate([self._group(trait) for trait in traits])
        ndcg = np.stack(
            [np.concatenate([pool.ndcg(pool.scores[m]) for pool in pools]) for m in self._range()]
        )
        means = [
            ndcg[:, group == g].mean(axis=1) if (group == g).any() else ndcg.mean(axis=1)
            for g in range(self.n_groups)
        ]
        self.chosen_ = np.argmax(means, axis=1)

    def _fuse(self, pool: Pool) -> np.ndarray:
        member = self.chosen_[self._group(self.by(pool.known, pool.users))]
        return pool.scores[member, np.arange(len(pool.users))]

    def _group(self, trait: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.edges_, trait, side="right")

    def _range(self) -> range:
        return range(len(self.names))


class Cascade(Fusion):
    """Let each member order what the one before it let through.

    The first member's best `cuts[0]` candidates go to the second, the best `cuts[1]` of those to
    the third, and so on; the last orders what reaches it. What a member stopped stands below, in
    that member's order. Nothing is learnt.

    Parameters
    ----------
    members : mapping of str to Recommender, or sequence of str
        At least two, in the order of the cascade.
    cuts : int, or sequence of int (n_members - 1,)
        How many candidates each member but the last lets through.
    n_candidates : int, optional

    References
    ----------
    Burke: Hybrid recommender systems: survey and experiments. UMUAI 12 (2002).
    """

    def __init__(
        self,
        members: Members,
        *,
        cuts: int | Sequence[int] = 50,
        n_candidates: int | None = None,
    ) -> None:
        super().__init__(members, n_candidates=n_candidates)
        self.cuts = cuts
        n = len(self.names)
        self._cuts = [cuts] * (n - 1) if np.ndim(cuts) == 0 else list(cuts)
        if n < 2 or len(self._cuts) != n - 1:
            raise ValueError(
                f"a cascade of {n} members needs {max(n - 1, 1)} cuts and at least two members, "
                f"got {cuts!r}"
            )
        for cut in self._cuts:
            check_at_least("cuts", cut, 1)

    def _fuse(self, pool: Pool) -> np.ndarray:
        width = pool.items.shape[1]
        alive = pool.there.copy()
        fused = np.zeros(pool.items.shape)
        for stage, scores in enumerate(pool.scores):
            shown = np.where(alive, scores, -np.inf)
            order = np.argsort(-shown, axis=1, kind="stable")
            points = np.empty(order.shape)
            np.put_along_axis(points, order, np.arange(width, 0, -1.0)[None], axis=1)
            # A later stage lies a whole width above the one before, so its order counts first.
            fused = np.where(alive, stage * (width + 1) + points, fused)
            if stage < len(self._cuts):
                alive &= points > width - self._cuts[stage]
        return fused
