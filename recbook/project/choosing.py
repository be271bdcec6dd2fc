"""One model or all of them together: learnt and chosen on validation."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.evaluation.tasks import TopNTask
from recbook.fusion.pool import Pool
from recbook.fusion.pooling import make_pool
from recbook.fusion.stacking import Stack, fuse_by_user_folds
from recbook.models.base import Recommender

FUSION = "fusion"
N_CANDIDATES = 100  # of each member and user
N_FOLDS = 5
MAX_USERS = 3_000  # to learn from
Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Choice:
    """What to recommend with, and why.

    Attributes
    ----------
    name : str
        "fusion", or the name of the best single member.
    model : Recommender
        Not fitted; a fusion has learnt its weights.
    fusion : Stack or None
        The fusion, chosen or not, with its weights learnt; None where there is too little.
    weights : pandas.Series
        What a standard deviation of each member's scores adds to the fused score.
    single : str
        The best single member on validation.
    validation : pandas.DataFrame
        Mean NDCG@10 on validation by model; the fusion's for users it did not learn from.
    why : str
        The choice in a sentence.
    """

    name: str
    model: Recommender
    fusion: Stack | None
    weights: pd.Series
    single: str
    validation: pd.DataFrame
    why: str


def choose(
    members: Mapping[str, Recommender],
    task: TopNTask,
    *,
    rng: int = 0,
    tell: Tell | None = None,
) -> Choice:
    """Learn the fusion on validation, and take it where it beats the best single member there.

    The fusion is a logistic regression on the members' scores, each user's candidates brought to
    mean 0 and deviation 1: a sum of scores with learnt weights. To compare it fairly with a member,
    each fifth of the users gets lists from weights that the other four fifths taught.

    Parameters
    ----------
    members : mapping of str to Recommender
        As they are where they are fitted on `task.fit_on("validation")`; copies are fitted where
        they are not.
    task : TopNTask
    rng : int
        Seed of the folds and of the draw of candidates to learn from.
    tell : callable, optional
        Is told what is being done.
    """
    fitted = fit_members(members, task.fit_on("validation"), tell=tell, what="to choose: ")
    if tell:
        tell("learning the fusion on validation")
    pool = _pool(fitted, task, rng)
    mean = {name: float(pool.ndcg(pool.scores[at]).mean()) for at, name in enumerate(pool.names)}
    single = max(mean, key=lambda name: mean[name])
    fusion, weights = None, pd.Series(np.nan, index=list(members), name="weight")
    if _can_learn(pool):
        crossed = fuse_by_user_folds(Stack([*members], rng=rng), pool, n_folds=N_FOLDS, rng=rng)
        mean[FUSION] = float(pool.ndcg(crossed).mean())
        fusion = Stack(dict(members), n_candidates=N_CANDIDATES, rng=rng).learn(pool)
        weights[:] = fusion.model_.coef_[0]
    better = mean.get(FUSION, 0.0) > mean[single]
    table = pd.DataFrame({"ndcg": mean}).sort_values("ndcg", ascending=False, kind="stable")
    return Choice(
        name=FUSION if better else single,
        model=fusion if better else members[single],
        fusion=fusion,
        weights=weights,
        single=single,
        validation=table.rename_axis("model"),
        why=_why(mean, single),
    )


def _can_learn(pool: Pool) -> bool:
    """Tell whether there are users enough with something found and something not."""
    both = pool.labels.any(axis=1) & (pool.there & ~pool.labels).any(axis=1)
    return int(both.sum()) >= 2 * N_FOLDS


def _why(mean: Mapping[str, float], single: str) -> str:
    best = f"the best single model, {single}, {mean[single]:.4f}"
    if FUSION not in mean:
        return f"too few likes of validation are found for a fusion to be learnt; {best} alone"
    told = f"on validation the fusion reaches NDCG@10 {mean[FUSION]:.4f} and {best}; so "
    if mean[FUSION] > mean[single]:
        return told + "the fusion is used"
    return told + f"the fusion is not used, but {single} alone"


def fit_members(
    members: Mapping[str, Recommender],
    events: Interactions,
    *,
    tell: Tell | None = None,
    what: str = "",
) -> dict[str, Recommender]:
    """Return the members fitted on `events`: themselves where they are already, else copies."""
    fitted = {}
    for number, (name, member) in enumerate(members.items(), start=1):
        if getattr(member, "interactions_", None) is not events:
            if tell:
                tell(f"{what}fitting {name} ({number} of {len(members)})")
            member = copy.copy(member)
            started = time.perf_counter()
            member.fit(events)
            member.fit_seconds_ = time.perf_counter() - started
        fitted[name] = member
    return fitted


def _pool(fitted: Mapping[str, Recommender], task: TopNTask, rng: int) -> Pool:
    from dataclasses import replace

    window = task.window("validation")
    if len(window.users) > MAX_USERS:
        drawn = np.random.default_rng(rng).choice(window.users, MAX_USERS, replace=False)
        window = replace(window, users=np.sort(drawn))
    return make_pool(fitted, window, n_candidates=N_CANDIDATES)
