"""What is held out, so that choices and judgement stand on likes that no model has seen."""

from __future__ import annotations

import numpy as np

from recbook.data.interactions import Interactions
from recbook.data.splits import positions_from_end
from recbook.evaluation.tasks import TopNTask, Window
from recbook.project.findings import ProjectError
from recbook.project.source import MIN_EVENTS, MIN_KNOWN_USERS, Source

MIN_JUDGED = 10  # users in each window
ENOUGH = 100  # judged users, or
ENOUGH_SHARE = 0.2  # this share of all, make one cut for everyone good enough


def make_task(source: Source, *, rng: int | np.random.Generator = 0) -> tuple[TopNTask, str]:
    """Hold out likes for validation and for test.

    With times there is one cut for everyone: the last tenth of the events is test, the tenth before
    validation. Where that leaves too few users to judge, the last fifth of each user's own events
    is test, the fifth before validation; without times, fifths drawn at random.

    Models are fitted on likes; what a user has rated, low ratings too, is not recommended to her
    again. Low ratings are held out like the others, so that they do not help by their absence.

    Returns
    -------
    task : TopNTask
        With the windows "validation" and "test".
    how : str
        How it was split, in words.

    Raises
    ------
    ProjectError
        If there is too little to hold anything out.
    """
    events = source.interactions
    users = int((np.bincount(events.user, minlength=events.n_users) > 0).sum())
    tried = []
    if events.has_time:
        tried.append((_at_one_moment(events), "one cut in time for everyone (80 %, 90 %)"))
        last = positions_from_end(events)
        how = "each user's last fifth of events (one cut for everyone would judge too few users)"
        tried.append((_of_each_user(events, last), how))
    else:
        n, shuffled = len(events), np.random.default_rng(rng)
        order = np.lexsort((shuffled.random(n), events.user))
        how = "a fifth of each user's events, drawn at random (there are no times)"
        tried.append((_of_each_user(events, _places_in(order, events)), how))
    judged: dict = {}
    for number, (part, how) in enumerate(tried):
        windows = {
            name: _window(source, part, place) for name, place in (("test", 2), ("validation", 1))
        }
        judged = {name: len(window.users) for name, window in windows.items()}
        least = MIN_JUDGED
        if number + 1 < len(tried):
            least = min(ENOUGH, max(MIN_JUDGED, ENOUGH_SHARE * users))
        if min(judged.values()) >= least:
            return TopNTask(source.name, windows), how
    raise ProjectError(
        f"{source.name}: {len(events):,} events of {users:,} users on {events.n_items:,} items are "
        f"too few to learn from and to judge on, as only {min(judged.values())} users could be "
        f"judged and {MIN_JUDGED} are needed; bring more users with at least {MIN_EVENTS} likes "
        "each, of items that others like too"
    )


def candidates_of(known: Interactions) -> np.ndarray:
    """Return which items may be recommended, bool (n_items,): those that two users took."""
    taken = known.matrix("binary")
    return np.bincount(taken.indices, minlength=known.n_items) >= MIN_KNOWN_USERS


def _window(source: Source, part: np.ndarray, place: int) -> Window:
    events, likes = source.interactions, source.likes
    known = events.select((part < place) & likes)
    held_out = events.select((part == place) & likes)
    candidates = candidates_of(known)
    relevant = held_out.matrix("binary")
    relevant.data *= candidates[relevant.indices]
    relevant.eliminate_zeros()
    had = events.select(part < place).matrix("binary")
    return Window(known, held_out, relevant, candidates, exclude=had)


def _at_one_moment(events: Interactions) -> np.ndarray:
    """Return the part of each event: 0 known, 1 validation, 2 test."""
    first, second = np.quantile(events.time, [0.8, 0.9])
    return (events.time > first).astype(int) + (events.time > second)


def _of_each_user(events: Interactions, from_end: np.ndarray) -> np.ndarray:
    n = np.bincount(events.user, minlength=events.n_users)[events.user]
    fifth = np.maximum(1, n // 5)
    part = 2 - np.minimum(2, from_end // fifth)
    part[n < MIN_EVENTS] = 0
    return part


def _places_in(order: np.ndarray, events: Interactions) -> np.ndarray:
    """Return for each event how many of its user's come before it in `order`, sorted by user."""
    counts = np.bincount(events.user, minlength=events.n_users)
    first = np.cumsum(counts) - counts
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) - first[events.user[order]]
    return place
