"""What chapter 08 says of the two-tower model: over five seeds, and with larger settings.

python benchmarks/recorded/two_tower.py seeds
python benchmarks/recorded/two_tower.py longer
"""

import sys
import time

import numpy as np
from record import record_claims, record_longer
from scipy import sparse

from recbook.data import load_complete_journey
from recbook.data.ranking import top_k
from recbook.evaluation.protocols import evaluate, journey_tasks
from recbook.evaluation.ranking import ndcg_per_user
from recbook.models import EASE, ContentProfile, Popularity, Random, TwoTower

COLUMNS = ["department", "product_category", "product_type", "brand", "package_size"]
journey = load_complete_journey()
homes = journey.demographics.set_index("household_id")
tasks = journey_tasks(journey.interactions())
new = tasks["new"]
products = journey.products.set_index("product_id").loc[new.fit_on("test").items]
texts = products[COLUMNS].astype("string").fillna("").agg(" ".join, axis=1)
SETTINGS = {"n_factors": 16, "n_positives": 16, "half_life_days": 30}


def on_validation(model) -> float:
    return evaluate(model, new, on="validation").ndcg.mean()


def chosen(patience: int = 2, epochs: int = 8, **settings) -> TwoTower:
    """Return the model fitted on what is known before validation, stopped by validation."""
    watch = {"epochs": epochs, "patience": patience, "monitor": on_validation}
    return TwoTower(**settings, **watch).fit(new.fit_on("validation"))


def among(scores: np.ndarray, columns: np.ndarray) -> float:
    window = new.window("test")
    rows = window.users
    lists = top_k(scores[rows], 10, exclude=window.exclude, rows=rows, candidates=columns)
    wanted = sparse.csr_array(window.relevant[rows].multiply(columns.astype(float)))
    wanted.eliminate_zeros()
    return np.nanmean(ndcg_per_user(lists, wanted, 10))


def whole_sum(seed: int) -> float:
    """Return how far the mean over batches, with log-Q, is from the sum over seven products."""
    q = np.array([0.55, 0.2, 0.1, 0.06, 0.05, 0.03, 0.01])
    s = np.array([1.0, 0.5, 2.0, 0.0, -1.0, 1.5, 0.3])
    batches = np.random.default_rng(seed).choice(7, p=q, size=(100_000, 16))
    return abs(np.exp(s - np.log(q))[batches].mean() / np.exp(s).sum() - 1)


def seeds() -> None:
    started = time.process_time()
    known = new.fit_on("test")
    fixed = {"popularity": Popularity(window_days=14), "EASE": EASE(300, half_life_days=90)}
    mean = {n: evaluate(m.fit(known), new).ndcg.mean() for n, m in fixed.items()}
    hidden = np.random.default_rng(0).random(known.n_items) < 0.1
    unseen = hidden & new.candidates("test")
    seen = known.select(~hidden[known.item])
    chance = among(Random(rng=0).fit(seen).score(), unseen)
    words = among(ContentProfile(texts).fit(seen).score(), unseen)
    found: dict[str, list[float]] = {}
    beside: dict[str, list[float]] = {"NDCG kept without log-Q": [], "label / words": []}
    for seed in range(5):
        settings = {**SETTINGS, "rng": seed}
        settings["epochs"] = chosen(**settings).best_epoch_
        best = TwoTower(**settings).fit(known)
        ndcg = evaluate(best, new).ndcg.mean()
        off = evaluate(TwoTower(**settings, log_q=False).fit(known), new).ndcg.mean()
        cold = TwoTower(homes, texts, **settings).fit(seen)
        label = among(cold.user_vectors_ @ cold.item_vectors_.T, unseen)
        values = {
            "08-two-tower-beats-popularity": ndcg - mean["popularity"],
            "08-two-tower-below-ease": ndcg - mean["EASE"],
            "08-log-q-expects-the-whole-sum": whole_sum(seed),
            "08-towers-know-products-never-sold": label / chance,
        }
        for name, value in values.items():
            found.setdefault(name, []).append(value)
        for name, value in zip(beside, (off / ndcg, label / words), strict=True):
            beside[name].append(round(float(value), 4))
        print(
            seed,
            settings["epochs"],
            {n: round(v[-1], 4) for n, v in found.items()},
            beside,
            flush=True,
        )
    record_claims("two_tower", found)
    record_longer(
        "two_tower", "five seeds", settings={**SETTINGS, "seeds": 5}, values=beside,
        seconds=time.process_time() - started,
    )  # fmt: skip


def longer() -> None:
    slow = {**SETTINGS, "learning_rate": 0.002, "epochs": 40, "patience": 6}
    runs = {
        "small steps, 40 epochs, 64 factors": {**slow, "n_factors": 64},
        "the same with side features": {
            **slow, "n_factors": 64, "user_features": homes, "item_features": texts,
        },
        "a layer of 64 units in each tower": {**slow, "n_factors": 64, "hidden": (64,)},
        "no log-Q, stopped by its own validation": {**slow, "log_q": False},
    }  # fmt: skip
    for name, settings in runs.items():
        started = time.perf_counter()
        model = chosen(**settings)
        params = {**model.get_params(), "epochs": model.best_epoch_, "monitor": None}
        test = evaluate(TwoTower(**params).fit(new.fit_on("test")), new).ndcg.mean()
        values = {
            "validation": round(float(model.history_.monitor.max()), 4),
            "test": round(float(test), 4),
            "epochs": model.best_epoch_,
            "parameters": model.n_parameters_,
        }
        told = {k: v for k, v in settings.items() if not k.endswith("_features")}
        seconds = time.perf_counter() - started
        record_longer("two_tower", name, settings=told, values=values, seconds=seconds)
        print(name, values, flush=True)


if __name__ == "__main__":
    {"seeds": seeds, "longer": longer}[sys.argv[1]]()
