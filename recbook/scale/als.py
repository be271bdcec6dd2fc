"""Factors by alternating least squares, solved by a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FEEDBACK = ("implicit", "explicit")


class SparkALS:
    """Spark's ALS, with the parameter names of `ImplicitALS` and `RatingALS`.

    "implicit": every cell counts. p(u, i) is 1 where u took i, else 0; c(u, i) = 1 + α r(u, i):

        Σ_ui c(u, i) (p(u, i) - x_u · y_i)² + λ (Σ_u n_u |x_u|² + Σ_i n_i |y_i|²)

    "explicit": only the ratings count, as differences from their mean; there are no biases:

        Σ_ui∈R (r(u, i) - mean - x_u · y_i)² + λ (Σ_u n_u |x_u|² + Σ_i n_i |y_i|²)

    n_u and n_i are the numbers of cells that the user and the item hold. This "weighted λ" is the
    one difference from `ImplicitALS`, whose λ is the same for all: what is λ there is λ / n_u here,
    for a user with n_u cells. `RatingALS` weighs as Spark does, but learns biases too.

    The events are dealt into user blocks and item blocks; in each half of an iteration a block of
    one side is sent only those factors of the other side that its ratings name.

    Parameters
    ----------
    n_factors : int
    regularization : float
        λ, above 0.
    feedback : {"implicit", "explicit"}
    alpha : float
        α, of implicit feedback only.
    n_iterations : int
    values : {"binary", "count", "value"}
        What r holds: 1, the number of events, or the sum of their values.
    n_blocks : int
        Into how many blocks users and items are dealt; on a cluster a few for each core.
    rng : int
        Seed of the first factors.

    Attributes
    ----------
    user_factors_, item_factors_ : Spark DataFrames
        Columns id (the position) and features; only who has events stands in them. The users'
        are solved last, from the items'.
    mean_ : float
        Of explicit feedback; 0 else.

    References
    ----------
    Zhou, Wilkinson, Schreiber, Pan: Large-scale parallel collaborative filtering for the Netflix
    Prize. AAIM 2008 (the weighted λ). Hu, Koren, Volinsky: Collaborative filtering for implicit
    feedback datasets. ICDM 2008.
    """

    def __init__(
        self,
        n_factors: int = 64,
        regularization: float = 0.1,
        *,
        feedback: str = "implicit",
        alpha: float = 10.0,
        n_iterations: int = 10,
        values: str = "binary",
        n_blocks: int = 4,
        rng: int = 0,
    ) -> None:
        for name, value in (
            ("n_factors", n_factors), ("n_iterations", n_iterations), ("n_blocks", n_blocks),
        ):  # fmt: skip
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if not regularization > 0:
            raise ValueError(f"regularization must be above 0, got {regularization!r}")
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0, got {alpha!r}")
        if feedback not in FEEDBACK:
            raise ValueError(f"feedback must be one of {', '.join(FEEDBACK)}, got {feedback!r}")
        if values not in ("binary", "count", "value"):
            raise ValueError(f'values must be "binary", "count" or "value", got {values!r}')
        if not isinstance(rng, int | np.integer):
            raise ValueError(f"rng must be a whole number: Spark takes no Generator, got {rng!r}")
        self.n_factors = n_factors
        self.regularization = regularization
        self.feedback = feedback
        self.alpha = alpha
        self.n_iterations = n_iterations
        self.values = values
        self.n_blocks = n_blocks
        self.rng = rng

    def fit(self, events: DataFrame) -> Self:
        """Learn from a Spark table with the columns user, item (positions) and value.

        Spark remembers how each table was made, to make a lost part again. Over many iterations
        this memory outgrows Java's stack, unless the SparkContext has a checkpoint folder, as that
        of `spark_session` has: every fifth iteration is then written there, and the rest forgotten.

        Raises
        ------
        ValueError
            If there are no events.
        """
        from pyspark.ml.recommendation import ALS
        from pyspark.sql import functions as F

        # The ratings of a cell are summed, sorted by nothing: whole numbers and halves add up
        # exactly, whatever the order.
        of_cell = {"binary": F.lit(1.0), "count": F.count("*"), "value": F.sum("value")}
        cells = events.groupBy("user", "item").agg(of_cell[self.values].cast("float").alias("r"))
        self.mean_ = 0.0
        if self.feedback == "explicit":
            cells = cells.cache()
            mean = cells.agg(F.avg("r")).first()[0]
            if mean is None:
                raise ValueError("SparkALS cannot learn from no events at all")
            self.mean_ = float(mean)
            cells = cells.withColumn("r", (F.col("r") - F.lit(self.mean_)).cast("float"))
        elif events.isEmpty():
            raise ValueError("SparkALS cannot learn from no events at all")
        solver = ALS(
            rank=self.n_factors, maxIter=self.n_iterations, regParam=float(self.regularization),
            implicitPrefs=self.feedback == "implicit", alpha=float(self.alpha), seed=int(self.rng),
            numUserBlocks=self.n_blocks, numItemBlocks=self.n_blocks,
            userCol="user", itemCol="item", ratingCol="r",
            checkpointInterval=5,  # where there is a folder for it; see `fit`
        )  # fmt: skip
        self.model_ = solver.fit(cells)
        cells.unpersist()
        self.user_factors_, self.item_factors_ = self.model_.userFactors, self.model_.itemFactors
        return self

    def factors(self, n_users: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the factors in this process: float32 (n_users, f) and (n_items, f).

        Rows without events are 0. At 100 factors a million rows are 400 MB: for what is larger use
        the tables.
        """
        return (
            factor_matrix(self.user_factors_, n_users),
            factor_matrix(self.item_factors_, n_items),
        )

    def predict(self, pairs: DataFrame) -> DataFrame:
        """Return the pairs (columns user, item) with a column predicted, NaN where unknown."""
        from pyspark.sql import functions as F

        predicted = self.model_.transform(pairs)
        return predicted.withColumn("predicted", F.col("prediction") + self.mean_).drop(
            "prediction"
        )


def factor_matrix(table: DataFrame, n: int) -> np.ndarray:
    """Return a table of factors (columns id, features) as a float32 array (n, n_factors)."""
    rows = table.toPandas()
    vectors = np.stack(rows["features"].to_numpy())
    factors = np.zeros((n, vectors.shape[1]), dtype=np.float32)
    factors[rows["id"].to_numpy()] = vectors
    return factors
