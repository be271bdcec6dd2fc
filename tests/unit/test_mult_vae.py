"""MultVAE: its two terms, its schedule, its draws, and that scores draw nothing."""

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.deep import backend
from recbook.models.deep.mult_vae import MultVAE, kl_from_standard

backend.load()  # silences TensorFlow's start, and makes it deterministic
import tensorflow as tf  # noqa: E402

user, item = np.indices((12, 12))
CAMPS = (((user + item) % 2 == 0) & (user != item)) * 1


def interactions(matrix):
    user, item = np.nonzero(matrix)
    return Interactions(
        user, item, matrix[user, item], np.arange(len(user)),
        users=pd.RangeIndex(matrix.shape[0]), items=pd.RangeIndex(matrix.shape[1]),
    )  # fmt: skip


def both(mean, deviation):
    return np.concatenate([mean, np.log(np.square(deviation))], axis=-1).astype(np.float32)


class TestKL:
    def test_by_hand(self):
        # One number, mean 2, variance 4: (4 + 4 - 1 - ln 4) / 2. None at the standard normal.
        found = kl_from_standard(both([[2.0], [0.0]], [[2.0], [1.0]])).numpy()
        np.testing.assert_allclose(found, [(4 + 4 - 1 - np.log(4)) / 2, 0], atol=1e-6)

    def test_is_the_mean_of_the_logarithm_of_two_densities(self):
        mean, deviation = np.array([0.5, -1.0]), np.array([0.6, 1.5])
        z = mean + deviation * np.random.default_rng(0).normal(size=(400_000, 2))
        log_q = -(((z - mean) / deviation) ** 2) / 2 - np.log(deviation)
        gaps = (log_q + z**2 / 2).sum(axis=1)
        found = kl_from_standard(both([mean], [deviation])).numpy()[0]
        assert abs(gaps.mean() - found) < 5 * gaps.std() / np.sqrt(len(gaps))


def by_numpy(model, rows):
    """Return (logits, μ and ln σ²) at z = μ, written once more."""
    weights = {n: model.network().get_layer(n).get_weights() for n in NAMES}
    inner = rows / np.sqrt((rows**2).sum(axis=1, keepdims=True))
    inner = np.tanh(inner @ weights["encoder"][0] + weights["encoder"][1])
    latent = inner @ weights["latent"][0] + weights["latent"][1]
    inner = latent[:, : model.n_latent] @ weights["decoder"][0] + weights["decoder"][1]
    return np.tanh(inner) @ weights["items"][0] + weights["items"][1], latent


NAMES = ("encoder", "latent", "decoder", "items")


@pytest.fixture(scope="module")
def fitted():
    return MultVAE(2, 8, dropout=0, epochs=5, learning_rate=0.02).fit(interactions(CAMPS))


class TestLoss:
    def test_of_a_network_that_draws_nothing_by_hand(self, fitted):
        # Variances of e⁻⁶⁰ make the draw the mean.
        network = fitted.network()
        kernel, bias = network.get_layer("latent").get_weights()
        kernel[:, 2:], bias[2:] = 0, -60
        network.get_layer("latent").set_weights([kernel, bias])
        rows = CAMPS.astype(np.float32) * np.linspace(0.5, 2, 12, dtype=np.float32)
        price = np.full(12, 0.3, dtype=np.float32)
        logits, latent = by_numpy(fitted, rows)
        mean = latent[:, :2]
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        misses = -(rows * np.log(chances)).sum(axis=1)
        kl = ((mean**2).sum(axis=1) + 2 * (np.exp(-60) - 1 + 60)) / 2
        found = float(fitted._loss(network, tf.constant(rows), price))
        assert found == pytest.approx((misses + 0.3 * kl).mean(), rel=1e-5)

    def test_training_draws_with_the_deviation_learnt(self, fitted):
        network = fitted.network()
        draw = network.get_layer("draw")
        given = np.repeat(both([[1.0, -2.0]], [[0.5, 3.0]]), 20_000, axis=0)
        drawn = draw(given, training=True).numpy()
        np.testing.assert_allclose(drawn.mean(axis=0), [1, -2], atol=0.1)
        np.testing.assert_allclose(drawn.std(axis=0), [0.5, 3], rtol=0.03)
        assert not np.array_equal(drawn, draw(given, training=True).numpy())
        np.testing.assert_array_equal(draw(given).numpy(), given[:, :2])


class TestSchedule:
    def test_rises_to_the_end_in_equal_steps(self):
        found = MultVAE(beta=0.4, anneal=0.5).beta_at(np.arange(10), 10)
        np.testing.assert_allclose(found, [0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.4, 0.4, 0.4, 0.4])

    def test_is_there_at_once_without_annealing(self):
        assert MultVAE(beta=0.4, anneal=0).beta_at(np.arange(3), 9).tolist() == [0.4] * 3

    def test_examples_carry_it_from_epoch_to_epoch(self):
        seen = []

        class Spy(MultVAE):
            def _examples(self, interactions, rng):
                examples = super()._examples(interactions, rng)
                seen.append(examples[1])
                return examples

        Spy(2, 4, beta=1, anneal=1, epochs=2, batch_size=5).fit(interactions(CAMPS))
        steps = [0] * 5 + [1] * 5 + [2] * 2  # twelve users in batches of five
        np.testing.assert_allclose(seen[0], np.array(steps) / 6)
        np.testing.assert_allclose(seen[1], (np.array(steps) + 3) / 6)


class TestScores:
    def test_are_those_of_the_mean_not_of_a_draw(self, fitted):
        logits, latent = by_numpy(fitted, CAMPS.astype(float))
        np.testing.assert_allclose(fitted.score(), logits, atol=1e-5)
        np.testing.assert_allclose(fitted.latent_, latent[:, :2], atol=1e-5)
        network = fitted.network()
        np.testing.assert_allclose(network(CAMPS.astype(np.float32))[0], logits, atol=1e-4)
        drawn = network(CAMPS.astype(np.float32), training=True)[0].numpy()
        assert np.abs(drawn - logits).max() > 0.01

    def test_find_what_the_own_camp_takes(self):
        model = MultVAE(2, 8, dropout=0.2, epochs=40, learning_rate=0.05)
        lists = model.fit(interactions(CAMPS)).recommend(k=1, exclude=interactions(CAMPS))
        assert lists[:, 0].tolist() == list(range(12))


def test_a_deviation_is_priced_towards_one():
    dear = MultVAE(2, 8, beta=50, anneal=0, dropout=0, epochs=40, learning_rate=0.05)
    dear.fit(interactions(CAMPS))
    assert np.abs(dear.latent_).max() < 0.1  # everyone looks alike: the posterior collapsed


@pytest.mark.parametrize(
    "wrong", [{"n_latent": 0}, {"n_hidden": 0}, {"beta": -1}, {"anneal": 2}, {"dropout": 1}]
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MultVAE(**wrong)
