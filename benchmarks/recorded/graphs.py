"""Graphs: how claims of chapter 09 vary with the seed, and what takes minutes to train.

python benchmarks/recorded/graphs.py seeds      the chapter's settings, five seeds
python benchmarks/recorded/graphs.py longer     depths 0 to 4, each tuned; the shop; a VAE
python benchmarks/recorded/graphs.py films|depth|shop|vae    one of these
"""

from __future__ import annotations

import sys
import time
from itertools import count

import numpy as np
from record import record_claims, record_longer
from scipy import sparse

from recbook.book import recorded
from recbook.data import load_complete_journey, load_movielens
from recbook.evaluation.compare import compare
from recbook.evaluation.protocols import evaluate, journey_tasks, movielens_task
from recbook.models import EASE, ImplicitALS
from recbook.models.deep.lightgcn import LightGCN
from recbook.models.deep.mult_vae import MultVAE
from recbook.models.list_inputs import input_matrix

FILTER = (64, 0.1)  # rank and share of GF-CF, as validation chooses them
EVERY = 10  # epochs between two looks at validation
DECAYS = (0.1, 0.3, 1, 2, 4)
DEPTHS = (0, 1, 2, 3, 4)


def on_validation(task):
    """Return a monitor that judges every tenth epoch."""
    epochs = count(1)

    def monitor(model):
        if next(epochs) % EVERY:
            return -np.inf
        return evaluate(model, task, on="validation").ndcg.mean()

    return monitor


def tuned(make, grid, task):
    """Return the best (validation NDCG, epochs, settings) of a grid, and of all its points."""
    found = []
    for settings in grid:
        model = make(**settings, monitor=on_validation(task), patience=6 * EVERY)
        model.fit(task.fit_on("validation"))
        found.append((float(model.history_.monitor.max()), model.best_epoch_, settings))
        print(f"{task.name} {settings}: {found[-1][0]:.4f} after {found[-1][1]}", flush=True)
    return max(found, key=lambda one: one[0]), found


def judged(make, best, task):
    """Return the test NDCG of every user, with the settings and epochs that were chosen."""
    model = make(**best[2] | {"epochs": best[1]}).fit(task.fit_on())
    return evaluate(model, task).ndcg


def against(a, b) -> dict:
    """Return a paired comparison as JSON."""
    c = compare(a, b)
    return {name: getattr(c, name) for name in ("verdict", "difference", "low", "high", "p_value")}


def films() -> None:
    started = time.perf_counter()
    task = movielens_task(load_movielens().interactions())
    common = {
        "n_factors": 64, "half_life_events": 20, "epochs": 250, "learning_rate": 0.03,
        "init_scale": 0.01,
    }  # fmt: skip
    chosen, test = {}, {}
    for depth in DEPTHS:
        grid = [common | {"n_layers": depth, "weight_decay": decay} for decay in DECAYS]
        chosen[depth], _ = tuned(LightGCN, grid, task)
        test[depth] = judged(LightGCN, chosen[depth], task)
        print(f"depth {depth}: test {test[depth].mean():.4f}", flush=True)
    best = max(chosen, key=lambda depth: chosen[depth][0])
    values = {
        str(depth): {
            "validation": chosen[depth][0],
            "epochs": chosen[depth][1],
            "weight_decay": chosen[depth][2]["weight_decay"],
            "test": test[depth].mean(),
            "against depth 0": against(test[depth], test[0]) if depth else None,
        }
        for depth in DEPTHS
    }
    record_longer(
        "graphs", "films, depths 0 to 4", settings=common | {"weight_decay": DECAYS},
        values={"depth": values, "chosen": best}, seconds=time.perf_counter() - started,
    )  # fmt: skip


def chosen_depth() -> None:
    """Train the depth that validation chose once more, and put it beside EASE."""
    task = movielens_task(load_movielens().interactions())
    run = recorded("graphs")["longer"]["films, depths 0 to 4"]
    depth = run["values"]["chosen"]
    of = run["values"]["depth"][str(depth)]
    settings = run["settings"] | {
        "n_layers": depth, "weight_decay": of["weight_decay"], "epochs": of["epochs"],
    }  # fmt: skip
    started = time.perf_counter()
    test = evaluate(LightGCN(**settings).fit(task.fit_on()), task).ndcg
    seconds = time.perf_counter() - started
    ease = evaluate(EASE(100, half_life_events=40).fit(task.fit_on()), task).ndcg
    values = {"test": test.mean(), "EASE": ease.mean(), "against EASE": against(test, ease)}
    print(values, flush=True)
    record_longer(
        "graphs", "films, chosen depth", settings=settings, values=values, seconds=seconds
    )


def shop() -> None:
    started = time.perf_counter()
    tasks = journey_tasks(load_complete_journey().interactions())
    old = {"values": "count", "half_life_days": 90, "damping": "sqrt"}
    common = old | {"n_factors": 64, "epochs": 100, "learning_rate": 0.03, "init_scale": 0.01}
    depths, decays = (0, 1, 2), (0.3, 1)
    values = {}
    task = tasks["new"]
    ease = evaluate(EASE(300, half_life_days=90).fit(task.fit_on()), task).ndcg
    for depth in depths:
        grid = [common | {"n_layers": depth, "weight_decay": decay} for decay in decays]
        best, _ = tuned(LightGCN, grid, task)
        test = judged(LightGCN, best, task)
        values[str(depth)] = {
            "validation": best[0], "epochs": best[1], "weight_decay": best[2]["weight_decay"],
            "test": test.mean(), "against EASE": against(test, ease),
        }  # fmt: skip
        print(values, flush=True)
    record_longer(
        "graphs", "shop, discovery", settings=common | {"weight_decay": decays},
        values={"depth": values, "EASE": ease.mean()}, seconds=time.perf_counter() - started,
    )  # fmt: skip


def vae() -> None:
    started = time.perf_counter()
    task = movielens_task(load_movielens().interactions())
    common = {
        "n_latent": 128, "n_hidden": 400, "half_life_events": 40, "epochs": 60,
        "learning_rate": 0.002,
    }  # fmt: skip
    best, _ = tuned(MultVAE, [common | {"beta": beta} for beta in (0.2, 0.5)], task)
    # As many epochs as were planned, or the price of KL would rise faster than on validation.
    model = MultVAE(**best[2]).fit(task.fit_on())
    test = evaluate(model, task).ndcg
    ease = evaluate(EASE(100, half_life_events=40).fit(task.fit_on()), task).ndcg
    record_longer(
        "graphs", "films, a larger autoencoder", settings=common,
        values={
            "validation": best[0], "beta": best[2]["beta"], "test": test.mean(),
            "against EASE": against(test, ease), "EASE": ease.mean(),
        },
        seconds=time.perf_counter() - started,
    )  # fmt: skip


def seeds() -> None:
    task = movielens_task(load_movielens().interactions())
    known = task.fit_on()
    common = {"half_life_events": 20, "learning_rate": 0.03, "init_scale": 0.01}
    fixed = {
        "ease": EASE(100, half_life_events=40),
        "ials": ImplicitALS(32, 10, alpha=1, half_life_events=20),
    }
    fixed = {name: evaluate(model.fit(known), task).ndcg for name, model in fixed.items()}
    fixed["filter"] = evaluate(graph_filter(known, *FILTER), task).ndcg
    found = {}
    for seed in range(5):
        graph = LightGCN(64, 1, epochs=110, weight_decay=2, rng=seed, **common)
        plain = LightGCN(64, 0, epochs=100, weight_decay=4, rng=seed, **common)
        auto = MultVAE(
            64, 200, half_life_events=40, epochs=40, batch_size=256, learning_rate=0.005, rng=seed
        )
        one = {n: evaluate(m.fit(known), task).ndcg for n, m in
               {"graph": graph, "plain": plain, "vae": auto}.items()}  # fmt: skip
        one |= fixed
        pairs = (
            ("09-layers-help-on-films", "graph", "plain"),
            ("09-ease-beside-lightgcn", "ease", "graph"),
            ("09-filter-beside-lightgcn", "filter", "graph"),
            ("09-ease-beside-the-vae", "ease", "vae"),
            ("09-ials-beside-the-vae", "ials", "vae"),
        )
        for claim, a, b in pairs:
            found.setdefault(claim, []).append(one[a].mean() - one[b].mean())
            print(seed, claim, against(one[a], one[b]), flush=True)
        print({n: round(v.mean(), 4) for n, v in one.items()}, flush=True)
    print(found)
    record_claims("graphs", found)


def graph_filter(known, rank, share, half_life_events=20):
    """Return the scores of GF-CF as the chapter writes it."""
    held = input_matrix(known, half_life_events=half_life_events)
    taken, had = held.sum(axis=1), held.sum(axis=0)
    by_user, by_item = (1 / np.sqrt(np.where(d > 0, d, np.inf)) for d in (taken, had))
    walk = (sparse.diags_array(by_user) @ held @ sparse.diags_array(by_item)).tocsr()
    axes = sparse.linalg.svds(walk, k=rank, v0=np.ones(min(walk.shape)))[2].T
    lowest = ((held @ (by_item[:, None] * axes)) @ axes.T) * np.sqrt(had)
    return (((held @ walk.T) @ walk).toarray() + share * lowest).astype(np.float32)


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    parts = {
        "seeds": [seeds],
        "longer": [films, chosen_depth, vae, shop],
        "films": [films],
        "vae": [vae],
    }
    parts["shop"], parts["depth"] = [shop], [chosen_depth]
    if what not in parts:
        raise SystemExit(f"say what to run: {', '.join(parts)}")
    for part in parts[what]:
        part()
