"""Neural collaborative filtering: what comes after the embeddings, a dot product or a network?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recbook.data.interactions import Interactions
from recbook.models.base import check_at_least, check_choice
from recbook.models.deep import backend
from recbook.models.deep.base import DeepRecommender
from recbook.models.list_inputs import check_input, input_matrix

KINDS = ("dot", "gmf", "mlp", "neumf")
CELLS = 16_384  # pairs of a user and an item that go through the network together in scoring


class NeuralCF(DeepRecommender):
    """A vector for each user and each item, and a function of the two, learnt together.

    With p_u and q_i vectors of n_factors numbers, ∘ the product number by number, [ , ] one vector
    put behind the other, and f a network of layers h → max(0, W h + b), the score s(u, i) is

        dot      p_u · q_i + b_u + c_i           (b_u with loss "binary" only)
        gmf      w · (p_u ∘ q_i) + b              (generalised matrix factorisation)
        mlp      w · f([p_u, q_i]) + b            (multi-layer perceptron)
        neumf    w · [p_u ∘ q_i, f([p'_u, q'_i])] + b, with vectors of its own for each half

    For each item that a user took, n_negatives are drawn from q, whatever she took. The loss is
    "binary", -ln σ(s) for what she took and -ln σ(-s) for each drawn one, or "softmax",
    -ln(exp s(u, i) / Σ exp s(u, j)), the sum over i and the drawn ones. Either has its minimum
    where s(u, i) = ln p(i | u) - ln q(i), but for a constant. With `correction` the scores are
    s(u, i) + ln q(i), which takes q out again.

    Parameters
    ----------
    kind : {"neumf", "mlp", "gmf", "dot"}
    n_factors : int
        Of each vector.
    hidden : tuple of int
        Widths of the layers of f, the first next to the vectors.
    n_negatives : int or None
        Drawn for each item taken. None: all items; only for "dot" with "softmax".
    negatives : {"uniform", "popularity"}
        q: the same for every item with events, or in proportion to its number of users.
    correction : bool
    half_life_events : float, optional
        What a user took counts half as much after so many later events of hers.
    loss : {"binary", "softmax"}
    epochs, learning_rate, weight_decay, monitor, patience, log_dir, rng
        See `DeepRecommender`.
    batch_size : int
        Pairs ("binary") or taken items ("softmax").

    Attributes
    ----------
    user_vectors_, item_vectors_, item_bias_ : float32 arrays
        The part of the score that is a dot product; "mlp" has item_bias_ only.
    user_part_, item_part_ : float32 arrays (n_users, hidden[0]), (n_items, hidden[0])
        "mlp" and "neumf": what each side adds to the first layer before max(0, ·).

    Notes
    -----
    The first layer of f is linear before max(0, ·), so W [p_u, q_i] = W_1 p_u + W_2 q_i: both
    halves are computed once for each user and each item, not once for each pair. A user without
    events gets the mean of the others' vectors.

    Memory: fit at most ``100 * n_events * (1 + (n_negatives or 0)) + 80 * (n_users + n_items) *
    (n_factors + 1) + 8 * batch_size * (sum(hidden) + 4 * n_factors + (0 if n_negatives else
    2 * n_items)) * (1 + (n_negatives or 0)) + 4e7`` bytes, score at most ``4 * n_rows * n_items +
    2000 * n_items + 16 * max(16384, n_items) * max(hidden) + 1e6`` bytes.

    References
    ----------
    He, Liao, Zhang, Nie, Hu, Chua: Neural collaborative filtering. WWW 2017.
    Rendle, Krichene, Zhang, Anderson: Neural collaborative filtering vs. matrix factorization
    revisited. RecSys 2020.
    """

    def __init__(
        self,
        kind: str = "neumf",
        n_factors: int = 32,
        *,
        hidden: tuple[int, ...] = (64, 32, 16),
        n_negatives: int | None = 4,
        negatives: str = "uniform",
        correction: bool = False,
        half_life_events: float | None = None,
        loss: str = "binary",
        epochs: int = 10,
        batch_size: int = 1024,
        learning_rate: float = 0.002,
        weight_decay: float = 0.0,
        monitor: Callable[[NeuralCF], float] | None = None,
        patience: int = 3,
        log_dir: str | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        check_choice("kind", kind, KINDS)
        check_at_least("n_factors", n_factors, 1)
        hidden = tuple(hidden)
        for width in hidden or (0,):
            check_at_least("each width in hidden", width, 1)
        check_choice("negatives", negatives, ("uniform", "popularity"))
        check_input("binary", None, half_life_events, None)
        check_choice("loss", loss, ("binary", "softmax"))
        if n_negatives is not None:
            check_at_least("n_negatives", n_negatives, 1)
        elif (kind, loss) != ("dot", "softmax"):
            raise ValueError(
                'n_negatives=None, the sum over all items, needs kind="dot" and loss="softmax", '
                f"got kind={kind!r} and loss={loss!r}; give a number"
            )
        self.kind, self.n_factors, self.hidden = kind, n_factors, hidden
        self.n_negatives, self.negatives, self.correction = n_negatives, negatives, correction
        self.half_life_events, self.loss = half_life_events, loss
        self.epochs, self.batch_size = epochs, batch_size
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.monitor, self.patience, self.log_dir, self.rng = monitor, patience, log_dir, rng
        self._check_training()

    def _network(self, interactions: Interactions, seed: int):
        _, keras = backend.load()
        layers, seeds = keras.layers, iter(range(seed, seed + 100))
        users, items = (keras.Input((), dtype="int32", name=name) for name in ("users", "items"))

        sides = ("user", users, interactions.n_users), ("item", items, interactions.n_items)

        def both(name, width=self.n_factors, scale=0.1):
            found = []
            for side, ids, n in sides:
                start = keras.initializers.RandomNormal(stddev=scale, seed=next(seeds))
                found.append(layers.Embedding(n, width, start, name=f"{side}_{name}")(ids))
            return found

        def dense(width, activation, name):
            start = keras.initializers.GlorotUniform(seed=next(seeds))
            return layers.Dense(width, activation, kernel_initializer=start, name=name)

        if self.kind == "dot":
            product = layers.Dot(axes=1)(both("vectors"))
            biases = both("bias", 1, 0.0)
            # A softmax compares the items of one user, whose own bias it cannot feel.
            biases = biases[self.loss == "softmax" :]
            return keras.Model([users, items], layers.Add()([product, *biases]))
        halves = []
        if self.kind != "mlp":
            halves.append(layers.Multiply()(both("vectors")))
        if self.kind != "gmf":
            last = layers.Concatenate()(both("inputs"))
            for number, width in enumerate(self.hidden):
                last = dense(width, "relu", f"layer_{number}")(last)
            halves.append(last)
        last = halves[0] if len(halves) == 1 else layers.Concatenate()(halves)
        return keras.Model([users, items], dense(1, None, "output")(last))

    def _examples(
        self, interactions: Interactions, rng: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        taken = input_matrix(interactions, "binary", half_life_events=self.half_life_events)
        users = np.repeat(np.arange(taken.shape[0], dtype=np.int32), np.diff(taken.indptr))
        q = self._chances(taken.indices, taken.shape[1])
        n = 0 if self.n_negatives is None else self.n_negatives
        drawn = np.searchsorted(np.cumsum(q), rng.random((taken.nnz, n)), side="right")
        drawn = np.minimum(drawn, np.flatnonzero(q)[-1])  # the sum may end below 1
        items = np.hstack([taken.indices[:, None], drawn]).astype(np.int32)
        weights = (taken.data / taken.data.mean()).astype(np.float32)
        labels = np.zeros(items.shape, dtype=np.float32)
        labels[:, 0] = 1
        if self.loss == "binary":  # each pair is an example of its own
            users, weights = np.repeat(users, n + 1), np.repeat(weights, n + 1)
            items, labels = items.ravel(), labels.ravel()
        order = rng.permutation(len(users))
        return tuple(part[order] for part in (users, items, labels, weights))

    def _chances(self, items: np.ndarray, n_items: int) -> np.ndarray:
        count = np.bincount(items, minlength=n_items)
        q = (count if self.negatives == "popularity" else count > 0).astype(float)
        return q / max(q.sum(), 1)

    def _loss(self, network, users, items, labels, weights):
        import tensorflow as tf

        if self.loss == "binary":
            scores = network([users, items], training=True)[:, 0]
            loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=scores)
        elif self.n_negatives is None:
            vectors, bias = (network.get_layer(f"item_{x}").weights[0] for x in ("vectors", "bias"))
            hers = network.get_layer("user_vectors")(users)
            scores = tf.matmul(hers, vectors, transpose_b=True) + bias[:, 0]
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(items[:, 0], scores)
        else:
            pairs = tf.repeat(users, tf.shape(items)[1]), tf.reshape(items, [-1])
            scores = tf.reshape(network(pairs, training=True), tf.shape(items))
            loss = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=scores)
        return tf.reduce_mean(weights * loss)

    def _keep(self, network, interactions: Interactions) -> None:
        met = np.bincount(interactions.user, minlength=interactions.n_users) > 0
        for layer in network.layers:
            if layer.name.startswith("user_") and met.any():
                table = layer.get_weights()[0]
                table[~met] = table[met].mean(axis=0)
                layer.set_weights([table])
        self.weights_ = network.get_weights()
        w = {layer.name: layer.get_weights() for layer in network.layers}
        if self.kind == "dot":
            self.user_vectors_, self.item_vectors_ = w["user_vectors"][0], w["item_vectors"][0]
            self.item_bias_ = w["item_bias"][0][:, 0]
            if "user_bias" in w:  # one more factor, against a one for every item
                one = np.ones((interactions.n_items, 1), dtype=np.float32)
                self.user_vectors_ = np.hstack([self.user_vectors_, w["user_bias"][0]])
                self.item_vectors_ = np.hstack([self.item_vectors_, one])
        else:
            output, bias = w["output"]
            self.item_bias_ = np.repeat(bias, interactions.n_items)
            d = 0 if self.kind == "mlp" else self.n_factors
        if self.kind in ("gmf", "neumf"):
            self.user_vectors_ = w["user_vectors"][0] * output[:d, 0]
            self.item_vectors_ = w["item_vectors"][0]
        if self.kind in ("mlp", "neumf"):
            first, start = w["layer_0"]
            self.user_part_ = w["user_inputs"][0] @ first[: self.n_factors] + start
            self.item_part_ = w["item_inputs"][0] @ first[self.n_factors :]
            self.layers_ = [w[f"layer_{k}"] for k in range(1, len(self.hidden))]
            self.output_ = output[d:, 0]
        if self.correction:
            q = self._chances(interactions.matrix("binary").indices, interactions.n_items)
            self.item_bias_ += np.log(q, where=q > 0, out=np.zeros_like(q)).astype(np.float32)

    def _block(self, start: int, stop: int) -> np.ndarray:
        if self.kind in ("dot", "gmf"):
            return super()._block(start, stop)
        users, n_items = self.user_part_[start:stop], len(self.item_part_)
        scores = np.empty((len(users), n_items), dtype=np.float32)
        step = max(1, CELLS // n_items)
        for row in range(0, len(users), step):
            h = users[row : row + step, None] + self.item_part_
            h = np.maximum(h, 0, out=h).reshape(-1, h.shape[-1])
            for weights, bias in self.layers_:
                h = h @ weights + bias
                np.maximum(h, 0, out=h)
            scores[row : row + step] = (h @ self.output_).reshape(-1, n_items)
        scores += self.item_bias_
        if self.kind == "neumf":
            scores += self.user_vectors_[start:stop] @ self.item_vectors_.T
        return scores
