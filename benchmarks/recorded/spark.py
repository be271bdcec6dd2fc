"""Spark against one process, as the table grows; how the chapter's ALS varies with the seed.

python benchmarks/recorded/spark.py seeds      the chapter's ALS, Spark's and ours, five seeds
python benchmarks/recorded/spark.py longer     ALS on 10⁵ to 3·10⁶ events; the promotions in NumPy
python benchmarks/recorded/spark.py growth|promotions    one of these

Processor seconds are compared, not wall time: they do not depend on what else the machine does.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from record import record_claims, record_longer

from recbook.data import Interactions, load_complete_journey
from recbook.evaluation.protocols import evaluate, journey_tasks
from recbook.models import ImplicitALS
from recbook.scale import (
    SparkALS,
    read_events,
    read_interactions,
    spark_session,
    write_interactions,
)

FACTORS, ROUNDS, ALPHA = 16, 3, 10
WEIGHTED, PLAIN = 0.1, 10.0  # λ of Spark and of ImplicitALS
SIZES = (100_000, 300_000, 1_000_000, 3_000_000)
COMPILED = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=4"}  # worth it in long runs


def zipf(n: int, rng: np.random.Generator) -> Interactions:
    """Return n events of n / 50 users; the items grow with the root of n, some are popular."""
    n_users, n_items = n // 50, int(10 * np.sqrt(n))
    weight = 1 / np.arange(1, n_items + 1) ** 0.8
    item = rng.choice(n_items, size=n, p=weight / weight.sum())
    return Interactions(
        rng.integers(n_users, size=n), item, np.ones(n), np.zeros(n, dtype=int),
        users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items), has_time=False,
    )  # fmt: skip


def one_fit(engine: str, folder: str) -> None:
    """Fit in a process of its own; print processor seconds to fit, to start, and peak MB."""
    if engine == "spark":
        import psutil

        with spark_session(2, "2g", partitions=4, settings=COMPILED) as spark:
            (java,) = [one for one in psutil.Process().children() if "java" in one.name()]
            started, wall = sum(java.cpu_times()[:2]), time.perf_counter()
            model = SparkALS(FACTORS, WEIGHTED, alpha=ALPHA, n_iterations=ROUNDS)
            model.fit(read_events(spark, folder)).user_factors_.count()
            seconds = sum(java.cpu_times()[:2]) - started
            wall = time.perf_counter() - wall
            peak = max(int(line.split()[1]) for line in Path(f"/proc/{java.pid}/status")
                       .read_text().splitlines() if line.startswith("VmHWM")) / 1024  # fmt: skip
    else:
        ImplicitALS(2, n_iterations=1).fit(zipf(1000, np.random.default_rng(0)))  # compiles
        started, began, wall = 0.0, time.process_time(), time.perf_counter()
        ImplicitALS(FACTORS, PLAIN, alpha=ALPHA, n_iterations=ROUNDS).fit(read_interactions(folder))
        seconds, wall = time.process_time() - began, time.perf_counter() - wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(started, seconds, wall, peak)


def growth(sizes=SIZES) -> None:
    found, began = {"rows": list(sizes)}, time.perf_counter()
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            source = write_interactions(zipf(n, np.random.default_rng(0)), Path(folder, "events"))
            for engine in ("one", "spark"):
                ran = subprocess.run(
                    [sys.executable, __file__, "fit", engine, str(source)],
                    check=True, stdout=subprocess.PIPE, text=True,
                )  # fmt: skip
                names = ("start", "fit", "wall", "megabytes")
                for name, value in zip(names, map(float, ran.stdout.split()), strict=True):
                    found.setdefault(f"{engine} {name}", []).append(round(value, 2))
                print(n, engine, ran.stdout.strip(), flush=True)
        if len(found["rows"]) > 3 or n == sizes[-1]:
            done = {name: values[: sizes.index(n) + 1] for name, values in found.items()}
            record_longer(
                "spark", "ALS as the table grows",
                settings={"factors": FACTORS, "rounds": ROUNDS, "threads": 2, "heap": "2g"},
                values=done, seconds=time.perf_counter() - began,
            )  # fmt: skip


def promotions() -> None:
    """Count in NumPy, a million rows at a time, what the chapter counts with Spark."""
    journey = load_complete_journey()
    path = journey.verify("promotions")
    began, wall = time.process_time(), time.perf_counter()
    sales = pd.read_parquet(
        journey.verify("transactions"), columns=["product_id", "store_id", "week", "quantity"]
    )
    sales = sales[sales["quantity"] > 0]
    pair = sales["product_id"].to_numpy() * 100_000 + sales["store_id"].to_numpy()
    index, code = np.unique(pair, return_inverse=True)
    weeks = np.zeros(len(index), dtype=np.int64)
    np.bitwise_or.at(weeks, code, 1 << sales["week"].to_numpy())
    index = pd.Index(index)
    total = np.zeros((4, 3), dtype=np.int64)
    for batch in pq.ParquetFile(path).iter_batches(1_000_000):
        rows = batch.to_pandas()
        at = index.get_indexer(
            rows["product_id"].to_numpy() * 100_000 + rows["store_id"].to_numpy()
        )
        kind = 2 * (rows["display_location"] != "0").to_numpy() + (rows["mailer_location"] != "0")
        known = at >= 0
        of, kind = weeks[at[known]], kind.to_numpy()[known]
        sold = of >> rows["week"].to_numpy()[known] & 1
        for column, what in enumerate((np.ones(len(of)), sold, np.bitwise_count(of))):
            total[:, column] += np.bincount(kind, what, minlength=4).astype(np.int64)
    values = {
        "cells": total[1:, 0].tolist(), "sold": total[1:, 1].tolist(),
        "weeks": total[1:, 2].tolist(), "cpu": round(time.process_time() - began, 1),
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }  # fmt: skip
    print(values, flush=True)
    record_longer(
        "spark", "promotions in NumPy", settings={"rows": 20_940_529, "at a time": 1_000_000},
        values=values, seconds=time.perf_counter() - wall,
    )  # fmt: skip


def seeds() -> None:
    task = journey_tasks(load_complete_journey().interactions())["new"]
    known = task.fit_on()
    found, began = {"spark": [], "one machine": []}, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, spark_session(2, "1200m", partitions=2) as spark:
        events = read_events(spark, write_interactions(known, Path(folder, "known"))).cache()
        for seed in range(5):
            settings = {"alpha": ALPHA, "n_iterations": ROUNDS, "rng": seed}
            model = SparkALS(FACTORS, WEIGHTED, n_blocks=2, **settings).fit(events)
            x, y = model.factors(known.n_users, known.n_items)
            scores = x.astype(float) @ y.astype(float).T
            found["spark"].append(evaluate(scores.astype(np.float32), task).ndcg.mean())
            ours = ImplicitALS(FACTORS, PLAIN, **settings).fit(known)
            found["one machine"].append(evaluate(ours, task).ndcg.mean())
            print(seed, {name: values[-1] for name, values in found.items()}, flush=True)
    difference = np.subtract(found["spark"], found["one machine"])
    record_claims("spark", {"16-spark-als-ranks-alike": difference.tolist()})
    record_longer(
        "spark", "NDCG@10 of five seeds", settings={"factors": FACTORS, "rounds": ROUNDS},
        values=found, seconds=time.perf_counter() - began,
    )  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "fit":
        one_fit(*sys.argv[2:])
    else:
        runs = {"seeds": [seeds], "longer": [growth, promotions], "growth": [growth],
                "promotions": [promotions]}  # fmt: skip
        for run in runs[sys.argv[1]]:
            run()
