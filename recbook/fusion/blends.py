"""Fusions by sums: of scores, of places, and with weights learnt on held-out events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from recbook.fusion.base import Fusion
from recbook.fusion.combine import borda, comb_mnz, comb_sum, condorcet, reciprocal_rank
from recbook.fusion.normalise import NORMALISATIONS
from recbook.fusion.pool import Pool
from recbook.fusion.weights import coordinate_ascent, greedy_weights, nnls_weights, simplex_grid
from recbook.models.base import Recommender, check_at_least, check_choice

Members = Mapping[str, Recommender] | Sequence[str]


class ScoreFusion(Fusion):
    """Add up the members' scores once they are on one scale: an average, weighted if asked for.

    Parameters
    ----------
    members : mapping of str to Recommender, or sequence of str
    normalise : a name of `recbook.fusion.normalise.NORMALISATIONS`, or "none"
        Each user's candidates by themselves.
    method : {"sum", "mnz"}
        CombSUM, or CombMNZ, which multiplies by the number of members that score the candidate
        above the normalisation's lowest.
    weights : mapping of str to float, or float array (n_members,), optional
        1 for each where None.
    n_candidates : int, optional
        As for `recbook.fusion.base.Fusion`.

    References
    ----------
    Fox and Shaw: Combination of multiple searches. TREC-2, 1994.
    """

    def __init__(
        self,
        members: Members,
        *,
        normalise: str = "z_score",
        method: str = "sum",
        weights: Mapping[str, float] | np.ndarray | None = None,
        n_candidates: int | None = None,
    ) -> None:
        super().__init__(members, n_candidates=n_candidates)
        check_choice("normalise", normalise, (*NORMALISATIONS, "none"))
        check_choice("method", method, ("sum", "mnz"))
        if method == "mnz" and normalise not in ("min_max", "rank"):
            raise ValueError(
                f'CombMNZ needs scores of at least 0: take normalise="min_max" or "rank", '
                f"not {normalise!r}"
            )
        self.normalise = normalise
        self.method = method
        self.weights = weights
        self._weights = _checked_weights(weights, self.names)

    def _fuse(self, pool: Pool) -> np.ndarray:
        scores = normalised(pool, self.normalise)
        if self.method == "sum":
            return comb_sum(scores, self._weights)
        lowest = np.where(pool.there, scores, np.inf).min(axis=2, keepdims=True)
        fused = comb_mnz(np.where(scores > lowest, scores, -np.inf), self._weights)
        return np.where(np.isfinite(fused), fused, 0)  # 0: nobody puts it above the lowest


class RankFusion(Fusion):
    """Let the members vote with the places they give: nothing but the order of scores counts.

    Parameters
    ----------
    members : mapping of str to Recommender, or sequence of str
    method : {"reciprocal rank", "borda", "condorcet"}
        Reciprocal-rank fusion, Borda's count, or Copeland's count of won duels, ties parted by
        Borda's.
    k : float
        Of the reciprocal rank, 1 / (k + place).
    n_candidates : int, optional
        As for `recbook.fusion.base.Fusion`; "condorcet" compares all pairs, so it needs one.

    References
    ----------
    Cormack, Clarke and Büttcher: Reciprocal rank fusion outperforms Condorcet and individual rank
    learning methods. SIGIR 2009.
    """

    def __init__(
        self,
        members: Members,
        *,
        method: str = "reciprocal rank",
        k: float = 60,
        n_candidates: int | None = None,
    ) -> None:
        super().__init__(members, n_candidates=n_candidates)
        check_choice("method", method, ("reciprocal rank", "borda", "condorcet"))
        check_at_least("k", k, 0)
        self.method = method
        self.k = k

    def _fuse(self, pool: Pool) -> np.ndarray:
        if self.method == "reciprocal rank":
            return reciprocal_rank(pool.scores, self.k)
        points = borda(pool.scores).astype(np.float64)
        if self.method == "borda":
            return points
        most = np.where(pool.there, points, 0).max() + 1
        return condorcet(pool.scores) + points / (2 * most)


class WeightedFusion(Fusion):
    """A weighted sum of normalised scores, its weights learnt on held-out events.

    Parameters
    ----------
    members : mapping of str to Recommender, or sequence of str
    search : {"greedy", "grid", "nnls", "ascent"}
        How the weights are found: the best mean NDCG@10 by forward selection, over the grid of the
        simplex, or by moving one weight at a time from greedy's, where weights may turn negative;
        or least squares of relevance with weights of 0 and more.
    normalise : str
        As for `ScoreFusion`.
    n_steps : int
        Rounds of the forward selection, or parts the simplex' edge is cut into.
    n_candidates : int, optional

    Attributes
    ----------
    weights_ : float array (n_members,)
        They sum to 1 unless negative ones are allowed.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew and Ksikes: Ensemble selection from libraries of models. ICML
    2004.
    """

    learns = True

    def __init__(
        self,
        members: Members,
        *,
        search: str = "greedy",
        normalise: str = "z_score",
        n_steps: int = 20,
        n_candidates: int | None = None,
    ) -> None:
        super().__init__(members, n_candidates=n_candidates)
        check_choice("search", search, ("greedy", "grid", "nnls", "ascent"))
        check_choice("normalise", normalise, (*NORMALISATIONS, "none"))
        check_at_least("n_steps", n_steps, 1)
        self.search = search
        self.normalise = normalise
        self.n_steps = n_steps

    def _learn(self, pools: list[Pool]) -> None:
        n = len(self.names)
        if self.search == "nnls":
            cells = [normalised(pool, self.normalise)[:, pool.there].T for pool in pools]
            labels = np.concatenate([pool.labels[pool.there] for pool in pools])
            weights = nnls_weights(np.concatenate(cells), labels, sum_to_one=False)
            self.weights_ = weights / weights.sum() if weights.any() else np.full(n, 1 / n)
            return
        judge = mean_ndcg(pools, self.normalise)
        if self.search == "grid":
            grid = simplex_grid(n, self.n_steps)
            self.weights_ = grid[int(np.argmax([judge(point) for point in grid]))]
        else:
            self.weights_ = greedy_weights(judge, n, self.n_steps)
        if self.search == "ascent":
            self.weights_ = coordinate_ascent(judge, self.weights_, step=0.2, min_step=0.02)

    def _fuse(self, pool: Pool) -> np.ndarray:
        return comb_sum(normalised(pool, self.normalise), self.weights_)


def normalised(pool: Pool, name: str) -> np.ndarray:
    """Return the pool's scores on one scale, float32 (n_members, n, width), -inf on padding."""
    return pool.scores if name == "none" else NORMALISATIONS[name](pool.scores)


def mean_ndcg(pools: Sequence[Pool], normalise: str) -> Callable[[np.ndarray], float]:
    """Return a function of weights: NDCG@10 of the weighted sum, the mean over all pools' users.

    Users without a relevant candidate have 0 whatever the weights; they are counted, not ranked.
    """
    parts, n_users = [], 0
    for pool in pools:
        n_users += len(pool.users)
        pool = pool.rows(pool.labels.any(axis=1))
        scores = normalised(pool, normalise)
        parts.append((pool, np.where(pool.there, scores, 0)))

    def judge(weights: np.ndarray) -> float:
        used = np.flatnonzero(weights)
        total = 0.0
        for pool, scores in parts:
            fused = np.zeros(pool.items.shape, dtype=np.float32)
            for member in used:
                fused += np.float32(weights[member]) * scores[member]
            total += pool.ndcg(fused).sum()
        return total / n_users

    return judge


def _checked_weights(weights, names: tuple[str, ...]) -> np.ndarray | None:
    if weights is None:
        return None
    if isinstance(weights, Mapping):
        if set(weights) != set(names):
            raise ValueError(
                f"weights must name each member once: members {list(names)}, weights {[*weights]}"
            )
        weights = [weights[name] for name in names]
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(names),) or not np.isfinite(weights).all():
        raise ValueError(f"weights must be {len(names)} finite numbers, got {weights!r}")
    return weights
