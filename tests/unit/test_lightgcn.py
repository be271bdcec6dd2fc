"""LightGCN: what a layer is, its gradient, its losses, and what depth 0 means."""

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.deep import backend
from recbook.models.deep.lightgcn import LightGCN, _both_ways, _product, normalised_adjacency

backend.load()  # silences TensorFlow's start, and makes it deterministic
import tensorflow as tf  # noqa: E402
from scipy import sparse  # noqa: E402

TAKEN = np.array(
    [[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
)  # the last user and the last item are alone


def interactions(matrix):
    user, item = np.nonzero(matrix)
    return Interactions(
        user, item, matrix[user, item], np.arange(len(user)),
        users=pd.RangeIndex(matrix.shape[0]), items=pd.RangeIndex(matrix.shape[1]),
    )  # fmt: skip


def dense_adjacency(edges):
    n_users, n_items = edges.shape
    graph = np.zeros((n_users + n_items, n_users + n_items))
    graph[:n_users, n_users:], graph[n_users:, :n_users] = edges, edges.T
    degree = graph.sum(axis=1)
    for a, b in np.ndindex(graph.shape):
        if graph[a, b]:
            graph[a, b] /= np.sqrt(degree[a] * degree[b])
    return graph


def dense_smoothed(edges, vectors, n_layers):
    adjacency = dense_adjacency(edges)
    layers = [np.linalg.matrix_power(adjacency, n) @ vectors for n in range(n_layers + 1)]
    return np.mean(layers, axis=0)


class TestAdjacency:
    def test_by_hand(self):
        # User 0 took two items, and item 0 was taken by two users: 1 / √(2·2).
        found = normalised_adjacency(sparse.csr_array(TAKEN.astype(float))).toarray()
        assert found[0, 5] == pytest.approx(1 / 2)
        assert found[3, 8] == pytest.approx(1)
        np.testing.assert_allclose(found, dense_adjacency(TAKEN.astype(float)), atol=1e-7)

    def test_weights_count(self):
        edges = np.random.default_rng(0).uniform(0, 3, (4, 6)) * (np.arange(24) % 3 > 0).reshape(
            4, 6
        )
        found = normalised_adjacency(sparse.csr_array(edges)).toarray()
        np.testing.assert_allclose(found, dense_adjacency(edges), atol=1e-6)

    def test_largest_eigenvalue_is_one_with_the_roots_of_degrees(self):
        edges = np.ones((3, 4)) - np.eye(3, 4)
        found = normalised_adjacency(sparse.csr_array(edges)).toarray()
        roots = np.sqrt(np.concatenate([edges.sum(axis=1), edges.sum(axis=0)]))
        np.testing.assert_allclose(found @ roots, roots, rtol=1e-6)
        assert np.abs(np.linalg.eigvalsh(found)).max() == pytest.approx(1, abs=1e-6)


class TestPropagation:
    @pytest.mark.parametrize("n_layers", [0, 1, 2, 3, 6])
    def test_equals_dense_matrices(self, n_layers):
        model = LightGCN(3, n_layers, half_life_events=2)
        network = model._network(interactions(TAKEN), 0)
        vectors = np.random.default_rng(1).normal(size=(10, 3)).astype(np.float32)
        network.set_weights([vectors])
        users, items = (part.numpy() for part in network.get_layer("nodes").smoothed())
        edges = model._edges(interactions(TAKEN)).toarray()
        assert not np.isin(edges, [0, 1]).all()  # forgetting weighs the edges
        expected = dense_smoothed(edges, vectors, n_layers)
        np.testing.assert_allclose(np.vstack([users, items]), expected, atol=1e-6)

    def test_nodes_alone_keep_a_share_of_their_own_vector(self):
        network = LightGCN(3, 3)._network(interactions(TAKEN), 0)
        users, items = (part.numpy() for part in network.get_layer("nodes").smoothed())
        start = network.get_weights()[0]
        np.testing.assert_allclose(users[4], start[4] / 4, rtol=1e-6)
        np.testing.assert_allclose(items[4], start[9] / 4, rtol=1e-6)

    def test_gradient_of_a_product_is_the_transposed_product(self):
        rng = np.random.default_rng(2)
        matrix = rng.normal(size=(4, 6)) * (rng.uniform(size=(4, 6)) < 0.5)
        matrix = matrix.astype(np.float32)
        weights = rng.normal(size=(4, 2)).astype(np.float32)
        x = tf.constant(rng.normal(size=(6, 2)).astype(np.float32))
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(
                _product(tf, _both_ways(tf, sparse.csr_array(matrix)), x) * weights
            )
        np.testing.assert_allclose(tape.gradient(total, x), matrix.T @ weights, atol=1e-5)


def softmax_loss(edges, vectors, n_layers):
    smoothed = dense_smoothed(edges, vectors, n_layers)
    scores = smoothed[: len(edges)] @ smoothed[len(edges) :].T
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return -(edges * np.log(chances)).sum() / edges.sum()


def bpr_loss(edges, vectors, n_layers, triples):
    smoothed = dense_smoothed(edges, vectors, n_layers)
    scores = smoothed[: len(edges)] @ smoothed[len(edges) :].T
    user, positive, negative = triples
    gap = scores[user, positive] - scores[user, negative]
    return np.log(1 + np.exp(-gap)).mean()


TRIPLES = (np.array([0, 1, 3]), np.array([1, 2, 3]), np.array([2, 3, 0]))
LOSSES = {
    "softmax": ((np.arange(4),), softmax_loss),
    "bpr": (TRIPLES, lambda *given: bpr_loss(*given, TRIPLES)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_its_gradient_through_the_layers(name):
    batch, by_hand = LOSSES[name]
    edges = TAKEN.astype(float)
    model = LightGCN(2, 2, loss=name)
    network = model._network(interactions(TAKEN), 0)
    vectors = np.random.default_rng(3).normal(size=(10, 2))
    network.set_weights([vectors.astype(np.float32)])
    with tf.GradientTape() as tape:
        loss = model._loss(network, *batch)
    gradient = tape.gradient(loss, network.trainable_variables)[0].numpy()
    assert float(loss) == pytest.approx(by_hand(edges, vectors, 2), rel=1e-5)
    step, expected = 1e-5, np.zeros_like(vectors)
    for at in np.ndindex(vectors.shape):
        shift = np.zeros_like(vectors)
        shift[at] = step
        rise = by_hand(edges, vectors + shift, 2) - by_hand(edges, vectors - shift, 2)
        expected[at] = rise / (2 * step)
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_without_layers_a_score_is_the_product_of_the_learnt_vectors():
    model = LightGCN(3, 0, epochs=2).fit(interactions(TAKEN))
    users, items = np.split(model.weights_[0], [5])
    met = TAKEN.any(axis=1)
    np.testing.assert_allclose(
        model.score()[met][:, :4], (users @ items.T)[met][:, :4], rtol=1e-4, atol=1e-6
    )


def test_who_has_nothing_is_scored_as_the_mean_of_the_others():
    model = LightGCN(3, 2, epochs=2).fit(interactions(TAKEN))
    scores = model.score()
    np.testing.assert_allclose(scores[4, :4], scores[:4, :4].mean(axis=0), atol=1e-6)


def test_network_gives_the_scores():
    model = LightGCN(3, 2, loss="bpr", epochs=2).fit(interactions(TAKEN))
    user, item = np.nonzero(TAKEN)
    found = model.network()([user, item]).numpy()
    np.testing.assert_allclose(found, model.score()[user, item], rtol=1e-4, atol=1e-6)


def test_training_separates_two_camps():
    user, item = np.indices((12, 12))
    camps = (((user + item) % 2 == 0) & (user != item)) * 1
    model = LightGCN(4, 2, epochs=40, learning_rate=0.1).fit(interactions(camps))
    lists = model.recommend(np.arange(12), 1, exclude=interactions(camps))
    assert lists[:, 0].tolist() == list(range(12))
    assert model.history_.loss.iloc[-1] < model.history_.loss.iloc[0]


def test_of_triples_the_second_was_taken_and_the_third_was_not():
    model = LightGCN(2, loss="bpr")
    user, positive, negative = model._examples(interactions(TAKEN), np.random.default_rng(0))
    assert len(user) == TAKEN.sum()
    assert TAKEN[user, positive].all()
    assert not TAKEN[user, negative].any()


@pytest.mark.parametrize(
    "wrong", [{"n_factors": 0}, {"n_layers": -1}, {"loss": "hinge"}, {"init_scale": -1}]
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LightGCN(**wrong)
