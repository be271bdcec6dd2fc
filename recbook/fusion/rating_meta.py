"""How one rating is made of several predictions: fixed, by least squares, or by trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np

from recbook.fusion.weights import nnls_weights
from recbook.models.base import check_choice

METHODS = ("mean", "nnls", "ridge", "boosting", "ridge + boosting")
PENALTY = 10.0  # on weights of standardised columns: little beside thousands of ratings
TREES = {"n_estimators": 100, "learning_rate": 0.1, "num_leaves": 31, "max_bin": 63}


class FixedWeights:
    """The weighted mean with weights given in advance.

    All meta-models have `fit(columns, actual)` and `predict(columns)`, where the first n_members
    columns are the members' predictions and the rest side features; and, where the model is linear,
    `weights_` (n_columns,) and `intercept_` in units of the columns.
    """

    def __init__(self, weights: np.ndarray) -> None:
        self.weights_, self.intercept_ = weights, 0.0

    def fit(self, columns: np.ndarray, actual: np.ndarray) -> Self:
        """Learn nothing."""
        return self

    def predict(self, columns: np.ndarray) -> np.ndarray:
        """Return float64 (n,)."""
        # Not a matrix product: its last digits depend on the number of rows.
        return self.intercept_ + np.einsum("ij,j->i", columns, self.weights_)


class NonNegative(FixedWeights):
    """Least squares with weights of at least 0, on deviations from the mean rating."""

    def __init__(self) -> None:
        pass

    def fit(self, columns: np.ndarray, actual: np.ndarray) -> Self:
        """Learn the weights; a member that helps nowhere gets 0."""
        mean = actual.mean()
        self.weights_ = nnls_weights(columns - mean, actual - mean, sum_to_one=False)
        self.intercept_ = mean * (1 - self.weights_.sum())
        return self


class Ridge(FixedWeights):
    """Least squares with a small penalty on the weights of standardised columns."""

    def __init__(self) -> None:
        pass

    def fit(self, columns: np.ndarray, actual: np.ndarray) -> Self:
        """Learn weights and intercept."""
        centre, spread = columns.mean(axis=0), columns.std(axis=0)
        spread[spread < 1e-9] = np.inf  # a constant column gets the weight 0
        scaled = (columns - centre) / spread
        gram = scaled.T @ scaled + PENALTY * np.eye(columns.shape[1])
        self.weights_ = np.linalg.solve(gram, scaled.T @ (actual - actual.mean())) / spread
        self.intercept_ = actual.mean() - centre @ self.weights_
        return self


class Boosting:
    """Small trees, each learning what those before it left over; LightGBM.

    Where `first` is given, such as a `Ridge`, the trees learn what that leaves over.
    """

    def __init__(self, first: FixedWeights | None = None, *, rng: int = 0) -> None:
        self.first = first
        self.rng = rng

    def fit(self, columns: np.ndarray, actual: np.ndarray) -> Self:
        """Grow the trees."""
        from lightgbm import LGBMRegressor

        rest = actual
        if self.first is not None:
            rest = actual - self.first.fit(columns, actual).predict(columns)
        self.trees_ = LGBMRegressor(
            **TREES, min_child_samples=100, reg_lambda=10, colsample_bytree=0.5, subsample=0.8,
            subsample_freq=1, random_state=self.rng, n_jobs=1, deterministic=True,
            force_row_wise=True, verbosity=-1,
        ).fit(_rounded(columns), rest)  # fmt: skip
        return self

    def predict(self, columns: np.ndarray) -> np.ndarray:
        """Return float64 (n,)."""
        grown = self.trees_.booster_.predict(_rounded(columns), num_threads=1)
        return grown if self.first is None else grown + self.first.predict(columns)


def make_meta(method: str | Mapping[str, float], names: tuple[str, ...], seed: int = 0):
    """Return the unfitted meta-model of a method; ValueError where there is none such."""
    if isinstance(method, Mapping):
        if unknown := [name for name in method if name not in names]:
            raise ValueError(f"a weight is given for {unknown[0]!r}, the members are {names}")
        if abs(sum(method.values()) - 1) > 1e-6:
            raise ValueError(
                f"the weights must sum to 1, or every rating is off; got {sum(method.values()):g}"
            )
        return FixedWeights(np.array([method.get(name, 0.0) for name in names], dtype=float))
    check_choice("method", method, METHODS)
    return {
        "mean": lambda: FixedWeights(np.full(len(names), 1 / len(names))),
        "nnls": NonNegative,
        "ridge": Ridge,
        "boosting": lambda: Boosting(rng=seed),
        "ridge + boosting": lambda: Boosting(Ridge(), rng=seed),
    }[method]()


def _rounded(columns: np.ndarray) -> np.ndarray:
    """Drop the last digits, by which a pair would else fall on two sides of a tree's edge."""
    return columns.round(7)
