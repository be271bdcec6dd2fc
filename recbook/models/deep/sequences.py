"""What networks that read histories in order share: the histories, the loss, the user vectors."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np

from recbook.data.interactions import Interactions
from recbook.models.base import check_at_least, check_choice
from recbook.models.deep.base import DeepRecommender
from recbook.models.deep.histories import FOLLOWS, NOTHING, histories, windows

NEGATIVES_EXPONENT = 0.75  # negatives are drawn by count ** 0.75
_USERS_AT_A_TIME = 1024


class SequenceRecommender(DeepRecommender):
    """Reads a user's events in order; scores what may come next.

    The network turns events i_1 … i_n into states h_1 … h_n, where h_t has seen i_1 … i_t only:

        score after t events = h_t · e_i + b_i,

    with one vector e_i for each item, which also enters the network as the item's input (tied
    weights). A user's vector is her last state. In training every state is asked for what came
    next, by the cross-entropy of a softmax over all items; with `n_negatives` over the right one
    and items n drawn with chance q_n ∝ count ** 0.75, shared by the batch, ln(K q_n) off the score
    of each of the K: the denominator's expected value is then that over all items.

    Events of one moment, such as a basket, have no order: in training they stand in one drawn anew
    each epoch, for scoring in one drawn once.

    Parameters
    ----------
    n_factors : int
        Length d of the vectors and states.
    length : int
        Events the network sees at most: a user's last ones for her vector; for training, histories
        are cut into windows of so many, at places drawn anew each epoch.
    follows : {"event", "moment"}
        What is predicted: the next event, or one drawn from the next moment: from the next basket,
        not from the rest of this one.
    n_negatives : int, optional
        The whole softmax where None.
    max_windows : int, optional
        Windows of a user an epoch, drawn among hers; all where None.
    dropout : float
        Share of the inputs and states set to 0 in training.

    Attributes
    ----------
    user_vectors_ : float32 array (n_users, n_factors)
        Zeros without events: such a user's scores are b.
    item_vectors_ : float32 array (n_items, n_factors)
    item_bias_ : float32 array (n_items,)
        Begins as the logarithm of the item's share of the events.
    histories_ : int32 array (n_users, length)
        The events scored from, oldest first, then -1.

    References
    ----------
    Jean, Cho, Memisevic, Bengio: On using very large target vocabulary for neural machine
    translation. ACL 2015 (the correction of the sampled softmax).
    """

    n_factors: int
    length: int
    follows: str
    n_negatives: int | None
    max_windows: int | None
    dropout: float

    @abstractmethod
    def _states(self, items, vectors, seed: int):
        """Return the states (batch, time, n_factors) of the events' vectors, as Keras tensors."""

    def fit(self, interactions: Interactions) -> Self:
        """Train on the events.

        Raises
        ------
        ImportError
            If TensorFlow is missing.
        ValueError
            If the interactions carry no times, or the loss stops being a number.
        """
        if not interactions.has_time:
            raise ValueError(
                "these interactions carry no times, so nothing follows anything; "
                "load them with time="
            )
        return super().fit(interactions)

    def _check_sequences(self) -> None:
        for name in ("n_factors", "length"):
            check_at_least(name, getattr(self, name), 1)
        for name in ("n_negatives", "max_windows"):
            if getattr(self, name) is not None:
                check_at_least(name, getattr(self, name), 1)
        check_choice("follows", self.follows, FOLLOWS)
        check_at_least("dropout", self.dropout, 0)
        if self.dropout >= 1:
            raise ValueError(f"dropout must be below 1, got {self.dropout!r}")
        self._check_training()

    def _network(self, interactions: Interactions, seed: int):
        import keras
        from keras import initializers, layers

        share = np.bincount(interactions.item, minlength=interactions.n_items) + 0.5
        share = np.log(share / share.sum()).astype(np.float32)[:, None]
        items = keras.Input((self.length,), dtype="int32", name="history")
        vectors = layers.Embedding(
            interactions.n_items, self.n_factors, name="items",
            embeddings_initializer=initializers.RandomNormal(0, self.n_factors**-0.5, seed=seed),
        )(items)  # fmt: skip
        bias = layers.Embedding(interactions.n_items, 1, name="bias")
        states = self._states(items, vectors, seed + 1)
        # The second output is there to make the items' bias a part of the network.
        network = keras.Model(items, [states, bias(items)])
        bias.set_weights([share])
        return network

    def _examples(
        self, interactions: Interactions, rng: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        items, targets = windows(
            interactions, self.length, rng, follows=self.follows, max_windows=self.max_windows
        )
        # Rows without events fill the last batch, so that each shares the same number of negatives.
        places = rng.permutation(-(-len(items) // self.batch_size) * self.batch_size)
        arrays = tuple(_filled(array, len(places))[places] for array in (items, targets))
        if self.n_negatives is None:
            return arrays
        count = np.bincount(interactions.item, minlength=interactions.n_items)
        share = np.cumsum(count**NEGATIVES_EXPONENT)
        # Each row brings its part of those that its batch shares.
        shape = (len(places), -(-self.n_negatives // self.batch_size))
        drawn = np.searchsorted(share, rng.uniform(0, share[-1], shape), side="right")
        chance = np.diff(share, prepend=0)[drawn] / share[-1]
        return (*arrays, drawn.astype(np.int32), chance.astype(np.float32))

    def _loss(self, network, items, targets, negatives=None, chance=None):
        import tensorflow as tf

        states, _ = network(tf.maximum(items, 0), training=True)
        asked = tf.where(targets != NOTHING)
        states, right = tf.gather_nd(states, asked), tf.gather_nd(targets, asked)
        vectors = network.get_layer("items").embeddings
        bias = network.get_layer("bias").embeddings[:, 0]
        if negatives is None:
            scores = tf.matmul(states, vectors, transpose_b=True) + bias
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=right, logits=scores)
        else:
            drawn, chance = tf.reshape(negatives, [-1]), tf.reshape(chance, [-1])
            losses = sampled_softmax(states, right, vectors, bias, drawn, chance)
        return tf.reduce_mean(losses)

    def _keep(self, network, interactions: Interactions) -> None:
        self.histories_ = histories(interactions, self.length, np.random.default_rng(0))
        self.item_vectors_ = network.get_layer("items").get_weights()[0]
        self.item_bias_ = network.get_layer("bias").get_weights()[0][:, 0]
        last = np.count_nonzero(self.histories_ != NOTHING, axis=1) - 1
        self.user_vectors_ = np.zeros((interactions.n_users, self.n_factors), dtype=np.float32)
        for rows in _blocks(np.flatnonzero(last >= 0)):
            states = np.asarray(network(np.maximum(self.histories_[rows], 0))[0])
            self.user_vectors_[rows] = states[np.arange(len(rows)), last[rows]]


def sampled_softmax(states, right, vectors, bias, drawn, chance):
    """Return the cross-entropies (n,) of states over the right items and shared negatives.

    Parameters
    ----------
    states : float tensor (n, n_factors)
    right : int tensor (n,)
    vectors, bias : float tensors (n_items, n_factors) and (n_items,)
    drawn, chance : int and float tensors (n_negatives,)
        The negatives, and the chance that each had in one draw. Where one is the right item it is
        left out.
    """
    import tensorflow as tf

    own = tf.reduce_sum(states * tf.gather(vectors, right), axis=1) + tf.gather(bias, right)
    n_drawn = tf.cast(tf.size(drawn), chance.dtype)
    scores = tf.matmul(states, tf.gather(vectors, drawn), transpose_b=True)
    scores += tf.gather(bias, drawn) - tf.math.log(n_drawn * chance)
    scores = tf.where(right[:, None] == drawn[None, :], scores.dtype.min, scores)
    return tf.reduce_logsumexp(tf.concat([own[:, None], scores], axis=1), axis=1) - own


def _filled(rows: np.ndarray, n: int) -> np.ndarray:
    return np.pad(rows, ((0, n - len(rows)), (0, 0)), constant_values=NOTHING)


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[i : i + _USERS_AT_A_TIME] for i in range(0, len(rows), _USERS_AT_A_TIME)]
