"""The one table every model and metric reads: events between users and items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse


@dataclass(frozen=True, eq=False)
class Interactions:
    """An immutable table of events (user, item, value, time).

    Users and items are stored as positions into two indexes, so that a row of any score matrix
    means the same user for every model. A selection of events keeps the indexes whole: a user
    without events still has her row.

    Parameters
    ----------
    user, item : int32 array (n_events,)
        Position of the event's user in `users`, and of its item in `items`.
    value : float64 array (n_events,)
        The rating, or how many units the event counts for.
    time : int64 array (n_events,)
        Seconds since 1970-01-01 UTC; all zero where the source has no clock (`has_time` tells).
    users, items : pandas.Index
        The ids, unique; positions in them are the rows and columns of every matrix.
    has_time : bool
        Whether `time` means anything.

    Raises
    ------
    ValueError
        If the arrays differ in length, a position lies outside its index, or an id repeats.

    Examples
    --------
    >>> frame = pd.DataFrame({"user_id": ["ann", "bo"], "item_id": ["tea", "tea"]})
    >>> Interactions.from_frame(frame).matrix("count").toarray()
    array([[1.],
           [1.]], dtype=float32)
    """

    user: np.ndarray
    item: np.ndarray
    value: np.ndarray
    time: np.ndarray
    users: pd.Index = field(repr=False)
    items: pd.Index = field(repr=False)
    has_time: bool = True

    def __post_init__(self) -> None:
        for name, dtype in (
            ("user", np.int32),
            ("item", np.int32),
            ("value", float),
            ("time", int),
        ):
            array = np.array(
                getattr(self, name), dtype=dtype
            )  # a copy: the caller's stays writable
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        lengths = {len(self.user), len(self.item), len(self.value), len(self.time)}
        if len(lengths) != 1:
            raise ValueError(
                f"user, item, value and time must have one length, got {sorted(lengths)}"
            )
        for name, index in (("user", self.users), ("item", self.items)):
            codes = getattr(self, name)
            if not index.is_unique:
                raise ValueError(
                    f"the {name} index repeats an id: {index[index.duplicated()][0]!r}"
                )
            if len(codes) and (codes.min() < 0 or codes.max() >= len(index)):
                raise ValueError(f"a {name} position lies outside its index of {len(index)} ids")

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        user: str = "user_id",
        item: str = "item_id",
        value: str | None = None,
        time: str | None = None,
        users: Iterable | None = None,
        items: Iterable | None = None,
    ) -> Interactions:
        """Build from a data frame with one event a row, keeping the order of the rows.

        Parameters
        ----------
        frame : pandas.DataFrame (n_events rows)
        user, item : str
            The id columns.
        value, time : str, optional
            The value column (1 for every event where None) and the time column (seconds, or
            datetimes).
        users, items : iterable of ids, optional
            The indexes to use; the sorted ids of the frame where None.

        Raises
        ------
        ValueError
            If a column is missing, an id is missing, or an id is not in the index given.
        """
        for column in filter(None, (user, item, value, time)):
            if column not in frame.columns:
                raise ValueError(
                    f"no column {column!r} among {list(frame.columns)}; name it by argument"
                )
        codes = {}
        for name, column, given in (("users", user, users), ("items", item, items)):
            ids = frame[column]
            if ids.isna().any():
                raise ValueError(
                    f"{ids.isna().sum()} rows have no {column}; drop or fill them first"
                )
            index = pd.Index(given) if given is not None else pd.Index(np.sort(ids.unique()))
            position = index.get_indexer(ids)
            if (position < 0).any():
                unknown = ids[position < 0].iloc[0]
                raise ValueError(f"{column} {unknown!r} is not in the {name} index given")
            codes[name] = (position, index)
        clock = np.zeros(len(frame), dtype=int) if time is None else _seconds(frame[time])
        return cls(
            user=codes["users"][0],
            item=codes["items"][0],
            value=np.ones(len(frame)) if value is None else frame[value].to_numpy(float),
            time=clock,
            users=codes["users"][1],
            items=codes["items"][1],
            has_time=time is not None,
        )

    def __len__(self) -> int:
        return len(self.user)

    @property
    def n_users(self) -> int:
        """Number of rows of every matrix, users without events included."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """Number of columns of every matrix, items without events included."""
        return len(self.items)

    @property
    def density(self) -> float:
        """Share of the (user, item) cells that hold at least one event."""
        return self.matrix("binary").nnz / (self.n_users * self.n_items)

    def matrix(self, weight: str | np.ndarray = "value") -> sparse.csr_array:
        """Return the events as a sparse matrix; events in one cell are summed.

        Parameters
        ----------
        weight : {"value", "count", "binary"} or float array (n_events,)
            What each event adds. "binary" puts 1 wherever there is any event. An array gives each
            event its own weight, such as one that decays with age.

        Returns
        -------
        scipy.sparse.csr_array, float32 (n_users, n_items), with sorted column positions.
        """
        if isinstance(weight, str):
            if weight not in ("value", "count", "binary"):
                raise ValueError(
                    f'weight must be "value", "count", "binary" or an array, got {weight!r}'
                )
            data = self.value if weight == "value" else np.ones(len(self))
        else:
            data = np.asarray(weight, dtype=float)
            if data.shape != (len(self),):
                raise ValueError(
                    f"weight needs one number per event, {len(self)}, got {data.shape}"
                )
        summed = sparse.coo_array(
            (data, (self.user, self.item)), shape=(self.n_users, self.n_items)
        ).tocsr()
        if isinstance(weight, str) and weight == "binary":
            summed.data[:] = 1
        summed.sort_indices()
        return summed.astype(np.float32)

    def select(self, mask: np.ndarray) -> Interactions:
        """Return the events where `mask` (bool (n_events,), or positions) holds; same indexes."""
        return Interactions(
            self.user[mask], self.item[mask], self.value[mask], self.time[mask],
            users=self.users, items=self.items, has_time=self.has_time,
        )  # fmt: skip

    def frame(self) -> pd.DataFrame:
        """Return the events with their ids: columns user_id, item_id, value and, if known, time."""
        columns = {
            "user_id": self.users[self.user],
            "item_id": self.items[self.item],
            "value": self.value,
        }
        if self.has_time:
            columns["time"] = pd.to_datetime(self.time, unit="s")
        return pd.DataFrame(columns)


def _seconds(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(column):
        return (column - pd.Timestamp(0, tz=column.dt.tz)).dt.total_seconds().to_numpy().astype(int)
    return column.to_numpy().astype(int)
