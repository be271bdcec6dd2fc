"""Measure neural collaborative filtering: spread over seeds, and runs longer than a chapter's.

OMP_NUM_THREADS=1 python benchmarks/recorded/ncf.py seeds | longer

Seconds are those of the processor, with one thread.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
from record import record_claims, record_longer
from sklearn.neural_network import MLPRegressor

from recbook.data import load_movielens
from recbook.evaluation.compare import compare
from recbook.evaluation.protocols import evaluate, movielens_task
from recbook.models import EASE, NeuralCF

EPOCHS = 8
SHARED = {"batch_size": 2048, "learning_rate": 0.01, "half_life_events": 20}
KINDS = {
    "dot product": {"kind": "dot", "weight_decay": 0.4},
    "GMF": {"kind": "gmf", "weight_decay": 0.5},
    "MLP": {"kind": "mlp", "weight_decay": 0.2, "hidden": (64, 32)},
    "NeuMF": {"kind": "neumf", "weight_decay": 0.4, "hidden": (32, 16)},
}
DRAWS = {
    "popular": {"kind": "dot", "weight_decay": 0.4, "negatives": "popularity"},
    "corrected": {
        "kind": "dot", "weight_decay": 0.4, "negatives": "popularity", "correction": True,
    },
    "softmax": {
        "kind": "dot", "weight_decay": 0.6, "loss": "softmax", "n_negatives": None,
        "batch_size": 512,
    },
}  # fmt: skip


def products(n, d, rng):
    p, q = rng.normal(size=(2, n, d)) / d**0.25
    return np.hstack([p, q]).astype(np.float32), (p * q).sum(axis=1)


def product_error(n, d, seed=0, noise=0.1, **settings):
    """Return the error on new pairs, of a network that saw n pairs; as in the chapter."""
    rng = np.random.default_rng([seed, n, d])
    shown, told = products(n, d, rng)
    told = told + rng.normal(scale=noise, size=n)
    network = MLPRegressor(
        **{
            "hidden_layer_sizes": (128, 64), "learning_rate_init": 0.005, "batch_size": 256,
            "max_iter": 25, "n_iter_no_change": 3, **settings,
        },
        early_stopping=True, random_state=seed,
    )  # fmt: skip
    network.fit(shown, told.astype(np.float32))
    new, truth = products(10_000, d, rng)
    return float(np.sqrt(((network.predict(new) - truth) ** 2).mean()))


def on_seed(task, seed):
    """Return the values of the chapter's claims that depend on chance, and each model's NDCG."""
    found = {
        "08-network-does-not-see-a-product": product_error(2_000, 64, seed),
        "08-product-error-grows-with-d": (
            product_error(10_000, 64, seed) / product_error(10_000, 4, seed)
        ),
    }
    known, ndcg, shown = task.fit_on(), {}, {}
    likes = np.bincount(known.item, minlength=known.n_items)
    for name, settings in (KINDS | DRAWS).items():
        model = NeuralCF(n_factors=32, **{**SHARED, **settings}, epochs=EPOCHS, rng=seed).fit(known)
        ndcg[name] = evaluate(model, task).ndcg
        shown[name] = likes[model.recommend(task.users(), 10, exclude=task.exclude())].mean()
    ease = evaluate(EASE(100, half_life_events=40).fit(known), task).ndcg
    against = {name: compare(ndcg[name], ndcg["dot product"]) for name in [*KINDS][1:]}
    print({name: str(one) for name, one in against.items()})
    print("corrected", compare(ndcg["corrected"], ndcg["popular"]))
    found["08-mlp-loses-to-the-product"] = against["MLP"].high
    found["08-no-network-beats-the-product"] = max(one.low for one in against.values())
    found["08-ease-beats-neural-cf"] = min(compare(ease, ndcg[name]).low for name in KINDS)
    found["08-popular-negatives-hide-the-popular"] = shown["popular"] / shown["corrected"]
    found["08-correction-mends-the-lists"] = compare(ndcg["corrected"], ndcg["popular"]).low
    return found, {name: round(float(value.mean()), 4) for name, value in ndcg.items()}


def seeds(n=5):
    task = movielens_task(load_movielens().interactions())
    started = time.process_time()
    claims, ndcg = zip(*(on_seed(task, seed) for seed in range(n)), strict=True)
    record_claims("ncf", {name: [one[name] for one in claims] for name in claims[0]})
    record_longer(
        "ncf", "five seeds", settings={"seeds": n, "epochs": EPOCHS, "threads": 1, **SHARED},
        values={name: [one[name] for one in ndcg] for name in ndcg[0]},
        seconds=time.process_time() - started,
    )  # fmt: skip


def longer_product(pairs=100_000):
    started = time.process_time()
    values = {str(d): round(product_error(pairs, d), 3) for d in (8, 64)}
    record_longer(
        "ncf", "product, more pairs", settings={"pairs": pairs, "threads": 1}, values=values,
        seconds=time.process_time() - started,
    )  # fmt: skip


def longer_films(epochs=30):
    """More passes, smaller steps, three layers; passes chosen on validation, judged on test."""
    task = movielens_task(load_movielens().interactions())
    started, values, passes = time.process_time(), {}, {}
    wider = {**SHARED, "learning_rate": 0.005, "patience": 5}
    for name, settings in KINDS.items():
        settings = {**settings, "n_factors": 32, "hidden": (64, 32, 16)}
        chosen = NeuralCF(
            **settings, **wider, epochs=epochs,
            monitor=lambda model: evaluate(model, task, on="validation").ndcg.mean(),
        ).fit(task.fit_on("validation"))  # fmt: skip
        passes[name] = chosen.best_epoch_
        final = NeuralCF(**settings, **wider, epochs=chosen.best_epoch_).fit(task.fit_on())
        values[name] = round(float(evaluate(final, task).ndcg.mean()), 4)
        print(name, passes[name], chosen.history_.monitor.max(), values[name], flush=True)
    record_longer(
        "ncf", "films, longer",
        settings={
            "epochs": epochs, "passes": passes, "hidden": (64, 32, 16), "threads": 1, **wider,
        },
        values=values, seconds=time.process_time() - started,
    )  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of networks that stop before they have converged
    if sys.argv[1:] == ["seeds"]:
        seeds()
    elif sys.argv[1:] == ["longer"]:
        longer_product()
        longer_films()
    else:
        sys.exit(__doc__)
