"""A variational autoencoder that rebuilds what a user took."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np

from recbook.data.interactions import Interactions
from recbook.models.base import check_at_least
from recbook.models.deep.base import DeepRecommender
from recbook.models.list_inputs import check_input, input_matrix


class MultVAE(DeepRecommender):
    """A variational autoencoder with a multinomial likelihood.

    Let x_u be a user's row and N_u its sum. The encoder makes of it the mean μ and the logarithm of
    the variance σ² of a normal distribution over a few latent numbers z; the decoder makes of z a
    chance π for each item:

        h = tanh(W₁ x_u / |x_u| + b₁),    (μ, ln σ²) = W₂ h + b₂,    z = μ + σ ε,  ε ~ N(0, I),
        π(z) = softmax(W₄ tanh(W₃ z + b₃) + b₄).

    The loss is minus the evidence lower bound, the second term weighed by β, a mean over users:

        -Σ_i x_ui ln π_i(z) + β KL,    KL = ½ Σ_k (μ_k² + σ_k² - 1 - ln σ_k²).

    β rises from 0 to `beta` in equal steps over the first `anneal` of all steps, so that the
    latent numbers are used before they are priced. In training each cell of x_u / |x_u| is dropped
    with chance `dropout`, the rest scaled up. Scores are ln π at z = μ, with nothing drawn.

    Parameters
    ----------
    n_latent, n_hidden : int
        Numbers in z, and in the layer on either side of it.
    beta : float
        What KL is weighed by in the end; 1 is the bound itself.
    anneal : float
        From 0, at once, to 1, never reached before the end.
    dropout : float
        At least 0, below 1.
    values, half_life_days, half_life_events, damping
        What a cell of x holds, see `recbook.models.list_inputs.input_matrix`.
    epochs, batch_size, learning_rate, weight_decay, monitor, patience, log_dir, rng
        See `DeepRecommender`. A row of a batch is a user.

    Attributes
    ----------
    user_vectors_ : float32 array (n_users, n_hidden)
        tanh(W₃ μ + b₃).
    item_vectors_ : float32 array (n_items, n_hidden)
        W₄ᵀ.
    item_bias_ : float32 array (n_items,)
        b₄. Scores are the products and this; ln π differs from them by one number a user.
    latent_ : float32 array (n_users, n_latent)
        μ.

    Notes
    -----
    Memory: fit at most
    ``16 * n_users * n_items + 60 * n_items * n_hidden + 60 * n_events + 3e7`` bytes, score at most
    ``4 * n_rows * n_items + 3500 * n_items + 2e6`` bytes.

    References
    ----------
    Liang, Krishnan, Hoffman, Jebara: Variational autoencoders for collaborative filtering.
    WWW 2018.
    """

    def __init__(
        self,
        n_latent: int = 64,
        n_hidden: int = 256,
        *,
        beta: float = 0.2,
        anneal: float = 0.5,
        dropout: float = 0.5,
        values: str = "binary",
        half_life_days: float | None = None,
        half_life_events: float | None = None,
        damping: str | None = None,
        epochs: int = 50,
        batch_size: int = 128,
        learning_rate: float = 0.001,
        weight_decay: float = 0.0,
        monitor: Callable | None = None,
        patience: int = 5,
        log_dir: str | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        check_at_least("n_latent", n_latent, 1)
        check_at_least("n_hidden", n_hidden, 1)
        check_at_least("beta", beta, 0)
        for name, value in (("anneal", anneal), ("dropout", dropout)):
            check_at_least(name, value, 0)
        if anneal > 1:
            raise ValueError(f"anneal is a share of the steps, at most 1, got {anneal!r}")
        if dropout >= 1:
            raise ValueError(f"dropout must be below 1, or nothing is left, got {dropout!r}")
        check_input(values, half_life_days, half_life_events, damping)
        self.n_latent = n_latent
        self.n_hidden = n_hidden
        self.beta = beta
        self.anneal = anneal
        self.dropout = dropout
        self.values = values
        self.half_life_days = half_life_days
        self.half_life_events = half_life_events
        self.damping = damping
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.monitor = monitor
        self.patience = patience
        self.log_dir = log_dir
        self.rng = rng
        self._check_training()

    def fit(self, interactions: Interactions) -> Self:
        """Train on the users' rows; see `DeepRecommender.fit`."""
        self._epoch = 0  # of which the price of KL depends
        return super().fit(interactions)

    def _network(self, interactions: Interactions, seed: int):
        import keras
        from keras import layers

        seeds = [seed + n for n in range(6)]

        def dense(n, name, number, **more):
            start = keras.initializers.GlorotUniform(seed=seeds[number])
            return layers.Dense(n, kernel_initializer=start, name=name, **more)

        row = keras.Input((interactions.n_items,), name="row")
        inner = layers.UnitNormalization(name="length_one")(row)
        inner = layers.Dropout(self.dropout, seed=seeds[4], name="dropout")(inner)
        inner = dense(self.n_hidden, "encoder", 0, activation="tanh")(inner)
        both = dense(2 * self.n_latent, "latent", 1)(inner)
        z = _draw_class(keras)(self.n_latent, seeds[5], name="draw")(both)
        inner = dense(self.n_hidden, "decoder", 2, activation="tanh")(z)
        return keras.Model(row, [dense(interactions.n_items, "items", 3)(inner), both])

    def _rows_of(self, interactions: Interactions) -> np.ndarray:
        """Return x, float32 (n_users, n_items)."""
        return input_matrix(
            interactions, self.values, half_life_days=self.half_life_days,
            half_life_events=self.half_life_events, damping=self.damping,
        ).astype(np.float32).toarray()  # fmt: skip

    def _examples(
        self, interactions: Interactions, rng: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        rows = self._rows_of(interactions)
        users = rng.permutation(np.flatnonzero(rows.any(axis=1)))
        n_batches = -(-len(users) // self.batch_size)
        step = self._epoch * n_batches + np.arange(len(users)) // self.batch_size
        self._epoch += 1
        price = self.beta_at(step, self.epochs * n_batches)
        return rows[users], price.astype(np.float32)

    def beta_at(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        """Return what KL is weighed by at `step`, counted from 0, of `n_steps`."""
        if self.anneal == 0:
            return np.full(np.shape(step), float(self.beta))
        return self.beta * np.minimum(1, np.asarray(step) / (self.anneal * n_steps))

    def _loss(self, network, row, price):
        import tensorflow as tf

        logits, both = network(row, training=True)
        misses = -tf.reduce_sum(row * tf.nn.log_softmax(logits), axis=1)
        return tf.reduce_mean(misses + price * kl_from_standard(both))

    def _keep(self, network, interactions: Interactions) -> None:
        row = self._rows_of(interactions)
        length = np.linalg.norm(row, axis=1, keepdims=True)
        weights = [network.get_layer(n).get_weights() for n in ("encoder", "latent", "decoder")]
        inner = np.divide(row, length, out=row, where=length > 0)
        inner = np.tanh(inner @ weights[0][0] + weights[0][1])
        self.latent_ = (inner @ weights[1][0] + weights[1][1])[:, : self.n_latent]
        self.user_vectors_ = np.tanh(self.latent_ @ weights[2][0] + weights[2][1])
        kernel, self.item_bias_ = network.get_layer("items").get_weights()
        self.item_vectors_ = np.ascontiguousarray(kernel.T)


def kl_from_standard(both):
    """Return KL(N(μ, σ²) || N(0, I)) of each row.

    Parameters
    ----------
    both : tensor (n, 2 * n_latent)
        μ, then ln σ².

    Returns
    -------
    tensor (n,), in nats
    """
    import tensorflow as tf

    mean, log_variance = tf.split(both, 2, axis=1)
    return 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, axis=1)


def _draw_class(keras):
    """Return the Keras layer that draws z; a function, as Keras is only there when it is needed."""

    class Draw(keras.layers.Layer):
        def __init__(self, n_latent, seed, **kwargs):
            super().__init__(**kwargs)
            self.n_latent, self.seeds = n_latent, keras.random.SeedGenerator(seed)

        def call(self, both, training=False):
            mean, log_variance = both[:, : self.n_latent], both[:, self.n_latent :]
            if not training:
                return mean
            noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
            return mean + keras.ops.exp(log_variance / 2) * noise

    return Draw
