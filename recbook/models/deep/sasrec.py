"""SASRec: a Transformer that looks back at all of a history at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recbook.models.base import check_at_least
from recbook.models.deep.sequences import SequenceRecommender


class SASRec(SequenceRecommender):
    """A Transformer: every state mixes all events so far, with weights found from what they are.

    The t-th event enters as x_t = √d e_i + p_t, its item's vector and one of its place. A layer
    takes rows X to Y = X + A(N(X)), and these to Y + max(N(Y) W_1 + b_1, 0) W_2 + b_2, where N
    brings each row to mean 0 and variance 1 and scales it, and A is attention: with Q, K, V linear
    images of its input, for each head of width d_h,

        weights = softmax over s ≤ t of (q_t · k_s / √d_h),    A_t = Σ_s weights_ts v_s,

    heads laid side by side and mapped linearly. That s never exceeds t, the causal mask, is what
    keeps a state from seeing what it is asked for. score(u, i) = h_n · e_i + b_i, h the last
    layer's rows after one more N. The rest is
    `recbook.models.deep.sequences.SequenceRecommender`'s.

    Parameters
    ----------
    n_factors : int
        d.
    length : int
        Events that are seen at most, and places that are learnt.
    n_layers : int
    n_heads : int
        Must divide `n_factors`.
    follows : {"event", "moment"}
        What is predicted in training: the next event, or one of the next moment.
    n_negatives : int, optional
        Of the sampled softmax; all items where None.
    max_windows : int, optional
        Windows of a user an epoch at most.
    dropout : float
        Also inside the second part of a layer.
    epochs, batch_size, learning_rate, weight_decay, monitor, patience, log_dir, rng
        As for `DeepRecommender`; a batch has so many windows.

    Notes
    -----
    The paper trains against one random negative each, by the logistic loss; Klenitskiy and
    Vasilev find that this loss was what a later Transformer, BERT4Rec, was ahead of it by: with
    the cross-entropy used here it is the better one. Places count from a window's beginning.

    Memory: fit at most ``36 * batch_size * length * (n_negatives or n_items) + 1024 * length *
    (100 * n_factors + 40 * n_heads * length) + 300 * n_events + 60 * n_factors * (n_items +
    n_users) + 2e7`` bytes, score at most ``4 * n_rows * n_items + 2500 * n_items + 1.5e7``
    bytes.

    References
    ----------
    Kang, McAuley: Self-attentive sequential recommendation. ICDM 2018. Klenitskiy, Vasilev: Turning
    dross into gold loss: is BERT4Rec really better than SASRec? RecSys 2023. Vaswani et al.:
    Attention is all you need. NeurIPS 2017.
    """

    _causal = True  # what an exercise breaks

    def __init__(
        self,
        n_factors: int = 32,
        length: int = 30,
        *,
        n_layers: int = 2,
        n_heads: int = 1,
        follows: str = "event",
        n_negatives: int | None = None,
        max_windows: int | None = None,
        dropout: float = 0.2,
        epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float = 0.01,
        weight_decay: float = 0.0,
        monitor: Callable | None = None,
        patience: int = 3,
        log_dir: str | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        self.n_factors = n_factors
        self.length = length
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.follows = follows
        self.n_negatives = n_negatives
        self.max_windows = max_windows
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.monitor = monitor
        self.patience = patience
        self.log_dir = log_dir
        self.rng = rng
        check_at_least("n_layers", n_layers, 1)
        check_at_least("n_heads", n_heads, 1)
        if n_factors % n_heads:
            raise ValueError(
                f"n_heads must divide n_factors={n_factors!r} into equal parts, got {n_heads!r}"
            )
        self._check_sequences()

    def attention(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return how much each event looks at each: (n, n_layers, n_heads, length, length).

        Row t holds the weights with which event t of `histories_[users]` mixes what came up to it;
        they sum to 1. Rows after the end of a history are 0.
        """
        import keras

        rows = self._rows(users)
        network = self.network()
        wanted = [network.get_layer(f"attention_{n}").output[1] for n in range(self.n_layers)]
        looks = keras.Model(network.input, wanted)
        shown = self.histories_[rows]
        found = looks(np.maximum(shown, 0))
        found = found if isinstance(found, list | tuple) else [found]
        weights = np.stack([np.asarray(one) for one in found], axis=1)
        return weights * (shown != -1)[:, None, None, :, None]

    def _states(self, items, vectors, seed: int):
        from keras import initializers, layers, ops

        seeds = iter(range(seed, seed + 1000))

        def glorot():
            return initializers.GlorotUniform(seed=next(seeds))

        def dropped(x):
            return layers.Dropout(self.dropout, seed=next(seeds))(x)

        places = layers.Embedding(
            self.length, self.n_factors, name="places",
            embeddings_initializer=initializers.RandomNormal(0, 0.02, seed=next(seeds)),
        )(ops.cumsum(ops.ones_like(items), axis=1) - 1)  # fmt: skip
        states = dropped(vectors * self.n_factors**0.5 + places)
        for n in range(self.n_layers):
            normal = layers.LayerNormalization(name=f"normal_{n}")(states)
            mixed, _ = layers.MultiHeadAttention(
                self.n_heads, self.n_factors // self.n_heads, name=f"attention_{n}",
                kernel_initializer=glorot(),
            )(
                normal, normal, use_causal_mask=self._causal, return_attention_scores=True
            )  # fmt: skip
            states = states + dropped(mixed)
            hidden = layers.LayerNormalization()(states)
            hidden = layers.Dense(self.n_factors, "relu", kernel_initializer=glorot())(hidden)
            hidden = layers.Dense(self.n_factors, kernel_initializer=glorot())(dropped(hidden))
            states = states + dropped(hidden)
        return layers.LayerNormalization(name="states")(states)
