"""LightGCN: vectors that are smoothed over the graph of who took what."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import check_at_least, check_choice
from recbook.models.bpr import _TripleSampler as TripleSampler
from recbook.models.deep.base import DeepRecommender
from recbook.models.list_inputs import check_input, input_matrix

LOSSES = ("softmax", "bpr")


class LightGCN(DeepRecommender):
    """One vector a node of the graph of users and items, averaged over walks along its edges.

    The graph has n_users + n_items nodes and an edge where a user took an item; R holds the edges'
    weights, A = [[0, R], [Rᵀ, 0]], D the sums of its rows, Ã = D^-1/2 A D^-1/2. With E the learnt
    vectors, one row a node, a layer is one product, and the layers are averaged:

        E⁽⁰⁾ = E,    E⁽ˡ⁺¹⁾ = Ã E⁽ˡ⁾,    Ē = (E⁽⁰⁾ + … + E⁽ᴸ⁾) / (L + 1),    s(u, i) = Ē_u · Ē_i.

    No weights, no bias, no activation stand between the layers; with L = 0 it is plain matrix
    factorisation. E is trained through all L products, by one of two losses over the cells (u, i)
    of an edge, each counted as often as its weight says:

        "softmax"    -s(u, i) + ln Σ_j exp s(u, j)           over all items j with events,
        "bpr"        -ln σ(s(u, i) - s(u, j))                one j, drawn, that u did not take.

    Parameters
    ----------
    n_factors, n_layers : int
        Length of a vector, and L.
    loss : {"softmax", "bpr"}
    init_scale : float
        Standard deviation of the first E.
    values, half_life_days, half_life_events, damping
        What an edge weighs, see `recbook.models.list_inputs.input_matrix`.
    epochs, batch_size, learning_rate, weight_decay, monitor, patience, log_dir, rng
        See `DeepRecommender`. A row of a batch is a user with all her items ("softmax"), or a
        triple (u, i, j), as many an epoch as there are edges ("bpr"). Every batch propagates the
        whole graph, so large ones are cheaper.

    Attributes
    ----------
    user_vectors_ : float32 array (n_users, n_factors)
        Ē_u, 0 for a user without events.
    item_vectors_ : float32 array (n_items, n_factors)
        Ē_i.

    Notes
    -----
    TensorFlow's product with a `tf.SparseTensor` is slow on a CPU; the same product with the matrix
    in compressed rows takes an eighth of the time. The gradient of a layer is the same product
    again, as Ã is symmetric.

    Memory: fit at most
    ``12 * min(batch_size, n_users) * n_items + 16 * n_factors * (n_users + n_items)
    + 200 * n_events + 3e7`` bytes, score at most ``4 * n_rows * n_items + 3500 * n_items + 2e6``
    bytes.

    References
    ----------
    He, Deng, Wang, Li, Zhang, Wang: LightGCN: Simplifying and powering graph convolution network
    for recommendation. SIGIR 2020.
    """

    def __init__(
        self,
        n_factors: int = 64,
        n_layers: int = 3,
        *,
        loss: str = "softmax",
        init_scale: float = 0.1,
        values: str = "binary",
        half_life_days: float | None = None,
        half_life_events: float | None = None,
        damping: str | None = None,
        epochs: int = 40,
        batch_size: int = 1024,
        learning_rate: float = 0.01,
        weight_decay: float = 0.0,
        monitor: Callable | None = None,
        patience: int = 5,
        log_dir: str | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        check_at_least("n_factors", n_factors, 1)
        check_at_least("n_layers", n_layers, 0)
        check_choice("loss", loss, LOSSES)
        check_at_least("init_scale", init_scale, 0)
        check_input(values, half_life_days, half_life_events, damping)
        self.n_factors = n_factors
        self.n_layers = n_layers
        self.loss = loss
        self.init_scale = init_scale
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

    def _edges(self, interactions: Interactions) -> sparse.csr_array:
        return input_matrix(
            interactions, self.values, half_life_days=self.half_life_days,
            half_life_events=self.half_life_events, damping=self.damping,
        )  # fmt: skip

    def _network(self, interactions: Interactions, seed: int):
        import keras

        nodes = _nodes_class(keras)(
            self._edges(interactions), self.n_factors, self.n_layers, self.init_scale, seed,
            name="nodes",
        )  # fmt: skip
        user, item = (keras.Input((), dtype="int32", name=name) for name in ("user", "item"))
        return keras.Model([user, item], nodes(user, item))

    def _examples(
        self, interactions: Interactions, rng: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        edges = self._edges(interactions)
        if self.loss == "softmax":
            return (rng.permutation(np.flatnonzero(np.diff(edges.indptr))).astype(np.int32),)
        draw = TripleSampler(edges, rng)
        triples = draw(edges.nnz) if draw.possible else [np.zeros(0, dtype=np.int32)] * 3
        return tuple(column.astype(np.int32) for column in triples)

    def _loss(self, network, user, *drawn):
        import tensorflow as tf

        nodes = network.get_layer("nodes")
        users, items = nodes.smoothed()
        mine = tf.gather(users, user)
        if self.loss == "bpr":
            gap = tf.gather(items, drawn[0]) - tf.gather(items, drawn[1])
            return tf.reduce_mean(tf.nn.softplus(-tf.reduce_sum(mine * gap, axis=1)))
        # A user's edges enter by a sum of vectors: Σ_i r_ui s(u, i) = Ē_u · Σ_i r_ui Ē_i.
        taken = tf.gather(nodes.sums_of(items), user)
        weight = tf.gather(nodes.user_weight, user)
        crowd = tf.reduce_logsumexp(tf.matmul(mine, items, transpose_b=True), axis=1)
        losses = weight * crowd - tf.reduce_sum(mine * taken, axis=1)
        return tf.reduce_sum(losses) / tf.reduce_sum(weight)

    def _keep(self, network, interactions: Interactions) -> None:
        users, items = (part.numpy() for part in network.get_layer("nodes").smoothed())
        met = np.bincount(interactions.user, minlength=len(users)) > 0
        if met.any():
            users[~met] = users[met].mean(axis=0)
        self.user_vectors_, self.item_vectors_ = users, items
        self.item_bias_ = np.float32(0)


def normalised_adjacency(edges: sparse.csr_array) -> sparse.csr_array:
    """Return Ã = D^-1/2 A D^-1/2 of the graph whose edges join rows with columns.

    Parameters
    ----------
    edges : scipy.sparse.csr_array (n_users, n_items)
        Weights of at least 0.

    Returns
    -------
    scipy.sparse.csr_array, float32 (n_users + n_items, n_users + n_items), symmetric
        A node without edges has a row and a column of zeros.

    Examples
    --------
    >>> normalised_adjacency(sparse.csr_array([[1.0], [3.0]])).toarray().round(2)
    array([[0.  , 0.  , 0.5 ],
           [0.  , 0.  , 0.87],
           [0.5 , 0.87, 0.  ]], dtype=float32)
    """
    graph = sparse.block_array([[None, edges], [edges.T, None]], format="csr")
    degree = graph.sum(axis=1)
    root = np.divide(1, np.sqrt(degree), out=np.zeros(len(degree)), where=degree > 0)
    scale = sparse.diags_array(root)
    return (scale @ graph @ scale).tocsr().astype(np.float32)


def _nodes_class(keras):
    """Return the Keras layer that holds E; a function, as Keras is only there when it is needed."""
    import tensorflow as tf

    class Nodes(keras.layers.Layer):
        def __init__(self, edges, n_factors, n_layers, scale, seed, **kwargs):
            super().__init__(**kwargs)
            self.n_users, self.n_layers = edges.shape[0], n_layers
            self.walk = _both_ways(tf, normalised_adjacency(edges))
            self.edges = _both_ways(tf, edges)
            self.user_weight = tf.constant(edges.sum(axis=1), tf.float32)
            self.start = self.add_weight(
                shape=(sum(edges.shape), n_factors), name="vectors",
                initializer=keras.initializers.RandomNormal(0.0, scale, seed=seed),
            )  # fmt: skip

        def smoothed(self):
            layer = total = tf.convert_to_tensor(self.start)
            for _ in range(self.n_layers):
                layer = _product(tf, self.walk, layer)
                total += layer
            total /= self.n_layers + 1
            return total[: self.n_users], total[self.n_users :]

        def sums_of(self, items):
            return _product(tf, self.edges, items)

        def call(self, user, item):
            users, items = self.smoothed()
            return tf.reduce_sum(tf.gather(users, user) * tf.gather(items, item), axis=-1)

    return Nodes


def _both_ways(tf, matrix: sparse.csr_array) -> tuple:
    """Return a matrix and its transpose as sparse tensors."""
    made = []
    for one in (matrix.tocsr(), matrix.T.tocsr()):
        one = one.tocoo()
        places = np.stack([one.row, one.col], axis=1).astype(np.int64)
        made.append(tf.SparseTensor(places, one.data.astype(np.float32), one.shape))
    return tuple(made)


def _product(tf, both_ways, dense):
    """Return matrix @ dense, by compressed rows; the gradient is the transpose's product.

    TensorFlow could transpose by itself, but with several threads adds up in another order each
    time.
    """

    def times(matrix, dense):
        rows = tf.raw_ops.SparseTensorToCSRSparseMatrix(
            indices=matrix.indices, values=matrix.values, dense_shape=matrix.dense_shape
        )
        return tf.raw_ops.SparseMatrixMatMul(a=rows, b=dense)

    @tf.custom_gradient
    def multiply(dense):
        return times(both_ways[0], dense), lambda upstream: times(both_ways[1], upstream)

    return multiply(dense)
