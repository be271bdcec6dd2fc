"""Two towers: one network reads the user, another the item, and they meet in a product."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Self

import numpy as np

from recbook.data.interactions import Interactions
from recbook.models.base import check_at_least
from recbook.models.deep.base import DeepRecommender
from recbook.models.deep.in_batch import draw_items, in_batch_loss, log_chances, shares
from recbook.models.deep.side_features import Features, check_features, told
from recbook.models.deep.tower_inputs import TowerInputs
from recbook.models.deep.training import batches
from recbook.models.list_inputs import check_input, input_matrix

_ROWS = 1024  # users or items sent through a tower at a time


class TwoTower(DeepRecommender):
    """A tower for users, a tower for items, trained by a softmax over the items of a batch.

    score(u, i) = x_u · y_i / τ + b_i. The user's tower adds up a vector for each of her features,
    for each item of her history, weighed by what she took and scaled to length 1, and one of her
    own (`user_ids`); the item's tower adds up a vector of its own and those of its features, such
    as its words. `hidden` layers read the same parts side by side, and what they make is added.

    A user is drawn once an epoch (but for those who are too few for a last batch), with
    `n_positives` of her items, each with a chance in proportion to its weight in her row. All items
    drawn for a batch of users are the columns of a softmax: for each of her items i

        -ln( exp(s_ui) / (exp(s_ui) + Σ_{j in batch, not hers} exp(s_uj)) ),
        s_uj = score(u, j) - ln q_j,

    where q_j is the chance that a place of the batch holds j. Frequent items are drawn often;
    without ln q_j (`log_q=False`) the model learns to push them down, and score(u, i) tends to the
    log of P(i | u) / q_i in place of P(i | u). Places that hold one of the user's own drawn items,
    accidental hits, are left out of her sum.

    Parameters
    ----------
    user_features, item_features : DataFrame, Series of texts, or ItemFeatures, optional
        See `recbook.models.deep.side_features.feature_rows`. Ids that are missing have no features.
    n_factors : int
    hidden : tuple of int
        Units of the layers of each tower (ReLU), none for a tower that only adds up.
    history : int
        How many items of a user's history, those of the largest weights; 0 for none.
    leave_out : bool
        Whether the items drawn are taken out of her history for the step, so that the tower learns
        to tell what it is not shown. For next purchases, where it shall repeat them, say False.
    user_ids : bool
        Whether each user has a vector of her own.
    n_positives : int
        1 is the form of the literature; more share the work of the user's tower.
    log_q : bool
    temperature : float, optional
        τ, with x and y scaled to length 1; where None, τ is 1 and they keep their lengths.
    values, half_life_days, damping
        The weight of what a user took, see `recbook.models.list_inputs.input_matrix`.
    epochs, batch_size, learning_rate, weight_decay, monitor, patience, log_dir, rng
        See `DeepRecommender`; `batch_size` counts users.

    Attributes
    ----------
    user_vectors_, item_vectors_ : float32 arrays (n_users or n_items, n_factors)
        x / τ and y. The vector of an item without events is what its features make of it.
    item_bias_ : float32 array (n_items,)
        b, which starts at ln q where `log_q`: before any step, the model is popularity.
    log_q_ : float32 array (n_items,)

    Notes
    -----
    Memory: fit at most ``80 * n_events + 40 * n_factors * (n_users + 2 * n_items)
    + 16 * n_users * min(history, n_items) + 100 * batch_size**2 * n_positives
    + 40 * batch_size * min(history, n_items) * n_factors + 100e6`` bytes, score at most
    ``4 * n_rows * n_items + 2500 * n_items + 2e6`` bytes. Features come on top, 16 bytes a place.

    References
    ----------
    Yi et al.: Sampling-bias-corrected neural modeling for large corpus item recommendations.
    RecSys 2019. Covington, Adams, Sargin: Deep neural networks for YouTube recommendations. RecSys
    2016.
    """

    def __init__(
        self,
        user_features: Features | None = None,
        item_features: Features | None = None,
        *,
        n_factors: int = 32,
        hidden: tuple[int, ...] = (),
        history: int = 300,
        leave_out: bool = True,
        user_ids: bool = False,
        n_positives: int = 8,
        log_q: bool = True,
        temperature: float | None = None,
        values: str = "binary",
        half_life_days: float | None = None,
        damping: str | None = None,
        epochs: int = 6,
        batch_size: int = 256,
        learning_rate: float = 0.01,
        weight_decay: float = 0.0,
        monitor: Callable[[Self], float] | None = None,
        patience: int = 3,
        log_dir: str | None = None,
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        check_features("user_features", user_features)
        check_features("item_features", item_features)
        check_input(values, half_life_days, None, damping)
        for name, value in (("n_factors", n_factors), ("n_positives", n_positives)):
            check_at_least(name, value, 1)
        check_at_least("history", history, 0)
        for units in hidden:
            check_at_least("each of hidden", units, 1)
        if temperature is not None and not temperature > 0:
            raise ValueError(f"temperature must be above 0 or None, got {temperature!r}")
        if not (history or user_ids or user_features is not None):
            raise ValueError(
                "the user's tower reads nothing; give it a history, user_ids=True or user_features"
            )
        self.user_features, self.item_features = user_features, item_features
        self.n_factors, self.hidden, self.history = n_factors, tuple(hidden), history
        self.leave_out, self.user_ids, self.n_positives = leave_out, user_ids, n_positives
        self.log_q, self.temperature = log_q, temperature
        self.values, self.half_life_days, self.damping = values, half_life_days, damping
        self.epochs, self.batch_size, self.learning_rate = epochs, batch_size, learning_rate
        self.weight_decay, self.monitor, self.patience = weight_decay, monitor, patience
        self.log_dir, self.rng = log_dir, rng
        self._check_training()

    def fit(self, interactions: Interactions) -> Self:
        """Set the features beside the ids, weigh what each user took, and train."""
        weights = input_matrix(
            interactions, self.values, half_life_days=self.half_life_days, damping=self.damping
        )
        self._inputs = TowerInputs.of(
            interactions, self.user_features, self.item_features, weights, self.history
        )
        self._chances = shares(weights)
        self.log_q_ = log_chances(self._chances)
        self.n_features_ = self._inputs.n_features
        try:
            return super().fit(interactions)
        finally:
            del self._inputs, self._chances

    def __repr__(self) -> str:
        return f"TwoTower({told(self.get_params())})"

    def _network(self, interactions: Interactions, seed: int):
        import keras
        from keras import initializers, layers

        seeds = count(seed)

        def tower(name, n, ids, bags):
            one = keras.Input((), dtype="int32", name=f"{name}_id")
            inputs, parts = [one], []
            if ids is not None:
                parts.append(layers.Embedding(n, self.n_factors, ids, name=f"{name}_ids")(one))
            for label, n_columns in bags.items():
                start = initializers.RandomNormal(0, 0.1, seed=next(seeds))
                table = layers.Embedding(n_columns, self.n_factors, start, name=f"{name}_{label}")
                columns = keras.Input((None,), dtype="int32", name=f"{name}_{label}_columns")
                numbers = keras.Input((None,), name=f"{name}_{label}_numbers")
                inputs += [columns, numbers]
                parts.append(layers.Dot((1, 1))([numbers, table(columns)]))
            out = layers.Add()(parts) if len(parts) > 1 else parts[0]
            if self.hidden:
                x = layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
                for units, shape in [*((n, "relu") for n in self.hidden), (self.n_factors, None)]:
                    start = initializers.GlorotUniform(seed=next(seeds))
                    x = layers.Dense(units, shape, kernel_initializer=start)(x)
                out = layers.Add()([out, x])
            if self.temperature is not None:
                out = layers.UnitNormalization()(out)
            return keras.Model(inputs, out, name=f"{name}_tower")

        n_user_features, n_item_features = self.n_features_
        reads = {"features": n_user_features} if n_user_features else {}
        reads |= {"history": interactions.n_items} if self.history else {}
        ids = initializers.RandomNormal(0, 0.05, seed=next(seeds)) if self.user_ids else None
        user = tower("user", interactions.n_users, ids, reads)
        # Items begin at 0, so that one without events stays where its features put it.
        words = {"features": n_item_features} if n_item_features else {}
        item = tower("item", interactions.n_items, initializers.Zeros(), words)
        bias = layers.Embedding(interactions.n_items, 1, "zeros", name="bias")
        outputs = [user(user.inputs), item(item.inputs), bias(item.inputs[0])]
        network = keras.Model([*user.inputs, *item.inputs], outputs)
        if self.log_q:
            bias.set_weights([self.log_q_[:, None]])
        return network

    def _examples(self, interactions: Interactions, rng: np.random.Generator):
        users = rng.permutation(np.unique(interactions.user)).astype(np.int32)
        # Whole batches only: a short one has fewer wrong answers.
        users = users[: len(users) // self.batch_size * self.batch_size or None]
        return users, draw_items(self._chances, users, self.n_positives, rng)

    def _loss(self, network, users, items):
        import tensorflow as tf

        flat = tf.reshape(items, [-1])
        left_out = items if self.leave_out else None
        inputs = self._inputs.of_users(users, left_out) + self._inputs.of_items(flat)
        x, y, bias = network(inputs, training=True)
        logits = tf.matmul(x, y, transpose_b=True) / (self.temperature or 1) + bias[:, 0]
        if self.log_q:
            logits -= tf.gather(self.log_q_, flat)
        return in_batch_loss(logits, items)

    def _keep(self, network, interactions: Interactions) -> None:
        import tensorflow as tf

        def vectors(name, n, inputs_of):
            run = network.get_layer(f"{name}_tower")
            parts = batches((np.arange(n, dtype=np.int32),), _ROWS)
            return np.concatenate([run(inputs_of(tf.constant(rows))).numpy() for (rows,) in parts])

        x = vectors("user", interactions.n_users, self._inputs.of_users)
        self.user_vectors_ = x / np.float32(self.temperature or 1)
        self.item_vectors_ = vectors("item", interactions.n_items, self._inputs.of_items)
        self.item_bias_ = network.get_layer("bias").get_weights()[0][:, 0]
