"""A fusion of a stored pool, as a recommender that can be reported."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.fusion.pool import Pool
from recbook.fusion.pooling import same_events
from recbook.models.base import Recommender


class FusedPool(Recommender):
    """A fusion of a stored pool: knows the pool's users and candidates, and nothing else.

    Parameters
    ----------
    fusion : recbook.fusion.base.Fusion
    pool : Pool
    """

    def __init__(self, fusion: Recommender, pool: Pool) -> None:
        self.fusion, self.pool = fusion, pool
        self.interactions_ = pool.known
        self.fused_ = fusion.fuse(pool)
        learnt = (*pool.learnt_from, *getattr(fusion, "learnt_from_", ()))
        self.learnt_from = tuple({id(events): events for events in learnt}.values())
        costs = [pool.seconds.get(name, (0.0, 0.0)) for name in fusion.names]
        self.fit_seconds_ = sum(fit for fit, _ in costs) + getattr(fusion, "learn_seconds_", 0.0)
        self.score_seconds_ = sum(score for _, score in costs)

    def __repr__(self) -> str:
        return repr(self.fusion)

    def held_megabytes(self) -> float:
        """Return how many MB the members hold together; the fusion adds next to nothing."""
        return sum(self.pool.megabytes.get(name, 0.0) for name in self.fusion.names)

    def fit(self, interactions: Interactions) -> Self:
        """Return self where the events are those of the pool; nothing else can be fitted here."""
        if not same_events(interactions, self.pool.known):
            raise ValueError("a stored pool cannot be fitted on other events; make its pool anew")
        return self

    def recommend(
        self,
        users: np.ndarray | None = None,
        k: int = 10,
        *,
        exclude: Interactions | sparse.csr_array | None = None,
        candidates: np.ndarray | None = None,
    ) -> np.ndarray:
        window = self.pool.window
        if (
            window is not None
            and exclude is window.exclude
            and candidates is window.candidates
            and np.array_equal(self._rows(users), self.pool.users)
        ):
            return self.pool.lists(self.fused_, k)  # the pool was made for just this
        return super().recommend(users, k, exclude=exclude, candidates=candidates)

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        rows = self._rows(users)
        at = {int(user): place for place, user in enumerate(self.pool.users)}
        places = np.array([at.get(int(row), -1) for row in rows], dtype=int)
        if (places < 0).any():
            raise ValueError(
                f"user {rows[places < 0][0]} is not in the stored pool; ask for its {len(at)} users"
            )
        return self.pool.rows(places).full(self.fused_[places])
