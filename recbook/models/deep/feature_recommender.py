"""Wide & Deep, DeepFM and factorisation machines as recommenders over ids and features."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.models.base import check_at_least, check_choice
from recbook.models.deep.base import DeepRecommender
from recbook.models.deep.side_features import (
    Features,
    check_features,
    feature_rows,
    padded,
    told,
)
from recbook.models.deep.table_network import KINDS, Learnt, build, fm_pairs


class FeatureRecommender(DeepRecommender):
    """Scores a user and an item by all that is known of both, with the networks for responses.

    A pair is a row of fields: the user's id, each of her features, the item's id, each of its
    features, and a constant 1. `recbook.models.deep.table_network.build` has the formula of each
    kind. The network is trained to tell the pairs with events (label 1) from pairs drawn at random
    (label 0), by the log-loss; a score is its logit.

    Features of users that meet only those of items add nothing to the order of a list in the linear
    part: "logistic" is popularity, for everybody the same.

    Parameters
    ----------
    user_features, item_features : DataFrame, Series of texts, or ItemFeatures, optional
        Indexed by id; each column of a DataFrame is a category and a field, texts and ItemFeatures
        are one field each. Ids that are missing have no features.
    kind : {"logistic", "fm", "wide_and_deep", "deepfm"}
    n_factors : int
    hidden : tuple of int
        Units of each layer (ReLU).
    n_negatives : int
        Pairs without events drawn for each pair with: her user, an item drawn uniformly among those
        with events. One that she took is dropped.
    epochs, batch_size, learning_rate, weight_decay, monitor, patience, log_dir, rng
        See `DeepRecommender`.

    Attributes
    ----------
    user_part_, item_part_ : Part
        What each side adds, computed once, so that a score takes only what is above.

    Notes
    -----
    With the first layer K z = K_u z_u + K_i z_i, the two products are made once for each user and
    item and not for each pair; and of the pairs of the factorisation machine, only those of a
    user's field and an item's are left to do: (Σ v_j x_j of hers) · (Σ v_j x_j of its).

    Memory: fit at most ``(60 + 20 * n_negatives) * n_events + (n_users + n_items) * (60 + 40 *
    n_factors + 8 * sum(hidden)) + 100e6`` bytes, score at most ``4 * n_rows * n_items + n_items *
    (600 + 20 * sum(hidden)) + 2e6`` bytes. Features come on top, 16 bytes a place.

    References
    ----------
    Cheng et al.: Wide & Deep learning for recommender systems. DLRS 2016. Guo, Tang, Ye, Li, He:
    DeepFM: a factorization-machine based neural network for CTR prediction. IJCAI 2017.
    """

    def __init__(
        self,
        user_features: Features | None = None,
        item_features: Features | None = None,
        *,
        kind: str = "deepfm",
        n_factors: int = 16,
        hidden: tuple[int, ...] = (32,),
        n_negatives: int = 4,
        epochs: int = 10,
        batch_size: int = 2048,
        learning_rate: float = 0.003,
        weight_decay: float = 0.0,
        monitor: Callable[[Self], float] | None = None,
        patience: int = 3,
        log_dir: str | None = None,
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        check_features("user_features", user_features)
        check_features("item_features", item_features)
        check_choice("kind", kind, KINDS)
        check_at_least("n_factors", n_factors, 1)
        check_at_least("n_negatives", n_negatives, 1)
        for units in hidden:
            check_at_least("each of hidden", units, 1)
        self.user_features, self.item_features, self.kind = user_features, item_features, kind
        self.n_factors, self.hidden, self.n_negatives = n_factors, tuple(hidden), n_negatives
        self.epochs, self.batch_size, self.learning_rate = epochs, batch_size, learning_rate
        self.weight_decay, self.monitor, self.patience = weight_decay, monitor, patience
        self.log_dir, self.rng = log_dir, rng
        self._check_training()

    def fit(self, interactions: Interactions) -> Self:
        """Set the features beside the ids, and train."""
        users = Side.of(self.user_features, interactions.users, 0)
        self.sides_ = users, Side.of(self.item_features, interactions.items, users.end)
        return super().fit(interactions)

    def rows(self, users: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
        """Return what the network reads of pairs: columns and numbers, (n, n_places) each."""
        (u, i), n = self.sides_, len(users)
        columns = np.hstack([u.columns[users], i.columns[items], np.full((n, 1), i.end, np.int32)])
        numbers = np.hstack([u.numbers[users], i.numbers[items], np.ones((n, 1), np.float32)])
        return [columns, numbers]

    def _block(self, start: int, stop: int) -> np.ndarray:
        user, item = self.user_part_, self.item_part_
        block = slice(start, min(stop, len(user.linear)))
        scores = user.linear[block, None] + item.linear
        if user.summed is not None:
            scores += user.summed[block] @ item.summed.T
        if user.first is not None:
            for row, first in zip(scores, user.first[block], strict=True):  # a table each
                row += self.learnt_.above(first + item.first)
        return scores

    def __repr__(self) -> str:
        return f"FeatureRecommender({told(self.get_params())})"

    def _network(self, interactions: Interactions, seed: int):
        users, items = self.sides_
        return build(
            self.kind, [*users.widths, *items.widths, 1], items.end + 1,
            n_factors=self.n_factors, hidden=self.hidden, n_linear=1, seed=seed,
        )  # fmt: skip

    def _examples(self, interactions: Interactions, rng: np.random.Generator):
        cells = np.unique(
            interactions.user.astype(np.int64) * interactions.n_items + interactions.item
        )
        user, item = np.divmod(cells, interactions.n_items)
        drawn = rng.choice(np.flatnonzero(self.known_), size=self.n_negatives * len(cells))
        others = np.repeat(user, self.n_negatives)
        at = others * interactions.n_items + drawn
        new = cells[np.minimum(np.searchsorted(cells, at), len(cells) - 1)] != at
        user, item = np.append(user, others[new]), np.append(item, drawn[new])
        label = np.repeat(np.float32([1, 0]), [len(cells), new.sum()])
        order = rng.permutation(len(user))
        return user[order].astype(np.int32), item[order].astype(np.int32), label[order]

    def _loss(self, network, users, items, labels):
        import tensorflow as tf

        (u, i), one = self.sides_, tf.ones((tf.shape(users)[0], 1))
        columns = [tf.gather(u.columns, users), tf.gather(i.columns, items)]
        numbers = [tf.gather(u.numbers, users), tf.gather(i.numbers, items), one]
        columns.append(tf.fill(tf.shape(one), np.int32(i.end)))
        logits = network([tf.concat(columns, 1), tf.concat(numbers, 1)], training=True)[:, 0]
        losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.reduce_mean(losses)

    def _keep(self, network, interactions: Interactions) -> None:
        users, items = self.sides_
        self.learnt_ = Learnt.of(network, self.kind, [*users.widths, *items.widths, 1], n_linear=1)
        n_user_rows = len(users.widths) * self.n_factors  # of the first kernel
        self.user_part_ = Part.of(users, self.learnt_, slice(n_user_rows))
        part = Part.of(items, self.learnt_, slice(n_user_rows, None))
        self.item_part_ = part._replace(linear=part.linear + self.learnt_.weights[items.end])


class Side(NamedTuple):
    """The fields of the users, or of the items, in places.

    Attributes
    ----------
    columns : int32 array (n, n_places)
    numbers : float32 array (n, n_places)
    widths : list of int
        Places of each field; the id is the first.
    end : int
        The first column behind them.
    """

    columns: np.ndarray
    numbers: np.ndarray
    widths: list[int]
    end: int

    @classmethod
    def of(cls, features: Features | None, ids: pd.Index, start: int) -> Self:
        """Lay out ids and features; their columns begin at `start`."""
        n = len(ids)
        columns, numbers = [start + np.arange(n, dtype=np.int32)[:, None]], [np.ones((n, 1))]
        end = start + n
        apart = isinstance(features, pd.DataFrame)
        fields = [features[[name]] for name in features] if apart else [features]
        for field in fields if features is not None else []:
            rows = feature_rows(field, ids)
            place, number = padded(rows)
            columns.append(end + place)
            numbers.append(number)
            end += max(1, rows.shape[1])
        widths = [part.shape[1] for part in columns]
        return cls(
            np.hstack(columns).astype(np.int32), np.hstack(numbers).astype(np.float32), widths, end
        )


class Part(NamedTuple):
    """What one side adds to the logits of its pairs.

    Attributes
    ----------
    linear : float32 array (n,)
        Σ w_j x_j and, of a factorisation machine, the pairs among its own fields.
    summed : float32 array (n, n_factors) or None
        Σ v_j x_j, where the kind has pairs.
    first : float32 array (n, hidden[0]) or None
        K_side z_side, where the kind has layers.
    """

    linear: np.ndarray
    summed: np.ndarray | None
    first: np.ndarray | None

    @classmethod
    def of(cls, side: Side, learnt: Learnt, kernel_rows: slice) -> Self:
        """Compute it from what a network has learnt."""
        linear = np.einsum("np,np->n", learnt.weights[side.columns], side.numbers)
        summed = first = None
        if learnt.factors is not None:
            vectors = learnt.factors[side.columns] * side.numbers[:, :, None]
            if learnt.paired:
                linear, summed = linear + fm_pairs(vectors), vectors.sum(axis=1)
            if learnt.layers:
                starts = np.cumsum([0, *side.widths[:-1]])
                z = np.add.reduceat(vectors, starts, axis=1).reshape(len(vectors), -1)
                first = z @ learnt.layers[0][0][kernel_rows]
        return cls(linear, summed, first)
