"""BPR: its gradient, its steps, its triples, and what it learns."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.models._list_kernels import bpr_epoch
from recbook.models.bpr import BPR, _TripleSampler, bpr_loss_and_gradient
from recbook.models.list_inputs import input_matrix

seeds = st.integers(0, 10**6)


def interactions(matrix):
    user, item = np.nonzero(matrix)
    return Interactions(
        user, item, matrix[user, item], np.zeros(len(user)),
        users=pd.RangeIndex(matrix.shape[0]), items=pd.RangeIndex(matrix.shape[1]),
    )  # fmt: skip


def two_camps(n=12):
    """Return users of two camps, each user with five of her camp's six items."""
    user, item = np.indices((n, n))
    return (((user + item) % 2 == 0) & (user != item)) * 1.0


class TestGradient:
    @settings(deadline=None, max_examples=40)
    @given(seeds, st.integers(1, 5), st.sampled_from([0, 0.3]))
    def test_is_that_of_finite_differences(self, seed, f, regularization):
        point = np.random.default_rng(seed).normal(size=3 * f + 2)

        def loss_at(point):
            return bpr_loss_and_gradient(
                *point[: 3 * f].reshape(3, f), point[3 * f :], regularization=regularization
            )

        gradient = np.concatenate(loss_at(point)[1])
        step = 1e-6
        for at, slope in enumerate(gradient):
            shift = np.eye(len(point))[at] * step
            rise = loss_at(point + shift)[0] - loss_at(point - shift)[0]
            assert slope == pytest.approx(rise / (2 * step), abs=1e-7)

    def test_by_hand(self):
        # Margin (1·2 - 1·1) + (0.5 - 0.5) = 1.
        loss, (user, positive, negative, biases) = bpr_loss_and_gradient(
            np.array([1.0]), np.array([2.0]), np.array([1.0]), (0.5, 0.5), regularization=0.1
        )
        miss = 1 - 1 / (1 + np.exp(-1))
        assert loss == pytest.approx(np.log(1 + np.exp(-1)) + 0.05 * (1 + 4 + 1 + 0.25 + 0.25))
        assert user[0] == pytest.approx(-miss * (2 - 1) + 0.1 * 1)
        assert positive[0] == pytest.approx(-miss * 1 + 0.1 * 2)
        assert negative[0] == pytest.approx(miss * 1 + 0.1 * 1)
        assert biases == pytest.approx([-miss + 0.1 * 0.5, miss + 0.1 * 0.5])


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 5), st.integers(1, 6))
def test_an_epoch_is_a_step_down_the_gradient_for_each_triple_in_turn(seed, f, n_triples):
    rng = np.random.default_rng(seed)
    users, items, bias = rng.normal(size=(3, f)), rng.normal(size=(4, f)), rng.normal(size=4)
    user = rng.integers(3, size=n_triples)
    pairs = np.array([rng.choice(4, 2, replace=False) for _ in range(n_triples)])
    positive, negative = pairs[:, 0].astype(np.int32), pairs[:, 1].copy()  # as the sampler gives
    rate, regularization = 0.3, 0.2
    stepped = users.copy(), items.copy(), bias.copy()
    total = bpr_epoch(user, positive, negative, *stepped, rate, regularization)
    expected = 0
    for u, i, j in zip(user, positive, negative, strict=True):
        at = users[u], items[i], items[j], (bias[i], bias[j])
        expected += bpr_loss_and_gradient(*at)[0]
        _, (du, di, dj, db) = bpr_loss_and_gradient(*at, regularization=regularization)
        users[u] -= rate * du
        items[i] -= rate * di
        items[j] -= rate * dj
        bias[[i, j]] -= rate * db
    assert total == pytest.approx(expected)
    for found, wanted in zip(stepped, (users, items, bias), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


class TestTriples:
    @settings(deadline=None, max_examples=40)
    @given(seeds, st.floats(0.1, 0.9))
    def test_hold_what_was_taken_and_what_was_not(self, seed, density):
        rng = np.random.default_rng(seed)
        matrix = (rng.random((7, 6)) < density) * 1.0
        draw = _TripleSampler(input_matrix(interactions(matrix)), rng)
        some_events = matrix.any(axis=0)
        room = (matrix[:, some_events] == 0).any(axis=1) & matrix.any(axis=1)
        assert draw.possible == room.any()
        if draw.possible:
            user, positive, negative = draw(200)
            assert room[user].all()
            assert (matrix[user, positive] == 1).all()
            assert (matrix[user, negative] == 0).all()
            assert some_events[negative].all()

    def test_are_drawn_in_proportion_to_the_values(self):
        matrix = np.array([[1.0, 3, 0, 0], [0, 0, 4, 0], [9, 9, 9, 9.0]])  # she has no item left
        draw = _TripleSampler(input_matrix(interactions(matrix), "value"), np.random.default_rng(0))
        n = 40_000
        user, positive, negative = draw(n)
        drawn = np.zeros_like(matrix)
        np.add.at(drawn, (user, positive), 1)
        expected = n * np.array([[1 / 8, 3 / 8, 0, 0], [0, 0, 4 / 8, 0], [0, 0, 0, 0]])
        assert (abs(drawn - expected) <= 5 * np.sqrt(expected)).all()
        # Of the first user's two items left, each half of the time.
        against = np.bincount(negative[user == 0], minlength=4)
        assert against[[0, 1]].sum() == 0
        assert abs(against[2] - against[3]) < 5 * np.sqrt(n / 2)


class TestModel:
    def test_learns_what_a_camp_likes(self):
        matrix = two_camps()
        model = BPR(4, 0.1, n_epochs=200, rng=0).fit(interactions(matrix))
        scores = np.where(matrix > 0, -np.inf, model.score())
        assert scores.argmax(axis=1).tolist() == list(range(12))  # the item of the camp left out
        assert model.loss_[-1] < model.loss_[0] / 2
        assert model.loss_[0] == pytest.approx(np.log(2), rel=0.1)  # at first it is a guess

    def test_seed_decides_and_nothing_else(self):
        one, same, other = (
            BPR(4, n_epochs=3, rng=rng).fit(interactions(two_camps())).score()
            for rng in (1, np.random.default_rng(1), 2)
        )
        np.testing.assert_array_equal(one, same)
        assert (one != other).any()

    def test_user_without_events_gets_the_biases(self):
        matrix = np.vstack([two_camps(), np.zeros(12)])
        model = BPR(4, n_epochs=20).fit(interactions(matrix))
        np.testing.assert_array_equal(model.score([12])[0], model.item_bias_.astype(np.float32))

    def test_popular_items_get_the_larger_biases(self):
        matrix = np.tril(np.ones((12, 12)))  # item 0 is taken by all twelve, item 11 by one
        bias = BPR(2, n_epochs=100).fit(interactions(matrix)).item_bias_
        assert np.corrcoef(bias, -np.arange(12))[0, 1] > 0.9

    def test_users_who_took_everything_teach_nothing(self):
        model = BPR(2, n_epochs=2).fit(interactions(np.ones((3, 4))))
        assert np.isnan(model.loss_).all()
        assert not model.item_bias_.any()

    def test_steps_too_long_are_reported(self):
        with pytest.raises(ValueError, match="lower learning_rate=1000"):
            BPR(4, 1000, regularization=1, n_epochs=50).fit(interactions(two_camps()))
