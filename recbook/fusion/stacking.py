"""Stacking: a meta-model learns from held-out events what the members' scores are worth."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np

from recbook.fusion.base import Fusion
from recbook.fusion.blends import normalised
from recbook.fusion.normalise import NORMALISATIONS
from recbook.fusion.pool import Pool
from recbook.models.base import Recommender, check_at_least, check_choice

Members = Mapping[str, Recommender] | Sequence[str]


class Stack(Fusion):
    """Predict from the members' scores whether a candidate is relevant, candidate by candidate.

    Parameters
    ----------
    members : mapping of str to Recommender, or sequence of str
    meta : {"logistic", "ridge", "boosting"}
        The meta-model: logistic regression, ridge regression of the 0/1 label, or gradient-boosted
        trees.
    normalise : str
        As for `recbook.fusion.blends.ScoreFusion`. Trees too need it: raw scores shift between
        windows.
    n_negatives : int
        At most so many candidates a user that are not relevant, drawn at random, are learnt from.
    n_candidates : int, optional
    rng : seed or numpy Generator
        Of that draw.

    Attributes
    ----------
    model_ : scikit-learn or LightGBM estimator

    References
    ----------
    Wolpert: Stacked generalization. Neural Networks 5 (1992).
    """

    learns = True

    def __init__(
        self,
        members: Members,
        *,
        meta: str = "logistic",
        normalise: str = "z_score",
        n_negatives: int = 50,
        n_candidates: int | None = None,
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        super().__init__(members, n_candidates=n_candidates)
        check_choice("meta", meta, ("logistic", "ridge", "boosting"))
        check_choice("normalise", normalise, (*NORMALISATIONS, "none"))
        check_at_least("n_negatives", n_negatives, 1)
        self.meta = meta
        self.normalise = normalise
        self.n_negatives = n_negatives
        self.rng = rng

    def _learn(self, pools: list[Pool]) -> None:
        rng = np.random.default_rng(self.rng)
        features, labels = [], []
        for pool in pools:
            kept = kept_candidates(pool, self.n_negatives, rng)
            features.append(normalised(pool, self.normalise)[:, kept].T)
            labels.append(pool.labels[kept])
        y = np.concatenate(labels)
        if y.all() or not y.any():
            raise ValueError(
                "a stack learns from relevant and other candidates, but the pools hold one kind "
                "only; make them with more candidates or another window"
            )
        self.model_ = _meta_model(self.meta).fit(np.concatenate(features).astype(np.float64), y)

    def _fuse(self, pool: Pool) -> np.ndarray:
        features = normalised(pool, self.normalise)[:, pool.there].T.astype(np.float64)
        if self.meta == "ridge":
            found = self.model_.predict(features)
        elif self.meta == "logistic":
            found = self.model_.decision_function(features)
        else:
            found = self.model_.predict(features, raw_score=True)
        fused = np.full(pool.items.shape, -np.inf)
        fused[pool.there] = found
        return fused


def kept_candidates(pool: Pool, n_negatives: int, rng: np.random.Generator) -> np.ndarray:
    """Return all relevant candidates and a draw of the others, bool (n, width)."""
    draw = np.where(pool.there & ~pool.labels, rng.random(pool.items.shape), np.inf)
    n_negatives = min(n_negatives, draw.shape[1])
    bound = np.partition(draw, n_negatives - 1, axis=1)[:, n_negatives - 1 : n_negatives]
    return pool.labels | ((draw <= bound) & np.isfinite(draw))


def fuse_by_user_folds(
    fusion: Fusion,
    pool: Pool,
    *,
    n_folds: int = 5,
    rng: int | np.random.Generator | None = 0,
) -> np.ndarray:
    """Return fused scores (n, width), each user's by a fusion that learnt from other users only.

    So one window serves both to learn a fusion and to judge it. The fusion handed in is left as it
    is.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds, or fewer users than folds.
    """
    n = len(pool.users)
    if not 2 <= n_folds <= n:
        raise ValueError(f"n_folds must be between 2 and the {n} users, got {n_folds}")
    fold = np.random.default_rng(rng).permutation(n) % n_folds
    fused = np.full(pool.items.shape, -np.inf, dtype=np.float32)
    for one in range(n_folds):
        inside = fold == one
        learner = copy.copy(fusion).learn(pool.rows(~inside))
        fused[inside] = learner.fuse(pool.rows(inside))
    return fused


def _meta_model(name: str):
    if name == "ridge":
        from sklearn.linear_model import Ridge

        return Ridge(alpha=1.0)
    if name == "logistic":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=1.0, max_iter=200)
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=100,
        num_leaves=15,
        learning_rate=0.1,
        min_child_samples=50,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        random_state=0,
        verbosity=-1,
    )
