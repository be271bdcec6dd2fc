"""The protocols that every chapter uses, so that results can be laid side by side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.data.splits import positions_from_end
from recbook.evaluation.tasks import METRICS, TopNTask, Window, evaluate, leaderboard

__all__ = [
    "METRICS",
    "TopNTask",
    "Window",
    "evaluate",
    "journey_tasks",
    "leaderboard",
    "movielens_task",
    "rating_folds",
]

_SECONDS_A_DAY = 86_400
JOURNEY_CUT = "2017-12-04 05:00"  # UTC: midnight in the stores, when week 50 begins


def rating_folds(
    interactions: Interactions, *, n_folds: int = 5, seed: int = 0
) -> Iterator[tuple[Interactions, Interactions]]:
    """Yield the (train, test) folds of Surprise's `KFold(n_splits=5, random_state=0)`.

    Parameters
    ----------
    interactions : Interactions
        The ratings in the order of their file.
    n_folds : int
    seed : int
        Of the shuffle; 0 gives the folds of every chapter.

    Yields
    ------
    (train, test) : pair of Interactions
        In the order that Surprise hands the ratings to its models.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds or fewer ratings than folds.

    References
    ----------
    Hug: Surprise: A Python library for recommender systems, JOSS 5 (2020).

    Examples
    --------
    >>> ratings = Interactions.from_frame(pd.DataFrame({"user_id": range(6), "item_id": [1] * 6}))
    >>> [len(test) for train, test in rating_folds(ratings)]
    [2, 1, 1, 1, 1]
    """
    n = len(interactions)
    if not 2 <= n_folds <= n:
        raise ValueError(f"n_folds must be between 2 and the {n} ratings, got {n_folds}")
    order = np.arange(n)
    np.random.RandomState(seed).shuffle(order)  # the legacy generator is what Surprise uses
    parts = np.array_split(order, n_folds)  # the first n % n_folds parts are one longer
    for fold, held_out in enumerate(parts):
        kept = np.concatenate(parts[:fold] + parts[fold + 1 :])
        yield interactions.select(kept), interactions.select(held_out)


def journey_tasks(
    purchases: Interactions,
    *,
    cut: int | str | pd.Timestamp = JOURNEY_CUT,
    window_days: int = 28,
    n_earlier: int = 1,
    min_users: int = 20,
) -> dict[str, TopNTask]:
    """Return the two shopping tasks: "repeat", the next purchases, and "new", discovery.

    Time is cut for everyone at once. Test is the `window_days` after the cut, validation the same
    length before it, earlier windows before that. In "repeat", everything bought in the window is
    relevant. In "new" only what the household never bought before is, and what it bought before
    may not be recommended.

    Parameters
    ----------
    purchases : Interactions
        One event for each basket and product, with times.
    cut : seconds since 1970, date or Timestamp (UTC)
        The first moment of the test window.
    window_days : int
    n_earlier : int
        Windows before validation, for training stackers.
    min_users : int
        Candidates are the products that so many users bought before the window begins, so that the
        choice of candidates does not look ahead either.

    Returns
    -------
    dict of str to TopNTask

    Raises
    ------
    ValueError
        If the purchases have no times or do not reach far enough back or ahead.

    Examples
    --------
    >>> events = Interactions.from_frame(pd.DataFrame({
    ...     "user_id": [1, 2, 1, 2], "item_id": list("abba"),
    ...     "second": [86_400 * day for day in (1, 1, 4, 6)]}), time="second")
    >>> tasks = journey_tasks(events, cut=6 * 86_400, window_days=2, n_earlier=0, min_users=1)
    >>> tasks["new"].relevant("test").toarray()
    array([[0., 0.],
           [1., 0.]], dtype=float32)
    """
    if not purchases.has_time:
        raise ValueError("these purchases have no times; build the Interactions with time=")
    cut = int(
        pd.Timestamp(cut, unit="s" if isinstance(cut, int | np.integer) else None).timestamp()
    )
    repeat, new = {}, {}
    for place in range(n_earlier + 2):
        name = _window_name(place)
        start = cut - place * window_days * _SECONDS_A_DAY
        inside = (purchases.time >= start) & (purchases.time < start + window_days * _SECONDS_A_DAY)
        known, held_out = purchases.select(purchases.time < start), purchases.select(inside)
        if not len(known) or not len(held_out):
            raise ValueError(
                f"there are no purchases {'before' if len(held_out) else 'in'} the {name} window, "
                f"which begins at {pd.Timestamp(start, unit='s')} UTC; move the cut"
            )
        had = known.matrix("binary")
        candidates = np.bincount(had.indices, minlength=had.shape[1]) >= min_users
        bought = _keep_columns(held_out.matrix("binary"), candidates)
        fresh = bought - bought.multiply(had)
        fresh = sparse.csr_array(fresh)
        fresh.eliminate_zeros()
        repeat[name] = Window(known, held_out, bought, candidates)
        new[name] = Window(known, held_out, fresh, candidates, exclude=had)
    return {"repeat": TopNTask("repeat", repeat), "new": TopNTask("new", new)}


def movielens_task(
    ratings: Interactions,
    *,
    min_rating: float = 4,
    min_positives: int = 25,
    n_held_out: int = 5,
    n_earlier: int = 1,
) -> TopNTask:
    """Return the film task: from what a user rated, the next films she rates highly.

    A positive is a rating of at least `min_rating`. Users with `min_positives` or more are judged:
    their last `n_held_out` positives are test, the ones before validation, the ones before those
    train stackers. Before each window, everything the user rated from its first positive on is
    unknown. Users who are not judged are known whole, so others' later ratings are in training: a
    cut at one moment for everyone would be stricter, but the ratings of most users were entered
    in a sitting or two.

    Parameters
    ----------
    ratings : Interactions
        All ratings with times; equal times keep the order of the events.
    min_rating : float
    min_positives, n_held_out, n_earlier : int

    Returns
    -------
    TopNTask
        `fit_on` holds positives only; what the user rated, low ratings too, may not be recommended.

    Raises
    ------
    ValueError
        If `min_positives` leaves no positive before the earliest window, or nobody has so many.
    """
    if min_positives <= n_held_out * (n_earlier + 2):
        raise ValueError(
            f"min_positives must be above {n_held_out * (n_earlier + 2)}, the positives held out "
            f"in {n_earlier + 2} windows, got {min_positives}"
        )
    from_end = positions_from_end(ratings)
    positive = np.flatnonzero(ratings.value >= min_rating)
    liked = ratings.select(positive)
    place_of = positions_from_end(liked) // n_held_out
    judged = np.bincount(liked.user, minlength=liked.n_users) >= min_positives
    if not judged.any():
        raise ValueError(f"no user has {min_positives} ratings of at least {min_rating}")
    windows = {}
    for place in range(n_earlier + 2):
        inside = judged[liked.user] & (place_of == place)
        held_out = liked.select(inside)
        edge = np.full(ratings.n_users, -1)  # users not judged: no event is late
        np.maximum.at(edge, held_out.user, from_end[positive[inside]])
        early = from_end > edge[ratings.user]
        windows[_window_name(place)] = Window(
            known=liked.select(early[positive]),
            held_out=held_out,
            relevant=held_out.matrix("binary"),
            candidates=np.ones(ratings.n_items, dtype=bool),
            exclude=ratings.select(early).matrix("binary"),
            users=np.flatnonzero(judged),
        )
    return TopNTask("movielens", windows)


def _window_name(place: int) -> str:
    return ("test", "validation")[place] if place < 2 else f"earlier_{place - 1}"


def _keep_columns(matrix: sparse.csr_array, keep: np.ndarray) -> sparse.csr_array:
    matrix = matrix.copy()
    matrix.data *= keep[matrix.indices]
    matrix.eliminate_zeros()
    return matrix
