"""Side features of (user, item) pairs: what the known events, and the catalogue, say of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.models.recency import age_days

HALF_LIVES = (7, 30, 90)  # days
_MONTH = 28  # days: four whole weeks, so that every weekday counts alike


class InteractionFeatures:
    """Features of (user, item) pairs from the events known, and nothing later.

    Called with known events, users (n,) and items (n, width), -1 where there is none, it gives a
    float32 array (n, width, n_features) and the features' names. NaN means "unknown". "Now" is
    the last known event of anyone, "lately" the 28 days before it.

    *own*: how often the user took the item, in all and with three half-lives; days since the last
    time, the first, and between two on average; how due it is (days since / between). *user*: how
    much she takes lately, how many different items ever, and which share of them lately is new.
    *item*: logarithms of its users in 28, 14 and 7 days, of those who first took it lately, and of
    two trends; the share of earlier users who took it lately; times a user; days between.
    Then for each column of `groups`: how often the user took the item's group (half-life 90 days),
    days since, how many different items of it; *lift*, the logarithm of the group's share of what
    she takes over its share of what all take; *item in*, the item's share of the group's users;
    *own in*, its share of the times she took the group.

    Parameters
    ----------
    groups : pandas.DataFrame indexed by item id, optional
        What items belong to, such as category and brand: a column each, any labels.
    only : sequence of str, optional
        The features to give, in their order; all where None.

    Examples
    --------
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": list("aab"), "s": [0, 86_400, 0]})
    >>> known = Interactions.from_frame(frame, time="s")
    >>> values, names = InteractionFeatures(only=["own times"])(known, np.array([0]), [[0, 1, -1]])
    >>> values[0, :, 0]
    array([ 2.,  0., nan], dtype=float32)
    """

    def __init__(
        self, groups: pd.DataFrame | None = None, *, only: Sequence[str] | None = None
    ) -> None:
        if groups is not None and not groups.index.is_unique:
            raise ValueError("groups need one row for each item, but an id repeats in the index")
        self.groups = groups
        self.only = only

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in the order of the array."""
        return tuple(self._all_names() if self.only is None else self.only)

    def __call__(
        self, known: Interactions, users: np.ndarray, items: np.ndarray
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        items, names = np.asarray(items), self.names
        row, column = np.nonzero(items >= 0)
        found = self._past(known).of(np.asarray(users)[row], items[row, column])
        values = np.full((*items.shape, len(names)), np.nan, dtype=np.float32)
        for place, name in enumerate(names):
            if name not in found:
                raise ValueError(f"there is no feature {name!r}; there are {list(found)}")
            values[row, column, place] = found[name]
        return values, names

    def without(self, *parts: str) -> Self:
        """Return the same, without the features whose names begin with one of `parts`."""
        other = copy.copy(self)
        other.only = [name for name in self.names if not name.startswith(parts)]
        return other

    def _all_names(self) -> list[str]:
        none = np.zeros(0, dtype=np.int32)
        ids = pd.Index([]) if self.groups is None else self.groups.index
        events = Interactions(none, none, none, none, users=pd.Index([]), items=ids)
        return list(_Past(events, self._codes(ids)).of(none, none))

    def _past(self, known: Interactions) -> _Past:
        """Summarise the events; the last summary is kept, as users come in blocks."""
        last = getattr(self, "_last", None)
        if last is None or last[0] is not known:
            last = self._last = known, _Past(known, self._codes(known.items))
        return last[1]

    def _codes(self, ids: pd.Index) -> dict[str, np.ndarray]:
        if self.groups is None:
            return {}
        missing = ids[~ids.isin(self.groups.index)]
        if len(missing):
            raise ValueError(f"groups have no row for item {missing[0]!r}; add it")
        rows = self.groups.loc[ids]
        return {name: pd.factorize(rows[name], use_na_sentinel=False)[0] for name in rows}

    def __getstate__(self) -> dict:
        return {name: value for name, value in self.__dict__.items() if name != "_last"}


class ShopFeatures(InteractionFeatures):
    """The features of purchases, with the groups that the shop's products table knows.

    They are the product's category, its type, the house brand or the national brands of its type,
    and its maker.

    Parameters
    ----------
    products : pandas.DataFrame
        With columns product_id, product_category, product_type, brand and manufacturer_id.
    only : sequence of str, optional
        As for `InteractionFeatures`.
    """

    def __init__(self, products: pd.DataFrame, *, only: Sequence[str] | None = None) -> None:
        columns = ["product_category", "product_type", "brand", "manufacturer_id"]
        for name in ("product_id", *columns):
            if name not in products:
                raise ValueError(f"products have no column {name!r}; pass the products table")
        groups = products.set_index("product_id")[columns].astype(object).fillna("").astype(str)
        groups.columns = ["category", "type", "brand of type", "maker"]
        groups["brand of type"] = groups["type"] + "|" + groups["brand of type"]
        super().__init__(groups, only=only)


class _Cells:
    """The (user, code) cells that hold events, in rising order, and which event is in which."""

    def __init__(self, user: np.ndarray, code: np.ndarray, n_codes: int) -> None:
        self.n_codes = n_codes
        keys = user.astype(np.int64) * n_codes + code
        self.keys, self.of_event = np.unique(keys, return_inverse=True)

    def sum(self, weight: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(self.of_event, weight, minlength=len(self.keys)).astype(float)

    def least(self, values: np.ndarray) -> np.ndarray:
        least = np.full(len(self.keys), np.inf)
        np.minimum.at(least, self.of_event, values)
        return least

    def find(self, user: np.ndarray, code: np.ndarray) -> np.ndarray:
        """Return where each (user, code) stands among the cells; the number of cells if nowhere."""
        wanted = user.astype(np.int64) * self.n_codes + code
        place = np.searchsorted(self.keys, wanted)
        return np.where(np.append(self.keys, -1)[place] == wanted, place, len(self.keys))


class _Past:
    """What the events known by now say: tables of users, items and cells, to look pairs up in."""

    def __init__(self, known: Interactions, groups: dict[str, np.ndarray]) -> None:
        n_users, n_items = known.n_users, known.n_items
        age = age_days(known)
        cells = self.cells = _Cells(known.user, known.item, n_items)
        user, item = np.divmod(cells.keys, max(1, n_items))
        times, last, first = cells.sum(), cells.least(age), -cells.least(-age)
        between = np.divide(
            first - last, times - 1, out=np.full(len(last), np.nan), where=times > 1
        )
        self.own = {"own times": times}
        self.own |= {f"own times, {h} days": cells.sum(np.exp2(-age / h)) for h in HALF_LIVES}
        self.days = {
            "own since": last, "own first": first, "own between": between,
            "own due": last / np.maximum(between, 1),
        }  # fmt: skip

        def per_item(which: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
            weight = None if weight is None else weight[which]
            return np.bincount(item[which], weight, minlength=n_items).astype(float)

        new, late = first < _MONTH, last < _MONTH
        lately = age < _MONTH
        now = np.bincount(known.item[lately], minlength=n_items)
        then = np.bincount(known.item[~lately & (age < 2 * _MONTH)], minlength=n_items)
        week, fortnight, month, eight_weeks = (per_item(last < d) for d in (7, 14, _MONTH, 56))
        ever, again = per_item(last >= 0), times > 1
        self.item = {
            "item users, 28 days": np.log1p(month),
            "item users, 14 days": np.log1p(fortnight),
            "item users, 7 days": np.log1p(week),
            "item newcomers": np.log1p(per_item(new)),
            "item trend": np.log((now + 2) / (then + 2)),  # what is added: few events are no trend
            "item trend, 14 days": np.log((fortnight + 1) / (eight_weeks + 4)),
            "item return": (per_item(~new & late) + 0.5) / (per_item(~new) + 10),
            "item times a user": _share(per_item(last >= 0, times), ever),
            "item between": _share(per_item(again, between), per_item(again)),
        }
        self.user = {
            "user events": np.bincount(known.user[lately], minlength=n_users),
            "user items": np.bincount(user, minlength=n_users),
            "user explores": _share(
                np.bincount(user[new], minlength=n_users),
                np.bincount(user[late], minlength=n_users),
            ),
        }
        slow = np.exp2(-age / HALF_LIVES[-1])
        self.taken = np.bincount(known.user, slow, minlength=n_users)
        self.groups = {}
        for name, codes in groups.items():
            n = int(codes.max(initial=0)) + 1
            held = _Cells(known.user, codes[known.item], n)
            # The cells of items, gathered by group, are the same (user, group) cells in order.
            kinds = _Cells(user, codes[item], n).sum()
            common = np.bincount(codes[known.item], slow, minlength=n)
            common = (common / max(common.sum(), 1e-9))[codes]
            share = _share(eight_weeks, np.bincount(codes, eight_weeks, minlength=n)[codes])
            self.groups[name] = codes, held, held.sum(slow), held.least(age), kinds, common, share

    def of(self, user: np.ndarray, item: np.ndarray) -> dict[str, np.ndarray]:
        """Return every feature of the pairs, by name."""
        place = self.cells.find(user, item)
        found = {name: _look_up(values, place, 0.0) for name, values in self.own.items()}
        found |= {name: _look_up(values, place, np.nan) for name, values in self.days.items()}
        found |= {name: values[user] for name, values in self.user.items()}
        found |= {name: values[item] for name, values in self.item.items()}
        for name, (codes, held, slow, last, kinds, common, share) in self.groups.items():
            place = held.find(user, codes[item])
            times = _look_up(slow, place, 0.0)
            of_user = _share(times, self.taken[user])
            found |= {
                f"{name} times": times,
                f"{name} since": _look_up(last, place, np.nan),
                f"{name} items": _look_up(kinds, place, 0.0),
                f"{name} lift": np.log((of_user + 1e-4) / (common[item] + 1e-4)),
                f"item in {name}": share[item],
                f"own in {name}": _share(found[f"own times, {HALF_LIVES[-1]} days"], times),
            }
        return found


def _look_up(values: np.ndarray, place: np.ndarray, missing: float) -> np.ndarray:
    return np.append(values, missing)[place]


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
