"""Models for lists from factors and closed forms: time and memory, and peers where installed.

Run from the repository: `python benchmarks/list_factors.py [--repeats 3]`. Each row runs in a
process of its own; seconds are medians of CPU time, on which a busy machine shows less; memory is
the growth of that process's peak while it fits and scores everyone. For a quiet comparison set
OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1. `implicit` is no dependency of this package: where it
is not installed its rows are left out, and a line says so.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from recbook.data import Interactions, load_complete_journey, load_movielens
from recbook.models.bpr import BPR
from recbook.models.ease import EASE
from recbook.models.implicit_als import ImplicitALS
from recbook.models.pure_svd import PureSVD

OURS = {
    "ImplicitALS(32), 10 iterations": lambda: ImplicitALS(32, n_iterations=10),
    "ImplicitALS(64), 10 iterations": lambda: ImplicitALS(64, n_iterations=10),
    "BPR(32), 10 epochs": lambda: BPR(32, n_epochs=10),
    "EASE(100), solver chosen": lambda: EASE(100),
    "PureSVD(64)": lambda: PureSVD(64),
    "PureSVD(256)": lambda: PureSVD(256),
}
PEERS = {
    "implicit: ALS, 32 factors, 10 iterations, Cholesky": ("als", {"use_cg": False}),
    "implicit: ALS, 32 factors, 10 iterations, conjugate gradient": ("als", {"use_cg": True}),
    "implicit: BPR, 32 factors, 10 epochs": ("bpr", {}),
}


def cpu_seconds(function: Callable, repeats: int) -> float:
    """Return the median CPU seconds of some calls."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return median(seconds)


def peak_mb() -> float:
    """Return the peak of this process's memory."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where getrusage would carry over the peak of the parent process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def our_row(events: Interactions, name: str, repeats: int) -> str:
    """Time one of our models."""
    few = events.select(slice(0, 1000))
    OURS[name]().fit(few).score([0])  # compile and import
    before = peak_mb()
    model = OURS[name]()
    fit = cpu_seconds(lambda: model.fit(events), repeats)
    score = cpu_seconds(model.score, repeats)
    return f"| {name} | {fit:.2f} | {score:.2f} | {peak_mb() - before:.0f} |"


def peer_row(events: Interactions, name: str, repeats: int) -> str:
    """Time a model of implicit on one thread."""
    from implicit.cpu.als import AlternatingLeastSquares
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    from scipy import sparse

    kind, options = PEERS[name]
    matrix = sparse.csr_matrix(events.matrix("binary"))
    before = peak_mb()
    common = {"factors": 32, "iterations": 10, "num_threads": 1, "random_state": 0}
    if kind == "als":
        model = AlternatingLeastSquares(regularization=10, alpha=10, **common, **options)
    else:
        model = BayesianPersonalizedRanking(**common, **options)
    fit = cpu_seconds(lambda: model.fit(matrix, show_progress=False), repeats)
    score = cpu_seconds(lambda: model.user_factors @ model.item_factors.T, repeats)
    return f"| {name} | {fit:.2f} | {score:.2f} | {peak_mb() - before:.0f} |"


def alone(function: Callable, *arguments: object) -> str:
    """Run a row in a new process, so that its peak is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with_peers = find_spec("implicit") is not None
    ratings = load_movielens("100k").interactions()
    for title, events in (
        ("MovieLens 100K, ratings of 4 and more", ratings.select(ratings.value >= 4)),
        ("Complete Journey", load_complete_journey().interactions()),
    ):
        size = f"{events.n_users:,} × {events.n_items:,}, {len(events):,} events"
        print(f"\n{title} ({size})\n")
        print("| model | fit, CPU s | score all, CPU s | MB |\n|---|---|---|---|")
        for name in OURS:
            print(alone(our_row, events, name, repeats), flush=True)
        for name in PEERS if with_peers else ():
            print(alone(peer_row, events, name, repeats), flush=True)
    if not with_peers:
        print("\nimplicit is not installed, so its rows are missing: `pip install implicit`.")


if __name__ == "__main__":
    main()
