"""Association rules between two items, and lists made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice
from recbook.models.pair_counts import basket_matrix, labelled_baskets, least_count, rule_counts
from recbook.models.recency import decayed_by_events
from recbook.models.similarity import dense_product


def pair_rules(
    baskets: sparse.csr_array | pd.DataFrame | Interactions,
    items: Iterable | None = None,
    *,
    min_count: int | None = None,
    min_support: float | None = None,
    min_confidence: float = 0.0,
    min_lift: float = 0.0,
) -> pd.DataFrame:
    """Return the rules "who has a also has b" that pass the thresholds.

    With n baskets, n_a of them with a and n_ab with both: support = n_ab / n, confidence =
    n_ab / n_a, lift = n n_ab / (n_a n_b), leverage = n_ab / n − n_a n_b / n², conviction =
    (1 − n_b / n) / (1 − confidence), infinite at confidence 1. No rule is lost to rounding.

    Parameters
    ----------
    baskets : sparse matrix or DataFrame (n_baskets, n_items), or Interactions
        Any number but 0 means that the basket holds the item. Empty baskets count. Of Interactions,
        what one user took at one moment is a basket.
    items : n_items labels, optional
        Names of the columns; by default those of the frame, the ids, or the positions.
    min_count, min_support : int, float
        Baskets that a rule needs, as a number or as a share of all. Give one of the two.
    min_confidence, min_lift : float

    Returns
    -------
    pandas.DataFrame
        antecedent, consequent, the five measures, and the whole numbers count, antecedent_count
        and consequent_count; by confidence, then count, both falling, then in column order.

    Raises
    ------
    ValueError
        If not exactly one of `min_count` and `min_support` is given, or one is out of range.

    References
    ----------
    Agrawal, Imieliński, Swami: Mining association rules between sets of items in large databases.
    SIGMOD 1993. Brin et al.: Dynamic itemset counting and implication rules for market basket
    data. SIGMOD 1997 (lift, there called interest, and conviction).

    Examples
    --------
    >>> B = sparse.csr_array(np.array([[1, 1], [1, 1], [0, 1], [0, 0]]))
    >>> pair_rules(B, ["tea", "milk"], min_count=2)[["antecedent", "confidence"]].values.tolist()
    [['tea', 1.0], ['milk', 0.6666666666666666]]
    """
    matrix, labels = labelled_baskets(baskets, items)
    n = matrix.shape[0]
    if (min_count is None) == (min_support is None):
        raise ValueError("give one of min_count (baskets) and min_support (a share of them)")
    if min_support is not None and not 0 < min_support <= 1:
        raise ValueError(f"min_support must be above 0 and at most 1, got {min_support!r}")
    min_count = max(1, least_count(min_support, n)) if min_count is None else min_count
    a, b, count, n_a, n_b = rule_counts(matrix, min_count, min_confidence, min_lift)
    order = np.lexsort((b, a, -count, -(count / n_a)))
    a, b, count, n_a, n_b = (c[order].astype(np.int64) for c in (a, b, count, n_a, n_b))
    always = count == n_a
    conviction = np.where(always, np.inf, (n - n_b) * n_a / (n * np.maximum(n_a - count, 1)))
    return pd.DataFrame(
        {
            "antecedent": labels[a],
            "consequent": labels[b],
            "support": count / n,
            "confidence": count / n_a,
            "lift": n * count / (n_a * n_b),
            "leverage": (n * count - n_a * n_b) / n**2,
            "conviction": conviction,
            "count": count,
            "antecedent_count": n_a,
            "consequent_count": n_b,
        }
    )


def bought_together(
    rules: pd.DataFrame, basket: Iterable, *, k: int = 5, by: str = "confidence"
) -> pd.DataFrame:
    """Return what goes with a basket: to what the strongest rules of its items lead.

    Parameters
    ----------
    rules : pandas.DataFrame
        As `pair_rules` makes them.
    basket : iterable of labels
    k : int
    by : str
        The column that tells how strong a rule is.

    Returns
    -------
    pandas.DataFrame: item, score and because (of its strongest rule), rules (how many).

    Examples
    --------
    >>> B = sparse.csr_array(np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1]]))
    >>> rules = pair_rules(B, ["tea", "milk", "bread"], min_count=1)
    >>> bought_together(rules, ["tea"]).to_numpy().tolist()  # milk is in both baskets with tea
    [['milk', 1.0, 'tea', 1]]
    """
    check_at_least("k", k, 1)
    basket = set(basket)
    started = rules[rules["antecedent"].isin(basket) & ~rules["consequent"].isin(basket)]
    started = started.sort_values(by, ascending=False, kind="stable")
    by_item = started.groupby("consequent", sort=False)
    found = pd.DataFrame(
        {
            "score": by_item[by].first(),
            "because": by_item["antecedent"].first(),
            "rules": by_item.size(),
        }
    )
    found = found.sort_values("score", ascending=False, kind="stable").head(k)
    return found.rename_axis("item").reset_index()


class PairRules(Recommender):
    """Scores an item by the rules that lead to it from what the user has.

    score(u, b) = sum over a of r(u, a) · confidence(a → b), over the rules that pass the
    thresholds, with r(u, a) = 1 where u has a; or the largest term instead of the sum.

    Parameters
    ----------
    min_count : int
        Users, or baskets, that a rule needs.
    source : {"users", "baskets"}
        Whether rules are about what a user has ever taken, or what she took at one moment.
    min_confidence, min_lift : float
        Only rules with at least so much.
    by : {"confidence", "lift"}
        What a rule adds.
    combine : {"sum", "max"}
        Whether several rules to one item add up, or the strongest decides.
    half_life_events : float, optional
        In r(u, a), what the user took counts for half when she had this many later events.

    Attributes
    ----------
    rules_ : scipy.sparse.csr_array, float32 (n_items, n_items)
        Row a holds what a's rules add, by consequent.
    profiles_ : scipy.sparse.csr_array, float32 (n_users, n_items)
        r(u, a).

    Notes
    -----
    Memory: fit at most ``(44 if source == "users" else 12) * n_items**2 + 130 * n_events + 1e7``
    bytes, score at most ``4 * n_rows * n_items + 6e7`` bytes.
    About 40 bytes for each rule that passes: all pairs of users' items, a quarter of baskets'.

    References
    ----------
    Lin, Alvarez, Ruiz: Efficient adaptive-support association rule mining for recommender systems.
    Data Mining and Knowledge Discovery 6, 2002.

    Examples
    --------
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": ["a", "b", "a", "b", "a"]})
    >>> PairRules(min_count=1).fit(Interactions.from_frame(frame)).score()[2].round(3)
    array([0.   , 0.667], dtype=float32)
    """

    def __init__(
        self,
        min_count: int = 10,
        source: str = "users",
        *,
        min_confidence: float = 0.0,
        min_lift: float = 1.0,
        by: str = "confidence",
        combine: str = "sum",
        half_life_events: float | None = None,
    ) -> None:
        check_at_least("min_count", min_count, 1)
        check_choice("source", source, ("users", "baskets"))
        check_at_least("min_confidence", min_confidence, 0)
        check_at_least("min_lift", min_lift, 0)
        check_choice("by", by, ("confidence", "lift"))
        check_choice("combine", combine, ("sum", "max"))
        if half_life_events is not None and not half_life_events > 0:
            raise ValueError(f"half_life_events must be above 0 or None, got {half_life_events!r}")
        self.min_count = min_count
        self.source = source
        self.min_confidence = min_confidence
        self.min_lift = min_lift
        self.by = by
        self.combine = combine
        self.half_life_events = half_life_events

    def fit(self, interactions: Interactions) -> Self:
        """Mine the rules, and keep what each user has."""
        self.profiles_ = interactions.matrix("binary")
        mined = self.profiles_ if self.source == "users" else basket_matrix(interactions)
        a, b, count, n_a, n_b = rule_counts(
            mined, self.min_count, self.min_confidence, self.min_lift
        )
        worth = count / n_a if self.by == "confidence" else mined.shape[0] / n_b * (count / n_a)
        self.rules_ = sparse.csr_array(
            (worth.astype(np.float32), (a, b)), shape=(mined.shape[1], mined.shape[1])
        )
        if self.half_life_events is not None:
            self.profiles_ = decayed_by_events(interactions, "binary", self.half_life_events)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); 0 where no rule leads."""
        rows = self._rows(users)
        return self.score_baskets(self.profiles_[rows])

    def score_baskets(self, baskets: sparse.csr_array) -> np.ndarray:
        """Return float32 scores (n, n_items) for any baskets, such as those being filled now.

        `baskets` is a sparse matrix (n, n_items); a number weighs the item.
        """
        self._fitted()
        baskets = sparse.csr_array(baskets, dtype=np.float32)
        if baskets.shape[1] != self.rules_.shape[0]:
            raise ValueError(
                f"baskets have {baskets.shape[1]} columns, the model {self.rules_.shape[0]} items"
            )
        if self.combine == "sum":
            return dense_product(baskets, self.rules_, np.arange(baskets.shape[0]))
        scores = np.zeros(baskets.shape, dtype=np.float32)
        for row, best in enumerate(scores):  # a maximum is no matrix product
            inside = slice(*baskets.indptr[row : row + 2])
            started = self.rules_[baskets.indices[inside]]
            weight = np.repeat(baskets.data[inside], np.diff(started.indptr))
            np.maximum.at(best, started.indices, weight * started.data)
        return scores
