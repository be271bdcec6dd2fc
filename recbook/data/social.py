"""A simulated social network: friends are alike, and friends influence each other; two dials."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions

FACTORS = 4
NEVER = np.iinfo(np.int32).max
_SECONDS_A_WEEK = 604_800
_MEETINGS = 1_000  # for each friendship; more, and the people are too unlike


@dataclass(frozen=True, eq=False)
class SocialWorld:
    """People, their friendships, what they adopted when, and the truth behind it.

    Parameters
    ----------
    friends_since : int32 array (n_users, n_users)
        The week in which a friendship began, symmetric: -1 before the first week, NEVER for none.
    adopted : int32 array (n_users, n_items)
        The week in which a user adopted an item, NEVER for not at all; -1 for a free sample.
    rates : float64 array (n_users, n_items)
        Truth: adoptions a week that taste and quality alone would cause.
    user_tastes, item_tastes : float64 arrays (n_users, FACTORS), (n_items, FACTORS)
        Truth: rates are proportional to exp(quality + taste · taste).
    homophily, influence : float
        Truth: the two dials.
    n_weeks : int
        Weeks watched: 0 … n_weeks − 1.
    """

    friends_since: np.ndarray = field(repr=False)
    adopted: np.ndarray = field(repr=False)
    rates: np.ndarray = field(repr=False)
    user_tastes: np.ndarray = field(repr=False)
    item_tastes: np.ndarray = field(repr=False)
    homophily: float
    influence: float
    n_weeks: int

    def friends(self, before_week: int | None = None) -> np.ndarray:
        """Return who was whose friend before a week, bool (n_users, n_users); all where None."""
        return self.friends_since < (NEVER if before_week is None else before_week)

    def has(self, before_week: int) -> np.ndarray:
        """Return who had what before a week, bool (n_users, n_items)."""
        return self.adopted < before_week

    def interactions(self) -> Interactions:
        """Return the adoptions, without free samples, one event each; a week is 604,800 s."""
        user, item = np.nonzero((self.adopted >= 0) & (self.adopted < NEVER))
        week = self.adopted[user, item].astype(np.int64)
        order = np.lexsort((item, user, week))
        n_users, n_items = self.adopted.shape
        return Interactions(
            user[order], item[order], np.ones(len(order)), _SECONDS_A_WEEK * week[order],
            users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items),
        )  # fmt: skip


def simulate_social(
    n_users: int = 400,
    n_items: int = 120,
    *,
    homophily: float = 3.0,
    influence: float = 0.0,
    mean_friends: float = 8.0,
    closure: float = 0.3,
    n_weeks: int = 30,
    samples: float = 0.0,
    rate: float = 0.0015,
    seed: int | np.random.Generator = 0,
) -> SocialWorld:
    """Simulate a network and the spread of items through it.

    Two people who meet become friends with a chance that grows with exp(`homophily` × the cosine of
    their tastes). In week w, user u adopts item i, which she has not, with the chance

        1 − exp(−r(u, i) · (1 + m)^`influence`),   r(u, i) = c · exp(q_i + p_u · p_i),

    where m counts the friends who had i before week w, and c makes the mean of r equal to `rate`.
    With `influence` 0 friends do nothing. Each draw has a stream of its own: worlds of one seed
    share people, and those of one homophily share friendships, whatever the influence.

    Parameters
    ----------
    n_users, n_items, n_weeks : int
    homophily, influence : float
        The dials, at least 0 and finite.
    mean_friends : float
        Friends a person has on average when the weeks begin; a quarter as many again come later,
        evenly over the weeks.
    closure : float
        The share of meetings through a common friend; of the friendships it is more, since friends'
        friends are alike.
    samples : float
        The chance that a person is given an item before the first week: free samples, at random.
    rate : float
        The mean of r, adoptions a week; at least 0.
    seed : int or numpy.random.Generator

    Raises
    ------
    ValueError
        If a dial is below 0 or infinite, a share is outside 0 … 1, there are too few people for the
        friends, or homophily is so high that too few of those who meet become friends.

    References
    ----------
    Shalizi and Thomas: Homophily and contagion are generically confounded in observational social
    network studies. Sociological Methods & Research 40 (2011), doi:10.1177/0049124111404820.

    Examples
    --------
    >>> world = simulate_social(50, 20, mean_friends=4, influence=1.0, seed=1)
    >>> bool((world.friends() == world.friends().T).all())
    True
    """
    for name, value in (("homophily", homophily), ("influence", influence), ("rate", rate)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} must be finite and at least 0, got {value!r}")
    for name, value in (("closure", closure), ("samples", samples)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {value!r}")
    if n_weeks < 1 or not 0 < mean_friends <= n_users / 5:
        raise ValueError(
            f"mean_friends must be above 0 and at most a fifth of the {n_users} users, and n_weeks "
            f"at least 1; got {mean_friends!r} and {n_weeks!r}"
        )
    people, meetings, spread, gifts = np.random.default_rng(seed).spawn(4)
    user_tastes = people.normal(size=(n_users, FACTORS))
    item_tastes = 0.6 * people.normal(size=(n_items, FACTORS))
    rates = np.exp(0.7 * people.normal(size=n_items) + user_tastes @ item_tastes.T)
    rates *= rate / rates.mean()
    since = _befriend(user_tastes, homophily, closure, mean_friends, n_weeks, meetings)
    # The first week whose summed hazard passes an exponential number is that of the adoption.
    patience = spread.exponential(size=rates.shape)
    given = gifts.random(rates.shape) < samples
    adopted = np.where(given, -1, NEVER).astype(np.int32)
    for week in range(n_weeks):
        friends_with = (since < week).astype(np.float32) @ (adopted < week).astype(np.float32)
        patience -= rates * (1.0 + friends_with) ** influence
        adopted[(patience <= 0) & (adopted == NEVER)] = week
    return SocialWorld(
        since, adopted, rates, user_tastes, item_tastes, homophily, influence, n_weeks
    )


def _befriend(
    tastes: np.ndarray,
    homophily: float,
    closure: float,
    mean_friends: float,
    n_weeks: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the week in which each two became friends."""
    n = len(tastes)
    unit = tastes / np.linalg.norm(tastes, axis=1, keepdims=True)
    cosine = unit @ unit.T
    friends: list[list[int]] = [[] for _ in range(n)]
    since = np.full((n, n), NEVER, dtype=np.int32)
    early, late = round(n * mean_friends / 2), round(n * mean_friends / 8)
    made, met = 0, 0
    while made < early + late:
        met += 1
        if met > _MEETINGS * (early + late):
            raise ValueError(f"too few become friends at homophily {homophily!r}; give a lower one")
        u = int(rng.integers(n))
        through = friends[u][rng.integers(len(friends[u]))] if friends[u] else -1
        by_friend = through >= 0 and rng.random() < closure
        v = int(friends[through][rng.integers(len(friends[through]))] if by_friend
                else rng.integers(n))  # fmt: skip
        if u == v or since[u, v] != NEVER:
            continue
        if rng.random() < np.exp(homophily * (cosine[u, v] - 1)):
            friends[u].append(v)
            friends[v].append(u)
            since[u, v] = since[v, u] = -1 if made < early else (made - early) * n_weeks // late
            made += 1
    return since
