"""Growth: one machine from 10⁵ to 10⁸ interactions, and a catalogue of a million vectors.

python benchmarks/recorded/growth.py longer                 all
python benchmarks/recorded/growth.py sizes|vectors|graph    one of these

Chapter 16 makes the same data up to 10⁶ events, with the same code, and checks that it is the same.
Each measurement is a process of its own, so that its peak memory is its own. One thread.
"""

from __future__ import annotations

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from record import record_longer
from scipy import sparse

SIZES = (10**5, 10**6, 10**7, 10**8)
NEIGHBOURS, ALS, SVD = 50, {"n_factors": 32, "n_iterations": 2}, 32
VECTORS, FEWER, DIMENSIONS, QUERIES = 1_000_000, 100_000, 64, 1000
LINKS, EF_CONSTRUCTION = 12, 24


def shape_of(n_events):
    """A hundred events a user; the catalogue grows with the root."""
    return n_events // 100, int(5 * n_events**0.5)


def zipf_events(n_events, seed=0, at_once=5_000):
    """Yield (user, item) of `at_once` users at a time; the item of rank r is taken as 1 / r."""
    n_users, n_items = shape_of(n_events)
    bounds = np.cumsum(1 / np.arange(1, n_items + 1))
    bounds /= bounds[-1]
    rng = np.random.default_rng(seed)
    for start in range(0, n_users, at_once):
        size = min(at_once, n_users - start)
        taken = 1 + rng.lognormal(np.log(100) - 0.32, 0.8, size).astype(np.int32)
        user = np.repeat(np.arange(start, start + size, dtype=np.int32), taken)
        item = np.searchsorted(bounds, rng.random(len(user), dtype=np.float32))
        yield user, np.minimum(item, n_items - 1).astype(np.int32)


def counted(n_events):
    """Return events as a CSR matrix of counts, float32 with int32 places, chunk by chunk."""
    n_users, n_items = shape_of(n_events)
    indices, data, sizes = [], [], []
    for user, item in zipf_events(n_events):
        first = user[0]
        cell = (user - first).astype(np.uint32) * np.uint32(n_items) + item.astype(np.uint32)
        cell.sort()
        start = np.flatnonzero(np.diff(cell, prepend=np.uint32(2**32 - 1)))
        indices.append((cell[start] % n_items).astype(np.int32))
        data.append(np.diff(start, append=len(cell)).astype(np.float32))
        sizes.append(np.bincount(cell[start] // n_items, minlength=user[-1] - first + 1))
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int32)
    held = np.concatenate(data), np.concatenate(indices), indptr
    return sparse.csr_array(held, shape=(n_users, n_items))


class Held:
    """What ImplicitALS asks its events for: a matrix and its shape, and nothing else."""

    def __init__(self, matrix):
        self.held, (self.n_users, self.n_items) = matrix, matrix.shape

    def matrix(self, weight):
        ones = np.ones(self.held.nnz, dtype=np.float32)
        return sparse.csr_array((ones, self.held.indices, self.held.indptr), self.held.shape)


def neighbours(matrix):
    """Return the similarities of each item's nearest others, cosine of zeros and ones."""
    from sparse_dot_topn import sp_matmul_topn

    holders = np.bincount(matrix.indices, minlength=matrix.shape[1])
    unit = np.float32(1) / np.sqrt(np.maximum(holders, 1), dtype=np.float32)
    parts = unit[matrix.indices], matrix.indices, matrix.indptr
    by_user = sparse.csr_matrix(parts, shape=matrix.shape)
    return sp_matmul_topn(by_user.T.tocsr(), by_user, NEIGHBOURS + 1, threshold=0.0)


def factors(matrix):
    from recbook.models import ImplicitALS

    return ImplicitALS(**ALS).fit(Held(matrix))


def decomposition(matrix):
    from scipy.sparse.linalg import svds

    return svds(matrix, k=SVD, v0=np.ones(min(matrix.shape), dtype=np.float32))


def measured(work, folder):
    """In a process of its own: processor and wall seconds, peak of memory in MB."""
    parts = [np.load(Path(folder) / f"{name}.npy") for name in ("data", "indices", "indptr")]
    shape = tuple(np.load(Path(folder) / "shape.npy"))
    matrix = sparse.csr_array(tuple(parts), shape=shape)
    small = counted(10_000)
    work(small)  # whatever is compiled or loaded at the first call is not growth
    before = peak_mb()
    started, wall = time.process_time(), time.perf_counter()
    work(matrix)
    return {
        "cpu": time.process_time() - started, "wall": time.perf_counter() - wall,
        "peak_mb": peak_mb(), "before_mb": before,
    }  # fmt: skip


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def made(n_events, folder):
    started = time.process_time()
    matrix = counted(n_events)
    seconds = time.process_time() - started
    for name in ("data", "indices", "indptr"):
        np.save(Path(folder) / f"{name}.npy", getattr(matrix, name))
    np.save(Path(folder) / "shape.npy", matrix.shape)
    total = int(matrix.data.sum(dtype=np.float64))
    return {
        "users": matrix.shape[0], "items": matrix.shape[1], "events": total,
        "cells": int(matrix.nnz), "cpu": seconds, "peak_mb": peak_mb(),
    }  # fmt: skip


def alone(function, *arguments):
    """Run in a fresh process and return what it returned."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def sizes():
    started, values = time.perf_counter(), {}
    for n_events in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            found = {"data": alone(made, n_events, folder)}
            print(n_events, found, flush=True)
            for work in (neighbours, factors, decomposition):
                found[work.__name__] = alone(measured, work, folder)
                print(n_events, work.__name__, found[work.__name__], flush=True)
        values[str(n_events)] = found
    values = rounded(values)
    settings = {"neighbours": NEIGHBOURS, "factors": ALS, "decomposition": SVD, "threads": 1}
    seconds = time.perf_counter() - started
    record_longer("growth", "sizes", settings=settings, values=values, seconds=seconds)


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def blurred(vectors, n, rng):
    """Return `n` vectors, each near a real one: half its length of noise added."""
    near = vectors[rng.integers(len(vectors), size=n)]
    lengths = np.linalg.norm(near, axis=1, keepdims=True)
    near += 0.5 * lengths * rng.standard_normal(near.shape, dtype=np.float32) / near.shape[1] ** 0.5
    return near


def on_the_sphere(vectors):
    """Return the vectors with one more number that makes all of them equally long."""
    squares = (vectors**2).sum(axis=1)
    return np.column_stack([vectors, np.sqrt(squares.max() - squares)])


def looked_at(index, statistics, queries, truth):
    """Return recall@10, distances computed and processor milliseconds, a query."""
    statistics.reset()
    found = index.search(queries, 10)[1]
    n_distances = statistics.ndis / len(queries)
    started = time.process_time()
    for query in queries[:200]:
        index.search(query[None], 10)
    milliseconds = 1000 * (time.process_time() - started) / 200
    recall = float((found[:, :, None] == truth[:, None, :]).any(axis=1).mean())
    return {"recall": recall, "distances": n_distances, "ms": milliseconds}


def catalogue_of(n_vectors):
    """Return `n_vectors` simulated products and the queries of the first households."""
    from recbook.data import load_complete_journey
    from recbook.evaluation.protocols import journey_tasks
    from recbook.models import PureSVD

    task = journey_tasks(load_complete_journey().interactions())["repeat"]
    model = PureSVD(128, values="count", half_life_days=60, damping="sqrt").fit(task.fit_on())
    real = model.item_factors_[task.candidates(), :DIMENSIONS].astype(np.float32)
    queries = model.user_factors_[task.users()[:QUERIES], :DIMENSIONS].astype(np.float32)
    return blurred(real, n_vectors, np.random.default_rng(0)), queries


def graph_points(catalogue, queries, truth, efforts):
    """Return what an HNSW costs to build and, at each ef, to search."""
    import faiss

    building = time.process_time()
    graph = faiss.IndexHNSWFlat(DIMENSIONS, LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = EF_CONSTRUCTION
    graph.add(catalogue)
    values = {"build": time.process_time() - building, "points": {}}
    for graph.hnsw.efSearch in efforts:
        found = looked_at(graph, faiss.cvar.hnsw_stats, queries, truth)
        values["points"][str(graph.hnsw.efSearch)] = found
        print("HNSW", graph.hnsw.efSearch, found, flush=True)
    return values


def exact_search(catalogue, queries):
    """Return the true ten of each query and the processor milliseconds of one search."""
    import faiss

    exact = faiss.IndexFlatIP(DIMENSIONS)
    exact.add(catalogue)
    truth = exact.search(queries, 10)[1]
    started = time.process_time()
    for query in queries[:50]:
        exact.search(query[None], 10)
    return truth, 1000 * (time.process_time() - started) / 50


def graph():
    """The graph over a tenth of the vectors, as many as the chapter searches."""
    import faiss

    faiss.omp_set_num_threads(1)
    started = time.perf_counter()
    catalogue, queries = catalogue_of(FEWER)
    truth, exact_ms = exact_search(catalogue, queries)
    values = {"exact": {"ms": exact_ms}}
    values["HNSW"] = graph_points(catalogue, queries, truth, (10, 20, 40, 80))
    settings = {
        "vectors": FEWER, "dimensions": DIMENSIONS, "threads": 1,
        "links": LINKS, "ef_construction": EF_CONSTRUCTION,
    }  # fmt: skip
    seconds = time.perf_counter() - started
    record_longer("growth", "graph", settings=settings, values=rounded(values), seconds=seconds)


def vectors():
    import faiss

    faiss.omp_set_num_threads(1)
    started = time.perf_counter()
    catalogue, queries = catalogue_of(VECTORS)
    truth, exact_ms = exact_search(catalogue, queries)
    values = {"exact": {"ms": exact_ms}}
    n_lists = round(VECTORS**0.5)
    wide = on_the_sphere(catalogue)
    asked = np.column_stack([queries, np.zeros(len(queries), dtype=np.float32)])

    building = time.process_time()
    lists = faiss.IndexIVFFlat(faiss.IndexFlatL2(DIMENSIONS + 1), DIMENSIONS + 1, n_lists)
    lists.cp.niter = 10
    lists.train(wide[:50_000])
    lists.add(wide)
    values["IVF"] = {"build": time.process_time() - building, "points": {}}
    for lists.nprobe in (1, 4, 16, 64, 256):
        found = looked_at(lists, faiss.cvar.indexIVF_stats, asked, truth)
        values["IVF"]["points"][str(lists.nprobe)] = found
        print("IVF", lists.nprobe, found, flush=True)

    values["HNSW"] = graph_points(catalogue, queries, truth, (10, 20, 40, 80, 160, 320))
    settings = {
        "vectors": VECTORS, "dimensions": DIMENSIONS, "lists": n_lists, "threads": 1,
        "links": LINKS, "ef_construction": EF_CONSTRUCTION,
    }  # fmt: skip
    seconds = time.perf_counter() - started
    record_longer("growth", "vectors", settings=settings, values=rounded(values), seconds=seconds)


PARTS = {"sizes": [sizes], "vectors": [vectors], "graph": [graph]}
PARTS["longer"] = [sizes, vectors, graph]

if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what not in PARTS:
        raise SystemExit(f"say what to run: {', '.join(PARTS)}")
    for part in PARTS[what]:
        part()
