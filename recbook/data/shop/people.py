"""The shoppers: attributes, tastes that partly follow from them, and friends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.shop.catalogue import FACTORS
from recbook.data.shop.market import DAYS, FIRST_DAY
from recbook.data.shop.stream import Stream
from recbook.data.shop.words import CITIES, REGIONS

ATTRIBUTES = ("age", "female", *REGIONS)
HOMOPHILY = 2.5  # weight of the cosine of two tastes in the choice of a friend


def make_users(
    n_users: int, *, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Make the users, what is true of them, what their attributes do, and their friends.

    Parameters
    ----------
    n_users : int
    seed : int

    Returns
    -------
    users : pandas.DataFrame (n_users rows)
        user_id, age (years), sex ("F", "M"), city, region, language ("en", "zh"), signup (date,
        "YYYY-MM-DD"). Nobody is missing an attribute here; in the dirty copy some are.
    truth : pandas.DataFrame (n_users rows)
        user_id, activity (expected visits a year), openness (added to every utility), leniency
        (added to every rating) and the taste vector t1 … t8.
    effects : pandas.DataFrame (6 rows)
        What an attribute adds to a taste vector: `attribute`, t1 … t8. Age counts in units of 15
        years from 40, "female" as ±1/2, a region as 0 or 1.
    friends : pandas.DataFrame
        Pairs user_id < friend_id; people of like taste are likelier to be friends.
    """
    draw = Stream(seed, "users")
    city = draw.pick(np.array([5.0, 2, 5, 2, 3, 3, 2, 1]), n_users)
    region = np.array([REGIONS.index(r) for _, _, r in CITIES])[city]
    # The North is older: where its ages are missing more often, the mean of the rest is biased.
    age = np.rint(36 + 12 * (region == 0) + 11 * draw.normal(n_users)).clip(18, 80)
    female = draw.uniform(n_users) < 0.55
    english = draw.uniform(n_users) < 0.35
    newcomer = draw.uniform(n_users) < 0.2
    before, within = 1 + draw.integers(700, n_users), draw.integers(DAYS - 60, n_users)
    day = np.where(newcomer, within, -before)

    users = pd.DataFrame(
        {
            "user_id": np.arange(1, n_users + 1),
            "age": age.astype(np.int64),
            "sex": np.where(female, "F", "M").tolist(),
            "city": [CITIES[c][0] for c in city],
            "region": [REGIONS[r] for r in region],
            "language": np.where(english, "en", "zh").tolist(),
            "signup": (FIRST_DAY + day.astype("timedelta64[D]")).astype(str).tolist(),
        }
    )
    effects = np.round(0.45 * draw.normal(len(ATTRIBUTES), FACTORS), 4)
    coded = np.column_stack(
        [(age - 40) / 15, female - 0.5, *(region == r for r in range(len(REGIONS)))]
    )
    tastes = np.round(coded @ effects + 0.8 * draw.normal(n_users, FACTORS), 4)
    truth = pd.DataFrame(
        {
            "user_id": users["user_id"],
            "activity": np.round(np.exp(0.7 * draw.normal(n_users)), 4),
            "openness": np.round(0.3 * draw.normal(n_users), 4),
            "leniency": np.round(0.4 * draw.normal(n_users), 4),
        }
    )
    names = [f"t{f + 1}" for f in range(FACTORS)]
    truth[names] = tastes
    planted = pd.DataFrame(effects, columns=names)
    planted.insert(0, "attribute", list(ATTRIBUTES))
    return users, truth, planted, _friends(tastes, seed=seed)


def _friends(tastes: np.ndarray, *, seed: int) -> pd.DataFrame:
    draw = Stream(seed, "friends")
    n = len(tastes)
    met = draw.integers(n, n, 30)
    length = np.sqrt((tastes**2).sum(axis=1))
    cosine = (tastes[:, None, :] * tastes[met]).sum(axis=2) / (length[:, None] * length[met])
    gumbel = -np.log(-np.log(draw.uniform(n, 30) + 2.0**-54))
    score = np.round(HOMOPHILY * cosine + gumbel, 9)
    best = np.argsort(-score, axis=1, kind="stable")[:, :4]
    wanted = 1 + draw.integers(4, n)  # one to four friends are chosen, more may choose her
    chooser = np.repeat(np.arange(n), 4)
    chosen = np.take_along_axis(met, best, axis=1).ravel()
    kept = (np.tile(np.arange(4), n) < wanted[chooser]) & (chooser != chosen)
    pairs = np.sort(np.column_stack([chooser[kept], chosen[kept]]), axis=1)
    pairs = np.unique(pairs, axis=0) + 1
    return pd.DataFrame({"user_id": pairs[:, 0], "friend_id": pairs[:, 1]})
