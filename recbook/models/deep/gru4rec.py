"""GRU4Rec: a recurrent network that reads a history event by event."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recbook.models.base import check_at_least
from recbook.models.deep.sequences import SequenceRecommender


class GRU4Rec(SequenceRecommender):
    """A gated recurrent unit (GRU) reads a history and keeps what matters in one vector.

    With x_t the vector of the t-th event's item, h_0 = 0, σ the logistic function and ∘ the product
    number by number,

        z_t = σ(x_t W_z + b_z + h_{t-1} U_z + c_z)            how much of the old state stays
        r_t = σ(x_t W_r + b_r + h_{t-1} U_r + c_r)            how much of it the proposal sees
        g_t = tanh(x_t W_g + b_g + r_t ∘ (h_{t-1} U_g + c_g))  the proposal
        h_t = z_t ∘ h_{t-1} + (1 - z_t) ∘ g_t

    and score(u, i) = h_n · e_i + b_i for the last state of the user, with the same vectors e as go
    in. The rest is `recbook.models.deep.sequences.SequenceRecommender`'s.

    Parameters
    ----------
    n_factors : int
        Length of the items' vectors and of the states.
    length : int
        Events that are read at most.
    n_layers : int
        GRUs, one reading the states of the other.
    follows : {"event", "moment"}
        What is predicted in training: the next event, or one of the next moment.
    n_negatives : int, optional
        Of the sampled softmax; all items where None.
    max_windows : int, optional
        Windows of a user an epoch at most.
    dropout : float
    epochs, batch_size, learning_rate, weight_decay, monitor, patience, log_dir, rng
        As for `DeepRecommender`; a batch has so many windows.

    Notes
    -----
    The papers train on sessions without a user, several losses beside each other, of which the
    second finds the cross-entropy with many negatives to be good; here a user's history is one
    session.

    Memory: fit at most ``24 * batch_size * length * (n_negatives or n_items) + 1024 * length *
    30 * n_factors + 300 * n_events + 60 * n_factors * (n_items + n_users) + 2e7`` bytes, score
    at most ``4 * n_rows * n_items + 2500 * n_items + 1.5e7`` bytes.

    References
    ----------
    Hidasi, Karatzoglou, Baltrunas, Tikk: Session-based recommendations with recurrent neural
    networks. ICLR 2016. Hidasi, Karatzoglou: Recurrent neural networks with top-k gains for
    session-based recommendations. CIKM 2018. Cho et al.: Learning phrase representations using RNN
    encoder-decoder for statistical machine translation. EMNLP 2014 (the GRU).
    """

    def __init__(
        self,
        n_factors: int = 32,
        length: int = 30,
        *,
        n_layers: int = 1,
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
        self._check_sequences()

    def _states(self, items, vectors, seed: int):
        from keras import initializers, layers

        states = layers.Dropout(self.dropout, seed=seed)(vectors)
        for layer in range(self.n_layers):
            states = layers.GRU(
                self.n_factors, return_sequences=True, name=f"gru_{layer}",
                kernel_initializer=initializers.GlorotUniform(seed=seed + 3 * layer + 1),
                recurrent_initializer=initializers.Orthogonal(seed=seed + 3 * layer + 2),
            )(states)  # fmt: skip
            states = layers.Dropout(self.dropout, seed=seed + 3 * layer + 3)(states)
        return states
