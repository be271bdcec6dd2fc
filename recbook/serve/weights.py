"""What having one item says about another, taken from a fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
from scipy import sparse

from recbook.models.base import Recommender, check_at_least

_BLOCK = 1024  # columns of the whole weight matrix held at a time


class ItemWeights:
    """A sparse matrix W of items by items: who has j gets W[j, i] added to her score of i.

    With it any history can be scored, also one that the model never saw (fold-in): the scores of a
    row x of values are x W.

    Parameters
    ----------
    items : sequence of ids
        Kept as text.
    matrix : sparse array (n_items, n_items)

    Examples
    --------
    >>> ItemWeights(["tea", "milk"], sparse.csr_array([[0, 0.5], [0.2, 0]])).items
    ['tea', 'milk']
    """

    def __init__(self, items: Sequence, matrix: sparse.sparray) -> None:
        self.items = [str(item) for item in items]
        self.matrix = sparse.csr_array(matrix, dtype=np.float64)
        self.matrix.sort_indices()
        n = len(self.items)
        if self.matrix.shape != (n, n):
            raise ValueError(f"{n} items need weights of {(n, n)}, got {self.matrix.shape}")
        if len(set(self.items)) != n:
            raise ValueError("two items have one id; the ids must differ as text too")
        if not np.isfinite(self.matrix.data).all():
            raise ValueError("a weight is not finite; fit the model again")

    @classmethod
    def from_model(cls, model: Recommender, n: int = 100) -> Self:
        """Take the weights of a fitted model, the `n` largest (in size) into each item.

        Parameters
        ----------
        model : EASE, ItemNeighbours, or any with `item_weights(items)` or `similarities_`
        n : int

        Raises
        ------
        ValueError
            If the model is not fitted or has no item-to-item weights.
        """
        check_at_least("n", n, 1)
        events = model._fitted()
        if hasattr(model, "item_weights"):
            return cls(events.items, _largest(model.item_weights, events.n_items, n))
        similarities = getattr(model, "similarities_", None)
        if similarities is None or similarities.shape != (events.n_items, events.n_items):
            raise ValueError(
                f"{type(model).__name__} has no item-to-item weights; take EASE or ItemNeighbours"
            )
        neighbours = similarities.tocsr()  # row i holds the neighbours of i
        if np.diff(neighbours.indptr).max(initial=0) <= n:
            return cls(events.items, neighbours.T)
        return cls(
            events.items,
            _largest(lambda some: neighbours[some].toarray().T, events.n_items, n),
        )

    def save(self, path: str | Path) -> None:
        """Write the weights to an .npz file."""
        m = self.matrix
        parts = {"data": m.data, "indices": m.indices, "indptr": m.indptr}
        with Path(path).open("wb") as file:
            np.savez_compressed(file, items=np.array(self.items, dtype=np.str_), **parts)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file is missing or is not such a file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                items = file["items"].tolist()
                parts = (file["data"], file["indices"], file["indptr"])
            return cls(items, sparse.csr_array(parts, shape=(len(items), len(items))))
        except (OSError, KeyError, ValueError, BadZipFile) as error:
            raise ValueError(
                f"{path} holds no item weights ({type(error).__name__}); "
                "make it with ItemWeights.save"
            ) from None


def _largest(columns, n_items: int, n: int) -> sparse.csr_array:
    """Keep of each column the `n` weights of largest size."""
    rows, at, data = [], [], []
    for start in range(0, n_items, _BLOCK):
        some = np.arange(start, min(n_items, start + _BLOCK))
        block = columns(some)
        if n < n_items:
            kept = np.argpartition(-np.abs(block), n - 1, axis=0)[:n]
        else:
            kept = np.tile(np.arange(n_items)[:, None], len(some))
        values = np.take_along_axis(block, kept, axis=0)
        there = values != 0
        rows.append(kept[there])
        at.append(np.broadcast_to(some, kept.shape)[there])
        data.append(values[there])
    coordinates = (np.concatenate(rows), np.concatenate(at)) if rows else ([], [])
    values = np.concatenate(data) if data else []
    return sparse.coo_array((values, coordinates), shape=(n_items, n_items)).tocsr()
