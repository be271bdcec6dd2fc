"""The rating predictors that the book fuses, and their work, done once and kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recbook.data.interactions import Interactions
from recbook.fusion.rating_pool import RatingPool, rating_pool
from recbook.fusion.rating_residuals import OnResiduals
from recbook.fusion.store import stored
from recbook.models.base import RatingPredictor
from recbook.models.rating_als import RatingALS
from recbook.models.rating_baselines import UserItemBias
from recbook.models.rating_factors import SVD, SVDpp
from recbook.models.rating_neighbours import RatingNeighbours

N_FOLDS = 4  # inner; five of them take a fifth longer


def rating_members() -> dict[str, RatingPredictor]:
    """Return the unfitted members, weak ones too.

    The settings are those that did well on validation parts cut from the training parts in earlier
    chapters; the residual neighbours' k and shrinkage are round numbers, not tuned.
    """
    levels = UserItemBias()
    return {
        "levels": levels,
        "users alike, plain": RatingNeighbours("user", "msd"),
        "films alike, plain": RatingNeighbours("item", "msd"),
        "users alike": OnResiduals(levels, RatingNeighbours("user", k=60, shrinkage=50)),
        "films alike": OnResiduals(levels, RatingNeighbours("item", k=40, shrinkage=100)),
        "films alike, adjusted": RatingNeighbours(
            "item", "adjusted cosine", k=40, centred=True, shrinkage=30
        ),
        "SVD, no levels": SVD(50, 40, learning_rate=0.01, regularization=0.05, biased=False),
        "SVD": SVD(100, 30, learning_rate=0.015, regularization=0.1),
        "SVD++": SVDpp(100, 60, learning_rate=0.007, regularization=0.1),
        "ALS": RatingALS(20, 0.15, n_iterations=10),
    }


def rating_predictions(folds: Sequence[tuple[Interactions, Interactions]]) -> list[RatingPool]:
    """Return one pool for each fold, from the store where it was made before.

    Parameters
    ----------
    folds : list of (train, test)
        As `recbook.evaluation.protocols.rating_folds` yields them. Test ratings are not read.
    """
    members = rating_members()
    pools = []
    for number, (train, test) in enumerate(folds):

        def make(train: Interactions = train, test: Interactions = test) -> dict[str, np.ndarray]:
            pool = rating_pool(members, train, test, n_folds=N_FOLDS)
            return {key: getattr(pool, key) for key in _KEPT}

        found = stored(
            f"ratings-fold-{number}", make,
            depends=[train, test.user, test.item, repr(members), N_FOLDS],
        )  # fmt: skip
        pools.append(RatingPool(names=tuple(members), train=train, **found))
    return pools


_KEPT = ("fold", "out_of_fold", "users", "items", "predictions", "in_sample", "seconds")
