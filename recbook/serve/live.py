"""A recommender that every event changes at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from recbook.models.base import check_at_least
from recbook.serve.decay import ForwardDecay
from recbook.serve.event import KINDS, Event
from recbook.serve.events import EventLog
from recbook.serve.weights import ItemWeights

EVENT_WEIGHTS = MappingProxyType({"view": 1.0, "cart": 3.0, "purchase": 5.0})


class Recommendation(NamedTuple):
    """An item and its score, which is above 0."""

    item: str
    score: float


class LiveRecommender:
    """Decayed counts and the item weights of a fitted model, brought up to date event by event.

    With x the shares of the user's decayed and weighted events in each item, p the shares of all
    users' (with a half-life of its own) and W the item weights, the score of an item i is

        personal · x_i + related · (x W)_i + popular · p_i.

    Shares do not change as time goes by, only with events: all events of a user decay alike. So a
    list stays right until something happens, and can be kept. A user's own events are in her next
    list, always. p is a copy taken whenever the number of events is a multiple of `popular_every`:
    with 1, lists are always exact; with more, they may miss the last `popular_every` − 1 events in
    p, and only there. A list is kept until its user has a new event or p is copied anew.

    An event costs a fixed number of additions, whatever came before it. The state depends on which
    events were applied and, but for rounding, not on their order; applied in the order of a log, it
    is the same to the last digit after each replay. Users and items need not be known before. Safe
    to use from several threads.

    Parameters
    ----------
    weights : ItemWeights, optional
        Without them `related` plays no part.
    half_life_days, popular_half_life_days : float
        Of what a user did, and of popularity.
    event_weights : mapping of kind to float, above 0
        What a view, a cart and a purchase count. The quantity is kept in the log and not used: ten
        tins bought at once are one decision.
    personal, related, popular : float, at least 0
    popular_every : int
    max_cached : int
        Lists kept, those used last.
    longest : int
        The longest list that can be asked for.

    Attributes
    ----------
    items : list of str
        The ids, those of the weights first.
    n_events, position : int
        Events applied; position in the log that `follow` has reached.
    hits, misses : int
        Lists found in the cache, and lists computed.

    Examples
    --------
    >>> live = LiveRecommender()
    >>> live.apply([Event("1", "view", "ann", "tea", 0), Event("2", "view", "bo", "milk", 0)])
    >>> [item for item, score in live.recommend("ann", exclude_seen=True)]
    ['milk']
    """

    def __init__(
        self,
        weights: ItemWeights | None = None,
        *,
        half_life_days: float = 90.0,
        popular_half_life_days: float = 14.0,
        event_weights: Mapping[str, float] = EVENT_WEIGHTS,
        personal: float = 1.0,
        related: float = 1.0,
        popular: float = 0.1,
        popular_every: int = 1,
        max_cached: int = 100_000,
        longest: int = 100,
    ) -> None:
        if set(event_weights) != set(KINDS):
            raise ValueError(f"event_weights needs {', '.join(KINDS)}, got {[*event_weights]}")
        for name, value in event_weights.items():
            if not value > 0:
                raise ValueError(f"the weight of a {name} must be above 0, got {value!r}")
        for name, value in (("personal", personal), ("related", related), ("popular", popular)):
            check_at_least(name, value, 0)
        least = {"popular_every": popular_every, "max_cached": max_cached, "longest": longest}
        for name, value in least.items():
            check_at_least(name, value, 1)
        self.personal, self.related, self.popular = personal, related, popular
        self.event_weights = dict(event_weights)
        self.popular_every, self.max_cached, self.longest = popular_every, max_cached, longest
        self._matrix = None if weights is None else weights.matrix
        self.items = [] if weights is None else list(weights.items)
        self._place = {item: place for place, item in enumerate(self.items)}
        self._own_decay = ForwardDecay(half_life_days)
        self._all_decay = ForwardDecay(popular_half_life_days)
        self._own: dict[str, dict[int, float]] = {}  # user -> item's place -> decayed weight
        self._version: dict[str, int] = {}  # user -> number of her events
        self._counts = np.zeros(max(16, len(self.items)))  # longer than the items: room to grow
        self._shares, self._shares_of = np.zeros(0), 0  # p, and the events it was copied after
        self._cache: OrderedDict[tuple, tuple] = OrderedDict()
        self.n_events = self.position = self.hits = self.misses = 0
        self._lock = threading.Lock()
        self._following = threading.Lock()

    def apply(self, events: Iterable[Event]) -> None:
        """Learn from events that come for the first time; `follow` sees to that."""
        with self._lock:
            for event in events:
                self._learn(event)

    def follow(self, log: EventLog) -> int:
        """Learn from everything in the log after `position`, in its order; return the position.

        Each event is learnt once, whoever calls and however often. An empty recommender that
        follows a log is what any other is that has followed it.
        """
        with self._following:  # not the other lock: lists are served while the disk is waited for
            while rows := log.read(self.position):
                with self._lock:
                    for position, event in rows:
                        self._learn(event)
                        self.position = position
            return self.position

    def knows(self, user: str) -> bool:
        """Return whether the user has any event."""
        return user in self._own

    def recommend(
        self, user: str, k: int = 10, *, exclude_seen: bool = False
    ) -> list[Recommendation]:
        """Return the `k` best items with a score above 0, best first.

        Parameters
        ----------
        user : str
            One without events gets what is popular.
        k : int
            At most `longest`.
        exclude_seen : bool
            Leave out what the user has an event with.
        """
        if not 1 <= k <= self.longest:
            raise ValueError(f"k must be between 1 and {self.longest}, got {k!r}")
        with self._lock:
            # Strangers share one list, so that made-up names cannot fill the cache.
            key = (user, exclude_seen) if user in self._own else (None, False)
            state = (self._version.get(user, 0), self.n_events // self.popular_every)
            kept = self._cache.get(key)
            if kept is not None and kept[0] == state:
                self.hits += 1
                self._cache.move_to_end(key)
                return kept[1][:k]
            self.misses += 1
            best = self._best(user, exclude_seen)
            self._cache[key] = (state, best)
            self._cache.move_to_end(key)
            if len(self._cache) > self.max_cached:
                self._cache.popitem(last=False)
            return best[:k]

    def scores(self, user: str) -> dict[str, float]:
        """Return the score of every item, by its id."""
        with self._lock:
            return dict(zip(self.items, self._score(user).tolist(), strict=True))

    def _learn(self, event: Event) -> None:
        place = self._place.get(event.item)
        if place is None:
            place = self._place[event.item] = len(self.items)
            self.items.append(event.item)
            if place == len(self._counts):
                self._counts = np.concatenate([self._counts, np.zeros(place)])
        worth = self.event_weights[event.kind]
        if moved := self._all_decay.advance(event.time):
            self._counts *= 2.0**-moved
        self._counts[place] += worth * self._all_decay.weight(event.time)
        if moved := self._own_decay.advance(event.time):
            factor = 2.0**-moved
            for one in self._own.values():
                for other in one:
                    one[other] *= factor
        own = self._own.setdefault(event.user, {})
        own[place] = own.get(place, 0.0) + worth * self._own_decay.weight(event.time)
        self._version[event.user] = self._version.get(event.user, 0) + 1
        self.n_events += 1
        if self.popular_every > 1 and self.n_events % self.popular_every == 0:
            self._copy_shares()

    def _copy_shares(self) -> None:
        counts = self._counts[: len(self.items)]
        total = counts.sum()
        self._shares = counts / total if total > 0 else np.zeros(len(counts))
        self._shares_of = self.n_events

    def _score(self, user: str) -> np.ndarray:
        if self.popular_every == 1 and self._shares_of != self.n_events:
            self._copy_shares()
        scores = np.zeros(len(self.items))
        scores[: len(self._shares)] = self.popular * self._shares
        own = self._own.get(user, {})
        places = np.fromiter(own, dtype=np.int64, count=len(own))
        shares = np.fromiter(own.values(), dtype=float, count=len(own))
        total = shares.sum()
        if total <= self._own_decay.negligible:  # nothing, or all of it forgotten
            return scores
        shares /= total
        scores[places] += self.personal * shares
        if self._matrix is not None and self.related:
            fitted = places < self._matrix.shape[0]
            part = self._matrix[places[fitted]]
            values = np.repeat(shares[fitted], np.diff(part.indptr)) * part.data
            added = np.bincount(part.indices, values, minlength=self._matrix.shape[1])
            scores[: len(added)] += self.related * added
        return scores

    def _best(self, user: str, exclude_seen: bool) -> list[Recommendation]:
        scores = self._score(user)
        if exclude_seen:
            scores[list(self._own.get(user, ()))] = 0.0
        good = np.flatnonzero(scores > 0)
        if len(good) > self.longest:
            values = scores[good]
            least = np.partition(values, len(values) - self.longest)[-self.longest]
            good = good[values >= least]  # equal scores in the order of their places
        order = good[np.argsort(-scores[good], kind="stable")][: self.longest]
        return [Recommendation(self.items[place], float(scores[place])) for place in order]
