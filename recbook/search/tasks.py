"""Searches made of real purchases: who asks, in which word, and what she then bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.data.journey import CompleteJourney
from recbook.evaluation.protocols import JOURNEY_CUT
from recbook.evaluation.ranking import ndcg_per_user, reciprocal_rank_per_user
from recbook.search.analysis import fold_plural
from recbook.search.shopper import shopper_words

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, eq=False)
class SearchWindow:
    """Searches of one stretch of time, with what may be known before it.

    Parameters
    ----------
    known : Interactions
        Purchases before the window; its items are the whole catalogue.
    cases : pandas.DataFrame (n_cases rows)
        user (row position), time (of the basket), query (the text), new (whether the household had
        never bought any of the relevant products).
    relevant : scipy.sparse.csr_array (n_cases, n_items)
        1 for what that basket then held of the word asked for, among the candidates.
    candidates : bool array (n_items,)
        Products that somebody bought before the window.
    unreachable : float
        Share of the searches all of whose products nobody had bought before; they are left out.
    """

    known: Interactions
    cases: pd.DataFrame
    relevant: sparse.csr_array
    candidates: np.ndarray
    unreachable: float

    def judge(self, lists: np.ndarray, k: int = 10) -> pd.DataFrame:
        """Return reciprocal rank and NDCG of a list for each case, int (n_cases, at least k).

        Returns
        -------
        pandas.DataFrame: mrr and ndcg, one row a case.
        """
        return pd.DataFrame(
            {
                "mrr": reciprocal_rank_per_user(lists, self.relevant, k),
                "ndcg": ndcg_per_user(lists, self.relevant, k),
            }
        )

    def by_household(self, values: pd.Series, rows: np.ndarray | None = None) -> pd.Series:
        """Return the mean over each household's cases: the unit that intervals resample.

        `rows`, bool (n_cases,), keeps some of the cases; households without any are left out.
        """
        values, user = pd.Series(np.asarray(values, dtype=float)), self.cases["user"]
        if rows is not None:
            values, user = values[rows], user[rows]
        return values.groupby(user.to_numpy()).mean()


def journey_searches(
    journey: CompleteJourney,
    *,
    cut: str = JOURNEY_CUT,
    window_days: int = 28,
    n_earlier: int = 1,
    per_household: int = 2,
    rng: int | np.random.Generator | None = 0,
) -> dict[str, SearchWindow]:
    """Return the windows "test", "validation", "earlier_1" … of searches made of purchases.

    A search is a household, a basket and a word: the household asks for the word
    (`shopper_words`), and relevant is what the basket then holds of it. Of a household's searches
    in a window `per_household` are drawn. A household needs a purchase before the window.

    Parameters
    ----------
    journey : CompleteJourney
    cut : date (UTC)
        The first moment of the test window.
    window_days, n_earlier : int
        Length of the windows, and how many lie before validation.
    per_household : int
    rng : seed or numpy Generator
        Of the draw of searches.

    Returns
    -------
    dict of str to SearchWindow, latest first
    """
    for name, number in (("window_days", window_days), ("per_household", per_household)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number!r}")
    if n_earlier < 0:
        raise ValueError(f"n_earlier must be at least 0, got {n_earlier!r}")
    products = journey.products.sort_values("product_id")
    word_of = shopper_words(products)
    key = pd.factorize(word_of.map({word: _key(word) for word in word_of.unique()}))[0]
    spelling = word_of.groupby(key).agg(lambda words: words.mode()[0])
    table = journey.purchases()
    purchases = Interactions.from_frame(
        table, user="household_id", item="product_id", time="time", items=products["product_id"]
    )
    rng, windows = np.random.default_rng(rng), {}
    end = int(pd.Timestamp(cut).timestamp()) + window_days * _SECONDS_A_DAY
    for name in ["test", "validation", *(f"earlier_{n + 1}" for n in range(n_earlier))]:
        start = end - window_days * _SECONDS_A_DAY
        known = purchases.select(purchases.time < start)
        inside = purchases.select((purchases.time >= start) & (purchases.time < end))
        if not len(known) or not len(inside):
            raise ValueError(f"there are no purchases before or in the {name} window; move the cut")
        windows[name] = _window(known, inside, key, spelling, per_household, rng)
        end = start
    return windows


def _window(known, inside, key, spelling, per_household, rng) -> SearchWindow:
    candidates = np.bincount(known.item, minlength=known.n_items) > 0
    rows = pd.DataFrame({"user": inside.user, "time": inside.time, "item": inside.item})
    rows = rows[np.bincount(known.user, minlength=known.n_users)[rows["user"]] > 0]
    rows["word"], rows["there"] = key[rows["item"]], candidates[rows["item"]]
    rows["search"] = rows.groupby(["user", "time", "word"]).ngroup()
    reachable = rows.groupby("search")["there"].any()
    rows = rows[rows["there"]].drop_duplicates(["search", "item"])
    searches = rows.drop_duplicates("search").sort_values("search", kind="stable")
    chance = rng.random(len(searches))
    drawn = searches.assign(chance=chance).sort_values(["user", "chance"])
    drawn = drawn.groupby("user").head(per_household).sort_values("search", kind="stable")
    place = pd.Series(np.arange(len(drawn)), index=drawn["search"].to_numpy())
    kept = rows[rows["search"].isin(place.index)]
    case = place.loc[kept["search"]].to_numpy()
    relevant = sparse.coo_array(
        (np.ones(len(kept), dtype=np.float32), (case, kept["item"])),
        shape=(len(drawn), known.n_items),
    ).tocsr()
    user = drawn["user"].to_numpy()
    had = relevant.multiply(known.matrix("binary")[user]).sum(axis=1)
    cases = pd.DataFrame(
        {
            "user": user,
            "time": drawn["time"].to_numpy(),
            "query": spelling.loc[drawn["word"]].to_numpy(),
            "new": had == 0,
        }
    )
    return SearchWindow(known, cases, relevant, candidates, float(1 - reachable.mean()))


def _key(text: str) -> str:
    return " ".join(fold_plural(word) for word in text.split())
