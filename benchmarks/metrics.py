"""Seconds for the metrics of 2,500 users × 10,000 items, ours beside scikit-learn's and ranx's.

Run: python benchmarks/metrics.py
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from scipy import sparse

from recbook.data.ranking import top_k
from recbook.evaluation import beyond
from recbook.evaluation.statistics import bootstrap_interval, randomisation_test
from recbook.evaluation.tasks import METRICS

N_USERS, N_ITEMS, K = 2_500, 10_000, 10


def best_of(function, repeats: int = 3):
    """Return the shortest time of a few runs, seconds, and the last answer."""
    seconds = []
    for _ in range(repeats):
        start = perf_counter()
        answer = function()
        seconds.append(perf_counter() - start)
    return min(seconds), answer


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    scores = rng.random((N_USERS, N_ITEMS), dtype=np.float32)
    relevant = sparse.random_array((N_USERS, N_ITEMS), density=0.003, rng=rng, format="csr")
    relevant.data[:] = 1
    seen = sparse.random_array((N_USERS, N_ITEMS), density=0.02, rng=rng, format="csr")
    rows = []

    seconds, lists = best_of(lambda: top_k(scores, K))
    rows.append(("top_k", seconds, ""))
    rows.append(
        ("top_k without what was seen", best_of(lambda: top_k(scores, K, exclude=seen))[0], "")
    )

    def seven():
        lists = top_k(scores, K)
        return {name: metric(lists, relevant, K) for name, metric in METRICS.items()}

    seconds, ours = best_of(seven)
    rows.append(
        (f"{len(METRICS)} metrics from scores", seconds, f"NDCG {np.nanmean(ours['ndcg']):.6f}")
    )
    rows.append(("NDCG from lists", best_of(lambda: METRICS["ndcg"](lists, relevant, K))[0], ""))
    for name in ("coverage_per_user", "gini_per_user"):
        measure = getattr(beyond, name)
        rows.append((name, best_of(lambda measure=measure: measure(lists, N_ITEMS))[0], ""))
    rows.append(("novelty", best_of(lambda: beyond.novelty(lists, seen))[0], ""))
    features = sparse.random_array((N_ITEMS, 300), density=0.05, rng=rng, format="csr")
    seconds, _ = best_of(lambda: beyond.intra_list_diversity(lists, features))
    rows.append(("intra_list_diversity, 300 features", seconds, ""))
    ndcg = ours["ndcg"]
    rows.append(
        ("bootstrap_interval, 2,000 draws", best_of(lambda: bootstrap_interval(ndcg))[0], "")
    )
    rows.append(("randomisation_test, 10,000", best_of(lambda: randomisation_test(ndcg))[0], ""))

    from sklearn.metrics import ndcg_score

    dense, judged = relevant.toarray(), np.diff(relevant.indptr) > 0
    seconds, value = best_of(
        lambda: ndcg_score(dense[judged], scores[judged], k=K, ignore_ties=True), 1
    )
    rows.append(("scikit-learn ndcg_score", seconds, f"NDCG {value:.6f}"))

    import ranx

    names = [
        f"{name}@{K}" for name in ("ndcg", "recall", "precision", "f1", "hit_rate", "map", "mrr")
    ]
    truth = {f"u{u}": {f"i{i}": 1 for i in relevant[[u]].indices} for u in np.flatnonzero(judged)}
    run = {
        f"u{u}": {f"i{i}": float(K - place) for place, i in enumerate(lists[u])}
        for u in np.flatnonzero(judged)
    }
    seconds, (qrels, answers) = best_of(lambda: (ranx.Qrels(truth), ranx.Run(run)), 2)
    rows.append(("ranx, reading the lists", seconds, ""))
    ranx.evaluate(qrels, answers, names)  # compiles
    seconds, value = best_of(lambda: ranx.evaluate(qrels, answers, names))
    rows.append(("ranx, 7 metrics from lists", seconds, f"NDCG {value[names[0]]:.6f}"))

    print(f"{N_USERS:,} users × {N_ITEMS:,} items, k = {K}")
    for name, seconds, note in rows:
        print(f"{name:<36}{seconds:>9.4f} s  {note}")


if __name__ == "__main__":
    main()
