"""When the shoppers come: a skewed activity and three cycles, of the year, the week and the day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.shop.market import DAYS, FIRST_DAY, WEEKS
from recbook.data.shop.stream import Stream

VISITS = 17.0  # mean visits per user and year, beside the one that everybody makes
DAY = 86_400


def make_calendar(users: pd.DataFrame, truth_users: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return when each visit begins: user (position), start (s since the year began), nth of user.

    Activity is skewed; visits follow a yearly, a weekly and a daily cycle; nobody visits before
    signing up. Rows are in order of time.
    """
    draw = Stream(seed, "calendar")
    activity = truth_users["activity"].to_numpy()
    mean = np.clip(VISITS * activity / activity.mean(), 0.5, 80)
    count = 1 + draw.poisson(mean)
    user = np.repeat(np.arange(len(users)), count)

    day = np.arange(DAYS)
    week = day // 7
    weight = 1 + 0.15 * np.cos(2 * np.pi * (week - 48) / WEEKS)
    weight *= np.where(np.isin(week, (44, 45)), 1.5, 1.0) * np.where(week >= 50, 1.25, 1.0)
    weekday = (FIRST_DAY.astype(int) + day + 3) % 7  # 0 is Monday
    weight *= np.array([0.9, 0.9, 0.95, 1.0, 1.1, 1.3, 1.2])[weekday]
    days_done = np.concatenate([[0], np.cumsum(np.rint(weight * 1e6))])
    hour = np.array(
        [1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 11, 14, 12, 9, 9, 9, 10, 12, 16, 20, 18, 10, 4]
    )
    hours_done = np.concatenate([[0], np.cumsum(hour)])

    signup = np.array(users["signup"].tolist(), dtype="datetime64[D]")
    first = np.maximum((signup - FIRST_DAY).astype(int), 0)[user]
    ticket = days_done[first] + draw.uniform(len(user)) * (days_done[-1] - days_done[first])
    day_of = np.searchsorted(days_done, ticket, side="right") - 1
    ticket = draw.uniform(len(user)) * hours_done[-1]
    hour_of = np.searchsorted(hours_done, ticket, side="right") - 1
    start = day_of * DAY + hour_of * 3600 + draw.integers(3600, len(user))
    by_user = np.lexsort((start, user))
    nth = np.empty(len(user), dtype=np.int64)
    nth[by_user] = np.arange(len(user)) - np.searchsorted(user[by_user], user[by_user])
    calendar = pd.DataFrame({"user": user, "start": start, "nth": nth})
    return calendar.iloc[np.lexsort((nth, user, start))].reset_index(drop=True)
