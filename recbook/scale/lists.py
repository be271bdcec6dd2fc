"""Lists for everybody, and their metrics, computed by a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.ranking import top_k

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

USERS_AT_A_TIME = 512


def batch_top_k(
    users: DataFrame,
    items: np.ndarray,
    k: int = 10,
    *,
    exclude: DataFrame | None = None,
    candidates: np.ndarray | None = None,
) -> DataFrame:
    """Return the `k` best items of each user, exactly as `recbook.data.ranking.top_k` does.

    Every task holds a block of users and a copy of all item factors, multiplies, strikes out what
    is excluded, and keeps k places a user: nothing of the users × items scores is ever stored. They
    are summed in float64 and rounded to float32, so that they do not depend on the blocks; equal
    ones stand in the order of their positions.

    Parameters
    ----------
    users : Spark DataFrame
        Columns id and features, as `SparkALS.user_factors_`.
    items : float array (n_items, n_factors)
        They go to every task. A row of zeros scores 0: leave what is unknown out by `candidates`.
    k : int
    exclude : Spark DataFrame, optional
        Columns user and item: cells that may not be recommended, such as the events.
    candidates : bool array (n_items,), optional
        Items that may be recommended; all where None.

    Returns
    -------
    Spark DataFrame
        Columns user, place (1 to k), item, score; a user with fewer candidates has fewer rows.

    Raises
    ------
    ValueError
        If `k` is below 1 or the shapes do not fit.
    """
    from pyspark.sql import functions as F

    items = np.ascontiguousarray(items, dtype=np.float32)
    if items.ndim != 2:
        raise ValueError(f"items must have the shape (n_items, n_factors), got {items.shape}")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
    if candidates is not None and np.shape(candidates) != (len(items),):
        raise ValueError(f"candidates needs one entry for each of the {len(items)} items")
    everywhere = users.sparkSession.sparkContext.broadcast((items, candidates))
    rows = users.select(F.col("id").alias("user"), "features")
    if exclude is not None:
        cells = exclude.groupBy("user").agg(F.collect_set("item").alias("seen"))
        rows = rows.join(cells, "user", "left")
    else:
        rows = rows.withColumn("seen", F.array().cast("array<int>"))

    def lists_of(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        factors, allowed = everywhere.value
        for batch in batches:
            for start in range(0, len(batch), USERS_AT_A_TIME):
                yield _block(batch.iloc[start : start + USERS_AT_A_TIME], factors, allowed, k)

    return rows.mapInPandas(lists_of, "user int, place int, item int, score float")


def block_lists(
    users: np.ndarray, items: np.ndarray, k: int, seen: sparse.csr_array | None, candidates=None
) -> tuple[np.ndarray, np.ndarray]:
    """Return columns, int32 (n, k), and scores, float32 (n, k), of a block of users.

    Examples
    --------
    >>> block_lists(np.ones((1, 1)), np.array([[1.0], [3.0], [2.0]]), 2, None)[0]
    array([[1, 2]], dtype=int32)
    """
    scores = (users.astype(float) @ items.astype(float).T).astype(np.float32)
    best = top_k(scores, k, exclude=seen, candidates=candidates)
    return best, np.take_along_axis(scores, np.maximum(best, 0), axis=1)


def _block(batch: pd.DataFrame, items: np.ndarray, candidates, k: int) -> pd.DataFrame:
    """Return the lists of a block of users as rows."""
    seen = [np.asarray(cells if cells is not None else [], dtype=np.int64)
            for cells in batch["seen"]]  # fmt: skip
    starts = np.cumsum([0, *map(len, seen)])
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *seen])
    struck = sparse.csr_array(
        (np.ones(len(columns), dtype=np.int8), columns, starts), shape=(len(batch), len(items))
    )
    factors = np.stack(batch["features"].to_numpy())
    best, score = block_lists(factors, items, k, struck, candidates)
    row, place = np.nonzero(best >= 0)
    user = batch["user"].to_numpy()[row]
    return pd.DataFrame(
        {"user": user, "place": place + 1, "item": best[row, place], "score": score[row, place]}
    )


def spark_metrics(lists: DataFrame, relevant: DataFrame, k: int = 10) -> DataFrame:
    """Return NDCG, recall and hit rate at k of every user with a relevant item.

    The formulas and the edge rules are those of `recbook.evaluation.ranking`: a user with relevant
    items and no list has 0, one without relevant items has no row.

    Parameters
    ----------
    lists : Spark DataFrame
        Columns user, place, item, as `batch_top_k` returns them.
    relevant : Spark DataFrame
        Columns user and item; a cell may repeat.
    k : int

    Returns
    -------
    Spark DataFrame
        Columns user, ndcg, recall, hit_rate.
    """
    from pyspark.sql import functions as F

    cells = relevant.select("user", "item").distinct()
    found = lists.where(F.col("place") <= k).join(cells, ["user", "item"])
    gains = found.groupBy("user").agg(
        F.sum(1 / F.log2(F.col("place") + 1)).alias("dcg"), F.count("*").alias("hits")
    )
    sizes = cells.groupBy("user").agg(F.count("*").alias("relevant"))
    joined = sizes.join(gains, "user", "left").fillna(0, ["dcg", "hits"])
    return joined.select(
        "user",
        (F.col("dcg") / _ideal(F.least("relevant", F.lit(k)), k)).alias("ndcg"),
        (F.col("hits") / F.col("relevant")).alias("recall"),
        (F.col("hits") > 0).cast("double").alias("hit_rate"),
    )


def _ideal(n: Column, k: int) -> Column:
    """Return the largest DCG of a list with n relevant items, from a table of all k + 1."""
    from pyspark.sql import functions as F

    table = np.cumsum([0.0, *(1 / np.log2(np.arange(2, k + 2)))])
    return F.element_at(F.array(*[F.lit(float(value)) for value in table]), (n + 1).cast("int"))
