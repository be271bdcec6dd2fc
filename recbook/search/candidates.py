"""The products that stand for each search, as one long table to score and to judge."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.search.tasks import SearchWindow


class Candidates:
    """Pairs of a search and a product that may be shown for it, sorted by search, then product.

    Parameters
    ----------
    window : SearchWindow
    case, item : int arrays (n,)
        Rows of `window.cases` and columns of its items, each pair once, sorted.

    Raises
    ------
    ValueError
        If the arrays differ in length, or the pairs are not sorted or repeat.
    """

    def __init__(self, window: SearchWindow, case: np.ndarray, item: np.ndarray) -> None:
        if case.shape != item.shape:
            raise ValueError(f"case has {len(case)} entries and item {len(item)}; give pairs")
        cell = case.astype(np.int64) * window.known.n_items + item
        if (np.diff(cell) <= 0).any():
            raise ValueError("the pairs must be sorted by case, then item, and stand there once")
        self.window = window
        self.case = case
        self.item = item
        self.user = window.cases["user"].to_numpy()[case]

    def __len__(self) -> int:
        return len(self.case)

    @property
    def labels(self) -> np.ndarray:
        """Which pairs are relevant, bool (n,)."""
        return lookup(self.window.relevant, self.case, self.item) > 0

    @property
    def sizes(self) -> np.ndarray:
        """How many pairs each search has, int (n_cases,)."""
        return np.bincount(self.case, minlength=len(self.window.cases))

    def of_user(self, matrix: sparse.sparray, columns: np.ndarray | None = None) -> np.ndarray:
        """Return the cells (household, product) of a sparse matrix, float32 (n,).

        `columns`, int (n_items,), says in which column of the matrix a product stands, such as that
        of its maker; where None, a product has its own.
        """
        return lookup(matrix, self.user, self.item if columns is None else columns[self.item])

    def of_case(self, matrix: sparse.sparray) -> np.ndarray:
        """Return the cells (search, product) of a sparse matrix, float32 (n,)."""
        return lookup(matrix, self.case, self.item)

    def share(self, values: np.ndarray, of: str = "sum") -> np.ndarray:
        """Return values (n,) of 0 and more, divided by their sum or maximum in the search."""
        if of not in ("sum", "max"):
            raise ValueError(f'of must be "sum" or "max", got {of!r}')
        total = np.zeros(len(self.window.cases))
        (np.add if of == "sum" else np.maximum).at(total, self.case, values)
        return values / np.where(total > 0, total, 1)[self.case]

    def ranks(self, scores: np.ndarray) -> np.ndarray:
        """Return each pair's place in its search, 1 for the best; equal scores by product."""
        order = np.lexsort((self.item, -np.asarray(scores, dtype=float), self.case))
        start = np.cumsum(self.sizes) - self.sizes
        places = np.empty(len(self), dtype=np.int64)
        places[order] = np.arange(len(self)) - start[self.case] + 1
        return places

    def lists(self, scores: np.ndarray, k: int = 10) -> np.ndarray:
        """Return the `k` best products of each search, int32 (n_cases, k), -1 where none is."""
        places = self.ranks(scores)
        shown = places <= k
        found = np.full((len(self.window.cases), k), -1, dtype=np.int32)
        found[self.case[shown], places[shown] - 1] = self.item[shown]
        return found

    def judge(self, scores: np.ndarray, k: int = 10) -> pd.DataFrame:
        """Return mrr and ndcg of each search's list, as `SearchWindow.judge` does."""
        return self.window.judge(self.lists(scores, k), k)


def gather(
    window: SearchWindow,
    matches: sparse.csr_array,
    shared: Iterable[np.ndarray],
    personal: Iterable[sparse.csr_array],
    *,
    depth: int = 30,
) -> Candidates:
    """Return for each search the matching products that stand high by one source at least.

    A product is taken if it matches the query, somebody bought it before the window, and it stands
    among the first `depth` matching ones by the text score, by a source that is the same for
    everybody, or by one of the household's own. So the first `depth` places of a list by any one
    source are whole.

    Parameters
    ----------
    window : SearchWindow
    matches : sparse matrix (n_cases, n_items)
        The text scores, above 0 where the product matches. Searches with the same query must have
        the same row: what all share is gathered once a query.
    shared : float arrays (n_items,)
        Such as popularity.
    personal : sparse matrices (n_users, n_items)
        Of the household; only stored cells above 0 count.
    depth : int

    Raises
    ------
    ValueError
        If there are no searches, or `matches` has another shape than they and the items.
    """
    cases, n_items = window.cases, window.known.n_items
    if matches.shape != (len(cases), n_items):
        raise ValueError(f"matches must be {(len(cases), n_items)}, got {matches.shape}")
    if not len(cases):
        raise ValueError("the window has no searches, so there is nothing to gather")
    kept: list[np.ndarray] = []
    shared, personal = list(shared), [matrix[cases["user"].to_numpy()] for matrix in personal]
    by_query: dict[tuple, list[np.ndarray]] = {}
    for row in range(len(cases)):
        inside = slice(*matches.indptr[row : row + 2])
        key = cases["query"].iloc[row]
        if key not in by_query:
            there = window.candidates[matches.indices[inside]]
            items, text = matches.indices[inside][there], matches.data[inside][there]
            parts = [_first(items, values, depth) for values in (text, *(s[items] for s in shared))]
            by_query[key] = [np.sort(items), np.unique(np.concatenate(parts))]
        items, chosen = by_query[key]
        parts = [chosen]
        for matrix in personal:
            own = slice(*matrix.indptr[row : row + 2])
            good = matrix.data[own] > 0
            columns, values = matrix.indices[own][good], matrix.data[own][good]
            fits = _isin_sorted(columns, items)
            parts.append(_first(columns[fits], values[fits], depth))
        kept.append(np.unique(np.concatenate(parts)))
    case = np.repeat(np.arange(len(cases)), [len(items) for items in kept])
    return Candidates(window, case, np.concatenate(kept).astype(np.int64))


def lookup(matrix: sparse.sparray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the cells (row, column) of a sparse matrix, float32 (n,); 0 where none is stored.

    Examples
    --------
    >>> lookup(sparse.csr_array([[0, 2], [3, 0]]), np.array([1, 1]), np.array([0, 1]))
    array([3., 0.], dtype=float32)
    """
    matrix = sparse.csr_array(matrix)
    matrix.sort_indices()
    height, width = matrix.shape
    row = np.repeat(np.arange(height), np.diff(matrix.indptr))
    # All cells as one rising list, closed by one that no pair can name.
    cells = np.append(row * np.int64(width) + matrix.indices, np.int64(height) * width)
    wanted = np.asarray(rows, dtype=np.int64) * width + columns
    found = np.searchsorted(cells, wanted)
    stored = np.append(matrix.data, 0).astype(np.float32)
    return np.where(cells[found] == wanted, stored[found], np.float32(0))


def _first(items: np.ndarray, values: np.ndarray, depth: int) -> np.ndarray:
    if len(items) <= depth:
        return items
    return items[np.lexsort((items, -values))[:depth]]


def _isin_sorted(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    if not len(among):
        return np.zeros(len(values), dtype=bool)
    return among[np.minimum(np.searchsorted(among, values), len(among) - 1)] == values
