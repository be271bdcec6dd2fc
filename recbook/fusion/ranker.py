"""A learned ranker: trees order each user's candidates by all that is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.fusion.base import Fusion
from recbook.fusion.normalise import NORMALISATIONS
from recbook.fusion.pool import Pool
from recbook.fusion.stacking import kept_candidates
from recbook.models.base import Recommender, check_at_least, check_choice

#: From known events, users (n,) and items (n, width) to float32 (n, width, n_features) and names.
Features = Callable[[Interactions, np.ndarray, np.ndarray], tuple[np.ndarray, Sequence[str]]]

_BLOCK_USERS = 256  # whose candidates are ranked at a time


class LearnedRanker(Fusion):
    """Gradient-boosted trees that learn to order lists, from scores, places and side features.

    The members find the candidates; the trees put them in order. A row of the ranker's table is a
    candidate of a user, and its columns are each member's score and place within the user's list
    (`inputs`), and whatever `features` says of the pair. A user in a window is one list.

    Let s be the trees' scores, and i a relevant and j another candidate of one list. LambdaRank
    makes ln(1 + exp(-(s_i - s_j))) smaller, weighed with |ΔNDCG|: how much the list would lose if
    i and j changed places. So the pairs near the top of a list count most.

    Parameters
    ----------
    members : mapping of str to Recommender, or sequence of str
    features : callable, optional
        Side features, such as `recbook.fusion.features.ShopFeatures`. It is told what the members
        of a pool know, and nothing later. NaN is allowed and means "unknown".
    inputs : sequence of str
        The normalisations in which the trees see the members' scores. Raw scores shift from one
        window to the next, so they are not among them. May be empty where there are features.
    n_trees, n_leaves : int
        How many trees, and how many leaves each.
    learning_rate : float
    min_leaf : int
        Candidates that a leaf must hold.
    share : float
        Of the columns that each tree may use, and of the candidates that it is grown on; drawn
        anew for each. Below 1, the trees differ more.
    truncation : int
        Pairs count only where one of the two stands among the first so many.
    n_negatives : int
        At most so many candidates a user that are not relevant, drawn at random, are learnt from.
    n_candidates : int, optional
    rng : seed or numpy Generator
        Of all draws.

    Attributes
    ----------
    model_ : lightgbm.Booster
    columns_ : tuple of str
        What the trees see: "member, normalisation", then the features' names.
    importance_ : pandas.Series
        Each column's share of what all splits gained, by column, falling. A column that says the
        same as another shares with it: to know what one is worth, leave it out and learn again.

    Notes
    -----
    It learns from past windows, each with members that knew nothing of it. Several windows serve
    better than one where few candidates of a window are relevant.

    References
    ----------
    Burges: From RankNet to LambdaRank to LambdaMART: an overview. Microsoft Research, 2010.
    Ke et al.: LightGBM: a highly efficient gradient boosting decision tree. NeurIPS 2017.
    """

    learns = True

    def __init__(
        self,
        members: Mapping[str, Recommender] | Sequence[str],
        *,
        features: Features | None = None,
        inputs: Sequence[str] = ("z_score",),
        n_trees: int = 100,
        n_leaves: int = 15,
        learning_rate: float = 0.08,
        min_leaf: int = 100,
        share: float = 0.5,
        truncation: int = 20,
        n_negatives: int = 30,
        n_candidates: int | None = None,
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        super().__init__(members, n_candidates=n_candidates)
        for name in inputs:
            check_choice("inputs", name, tuple(NORMALISATIONS))
        if not len(inputs) and features is None:
            raise ValueError("a ranker without inputs needs features, or it has nothing to learn")
        if features is not None and not callable(features):
            raise TypeError(
                f"features must be callable as features(known, users, items), got {features!r}"
            )
        for name, number, least in (
            ("n_trees", n_trees, 1), ("n_leaves", n_leaves, 2), ("min_leaf", min_leaf, 1),
            ("truncation", truncation, 1), ("n_negatives", n_negatives, 1),
        ):  # fmt: skip
            check_at_least(name, number, least)
        for name, number in (("learning_rate", learning_rate), ("share", share)):
            if not 0 < number <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, got {number!r}")
        self.features = features
        self.inputs = inputs
        self.n_trees = n_trees
        self.n_leaves = n_leaves
        self.learning_rate = learning_rate
        self.min_leaf = min_leaf
        self.share = share
        self.truncation = truncation
        self.n_negatives = n_negatives
        self.rng = rng

    def _learn(self, pools: list[Pool]) -> None:
        rng = np.random.default_rng(self.rng)
        # Lists without anything relevant have no order to learn.
        pools = [pool.rows(pool.labels.any(axis=1)) for pool in pools]
        if not sum(len(pool.users) for pool in pools):
            raise ValueError(
                "no candidate of these pools is relevant, so there is no order to learn; make them "
                "with more candidates or another window"
            )
        self.model_ = self._model(pools, rng)
        gain = self.model_.feature_importance("gain")
        gain = pd.Series(gain / max(gain.sum(), 1e-300), index=self.columns_)
        self.importance_ = gain.sort_values(ascending=False, kind="stable")

    def _model(self, pools: list[Pool], rng: np.random.Generator):
        import lightgbm

        tables, labels, lengths = [], [], []
        for pool in pools:
            kept = kept_candidates(pool, self.n_negatives, rng)
            table, self.columns_ = self._table(pool, kept)
            tables.append(table)
            labels.append(pool.labels[kept])
            lengths.append(kept.sum(axis=1))
        data = lightgbm.Dataset(
            np.concatenate(tables), np.concatenate(labels), group=np.concatenate(lengths)
        )
        settings = self._settings(int(rng.integers(2**31)))
        return lightgbm.train(settings, data, num_boost_round=self.n_trees)

    def _fuse(self, pool: Pool) -> np.ndarray:
        fused = np.full(pool.items.shape, -np.inf)
        for start in range(0, len(pool.users), _BLOCK_USERS):
            part = pool.rows(slice(start, start + _BLOCK_USERS))
            if part.there.any():
                table, _ = self._table(part, part.there)
                fused[start : start + _BLOCK_USERS][part.there] = self.model_.predict(table)
        return fused

    def _table(self, pool: Pool, chosen: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return a row for each chosen candidate (n, width), float32, and the columns' names."""
        parts = [NORMALISATIONS[name](pool.scores)[:, chosen].T for name in self.inputs]
        columns = [f"{member}, {name}" for name in self.inputs for member in pool.names]
        if self.features is not None:
            values, names = self.features(pool.known, pool.users, pool.items)
            if values.shape != (*pool.items.shape, len(names)):
                raise ValueError(
                    f"features must give an array (n, width, n_features) = "
                    f"{(*pool.items.shape, len(names))} for {len(names)} names, "
                    f"got {values.shape}"
                )
            parts.append(values[chosen])
            columns += names
        return np.concatenate(parts, axis=1, dtype=np.float32), tuple(columns)

    def _settings(self, seed: int) -> dict:
        return {
            "objective": "lambdarank",
            "lambdarank_truncation_level": self.truncation,
            "num_leaves": self.n_leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.min_leaf,
            "feature_fraction": self.share,
            "bagging_fraction": self.share,
            "bagging_freq": 1 if self.share < 1 else 0,
            "max_bin": 127,
            "seed": seed,
            "num_threads": 1,  # with deterministic and force_row_wise: the same trees every time
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
