"""What several rating predictors say: of ratings they did not learn from, and of pairs to come."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from recbook.data.interactions import Interactions
from recbook.models.base import RatingPredictor


@dataclass(frozen=True, eq=False)
class RatingPool:
    """The members' predictions inside one training part, and for the pairs held out from it.

    Attributes
    ----------
    names : tuple of str
        The m members.
    train : Interactions
        The n training ratings.
    fold : int array (n,)
        The inner fold that held each training rating out.
    out_of_fold : float64 array (n, m)
        Each training rating as predicted by members that were fitted without its fold.
    users, items : int arrays (k,)
        The pairs held out from the training part.
    predictions : float64 array (k, m)
        Of these pairs, by members fitted on the whole training part.
    in_sample : float64 array (n, m)
        Each training rating as predicted by members that learnt from it. Not to be fused on: it is
        here to show what happens then.
    seconds : float array (m,)
        Processor seconds of each member, all its fits and predictions.
    """

    names: tuple[str, ...]
    train: Interactions = field(repr=False)
    fold: np.ndarray = field(repr=False)
    out_of_fold: np.ndarray = field(repr=False)
    users: np.ndarray = field(repr=False)
    items: np.ndarray = field(repr=False)
    predictions: np.ndarray = field(repr=False)
    in_sample: np.ndarray = field(repr=False)
    seconds: np.ndarray = field(repr=False)

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the members' predictions (n, m) of pairs held out; ValueError for others."""
        n_items = self.train.n_items
        held = self.users.astype(np.int64) * n_items + self.items
        asked = np.asarray(users, dtype=np.int64) * n_items + items
        order = np.argsort(held)
        place = np.searchsorted(held, asked, sorter=order).clip(max=len(held) - 1)
        found = order[place] if len(held) else np.zeros(0, dtype=int)
        if len(asked) and (not len(held) or (held[found] != asked).any()):
            raise ValueError(
                "a stored pool knows the members' predictions of its held-out pairs only; fit the "
                "fusion itself to predict others"
            )
        return self.predictions[found[: len(asked)]]


def inner_folds(n: int, n_folds: int, rng: int | np.random.Generator = 0) -> np.ndarray:
    """Return the fold of each of n ratings, int (n,), drawn at random in equal parts.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds or fewer ratings than folds.

    Examples
    --------
    >>> np.bincount(inner_folds(7, 3)).tolist()
    [3, 2, 2]
    """
    if not 2 <= n_folds <= n:
        raise ValueError(f"n_folds must be between 2 and the {n} ratings, got {n_folds}")
    return np.random.default_rng(rng).permutation(n) % n_folds


def out_of_fold(
    members: Mapping[str, RatingPredictor],
    interactions: Interactions,
    *,
    n_folds: int = 5,
    rng: int | np.random.Generator = 0,
) -> np.ndarray:
    """Return what each member predicts for each rating, having learnt without it.

    The ratings are dealt into folds. Copies of the members are fitted on all folds but one, and
    predict that one. So no prediction has seen its own rating, nor those in the same fold.

    Parameters
    ----------
    members : mapping of name to RatingPredictor
        Copied; what is handed in stays as it is.
    interactions : Interactions
        The ratings.
    n_folds : int
        More folds leave more to learn from, and take as many fits.
    rng : int or numpy.random.Generator
        Of the folds.

    Returns
    -------
    float64 array (n_ratings, n_members)

    Raises
    ------
    ValueError
        If there are fewer than 2 folds or fewer ratings than folds, or a member cannot be fitted.

    References
    ----------
    Wolpert: Stacked generalization. Neural Networks 5(2), 1992.

    Examples
    --------
    >>> import pandas as pd
    >>> from recbook.models import GlobalMean
    >>> frame = pd.DataFrame({"user_id": [1, 2], "item_id": ["a", "a"], "rating": [5, 1]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> out_of_fold({"mean": GlobalMean()}, events, n_folds=2).ravel()  # each gets the other's
    array([1., 5.])
    """
    fold = inner_folds(len(interactions), n_folds, rng)
    return predict_folds(members, interactions, fold)[0]


def predict_folds(
    members: Mapping[str, RatingPredictor], interactions: Interactions, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return out-of-fold predictions (n, m) for given folds, and each member's CPU seconds (m,)."""
    predicted = np.empty((len(interactions), len(members)))
    seconds = np.zeros(len(members))
    for one in np.unique(fold):
        held_out = fold == one
        known, asked = interactions.select(~held_out), interactions.select(held_out)
        for column, member in enumerate(members.values()):
            started = time.process_time()
            model = copy.deepcopy(member).fit(known)
            predicted[held_out, column] = model.predict(asked.user, asked.item)
            seconds[column] += time.process_time() - started
    return predicted, seconds


def rating_pool(
    members: Mapping[str, RatingPredictor],
    train: Interactions,
    test: Interactions,
    *,
    n_folds: int = 5,
    rng: int | np.random.Generator = 0,
) -> RatingPool:
    """Do the members' work of one training part, once for all ways to fuse them.

    Of `test`, the users and items are read, never the ratings. Parameters and errors are those of
    `out_of_fold`.
    """
    fold = inner_folds(len(train), n_folds, rng)
    held_out, seconds = predict_folds(members, train, fold)
    predictions, in_sample = np.empty((len(test), len(members))), np.empty_like(held_out)
    for column, member in enumerate(members.values()):
        started = time.process_time()
        model = copy.deepcopy(member).fit(train)
        predictions[:, column] = model.predict(test.user, test.item)
        seconds[column] += time.process_time() - started
        in_sample[:, column] = model.predict(train.user, train.item)
    return RatingPool(
        tuple(members), train, fold, held_out, test.user, test.item, predictions, in_sample, seconds
    )
