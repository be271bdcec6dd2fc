"""What every fusion of recommenders has in common."""

from __future__ import annotations

import copy
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.data.splits import count_shared_events
from recbook.evaluation.tasks import Window
from recbook.fusion.fused import FusedPool
from recbook.fusion.pool import Pool
from recbook.fusion.pooling import learnt_from, make_pool, pool_of
from recbook.models.base import Recommender, check_at_least


class Fusion(Recommender):
    """Several recommenders made into one, which is a recommender again; so fusions nest.

    `fit` fits the members. What the fusion itself learns, such as weights, it learns in `learn`,
    from events that none of the members was trained on; it stays when the members are fitted again
    on more. So the order is: `learn` on validation, `fit` on everything before the test period.

    Parameters
    ----------
    members : mapping of str to Recommender, or sequence of str
        The names alone do where nothing but pools made elsewhere is fused.
    n_candidates : int, optional
        Fuse only what is among the first so many of at least one member. Where None, the whole
        catalogue is fused. Scores are normalised over what is fused.

    Notes
    -----
    A subclass gives `_fuse(pool)`, scores (n, width) for a pool that holds its members alone, in
    their order; and, where it learns, `_learn(pools)`. `learns` says whether it must.
    """

    learns = False

    def __init__(
        self,
        members: Mapping[str, Recommender] | Sequence[str],
        *,
        n_candidates: int | None = None,
    ) -> None:
        if not len(members) or isinstance(members, str):
            raise ValueError("members must name at least one recommender, such as {'a': EASE()}")
        if n_candidates is not None:
            check_at_least("n_candidates", n_candidates, 1)
        self.members = members
        self.n_candidates = n_candidates

    def __repr__(self) -> str:
        params = {name: value for name, value in self.get_params().items() if name != "members"}
        shown = [" + ".join(self.names), *(f"{name}={value!r}" for name, value in params.items())]
        return f"{type(self).__name__}({', '.join(shown)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in the order of their scores."""
        return tuple(self.members)

    @property
    def learnt_from(self) -> tuple[Interactions, ...]:
        """Everything this fusion or a member learnt anything from."""
        sources = [*getattr(self, "learnt_from_", ())]
        for member in getattr(self, "members_", {}).values():
            sources += learnt_from(member)
        if hasattr(self, "interactions_"):
            sources.append(self.interactions_)
        return tuple({id(events): events for events in sources}.values())

    def learn(self, *held_out: Pool | Window) -> Self:
        """Learn how to fuse from held-out windows, and return self.

        Parameters
        ----------
        held_out : Pool or Window
            Pools of a window's candidates, made by `make_pool`. Of a bare Window the pool is made
            here: by the members as they are where they are fitted, by copies fitted on
            `window.known` where they are not.

        Raises
        ------
        ValueError
            If a member was trained on events of a window, or a pool has no window.
        """
        if not held_out:
            raise ValueError(f"{type(self).__name__}.learn needs at least one pool or window")
        started = time.perf_counter()
        pools = [one if isinstance(one, Pool) else self._pool(one) for one in held_out]
        for pool in pools:
            window = pool.judged_window()
            shared = sum(count_shared_events(known, window.held_out) for known in pool.learnt_from)
            if shared:
                raise ValueError(
                    f"the members were trained on {shared} events of the window that "
                    f"{type(self).__name__} should learn from; make the pool with members fitted "
                    "on what was known before the window"
                )
        self._learn([pool.only(self.names) for pool in pools])
        self.learnt_from_ = tuple(pool.window.held_out for pool in pools)
        self.learn_seconds_ = time.perf_counter() - started
        return self

    def fuse(self, pool: Pool) -> np.ndarray:
        """Return the fused scores of a pool's candidates, float32 (n, width), -inf on padding."""
        self._check_learnt()
        pool = pool.only(self.names)
        if not pool.there.any():
            return np.full(pool.items.shape, -np.inf, dtype=np.float32)
        fused = np.where(pool.there, self._fuse(pool), -np.inf).astype(np.float32)
        if np.isnan(fused).any():
            raise ValueError(f"{type(self).__name__} gave NaN; a score must be a number or -inf")
        return fused

    def fit(self, interactions: Interactions) -> Self:
        """Fit copies of the members on the events; what was learnt stays as it is.

        A member fitted on this very `Interactions` before is used as it is.
        """
        self._check_learnt()
        self.members_ = self._fitted_members(interactions)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        rows = self._rows(users)
        parts = [self._full(rows[start : start + 64]) for start in range(0, len(rows), 64)]
        return np.concatenate(parts) if parts else np.zeros((0, self.interactions_.n_items), "f4")

    def recommend(
        self,
        users: np.ndarray | None = None,
        k: int = 10,
        *,
        exclude: Interactions | sparse.csr_array | None = None,
        candidates: np.ndarray | None = None,
    ) -> np.ndarray:
        if self.n_candidates is None:
            return super().recommend(users, k, exclude=exclude, candidates=candidates)
        rows = self._rows(users)
        pool = pool_of(
            self.members_,
            self.interactions_,
            rows,
            n_candidates=self.n_candidates,
            exclude=exclude,
            candidates=candidates,
        )
        return pool.lists(self.fuse(pool), k)

    def on(self, pool: Pool) -> Recommender:
        """Return the fusion of a pool that is there already, as a fitted recommender."""
        return FusedPool(self, pool)

    def _learn(self, pools: list[Pool]) -> None:
        """Learn from pools of held-out windows; a fusion that learns nothing needs none."""

    @abstractmethod
    def _fuse(self, pool: Pool) -> np.ndarray:
        """Return scores (n, width) of a pool with just the members."""

    def _check_learnt(self) -> None:
        if self.learns and not hasattr(self, "learnt_from_"):
            raise ValueError(
                f"{type(self).__name__} has not learnt how to fuse yet: call learn(pool) with "
                "held-out events first"
            )

    def _fitted_members(self, interactions: Interactions) -> dict[str, Recommender]:
        if not isinstance(self.members, Mapping):
            raise ValueError(
                f"{type(self).__name__} knows its members by name only; give it the recommenders "
                "themselves to fit it, or fuse a pool with fuse(pool)"
            )
        fitted = {}
        for name, member in self.members.items():
            if getattr(member, "interactions_", None) is not interactions:
                member = copy.copy(member)  # the caller's stays as it was fitted
                started = time.perf_counter()
                member.fit(interactions)
                member.fit_seconds_ = time.perf_counter() - started
            fitted[name] = member
        return fitted

    def _pool(self, window: Window) -> Pool:
        fitted = isinstance(self.members, Mapping) and all(
            hasattr(member, "interactions_") for member in self.members.values()
        )
        members = self.members if fitted else self._fitted_members(window.known)
        return make_pool(members, window, n_candidates=self.n_candidates or 100)

    def _full(self, rows: np.ndarray) -> np.ndarray:
        pool = pool_of(self.members_, self.interactions_, rows, n_candidates=self.n_candidates)
        return pool.full(self.fuse(pool))
