"""The book's learned rankers: grown once on many past windows; the orders they give are stored."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.journey import load_complete_journey
from recbook.evaluation.tasks import Window
from recbook.fusion.base import Fusion
from recbook.fusion.features import ShopFeatures
from recbook.fusion.members import FILM_WINDOWS, film_task, shop_tasks, stored_pool
from recbook.fusion.pool import Pool
from recbook.fusion.ranker import LearnedRanker
from recbook.fusion.store import stored

_EARLIER = tuple(f"earlier_{n}" for n in range(1, 6))
#: What each ranker learns from, by its task and the window that it orders; latest first.
LEARNT_ON = {
    ("new", "test"): ("validation", *_EARLIER),
    ("new", "validation"): _EARLIER,
    ("repeat", "test"): ("validation", *_EARLIER),
    ("repeat", "validation"): _EARLIER,
    ("movielens", "test"): tuple(on for on in FILM_WINDOWS if on != "test"),
    ("movielens", "validation"): tuple(on for on in FILM_WINDOWS if on.startswith("earlier")),
}


#: What chapter 11 asks for, as arguments of `stored_ranking`.
RANKINGS = (
    *(((task, on), {}) for task, on in LEARNT_ON),
    *(
        ((task, "validation"), left_out)
        for task in ("new", "repeat")
        for left_out in ({"n_windows": 1}, {"features": False}, {"scores": False})
    ),
)


class StoredRanking(Fusion):
    """A learned ranker of which only the order of one stored pool was kept.

    Attributes
    ----------
    importance_ : pandas.Series
        As of `LearnedRanker`.
    described_ : str
        The ranker's own repr.
    """

    learns = True

    def _fuse(self, pool: Pool) -> np.ndarray:
        if not (
            np.array_equal(pool.users, self.users_) and np.array_equal(pool.items, self.items_)
        ):
            raise ValueError(
                "only the order of one pool was stored; for another one, grow a LearnedRanker"
            )
        return self.fused_

    def __repr__(self) -> str:
        return getattr(self, "described_", super().__repr__())


def stored_ranking(
    task: str,
    on: str = "test",
    *,
    n_windows: int | None = None,
    features: bool = True,
    scores: bool = True,
) -> StoredRanking:
    """Return the order that a task's ranker gives to its stored pool; grown first if need be.

    Parameters
    ----------
    task : {"new", "repeat", "movielens"}
    on : str
        The window of the pool; the ranker learnt from earlier ones only.
    n_windows : int, optional
        Learn from the latest so many; all that there are where None.
    features : bool
        Whether the ranker sees side features; the one for films never does.
    scores : bool
        Whether it sees the members' scores; they find the candidates either way.

    Raises
    ------
    ValueError
        If there is no ranking for the task and window.
    """
    if (task, on) not in LEARNT_ON:
        raise ValueError(f"no ranking for {(task, on)}; there are {sorted(LEARNT_ON)}")
    past = LEARNT_ON[task, on][:n_windows]
    windows = [_window(task, name) for name in (on, *past)]
    seen = "all" if features and scores else "scores" if scores else "features"
    arrays = stored(
        f"ranking-{task}-{on}-{len(past)}-{seen}",
        lambda: _grow(task, on, past, features, scores),
        depends=[past, seen, *(p for w in windows for p in (w.known, w.held_out))],
    )
    ranking = StoredRanking(tuple(arrays["names"].tolist()))
    ranking.users_, ranking.items_ = arrays["users"], arrays["items"]
    ranking.fused_ = arrays["fused"]
    ranking.importance_ = pd.Series(arrays["importance"], index=arrays["columns"].tolist())
    ranking.described_ = str(arrays["described"])
    ranking.learnt_from_ = tuple(window.held_out for window in windows[1:])
    ranking.learn_seconds_ = float(arrays["seconds"])
    return ranking


def new_ranker(
    task: str, names: tuple[str, ...], *, features: bool = True, scores: bool = True
) -> LearnedRanker:
    """Return the ranker of a task, with settings found on validation; it has learnt nothing yet."""
    if task == "movielens":
        return LearnedRanker(names, n_trees=60, n_leaves=8, n_negatives=400)
    if task == "repeat":  # next purchases: fewer members did as well
        names = ("personal frequency", "EASE, own past", "EASE, discovery", "PureSVD")
    side = ShopFeatures(load_complete_journey().products) if features else None
    return LearnedRanker(names, features=side, inputs=("z_score",) if scores else ())


def _window(task: str, on: str) -> Window:
    return (film_task() if task == "movielens" else shop_tasks()[task]).window(on)


def _grow(
    task: str, on: str, past: tuple[str, ...], features: bool, scores: bool
) -> dict[str, np.ndarray]:
    pool = stored_pool(task, on)
    ranker = new_ranker(task, pool.names, features=features, scores=scores)
    ranker.learn(*(stored_pool(task, window) for window in past))
    return {
        "names": np.array(ranker.names),
        "users": pool.users,
        "items": pool.items,
        "fused": ranker.fuse(pool),
        "importance": ranker.importance_.to_numpy(),
        "columns": np.array(list(ranker.importance_.index)),
        "described": np.array(
            f"LearnedRanker({len(ranker.names)} members, n_trees={ranker.n_trees})"
        ),
        "seconds": np.array(ranker.learn_seconds_),
    }
