"""The households of the explorer page: which ones, what they bought before, what they bought next.

Products are column positions of `known` here; `explorer.py` turns them into places of the page.
"""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

PER_TYPE = 6  # households of each type
N_BASKETS = 6
TYPES = {
    "1 Adult No Kids": "One adult, no children",
    "2 Adults No Kids": "Two adults, no children",
    "1 Adult Kids": "One adult with children",
    "2 Adults Kids": "Two adults with children",
}
KIDS = {"1": "one child", "2": "two children", "3+": "three or more children"}
DEPARTMENTS = {
    "DRUG GM": "drugstore and household goods",
    "MEAT-PCKGD": "packaged meat",
    "SEAFOOD-PCKGD": "packaged seafood",
    "NUTRITION": "health food",
    "SALAD BAR": "the salad bar",
    "COSMETICS": "cosmetics",
    "GROCERY": "dry groceries and dairy",
    "PRODUCE": "fruit and vegetables",
    "MEAT": "fresh meat",
    "DELI": "the delicatessen counter",
    "PASTRY": "the bakery counter",
    "SPIRITS": "wine and spirits",
}


def choose_households(demographics: pd.DataFrame, known, pools: dict) -> pd.DataFrame:
    """Return the demographics of the households shown, by a rule that looks at no result.

    Of each type, the households that both tasks judge stand in the order of their ids, are cut
    into PER_TYPE parts of equal length, and the one in the middle of each part is taken.
    """
    judged = [known.users[pool.users] for pool in pools.values()]
    both = functools.reduce(lambda a, b: a.intersection(b), judged)
    rows = demographics.set_index("household_id")
    rows.index = rows.index.astype(known.users.dtype)
    rows = rows.loc[rows.index.isin(both)].sort_index()
    taken = []
    for kind in TYPES:
        own = rows[rows["household_comp"] == kind]
        middle = (2 * np.arange(PER_TYPE) + 1) * len(own) // (2 * PER_TYPE)
        taken.append(own.iloc[middle])
    return pd.concat(taken)


class History:
    """What households bought before the cut, in the words and numbers of the page."""

    def __init__(self, known, products: pd.DataFrame) -> None:
        self.known = known
        self.cut = int(known.time.max())
        department = products.set_index("product_id")["department"].loc[known.items]
        self.department = department.astype(str).to_numpy()
        everyone = pd.Series(self.department[known.item]).value_counts(normalize=True)
        self.usual = everyone[everyone >= 0.005]  # rare departments say little about taste

    def describe(self, position: int, household: int, row: pd.Series) -> dict:
        """Return id, type, words of description, counts, and what it bought.

        "often" holds [item, times]; "baskets" [day, items], the last first.
        """
        own = np.flatnonzero(self.known.user == position)
        item, time = self.known.item[own], self.known.time[own]
        visits = np.unique(time)
        lately = int((visits > self.cut - 84 * 86_400).sum())
        often = pd.Series(item).value_counts()
        often = often[often > 1].sort_index().sort_values(ascending=False, kind="stable").head(6)
        kids = row["kids_count"]
        who = TYPES[row["household_comp"]]
        if "No Kids" not in row["household_comp"]:
            who = who.replace("children", KIDS[kids])
        return {
            "id": int(household),
            "type": list(TYPES).index(row["household_comp"]),
            "who": who,
            "age": row["age"].replace("65+", "65 or more").replace("-", "–"),
            "often_shops": _how_often(lately / 12),
            "favourites": self._favourites(item),
            "visits": len(visits),
            "products": len(np.unique(item)),
            "often": [[int(i), int(n)] for i, n in often.items()],
            "baskets": [
                [store_day(moment).isoformat(), sorted(map(int, set(item[time == moment])))]
                for moment in visits[::-1][:N_BASKETS]
            ],
        }

    def _favourites(self, item: np.ndarray) -> list[str]:
        """The two departments whose share of the purchases is most above everybody's."""
        share = pd.Series(self.department[item]).value_counts(normalize=True)
        lift = (share.reindex(self.usual.index).fillna(0) / self.usual)[lambda s: s > 1]
        best = lift.sort_values(ascending=False, kind="stable").index[:2]
        return [DEPARTMENTS.get(name, name.replace("-", " ").lower()) for name in best]


def _how_often(per_week: float) -> str:
    if per_week >= 0.75:
        times = {1: "once", 2: "twice"}.get(round(per_week), f"{round(per_week)} times")
        return f"about {times} a week"
    return "about every two weeks" if per_week >= 0.375 else "about once a month or less"


def store_day(second: int):
    """The day by the stores' clock in winter."""
    return pd.Timestamp(int(second) - 5 * 3600, unit="s").date()


def held_out_of(pool, positions: np.ndarray) -> list[list[list[int]]]:
    """Return what counts as right: [item, times bought, day of the first] in order of days."""
    window = pool.judged_window()
    events, cut = window.held_out, int(window.held_out.time.min())
    rows = []
    for position in positions:
        own = events.user == position
        right = np.sort(window.relevant[[position]].tocoo().coords[1])
        item, time = events.item[own], events.time[own]
        times = [time[item == one] for one in right]
        found = [
            [int(one), len(moments), int((moments.min() - cut) // 86_400)]
            for one, moments in zip(right, times, strict=True)
        ]
        rows.append(sorted(found, key=lambda one: (one[2], one[0])))
    return rows
