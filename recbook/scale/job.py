"""The whole run as a job: events in, factors, lists and rules out. `python -m recbook.scale`.

The same file goes to a cluster, unchanged, by `spark-submit`; see `submit_line`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recbook.data.download import note
from recbook.scale.als import SparkALS, factor_matrix
from recbook.scale.lists import batch_top_k
from recbook.scale.rules import spark_baskets, spark_pair_rules
from recbook.scale.session import spark_session
from recbook.scale.tables import read_events, table_address

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def run(
    spark: SparkSession, source: str | Path, target: str | Path, *, model: SparkALS,
    k: int = 10, min_count: int = 100,
) -> None:  # fmt: skip
    """Fit, recommend what is new to each user, mine rules; write all three as Parquet.

    Parameters
    ----------
    source, target : path or address
        A folder that `write_interactions` wrote, and one that does not exist yet, which gets
        `item_factors`, `user_factors`, `lists` and `rules`.
    model : SparkALS
    k, min_count : int
        Length of the lists; baskets that a rule needs.
    """
    target = table_address(target)
    if spark.sparkContext.getCheckpointDir() is None:  # on a cluster
        spark.sparkContext.setCheckpointDir(f"{target}/checkpoints")
    events = read_events(spark, source).cache()
    n_items = events.agg({"item": "max"}).first()[0] + 1
    model.fit(events)
    items = factor_matrix(model.item_factors_, n_items)
    model.user_factors_.write.parquet(f"{target}/user_factors")
    model.item_factors_.write.parquet(f"{target}/item_factors")
    known = (items != 0).any(axis=1)
    lists = batch_top_k(model.user_factors_, items, k, exclude=events, candidates=known)
    lists.write.parquet(f"{target}/lists")
    rules = spark_pair_rules(spark_baskets(events), min_count=min_count)
    spark.createDataFrame(rules).coalesce(1).write.parquet(f"{target}/rules")
    events.unpersist()


def submit_line(
    source: str, target: str, *, master: str = "yarn", executors: int = 8, cores: int = 4,
    memory: str = "8g",
) -> str:  # fmt: skip
    """Return the command that runs this job on a cluster, to be read and pasted.

    `env.tar.gz` is a packed environment with recbook in it (`venv-pack -o env.tar.gz`): the Python
    workers of the executors need it.

    Examples
    --------
    >>> submit_line("hdfs:///shop", "hdfs:///out", executors=2).split()[:3]
    ['spark-submit', '--master', 'yarn']
    """
    return f"""spark-submit --master {master} --deploy-mode cluster \\
  --num-executors {executors} --executor-cores {cores} \\
  --executor-memory {memory} \\
  --archives env.tar.gz#env \\
  --conf spark.pyspark.python=env/bin/python \\
  job.py {source} {target} \\
  --partitions {3 * executors * cores} --blocks {executors * cores}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m recbook.scale", description=run.__doc__)
    parser.add_argument("source", help="folder or address that write_interactions filled")
    parser.add_argument("target", help="folder or address to write to; must not exist yet")
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--regularization", type=float, default=0.1)
    parser.add_argument("--alpha", type=float, default=10.0)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--min-count", type=int, default=100)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2, help="of local mode")
    parser.add_argument("--memory", default="2g", help="of local mode")
    given = parser.parse_args(arguments)
    model = SparkALS(
        given.factors, given.regularization, alpha=given.alpha, n_iterations=given.iterations,
        n_blocks=given.blocks,
    )  # fmt: skip
    with spark_session(given.threads, given.memory, partitions=given.partitions) as spark:
        run(spark, given.source, given.target, model=model, k=given.k, min_count=given.min_count)
    note(f"factors, lists and rules are in {given.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
