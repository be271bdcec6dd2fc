"""What the sequence models of chapter 09 do with other seeds, and with more time.

    python benchmarks/recorded/sequences.py seeds     the claims' values for seeds 0 to 4
    python benchmarks/recorded/sequences.py dice      the loss of exercise 9.2
    python benchmarks/recorded/sequences.py longer    larger settings, and films cut for all at once

The settings of `seeds` are the chapter's.
"""

from __future__ import annotations

import copy
import sys
import time

import numpy as np
import pandas as pd
from record import record_claims, record_longer

from recbook.data import load_movielens
from recbook.data.interactions import Interactions
from recbook.data.journey import load_complete_journey
from recbook.evaluation.compare import compare
from recbook.evaluation.protocols import TopNTask, Window, evaluate, journey_tasks, movielens_task
from recbook.models import ItemNeighbours, ItemTransitions, PersonalFrequency, Popularity
from recbook.models.deep.gru4rec import GRU4Rec
from recbook.models.deep.sasrec import SASRec

FILM = {"GRU4Rec": {"epochs": 7}, "SASRec": {"n_layers": 1, "epochs": 5}}
SHOP = {"length": 50, "n_negatives": 512, "max_windows": 2, "epochs": 3}
CLAIMED = [
    "09-films-gru4rec-above-popularity", "09-films-gru4rec-against-the-chain",
    "09-gru4rec-loses-without-order", "09-shop-gru-below-own-past", "09-shop-fenced-to-own-past",
]  # fmt: skip
MODELS = {"GRU4Rec": GRU4Rec, "SASRec": SASRec}


def following(task: TopNTask) -> TopNTask:
    """Return the task of guessing all of the first held-out moment, as the chapter writes it."""
    windows = {}
    for on, w in task.windows.items():
        late = w.held_out
        first = np.full(late.n_users, np.inf)
        np.minimum.at(first, late.user, late.time)
        now = late.select(np.flatnonzero(late.time == first[late.user]))
        wanted = now.matrix("binary").multiply(w.relevant).tocsr()
        wanted.eliminate_zeros()
        windows[on] = Window(w.known, late, wanted, w.candidates, w.exclude)
    return TopNTask(f"{task.name}, next", windows)


def with_histories(model, histories: np.ndarray):
    """Return a copy of the fitted model that scores from other histories."""
    other = copy.copy(model)
    states = np.asarray(model.network()(np.maximum(histories, 0))[0])
    last = (histories >= 0).sum(axis=1) - 1
    other.user_vectors_ = np.where(
        last[:, None] < 0, 0, states[np.arange(len(last)), np.maximum(last, 0)]
    )
    return other


def shuffled(histories: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return each history in another order, its padding still at the end."""
    keys = np.where(histories >= 0, rng.random(histories.shape), 2)
    return np.take_along_axis(histories, np.argsort(keys, axis=1, kind="stable"), axis=1)


def own_share(lists: np.ndarray, users: np.ndarray, had) -> float:
    """Return the share of the lists' places that hold what the user had before."""
    return float(np.mean([had[[user], lists[n]].mean() for n, user in enumerate(users)]))


def film_task() -> TopNTask:
    return movielens_task(load_movielens("100k").interactions())


def shop_tasks() -> dict[str, TopNTask]:
    return journey_tasks(load_complete_journey().interactions())


def film_values(seed: int, films: TopNTask, chain) -> dict[str, float]:
    """Return what the chapter claims of the films, for one seed."""
    known, nexts = films.fit_on("test"), following(films)
    popular = Popularity().fit(known)
    ndcg = {"chain": evaluate(chain, films).ndcg, "popularity": evaluate(popular, films).ndcg}
    values = {}
    for name, settings in FILM.items():
        model = MODELS[name](**settings, rng=seed).fit(known)
        ndcg[name] = evaluate(model, films).ndcg
        mixed = with_histories(model, shuffled(model.histories_, np.random.default_rng(0)))
        loss = 1 - evaluate(mixed, films).ndcg.mean() / ndcg[name].mean()
        short = name.lower()
        values |= {
            f"09-films-{short}-above-popularity": (ndcg[name] - ndcg["popularity"]).mean(),
            f"09-films-{short}-against-the-chain": (ndcg[name] - ndcg["chain"]).mean(),
            f"09-{short}-loses-without-order": loss,
            f"next film HR {short}": evaluate(model, nexts).hit_rate.mean(),
            f"films ndcg {short}": ndcg[name].mean(),
        }
    return values


def shop_values(seed: int, tasks: dict[str, TopNTask], past) -> dict[str, float]:
    """Return what the chapter claims of the shop, for one seed."""
    repeat = tasks["repeat"]
    known, users = repeat.fit_on("test"), repeat.users()
    had = known.matrix("binary")
    model = GRU4Rec(**SHOP, follows="moment", rng=seed).fit(known)
    own = evaluate(past, repeat).ndcg
    lists = model.recommend(users, candidates=repeat.candidates())
    fenced = model.score(users)
    fenced -= np.float32(100) * (had[users].toarray() == 0)
    return {
        "09-shop-gru-below-own-past": (evaluate(model, repeat).ndcg - own).mean(),
        "09-shop-gru-lists-of-own-past": own_share(lists, users, had),
        "09-shop-fenced-to-own-past": evaluate(fenced, repeat).ndcg.mean()
        - evaluate(model, repeat).ndcg.mean(),
        "shop new": evaluate(model, tasks["new"]).ndcg.mean(),
    }


def one_cut_for_all(share: float = 0.8) -> TopNTask:
    """Return the films under a cut in time for everyone: likes before it, likes after it."""
    ratings = load_movielens("100k").interactions()
    liked = ratings.select(ratings.value >= 4)
    windows = {}
    edges = np.quantile(liked.time, [share, 1]), np.quantile(liked.time, [share - 0.2, share])
    for on, (cut, end) in zip(("test", "validation"), edges, strict=True):
        known = liked.select(liked.time < cut)
        late = liked.select((liked.time >= cut) & (liked.time < end + (share == 1)))
        enough = np.bincount(known.user, minlength=liked.n_users) >= 5
        relevant = late.matrix("binary")
        met = np.diff(relevant.indptr) > 0
        exclude = ratings.select(ratings.time < cut).matrix("binary")
        windows[on] = Window(
            known, late, relevant, np.ones(liked.n_items, dtype=bool), exclude,
            np.flatnonzero(enough & met),
        )  # fmt: skip
    return TopNTask("films, one cut", windows)


def seeds() -> None:
    films, tasks = film_task(), shop_tasks()
    chain = ItemTransitions().fit(films.fit_on("test"))
    past = PersonalFrequency(90).fit(tasks["repeat"].fit_on("test"))
    values: dict[str, list[float]] = {}
    for seed in range(5):
        started = time.process_time()
        found = film_values(seed, films, chain) | shop_values(seed, tasks, past)
        for name, value in found.items():
            values.setdefault(name, []).append(float(value))
        print(seed, round(time.process_time() - started), found, flush=True)
    record_claims("sequences", {name: values[name] for name in CLAIMED})


def longer_films(name: str, films: TopNTask) -> None:
    """Keep a larger run on films, beside the counted transitions."""
    known, settings, nexts = films.fit_on("test"), LONGER_FILMS[name], following(films)
    chain = ItemTransitions().fit(known)
    started = time.perf_counter()
    model = MODELS[name](**settings).fit(known)
    seconds = time.perf_counter() - started
    ten, chain_ten = evaluate(model, nexts), evaluate(chain, nexts)
    ndcg = evaluate(model, films).ndcg
    values = {
        "NDCG@10": ndcg.mean(),
        "next film HR@10": ten.hit_rate.mean(),
        "next film MRR@10": ten.reciprocal_rank.mean(),
    }
    for what, a, b in (
        ("against transitions", ndcg, evaluate(chain, films).ndcg),
        ("next film against transitions", ten.reciprocal_rank, chain_ten.reciprocal_rank),
    ):
        told = compare(a, b)
        values |= {f"{what}, {n}": getattr(told, n) for n in ("difference", "low", "high")}
    keep(f"films, {name}", settings, values, seconds)


def longer() -> None:
    dice()
    films, cut, tasks = film_task(), one_cut_for_all(), shop_tasks()
    for name in LONGER_FILMS:
        longer_films(name, films)
    started = time.perf_counter()
    models = {
        "popularity": Popularity(), "item neighbours": ItemNeighbours(200, half_life_events=5),
        "transitions": ItemTransitions(), "GRU4Rec": GRU4Rec(**FILM["GRU4Rec"]),
    }  # fmt: skip
    values = {
        name: evaluate(model.fit(cut.fit_on("test")), cut).ndcg.mean()
        for name, model in models.items()
    }
    values["viewers"] = len(cut.users())
    keep("films, one cut for all", {"share": 0.8}, values, time.perf_counter() - started)
    for name, settings in LONGER_SHOP.items():
        started = time.perf_counter()
        model = MODELS[name](**settings).fit(tasks["repeat"].fit_on("test"))
        seconds = time.perf_counter() - started
        values = {task: evaluate(model, tasks[task]).ndcg.mean() for task in tasks}
        keep(f"shop, {name}", settings, values, seconds)


class Peeking(SASRec):
    """SASRec without its mask, as exercise 9.2 has it."""

    _causal = False


def dice() -> None:
    """Keep the training loss on throws of a die, with the mask and without it."""
    throws = np.random.default_rng(0).integers(20, size=(1000, 11))
    person, second = np.indices(throws.shape)
    columns = {"user_id": person, "item_id": throws, "second": second}
    table = pd.DataFrame({name: column.ravel() for name, column in columns.items()})
    events = Interactions.from_frame(table, time="second")
    settings = {"n_factors": 16, "length": 10, "n_layers": 1, "dropout": 0, "learning_rate": 0.02}
    settings |= {"epochs": 40}
    started = time.perf_counter()
    losses = {
        name: kind(**settings).fit(events).history_.loss.iloc[-1]
        for name, kind in {"with the mask": SASRec, "without": Peeking}.items()
    }
    keep("dice", settings | {"people": 1000}, losses, time.perf_counter() - started)


def keep(run: str, settings: dict, values: dict, seconds: float) -> None:
    values = {name: round(float(value), 4) for name, value in values.items()}
    print(run, settings, values, round(seconds), flush=True)
    record_longer("sequences", run, settings=settings, values=values, seconds=seconds)


LONGER_FILMS = {
    "GRU4Rec": {"n_factors": 64, "dropout": 0.4, "epochs": 13},
    "SASRec": {"n_factors": 64, "length": 50, "learning_rate": 0.005, "dropout": 0.4, "epochs": 20},
}
LONGER_SHOP = {
    "SASRec": {
        "n_layers": 1, "length": 50, "n_negatives": 512, "max_windows": 2, "epochs": 4,
    },
    "GRU4Rec": {
        "n_factors": 64, "length": 100, "follows": "moment", "n_negatives": 1024,
        "max_windows": 4, "epochs": 6, "learning_rate": 0.005,
    },
}  # fmt: skip

if __name__ == "__main__":
    {"seeds": seeds, "longer": longer, "dice": dice}[sys.argv[1]]()
