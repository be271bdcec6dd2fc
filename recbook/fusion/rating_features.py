"""What else is known of a user and an item when a rating is to be predicted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.data.movielens import MovieLens


class RatingFeatures:
    """Side features of (user, item) pairs, from known ratings and from what is written on both.

    Of the user and of the item alike, over the known ratings: the logarithm of 1 + their number,
    their mean, the level (what the mean is above what the other side's level explains), their
    spread, the shares of the lowest and of the highest rating, and the mean date. Of the user also
    how often rated and how well rated her items are, of the item how busy its raters are.

    From each group of the items' flags, such as genres, the user's taste: the mean residual of her
    known ratings of items with a flag, shrunk, and averaged over the flags of the item in question.
    From the users' flags alike, what her like thought of the item. Last, numbers and items' flags
    as they are. Means are shrunk by a few ratings towards that of all.

    A rating that is to be predicted must not be among the known ones.

    Parameters
    ----------
    user_flags, item_flags : mapping of a group's name to pandas.DataFrame, optional
        0/1 columns by user or item id, such as {"genre": …, "decade": …}.
    user_numbers, item_numbers : pandas.DataFrame, optional
        Other columns by id, such as age and year. A missing number becomes its column's mean.

    Examples
    --------
    >>> frame = pd.DataFrame({"user_id": [1, 1], "item_id": list("ab"), "rating": [5, 1]})
    >>> events = Interactions.from_frame(frame, value="rating")
    >>> flags = {"sound": pd.DataFrame({"loud": [1, 0]}, index=list("ab"))}
    >>> table = RatingFeatures(item_flags=flags).table(events, [0, 0], [0, 1])
    >>> table["user's taste: sound"].round(3).tolist()  # (2 - 2/11) / (1 + 10); nothing of b's
    [0.165, 0.0]
    """

    def __init__(
        self,
        user_flags: Mapping[str, pd.DataFrame] | None = None,
        item_flags: Mapping[str, pd.DataFrame] | None = None,
        *,
        user_numbers: pd.DataFrame | None = None,
        item_numbers: pd.DataFrame | None = None,
    ) -> None:
        self.user_flags = user_flags
        self.item_flags = item_flags
        self.user_numbers = user_numbers
        self.item_numbers = item_numbers

    def __repr__(self) -> str:
        groups = [*(self.user_flags or {}), *(self.item_flags or {})]
        for frame in (self.user_numbers, self.item_numbers):
            groups += [] if frame is None else map(str, frame.columns)
        return f"RatingFeatures({', '.join(groups)})"

    def table(
        self, known: Interactions, users: np.ndarray, items: np.ndarray, *, share: float = 1.0
    ) -> pd.DataFrame:
        """Return the features of pairs, float64, one row a pair.

        Parameters
        ----------
        known : Interactions
            The ratings that may be used.
        users, items : int arrays (n,)
            Positions of the pairs.
        share : float
            Which share of the ratings that a model will know in the end is known here. Numbers of
            ratings are divided by it, so that they mean the same inside a fold as outside.

        Raises
        ------
        ValueError
            If a user or an item has no row among its flags or numbers.
        """
        asked = {"user": np.asarray(users, dtype=int), "item": np.asarray(items, dtype=int)}
        rated = {"user": known.user, "item": known.item}
        ids = {"user": known.users, "item": known.items}
        levels, residual = _levels(known, share)
        columns = {
            f"{name} of {side}": values[asked[side]]
            for side, of_side in levels.items()
            for name, values in of_side.items()
        }
        groups = {"user": self.user_flags or {}, "item": self.item_flags or {}}
        for side, other in (("user", "item"), ("item", "user")):
            for name, frame in groups[other].items():
                flags = _rows(frame, ids[other], name)
                taste = _taste(residual, rated[side], flags[rated[other]], len(ids[side]))
                marks = flags[asked[other]]
                hits = np.einsum("ij,ij->i", taste[asked[side]], marks)
                columns[f"{side}'s taste: {name}"] = hits / marks.sum(axis=1).clip(min=1)
        as_they_are = [("user", self.user_numbers), ("item", self.item_numbers)]
        as_they_are += [("item", frame) for frame in groups["item"].values()]
        for side, frame in as_they_are:
            if frame is not None:
                values = _rows(frame, ids[side], f"{side} features")[asked[side]]
                columns |= dict(zip(map(str, frame.columns), values.T, strict=True))
        return pd.DataFrame(columns)


def movielens_features(movielens: MovieLens) -> RatingFeatures:
    """Return what MovieLens 100K tells of viewers and films beside the ratings."""
    viewers = movielens.users.set_index("user_id")
    films = movielens.films.set_index("item_id")
    age = pd.cut(viewers["age"], [0, 24, 34, 44, 120], labels=["to 24", "to 34", "to 44", "over"])
    year = films["year"].astype(float)
    decade = pd.cut(
        year, [0, 1959, 1979, 1989, 1995, 3000], labels=["50s", "70s", "80s", "1995", "since"]
    )
    female = (viewers["gender"] == "F").rename("female")
    return RatingFeatures(
        {
            "sex": pd.get_dummies(viewers["gender"]),
            "age": pd.get_dummies(age),
            "occupation": pd.get_dummies(viewers["occupation"]),
        },
        {"genre": movielens.genre_flags(), "decade": pd.get_dummies(decade, prefix="to")},
        user_numbers=pd.concat([viewers[["age"]], female], axis=1),
        item_numbers=year.to_frame("year"),
    )


def _levels(known: Interactions, share: float) -> tuple[dict[str, dict], np.ndarray]:
    """Return, of users and of items, features by name, and the ratings' residuals (n_events,)."""
    value = known.value
    n = {"user": known.n_users, "item": known.n_items}
    at = {"user": known.user, "item": known.item}
    count = {side: np.bincount(at[side], minlength=n[side]) for side in n}
    mean = value.mean()

    def shrunk(side: str, values: np.ndarray, by: float, towards: float = 0.0) -> np.ndarray:
        return (np.bincount(at[side], values, n[side]) + by * towards) / (count[side] + by)

    above = {side: shrunk(side, value - mean, 5) for side in n}
    level = {"item": shrunk("item", value - mean - above["user"][at["user"]], 10)}
    level["user"] = shrunk("user", value - mean - level["item"][at["item"]], 15)
    residual = value - mean - level["user"][at["user"]] - level["item"][at["item"]]
    date = known.time / 86_400  # days
    features: dict[str, dict] = {}
    for side, other in (("user", "item"), ("item", "user")):
        spread = (value - mean - above[side][at[side]]) ** 2
        busy = np.log1p(count[other] / share)[at[other]]
        features[side] = {
            "log count": np.log1p(count[side] / share),
            "mean": mean + above[side],
            "level": level[side],
            "spread": np.sqrt(shrunk(side, spread, 5, spread.mean())),
            "share of lowest": shrunk(side, value == value.min(), 1, (value == value.min()).mean()),
            "share of highest": shrunk(
                side, value == value.max(), 1, (value == value.max()).mean()
            ),
            "date": shrunk(side, date, 1, date.mean()),
            "log count, others'": shrunk(side, busy, 1, busy.mean()),
            "level, others'": shrunk(side, level[other][at[other]], 1),
        }
    return features, residual


def _taste(residual: np.ndarray, codes: np.ndarray, flags: np.ndarray, n: int) -> np.ndarray:
    """Return each of n rows' shrunk mean residual among its ratings with each flag."""
    taste = np.empty((n, flags.shape[1]))
    for column, flag in enumerate(flags.T):
        sums = np.bincount(codes, residual * flag, n)
        taste[:, column] = sums / (np.bincount(codes, flag, n) + 10)
    return taste


def _rows(frame: pd.DataFrame, ids: pd.Index, name: str) -> np.ndarray:
    """Return a frame's rows in the order of the index, float64, gaps filled with column means."""
    missing = ids.difference(frame.index)
    if len(missing):
        raise ValueError(f"{name} has no row for {missing[0]!r} ({len(missing)} in all)")
    values = frame.reindex(ids).to_numpy(dtype=float, na_value=np.nan)
    gaps = np.isnan(values)
    return np.where(gaps, np.nanmean(values, axis=0), values) if gaps.any() else values
