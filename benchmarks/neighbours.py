"""Neighbourhood models beside their peers: wall seconds (medians) and memory.

Run from the repository: `python benchmarks/neighbours.py [--repeats 3]`. Ratings: predict every
cell of MovieLens 100K (943 × 1,682), against Surprise. Surprise predicts one cell at a time, so it
is timed on 10 users drawn by chance and scaled to all; its predictions for these users are also
compared with ours. Lists: the 100 nearest items of each product of the Complete Journey, against
the full product of scipy's sparse matrices. Each row runs in a process of its own; memory is the
growth of that process's peak.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from scipy import sparse

from recbook.data import Interactions, load_complete_journey, load_movielens
from recbook.models import ItemNeighbours, RatingNeighbours, UserNeighbours

SAMPLE_USERS = 10
TEST_PAIRS = 20_000


def timed(function: Callable, repeats: int) -> tuple[float, object]:
    """Return the median wall seconds of some calls, and the last result."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return median(seconds), result


def peak_mb() -> float:
    """Return the peak of this process's memory."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where getrusage would carry over the peak of the parent process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ratings_row(events: Interactions, by: str, similarity: str, centred: bool, repeats: int) -> str:
    """Time ours and Surprise's on the same ratings."""
    os.environ.setdefault("SURPRISE_DATA_FOLDER", os.path.join(tempfile.gettempdir(), "surprise"))
    import surprise

    before = peak_mb()
    model = RatingNeighbours(by, similarity, centred=centred, scale=(1, 5))
    fit, _ = timed(lambda: model.fit(events), repeats)
    every, predicted = timed(model.predict_all, repeats)
    memory = peak_mb() - before
    rng = np.random.default_rng(0)
    users, items = (rng.integers(n, size=TEST_PAIRS) for n in (events.n_users, events.n_items))
    pairs, _ = timed(lambda: model.predict(users, items), repeats)

    frame = events.frame()[["user_id", "item_id", "value"]]
    data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5)))
    options = {"name": similarity, "user_based": by == "user"}
    kind = surprise.KNNWithMeans if centred else surprise.KNNBasic
    theirs = kind(sim_options=options, verbose=False)
    train = data.build_full_trainset()
    their_fit, _ = timed(lambda: theirs.fit(train), repeats)
    sample = rng.choice(events.n_users, SAMPLE_USERS, replace=False)

    def ask() -> list[list[float]]:
        return [[theirs.predict(events.users[u], i).est for i in events.items] for u in sample]

    some, expected = timed(ask, repeats)
    theirs_all = some * events.n_users / SAMPLE_USERS
    apart = np.abs(predicted[sample] - expected).max()
    return (
        f"| {by} {similarity}{' centred' if centred else ''} | {fit:.2f} + {every:.2f} | "
        f"{pairs:.2f} | {memory:.0f} | {their_fit:.2f} + {theirs_all:.0f} | "
        f"{(their_fit + theirs_all) / (fit + every):.0f}× | {apart:.0e} |"
    )


def scipy_nearest(matrix: sparse.csr_array, k: int) -> list[np.ndarray]:
    """Return each item's nearest items from the full sparse product of normalised columns."""
    norms = np.sqrt(matrix.multiply(matrix).sum(axis=0))
    unit = matrix @ sparse.diags_array(1 / np.maximum(norms, 1e-12))
    gram = (unit.T @ unit).tocsr()
    gram.setdiag(0)
    nearest = []
    for row in range(gram.shape[0]):
        cells = slice(gram.indptr[row], gram.indptr[row + 1])
        data, columns = gram.data[cells], gram.indices[cells]
        nearest.append(columns[np.argpartition(-data, k)[:k]] if len(data) > k else columns)
    return nearest


def lists_row(events: Interactions, name: str, repeats: int) -> str:
    """Time one way to find neighbours in the Complete Journey."""
    matrix = events.matrix("binary")
    score = "–"
    before = peak_mb()
    if name == "scipy product, items":
        fit, _ = timed(lambda: scipy_nearest(matrix, 100), repeats)
        memory = peak_mb() - before
    else:
        model = {
            "ItemNeighbours(100)": ItemNeighbours(100),
            "ItemNeighbours(100, pearson)": ItemNeighbours(100, "pearson"),
            "ItemNeighbours(100, shrinkage=20)": ItemNeighbours(100, shrinkage=20),
            "UserNeighbours(100)": UserNeighbours(100),
        }[name]
        fit, _ = timed(lambda: model.fit(events), repeats)
        memory = peak_mb() - before
        score = f"{timed(model.score, repeats)[0]:.2f}"
    size = f"{events.n_users:,} × {events.n_items:,}"
    return f"| {name} | {size} | {fit:.2f} | {memory:.0f} | {score} |"


LISTS = (
    "scipy product, items",
    "ItemNeighbours(100)",
    "ItemNeighbours(100, pearson)",
    "ItemNeighbours(100, shrinkage=20)",
    "UserNeighbours(100)",
)


def alone(function: Callable, *arguments: object) -> str:
    """Run a row in a new process, which never held the raw tables, so that its peak is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    events = load_movielens("100k").interactions()
    print(f"Ratings: MovieLens 100K, all cells (Surprise: {SAMPLE_USERS} users, scaled)\n")
    print("| model | ours: fit + all, s | 20,000 pairs, s | ours: MB | Surprise: fit + all, s "
          "| ratio | largest difference |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for by in ("user", "item"):
        for similarity in ("cosine", "msd", "pearson"):
            for centred in (False, True):
                print(alone(ratings_row, events, by, similarity, centred, repeats), flush=True)
    events = load_complete_journey().interactions()
    print("\nLists: Complete Journey, 100 neighbours\n")
    print("| model | matrix | fit, s | fit, MB | score all, s |")
    print("|---|---|---|---|---|")
    for name in LISTS:
        print(alone(lists_row, events, name, repeats), flush=True)


if __name__ == "__main__":
    main()
