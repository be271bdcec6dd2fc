"""What the book's fusions are made of: members with settings of earlier chapters, and their pools.

Fitting all members for all windows takes minutes, so pools are made once and stored;
`python -m recbook.fusion` makes them all.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pandas as pd

from recbook.data.journey import load_complete_journey
from recbook.data.movielens import load_movielens
from recbook.evaluation.protocols import journey_tasks, movielens_task
from recbook.evaluation.tasks import TopNTask
from recbook.fusion.pool import Pool
from recbook.fusion.pooling import make_pool
from recbook.fusion.store import stored
from recbook.models.base import Recommender
from recbook.models.baselines import PersonalFrequency, Popularity
from recbook.models.bpr import BPR
from recbook.models.content import ContentProfile
from recbook.models.ease import EASE
from recbook.models.embeddings import ItemToVec
from recbook.models.groups import GroupPreference
from recbook.models.implicit_als import ImplicitALS
from recbook.models.lsi import LSI
from recbook.models.neighbours import ItemNeighbours, UserNeighbours
from recbook.models.pure_svd import PureSVD
from recbook.models.rules import PairRules
from recbook.models.transitions import ItemTransitions

N_CANDIDATES = 100  # of each member
SHOP_WINDOWS = ("test", "validation", *(f"earlier_{n}" for n in range(1, 6)))
FILM_WINDOWS = ("test", "validation", "earlier_1")


@cache
def shop_tasks() -> dict[str, TopNTask]:
    """Return the tasks "repeat" and "new" with five windows before validation to learn from."""
    return journey_tasks(load_complete_journey().interactions(), n_earlier=5)


@cache
def film_task() -> TopNTask:
    """Return the film task with one window before validation to learn from."""
    return movielens_task(load_movielens("100k").interactions())


def shop_members() -> dict[str, Recommender]:
    """Return the shop's members, not fitted; one list for both tasks."""
    return {
        "personal frequency": PersonalFrequency(half_life_days=90),
        "recent popularity": Popularity(window_days=14),
        "EASE, own past": EASE(10, "count", half_life_days=60, damping="sqrt"),
        "EASE, discovery": EASE(300, half_life_days=60),
        "PureSVD": PureSVD(16, half_life_days=90),
        "LSI": LSI(64, half_life_days=90),
        "iALS": ImplicitALS(
            16, 30, alpha=1, values="count", half_life_days=90, damping="sqrt", n_iterations=5
        ),
        "user neighbours": UserNeighbours(200),
        "pair rules": PairRules(10, "baskets"),
        "content": ContentProfile(product_texts(), values="count"),
    }


@cache
def product_texts() -> pd.Series:
    """Return what is written on each product of the shop: hierarchy, brand and size."""
    products = load_complete_journey().products.set_index("product_id")
    columns = ["department", "product_category", "product_type", "brand", "package_size"]
    return products[columns].astype(object).fillna("").agg(" ".join, axis=1)


def film_members() -> dict[str, Recommender]:
    """Return the film task's members, not fitted."""
    return {
        "popularity": Popularity(),
        "iALS": ImplicitALS(64, 30, alpha=10, half_life_events=20),
        "EASE": EASE(100, half_life_events=40),
        "EASE, nothing forgotten": EASE(300),
        "PureSVD": PureSVD(20, half_life_events=20),
        "item neighbours": ItemNeighbours(200, half_life_events=5),
        "user neighbours": UserNeighbours(80),
        "BPR": BPR(32, 0.05, n_epochs=50, half_life_events=20),
        "item2vec": ItemToVec(32, epochs=10, half_life_events=5),
        "transitions": ItemTransitions(),
        "first-order transitions": ItemTransitions(
            3, "log", backward=0, longest_gap=10, half_life_events=3, shrinkage=5
        ),
        "same sitting": ItemTransitions(
            5, backward=1, longest_gap=20, half_life_events=5, half_life_seconds=120, shrinkage=5
        ),
        "viewers' groups": GroupPreference(viewer_groups()),
    }


@cache
def viewer_groups() -> pd.DataFrame:
    """Return each MovieLens viewer's age group, gender and occupation."""
    users = load_movielens("100k").users.set_index("user_id")
    ages = pd.cut(users["age"], [0, 17, 24, 29, 34, 44, 54, 200]).astype(str)
    return pd.DataFrame({"age": ages, "gender": users["gender"], "work": users["occupation"]})


def stored_pool(task: str, on: str = "test") -> Pool:
    """Return a task's pool for a window, from the store; made first where it is not there yet.

    Parameters
    ----------
    task : {"repeat", "new", "movielens"}
    on : str
        A window of the task.

    Raises
    ------
    ValueError
        If there is no such task or window.
    """
    groups = {"repeat": "shop", "new": "shop", "movielens": "film"}
    if task not in groups:
        raise ValueError(f"task must be one of {list(groups)}, got {task!r}")
    tasks = shop_tasks() if groups[task] == "shop" else {"movielens": film_task()}
    members = shop_members() if groups[task] == "shop" else film_members()
    window = tasks[task].window(on)
    arrays = stored(
        f"pools-{groups[task]}-{on}",
        lambda: _make(tasks, members, on),
        depends=[window.known, window.held_out, N_CANDIDATES, repr(members)],
        keys=["names", "megabytes", *(f"{task} {part}" for part in _PARTS)],
    )
    names = tuple(arrays["names"].tolist())
    return Pool(
        names=names,
        users=arrays[f"{task} users"],
        items=arrays[f"{task} items"],
        scores=arrays[f"{task} scores"],
        known=window.known,
        window=window,
        learnt_from=(window.known,),
        seconds=dict(zip(names, map(tuple, arrays[f"{task} seconds"].tolist()), strict=True)),
        megabytes=dict(zip(names, arrays["megabytes"].tolist(), strict=True)),
    )


_PARTS = ("users", "items", "scores", "seconds")


def _make(
    tasks: dict[str, TopNTask], members: dict[str, Recommender], on: str
) -> dict[str, np.ndarray]:
    """Fit all members on what is known before a window; return the pools of its tasks."""
    known = next(iter(tasks.values())).fit_on(on)
    for member in members.values():
        started = time.perf_counter()
        member.fit(known)
        member.fit_seconds_ = time.perf_counter() - started
    arrays = {"names": np.array(list(members))}
    for name, task in tasks.items():
        if task.fit_on(on) is not known:  # both tasks of the shop share what is known
            raise ValueError(f"task {name!r} knows other events than its sister before {on!r}")
        pool = make_pool(members, task.window(on), n_candidates=N_CANDIDATES)
        arrays |= {
            f"{name} users": pool.users,
            f"{name} items": pool.items,
            f"{name} scores": pool.scores,
            f"{name} seconds": np.array([pool.seconds[member] for member in members]),
        }
    arrays["megabytes"] = np.array([pool.megabytes[member] for member in members])
    return arrays
