"""Rules between two items, counted by a join of the baskets with themselves, or by FP-Growth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

METHODS = ("join", "fp-growth")


def spark_baskets(events: DataFrame) -> DataFrame:
    """Return baskets (columns basket, item): what one user took at one moment is one basket.

    A basket is numbered by its user and second, 2³³ · user + time: unique until the year 2242. The
    rows of one basket are brought together here, once; what follows need not move them again.
    """
    from pyspark.sql import functions as F

    basket = F.col("user").cast("long") * 2**33 + F.col("time")
    return events.select(basket.alias("basket"), "item").repartition("basket").distinct()


def spark_pair_rules(
    baskets: DataFrame,
    items: Sequence | None = None,
    *,
    min_count: int,
    min_confidence: float = 0.0,
    min_lift: float = 0.0,
    method: str = "join",
) -> pd.DataFrame:
    """Return the frame of `recbook.models.rules.pair_rules`, counted by Spark.

    The counting is distributed; the pairs that pass `min_count` are few, and come here. "join":
    the frequent items of each basket are joined with themselves, and the pairs counted.
    "fp-growth": Spark's FP-Growth finds the frequent sets of *all* sizes; those of two are kept.

    Parameters
    ----------
    baskets : Spark DataFrame
        Columns basket and item (position), each pair once, as `spark_baskets` makes them.
    items : labels by position, optional
    min_count : int
        Baskets that a rule needs.
    min_confidence, min_lift : float
    method : {"join", "fp-growth"}

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    Agrawal, Srikant: Fast algorithms for mining association rules. VLDB 1994. Li et al.: PFP:
    parallel FP-Growth for query recommendation. RecSys 2008, which Spark follows.
    """
    if isinstance(min_count, bool) or not isinstance(min_count, int | np.integer) or min_count < 1:
        raise ValueError(f"min_count must be a whole number of at least 1, got {min_count!r}")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    kept_already = baskets.is_cached
    baskets = baskets.cache()
    n = baskets.select("basket").distinct().count()
    sizes = baskets.groupBy("item").count().where(f"count >= {min_count}").toPandas()
    size = pd.Series(sizes["count"].to_numpy(), sizes["item"].to_numpy())
    count_by = _counted_by_join if method == "join" else _counted_by_fp_growth
    pairs = count_by(baskets, size.index.to_numpy(), n, int(min_count))
    if not kept_already:
        baskets.unpersist()
    return _rules(pairs, size, n, items, min_confidence, min_lift)


def _counted_by_join(
    baskets: DataFrame, frequent: np.ndarray, n: int, min_count: int
) -> pd.DataFrame:
    from pyspark.sql import functions as F

    # A pair is never more frequent than its rarer item (Apriori), so only these need be joined.
    kept = baskets.join(F.broadcast(_table(baskets.sparkSession, frequent)), "item")
    a = kept.select("basket", F.col("item").alias("first"))
    b = kept.select("basket", F.col("item").alias("second"))
    pairs = a.join(b, "basket").where("first < second").groupBy("first", "second").count()
    return pairs.where(f"count >= {min_count}").toPandas()


def _counted_by_fp_growth(
    baskets: DataFrame, frequent: np.ndarray, n: int, min_count: int
) -> pd.DataFrame:
    from pyspark.ml.fpm import FPGrowth
    from pyspark.sql import functions as F

    rows = baskets.groupBy("basket").agg(F.collect_list("item").alias("items"))
    # Half a basket below the count, so that no rounding of the share decides.
    model = FPGrowth(itemsCol="items", minSupport=(min_count - 0.5) / n, minConfidence=1.0)
    pairs = model.fit(rows).freqItemsets.where("size(items) = 2")
    lowest, highest = F.array_min("items").alias("first"), F.array_max("items").alias("second")
    return pairs.select(lowest, highest, F.col("freq").alias("count")).toPandas()


def _table(spark, frequent: np.ndarray) -> DataFrame:
    return spark.createDataFrame(pd.DataFrame({"item": frequent.astype(np.int32)}), "item int")


def _rules(
    pairs: pd.DataFrame, size: pd.Series, n: int, items, min_confidence: float, min_lift: float
) -> pd.DataFrame:
    """Return both directions of each pair, with the measures, as `pair_rules` does."""
    first, second = (pairs[name].to_numpy().astype(np.int64) for name in ("first", "second"))
    a, b = np.concatenate([first, second]), np.concatenate([second, first])
    count = np.tile(pairs["count"].to_numpy().astype(np.int64), 2)
    n_a, n_b = (size.reindex(side).to_numpy().astype(np.int64) for side in (a, b))
    forgiven = 1 - 1e-12  # a share at its threshold may come out a hair below it
    passing = count >= min_confidence * forgiven * n_a
    passing &= count >= min_lift * forgiven * n_a / max(1, n) * n_b
    order = np.flatnonzero(passing)
    order = order[np.lexsort((b[order], a[order], -count[order], -(count / n_a)[order]))]
    a, b, count, n_a, n_b = (column[order] for column in (a, b, count, n_a, n_b))
    always = count == n_a
    labels = pd.RangeIndex(max(a.max(initial=0), b.max(initial=0)) + 1) if items is None else items
    labels = pd.Index(labels)
    return pd.DataFrame(
        {
            "antecedent": labels[a],
            "consequent": labels[b],
            "support": count / n,
            "confidence": count / n_a,
            "lift": n * count / (n_a * n_b),
            "leverage": (n * count - n_a * n_b) / n**2,
            "conviction": np.where(
                always, np.inf, (n - n_b) * n_a / (n * np.maximum(n_a - count, 1))
            ),
            "count": count,
            "antecedent_count": n_a,
            "consequent_count": n_b,
        }
    )
