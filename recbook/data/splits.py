"""Splits of events into train, validation and test parts that share their indexes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions


@dataclass(frozen=True, eq=False)
class Split:
    """Train, validation and test events with one user index and one item index.

    Parameters
    ----------
    train, test : Interactions
    validation : Interactions, optional
        What choices are made on; None where nothing is chosen.

    Raises
    ------
    ValueError
        If a part is empty, the indexes differ, or one event (same user, item and time) stands in
        two parts. Events without a clock cannot be told apart, so there only a part given twice is
        noticed.
    """

    train: Interactions
    validation: Interactions | None
    test: Interactions

    def __post_init__(self) -> None:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        parts = {name: part for name, part in parts.items() if part is not None}
        for name, part in parts.items():
            if len(part) == 0:
                raise ValueError(f"the {name} part has no events; move the cut or hold out less")
            if not (part.users.equals(self.train.users) and part.items.equals(self.train.items)):
                raise ValueError(
                    f"train and {name} have different indexes; cut both out of one Interactions"
                )
        names = list(parts)
        for place, first in enumerate(names):
            for second in names[place + 1 :]:
                shared = count_shared_events(parts[first], parts[second])
                if shared:
                    raise ValueError(
                        f"{shared} events stand in both {first} and {second}; "
                        "an event may be in one part only (drop repeated events before you split)"
                    )


def count_shared_events(first: Interactions, second: Interactions) -> int:
    """Count the distinct (user, item, time) that two parts with the same indexes have in common.

    Without a clock the answer is 0, or all of them where both parts are one object.

    Examples
    --------
    >>> events = Interactions.from_frame(pd.DataFrame(
    ...     {"user_id": [1, 1], "item_id": [1, 2], "time": [5, 6]}), time="time")
    >>> count_shared_events(events, events.select([0]))
    1
    """
    if first is second:
        return len(first)
    if not (first.has_time and second.has_time and len(first) and len(second)):
        return 0
    if first.time.max() < second.time.min() or second.time.max() < first.time.min():
        return 0
    keys = [
        pd.DataFrame({"user": part.user, "item": part.item, "time": part.time}).drop_duplicates()
        for part in (first, second)
    ]
    return int(pd.concat(keys).duplicated().sum())


def random_k_fold(
    interactions: Interactions, n_folds: int = 5, *, rng: int | np.random.Generator | None = 0
) -> Iterator[tuple[Interactions, Interactions]]:
    """Yield (train, test) for each fold; every event is in exactly one test part.

    Parameters
    ----------
    interactions : Interactions
    n_folds : int
        At least 2; the first folds are one event longer where the number does not divide.
    rng : seed or numpy Generator

    Yields
    ------
    (train, test) : pair of Interactions
        Both keep the order of the events.

    Raises
    ------
    ValueError
        If there are fewer than 2 folds or fewer events than folds.

    Examples
    --------
    >>> events = Interactions.from_frame(pd.DataFrame({"user_id": [1] * 5, "item_id": range(5)}))
    >>> [len(test) for train, test in random_k_fold(events, 2)]
    [3, 2]
    """
    n = len(interactions)
    if not 2 <= n_folds <= n:
        raise ValueError(f"n_folds must be between 2 and the {n} events, got {n_folds}")
    order = np.random.default_rng(rng).permutation(n)
    bounds = np.cumsum([0, *(len(part) for part in np.array_split(order, n_folds))])
    for start, stop in pairwise(bounds):
        held_out = np.zeros(n, dtype=bool)
        held_out[order[start:stop]] = True
        yield interactions.select(~held_out), interactions.select(held_out)


def leave_last_out(
    interactions: Interactions, n_last: int = 1, *, n_validation: int | None = None
) -> Split:
    """Hold out the last events of every user, and the ones before them for validation.

    Other users' later events stay in training, so a model may know what became popular after the
    events it is tested on: `temporal_split` is stricter.

    Parameters
    ----------
    interactions : Interactions
        Needs times; events of one user at the same time keep the order they stand in.
    n_last : int
        Test events a user.
    n_validation : int, optional
        Validation events a user, as many as `n_last` where None; 0 for no validation part.

    Returns
    -------
    Split
        A user with no more than `n_last` + `n_validation` events is in training only.

    Raises
    ------
    ValueError
        If there are no times, or no user has enough events.

    Examples
    --------
    >>> events = Interactions.from_frame(pd.DataFrame(
    ...     {"user_id": [1, 1, 1], "item_id": list("abc"), "time": [3, 1, 2]}), time="time")
    >>> split = leave_last_out(events)
    >>> [str(part.frame()["item_id"][0]) for part in (split.train, split.validation, split.test)]
    ['b', 'c', 'a']
    """
    n_validation = n_last if n_validation is None else n_validation
    if n_last < 1 or n_validation < 0:
        raise ValueError(
            f"n_last must be at least 1 and n_validation at least 0, got {n_last}, {n_validation}"
        )
    from_end = positions_from_end(interactions)
    held_out = n_last + n_validation
    enough = np.bincount(interactions.user, minlength=interactions.n_users) > held_out
    if not enough.any():
        raise ValueError(f"no user has more than {held_out} events; hold out fewer a user")
    inside = enough[interactions.user]
    test = inside & (from_end < n_last)
    validation = inside & ~test & (from_end < held_out)
    return Split(
        train=interactions.select(~(test | validation)),
        validation=interactions.select(validation) if n_validation else None,
        test=interactions.select(test),
    )


def temporal_split(
    interactions: Interactions,
    cut: int | str | pd.Timestamp,
    *,
    validation_cut: int | str | pd.Timestamp | None = None,
    end: int | str | pd.Timestamp | None = None,
) -> Split:
    """Split everyone's events at the same moments: only what is before a cut is known.

    Parameters
    ----------
    interactions : Interactions
        Needs times.
    cut : seconds since 1970, date or Timestamp (UTC)
        Test is what happens from this moment on.
    validation_cut : as `cut`, optional
        Validation is what happens from here up to `cut`; no validation part where None.
    end : as `cut`, optional
        Test ends before this moment.

    Raises
    ------
    ValueError
        If there are no times, the moments are not in order, or a part comes out empty.

    Examples
    --------
    >>> events = Interactions.from_frame(pd.DataFrame(
    ...     {"user_id": [1, 2, 1], "item_id": list("abc"), "time": [10, 20, 30]}), time="time")
    >>> len(temporal_split(events, 20).test)
    2
    """
    _need_time(interactions)
    cut, validation_cut, end = (_to_seconds(moment) for moment in (cut, validation_cut, end))
    moments = [moment for moment in (validation_cut, cut, end) if moment is not None]
    if any(late <= early for early, late in pairwise(moments)):
        raise ValueError("the moments must be in the order validation_cut < cut < end")
    time = interactions.time
    known = time < (cut if validation_cut is None else validation_cut)
    test = (time >= cut) & (True if end is None else time < end)
    return Split(
        train=interactions.select(known),
        validation=None if validation_cut is None else interactions.select(~known & (time < cut)),
        test=interactions.select(test),
    )


def positions_from_end(interactions: Interactions) -> np.ndarray:
    """Return for each event how many later events its user has (int64 (n_events,)).

    Events at the same time count in the order they stand in.
    """
    _need_time(interactions)
    n = len(interactions)
    order = np.lexsort((np.arange(n), interactions.time, interactions.user))
    last = np.cumsum(np.bincount(interactions.user, minlength=interactions.n_users)) - 1
    from_end = np.empty(n, dtype=np.int64)
    from_end[order] = last[interactions.user[order]] - np.arange(n)
    return from_end


def _need_time(interactions: Interactions) -> None:
    if not interactions.has_time:
        raise ValueError(
            "these events have no times; build the Interactions with time= or split at random"
        )


def _to_seconds(moment) -> int | None:
    if moment is None or isinstance(moment, int | np.integer):
        return moment
    stamp = pd.Timestamp(moment)
    return int((stamp.tz_localize("UTC") if stamp.tz is None else stamp).timestamp())
