"""The same models on a cluster: Spark reads `Interactions` from Parquet files.

Needs the extra `recbook[scale]`; importing this package does not load Spark.
"""

from recbook.scale.als import SparkALS
from recbook.scale.lists import batch_top_k, spark_metrics
from recbook.scale.rules import spark_baskets, spark_pair_rules
from recbook.scale.session import SparkError, spark_session
from recbook.scale.tables import read_events, read_interactions, write_interactions

__all__ = [
    "SparkALS", "SparkError", "batch_top_k", "read_events", "read_interactions", "spark_baskets",
    "spark_metrics", "spark_pair_rules", "spark_session", "write_interactions",
]  # fmt: skip
