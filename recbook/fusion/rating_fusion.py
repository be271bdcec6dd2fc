"""Rating predictors fused into one: averages, weights, stacking with out-of-fold predictions."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.fusion.rating_features import RatingFeatures
from recbook.fusion.rating_meta import make_meta
from recbook.fusion.rating_pool import RatingPool, inner_folds, out_of_fold, predict_folds
from recbook.models.base import RatingPredictor, check_at_least, check_scale

__all__ = ["RatingFusion", "RatingPool", "StoredRatingFusion", "out_of_fold"]


class RatingFusion(RatingPredictor):
    """Several rating predictors made into one, which is a rating predictor again; so fusions nest.

    With x_1 … x_m the members' predictions of a pair, and z its side features,

        "mean"               r = (x_1 + … + x_m) / m
        weights given        r = w_1 x_1 + … + w_m x_m
        "nnls"               r = c + w_1 x_1 + … + w_m x_m with no w below 0, by least squares
        "ridge"              r = c + w · x + v · z by least squares with a small penalty
        "boosting"           r = the sum of many small trees over x and z
        "ridge + boosting"   the ridge, then trees over x and z that learn what it leaves over

    What is learnt is learnt from *out-of-fold* predictions: the training ratings are dealt into
    folds, and each is predicted by members fitted without its fold. Then the members are fitted on
    all training ratings. Members handed in fitted are used as they are, and then the fusion must
    be given other ratings than they were: learning from what they know by heart is refused.

    Memory: fit at most ``20 * max(n_users, n_items)**2 + 12 * n_users * n_items + 1200 * n_events
    + 1e7`` bytes, predict at most ``1600 * n_pairs + 3e7`` bytes, with up to ten members as large
    as `RatingNeighbours`; each of these kept adds ``8 * max(n_users, n_items)**2`` bytes.

    Parameters
    ----------
    members : mapping of name to RatingPredictor
        All fitted or none. They are copied; what is handed in stays as it is.
    method : str or mapping of name to weight
        One of the five above, or weights that sum to 1.
    features : RatingFeatures, optional
        For methods with trees or a ridge. Inside the folds they are computed from the same ratings
        as the members are fitted on.
    n_folds : int
        Inner folds. More leave the members more to learn from, and take as many fits.
    rng : int or numpy.random.Generator
        Of the folds, and of the trees.
    scale : (float, float), optional
        Lowest and highest rating; those of the training ratings where None.

    Attributes
    ----------
    members_ : dict of name to fitted RatingPredictor
    weights_ : pandas.Series (n_members,) or None
        Stars a star of each member; None where trees have a say.

    References
    ----------
    Wolpert: Stacked generalization. Neural Networks 5(2), 1992. Breiman: Stacked regressions.
    Machine Learning 24, 1996 (weights of at least 0).

    Examples
    --------
    >>> from recbook.models import GlobalMean, UserItemBias
    >>> frame = pd.DataFrame({"user_id": [1, 2], "item_id": ["a", "a"], "rating": [5, 1]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> fused = RatingFusion({"mean": GlobalMean(), "levels": UserItemBias(reg_user=1)}, "mean")
    >>> fused.fit(events).predict([0, 1], [0, 0])  # (3 + 4) / 2 and (3 + 2) / 2
    array([3.5, 2.5])
    """

    def __init__(
        self,
        members: Mapping[str, RatingPredictor],
        method: str | Mapping[str, float] = "ridge",
        *,
        features: RatingFeatures | None = None,
        n_folds: int = 5,
        rng: int | np.random.Generator = 0,
        scale: tuple[float, float] | None = None,
    ) -> None:
        if not isinstance(members, Mapping) or not members:
            raise ValueError("members must name at least one rating predictor: {'a': SVD()}")
        for name, member in members.items():
            if not isinstance(member, RatingPredictor):
                raise TypeError(
                    f"member {name!r} must be a RatingPredictor, got {type(member).__name__}"
                )
        make_meta(method, tuple(members))
        if features is not None and not _learns(method, features=True):
            raise ValueError(f"method {method!r} takes no side features; use 'ridge' or 'boosting'")
        check_at_least("n_folds", n_folds, 2)
        check_scale(scale)
        self.members = members
        self.method = method
        self.features = features
        self.n_folds = n_folds
        self.rng = rng
        self.scale = scale

    def fit(self, interactions: Interactions) -> Self:
        """Learn to fuse from predictions that did not see their rating, and fit the members.

        Raises
        ------
        ValueError
            If members are fitted on some of these ratings, or only some members are fitted.
        """
        self._learn_scale(interactions)
        fitted = [name for name, one in self.members.items() if hasattr(one, "interactions_")]
        if fitted:
            predicted, fold = self._hold_out(fitted, interactions), None
            self.members_ = dict(self.members)
        else:
            fold = predicted = None
            if _learns(self.method):
                fold = inner_folds(len(interactions), self.n_folds, self.rng)
                predicted, _ = predict_folds(self.members, interactions, fold)
            self.members_ = {
                name: copy.deepcopy(member).fit(interactions)
                for name, member in self.members.items()
            }
        self._learn(predicted, interactions, fold)
        self.interactions_ = interactions
        return self

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float64 predictions (n,) for pairs of positions."""
        users, items = self._pairs(users, items)
        predicted = np.column_stack(
            [member.predict(users, items) for member in self.members_.values()]
        )
        return self._fuse(predicted, users, items)

    def on(self, pool: RatingPool) -> StoredRatingFusion:
        """Return this fusion of members whose work is done already."""
        return StoredRatingFusion(self, pool)

    @property
    def weights_(self) -> pd.Series | None:
        """Return what each member's stars count for, None where trees have a say."""
        weights = getattr(self.meta_, "weights_", None)
        return None if weights is None else pd.Series(weights[: len(self.members)], [*self.members])

    def _learn(
        self, predicted: np.ndarray | None, interactions: Interactions, fold: np.ndarray | None
    ) -> None:
        """Fit the meta-model on members' predictions (n, m), with features where there are any."""
        seed = self.rng if isinstance(self.rng, int | np.integer) else 0
        self.meta_ = make_meta(self.method, tuple(self.members), int(seed))
        if predicted is None:
            return
        if self.features is not None:
            predicted = np.hstack([predicted, self._inner_features(interactions, fold)])
        self.meta_.fit(predicted, interactions.value)

    def _inner_features(self, interactions: Interactions, fold: np.ndarray) -> np.ndarray:
        """Return each rating's features (n, p), computed without the ratings of its fold."""
        parts = []
        for one in np.unique(fold):
            known, asked = interactions.select(fold != one), interactions.select(fold == one)
            share = len(known) / len(interactions)
            parts.append(self.features.table(known, asked.user, asked.item, share=share))
        return np.concatenate(parts)[np.argsort(np.argsort(fold, kind="stable"))]

    def _fuse(self, predicted: np.ndarray, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        if not len(users):
            return np.zeros(0)
        if self.features is not None:
            table = self.features.table(self.interactions_, users, items)
            predicted = np.hstack([predicted, table.to_numpy()])
        return self.meta_.predict(predicted).clip(*self.scale_)

    def _hold_out(self, fitted: list[str], interactions: Interactions) -> np.ndarray:
        """Return the predictions of fitted members, having made sure that they may be used."""
        if len(fitted) < len(self.members):
            rest = next(name for name in self.members if name not in fitted)
            raise ValueError(f"{fitted[0]!r} is fitted and {rest!r} is not; hand in all or none so")
        if self.features is not None:
            raise ValueError("with side features hand in members that are not fitted")
        for name in fitted:
            known = self.members[name].interactions_
            # By cell, not by time: ratings without a clock give themselves away no less.
            shared = known.matrix("binary").multiply(interactions.matrix("binary")).nnz
            if shared:
                raise ValueError(
                    f"member {name!r} was fitted on {shared} of these {len(interactions)} ratings "
                    "and knows them by heart; hand in members that are not fitted, or ratings "
                    "held out from them"
                )
        pairs = interactions.user, interactions.item
        return np.column_stack([member.predict(*pairs) for member in self.members.values()])


class StoredRatingFusion(RatingFusion):
    """A `RatingFusion` that takes its members' predictions from a pool and does not fit them.

    It can be fitted on the pool's training ratings only and predicts the held-out pairs only.

    Parameters
    ----------
    fusion : RatingFusion
        Its method, features, seed and scale are used; its members may be fewer than the pool's.
    pool : RatingPool
    """

    def __init__(self, fusion: RatingFusion, pool: RatingPool) -> None:
        if missing := [name for name in fusion.members if name not in pool.names]:
            raise ValueError(f"the pool has no member {missing[0]!r}, it has {pool.names}")
        vars(self).update({k: v for k, v in vars(fusion).items() if not k.endswith("_")})
        self.fusion = fusion
        self.pool = pool
        self._columns = [pool.names.index(name) for name in fusion.members]

    def __repr__(self) -> str:
        return repr(self.fusion)

    def held_megabytes(self) -> None:
        """Return None: the fitted members are not here."""

    @property
    def fit_seconds_(self) -> float:
        """Return what the members took: the inner fits where needed, and the last one."""
        n_fits = len(np.unique(self.pool.fold)) + 1
        share = 1.0 if _learns(self.method) else 1 / n_fits
        return share * float(self.pool.seconds[self._columns].sum())

    def fit(self, interactions: Interactions) -> Self:
        """Learn to fuse from the pool's out-of-fold predictions."""
        self._learn_scale(interactions)
        known = self.pool.train
        if interactions is not known and not (
            np.array_equal(interactions.user, known.user)
            and np.array_equal(interactions.item, known.item)
            and np.array_equal(interactions.value, known.value)
        ):
            raise ValueError("these are not the ratings that the pool was made of")
        self._learn(self.pool.out_of_fold[:, self._columns], interactions, self.pool.fold)
        self.interactions_ = interactions
        return self

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return float64 predictions (n,) for pairs that were held out from the pool."""
        users, items = self._pairs(users, items)
        return self._fuse(self.pool.of(users, items)[:, self._columns], users, items)


def _learns(method: str | Mapping[str, float], *, features: bool = False) -> bool:
    """Tell whether a method learns from predictions, or whether it can use side features."""
    return not isinstance(method, Mapping) and method not in (
        ("mean", "nnls") if features else ("mean",)
    )
