"""From a table of categories and numbers to the places of a network's fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

RARE, MISSING = 0, 1  # the first columns of every category


class TableColumns(NamedTuple):
    """How each column of a table is read, as learnt from the rows of training.

    A row's fields are the columns of the table, then the crossed ones, then a constant 1.

    Attributes
    ----------
    numeric : dict of column to (mean, standard deviation)
    categories : dict of tuple of columns to Index of values
        One column where it stands for itself, several where they are crossed.
    n_linear : int
        Fields at the end that are for the linear part only: crosses and the constant.
    """

    numeric: dict[str, tuple[float, float]]
    categories: dict[tuple[str, ...], pd.Index]
    n_linear: int

    @classmethod
    def of(
        cls, table: pd.DataFrame, crosses: Sequence[tuple[str, ...]] = (), min_count: int = 1
    ) -> Self:
        """Learn means and values from the rows of training.

        Raises
        ------
        ValueError
            If a cross names a column that is missing or numeric, or the table has no columns.
        """
        if not table.shape[1]:
            raise ValueError("the table has no columns; there is nothing to learn from")
        numeric, alone = {}, []
        for name, column in table.items():
            if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
                values = column.to_numpy(float, na_value=np.nan)
                if np.isinf(values).any():
                    raise ValueError(f"column {name!r} holds infinite numbers; mend them first")
                there = values[~np.isnan(values)]
                spread = there.std() if len(there) else 0.0
                numeric[name] = (there.mean() if len(there) else 0.0, spread or 1.0)
            else:
                alone.append((name,))
        for cross in crosses:
            for name in cross:
                if (name,) not in alone:
                    why = "numeric" if name in numeric else "not in the table"
                    raise ValueError(f"crosses name {name!r}, which is {why}; cross categories")
        categories = {}
        for names in [*alone, *map(tuple, crosses)]:
            counts = _values(table, names).value_counts(sort=False)
            categories[names] = pd.Index(np.sort(counts.index[counts >= min_count].to_numpy(str)))
        return cls(numeric, categories, len(crosses) + 1)

    @property
    def widths(self) -> list[int]:
        """Places of each field."""
        return [1] * (len(self.numeric) + len(self.categories) + 1)

    @property
    def n_columns(self) -> int:
        """Columns of all fields together; the last is the constant."""
        return len(self.numeric) + sum(len(one) + 2 for one in self.categories.values()) + 1

    def places(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns int32 and numbers float32 of each row, (n_rows, n_fields) each.

        Raises
        ------
        ValueError
            If a column that training had is missing.
        """
        needed = [*self.numeric, *(names[0] for names in self.categories if len(names) == 1)]
        lost = [name for name in needed if name not in table.columns]
        if lost:
            raise ValueError(f"the table lacks {lost[0]!r}, which training had; add the column")
        shape = (len(table), len(self.widths))
        columns, numbers = np.empty(shape, dtype=np.int32), np.ones(shape, dtype=np.float32)
        for place, (name, (mean, spread)) in enumerate(self.numeric.items()):
            columns[:, place] = place
            values = table[name].to_numpy(float, na_value=np.nan)
            numbers[:, place] = np.nan_to_num((values - mean) / spread, posinf=0, neginf=0)
        first = len(self.numeric)
        for place, (names, known) in enumerate(self.categories.items(), start=first):
            values = _values(table, names)
            code = known.get_indexer(values.to_numpy(object))
            columns[:, place] = first + np.where(
                code >= 0, code + 2, np.where(values.isna(), MISSING, RARE)
            )
            first += len(known) + 2
        columns[:, -1] = first
        return columns, numbers


def _values(table: pd.DataFrame, names: tuple[str, ...]) -> pd.Series:
    """Return what stands in these columns together, as text; missing where one of them is."""
    parts = [table[name].astype("string") for name in names]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "\x1f" + part
    return joined.astype(object).where(joined.notna(), None)
