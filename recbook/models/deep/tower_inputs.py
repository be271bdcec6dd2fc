"""What the two towers read of users and items, laid out for a network."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.deep.side_features import Features, feature_rows, padded

Bag = tuple[np.ndarray, np.ndarray]  # columns and numbers of each row, see `padded`


class TowerInputs(NamedTuple):
    """Histories and features; None for what there is not."""

    history: Bag | None
    user_features: Bag | None
    item_features: Bag | None
    n_features: tuple[int, int]

    @classmethod
    def of(
        cls,
        events: Interactions,
        user_features: Features | None,
        item_features: Features | None,
        weights: sparse.csr_array,
        n_history: int,
    ) -> Self:
        """Lay out the features of the events' ids, and the largest weights of each user."""
        bags, widths = [], []
        for features, ids in ((user_features, events.users), (item_features, events.items)):
            rows = None if features is None else feature_rows(features, ids)
            widths.append(0 if rows is None else rows.shape[1])
            bags.append(padded(rows) if widths[-1] else None)
        history = padded(weights, n_history) if n_history else None
        return cls(history, *bags, n_features=tuple(widths))

    def of_users(self, users, left_out=None) -> list:
        """Return the inputs of the users' tower for these rows.

        `left_out` (n, p) are items taken out of each user's history. What is left is scaled to
        length 1, so that a long history does not make a long vector.
        """
        import tensorflow as tf

        inputs = [users, *_rows(self.user_features, users)]
        if self.history is not None:
            columns, numbers = _rows(self.history, users)
            if left_out is not None:
                hidden = tf.reduce_any(columns[:, :, None] == left_out[:, None, :], axis=2)
                numbers = tf.where(hidden, 0.0, numbers)
            length = tf.norm(numbers, axis=1, keepdims=True)
            inputs += [columns, numbers / tf.maximum(length, 1e-6)]
        return inputs

    def of_items(self, items) -> list:
        """Return the inputs of the items' tower for these columns."""
        return [items, *_rows(self.item_features, items)]


def _rows(bag: Bag | None, rows) -> list:
    import tensorflow as tf

    return [] if bag is None else [tf.gather(part, rows) for part in bag]
