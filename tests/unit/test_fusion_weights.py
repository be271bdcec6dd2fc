from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, minimize

from recbook.fusion.weights import (
    coordinate_ascent,
    greedy_weights,
    nnls_weights,
    simplex_grid,
)


@given(st.integers(1, 4), st.integers(1, 6))
def test_grid_is_every_share(n_members, steps):
    expected = [
        point for point in product(range(steps + 1), repeat=n_members) if sum(point) == steps
    ]
    grid = simplex_grid(n_members, steps)
    np.testing.assert_array_equal(np.round(grid * steps), expected)
    np.testing.assert_allclose(grid.sum(axis=1), 1)
    assert len(grid) == comb(steps + n_members - 1, n_members - 1)


def test_grid_refuses_nothing_and_too_much():
    with pytest.raises(ValueError, match="at least 1"):
        simplex_grid(0, 3)
    with pytest.raises(ValueError, match="greedy_weights"):
        simplex_grid(12, 40)


def squared_error(w, X, y):
    return ((X @ w - y) ** 2).sum()


def problem(seed, n, n_members):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    spread = rng.uniform(0.2, 2, n_members)
    shared = rng.normal(size=(n, 1)) * rng.uniform(0, 1.5)
    return truth[:, None] + spread * rng.normal(size=(n, n_members)) + shared, truth


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 40), st.integers(1, 6))
def test_simplex_least_squares_equal_slsqp(seed, n, n_members):
    X, y = problem(seed, n, n_members)
    weights = nnls_weights(X, y)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    reference = minimize(
        squared_error,
        np.full(n_members, 1 / n_members),
        (X, y),
        jac=lambda w, X, y: 2 * X.T @ (X @ w - y),
        method="SLSQP",
        bounds=[(0, 1)] * n_members,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert squared_error(weights, X, y) <= reference.fun * (1 + 1e-7) + 1e-10
    assert squared_error(weights, X, y) >= reference.fun * (1 - 1e-4) - 1e-6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 40), st.integers(1, 6))
def test_free_sum_equals_bounded_least_squares(seed, n, n_members):
    X, y = problem(seed, n, n_members)
    weights = nnls_weights(X, y, sum_to_one=False)
    assert weights.min() >= 0
    reference = lsq_linear(X, y, bounds=(0, np.inf), tol=1e-14)
    assert squared_error(weights, X, y) == pytest.approx(2 * reference.cost, rel=1e-6, abs=1e-9)


def test_least_squares_worked_by_hand():
    # errors of the two: (-1/2, 1/2) and (3/2, -3/2); w·(-1) + (1-w)·3 = 0 at w = 3/4
    X, y = np.array([[0.0, 2.0], [2.0, 0.0]]), np.array([1 / 2, 3 / 2])
    np.testing.assert_allclose(nnls_weights(X, y), [3 / 4, 1 / 4])


def test_a_perfect_member_takes_all_and_a_twin_does_no_harm():
    y = np.arange(6.0)
    noisy = y + np.array([1.0, -1, 1, -1, 1, 1])
    np.testing.assert_allclose(nnls_weights(np.column_stack([noisy, y]), y), [0, 1], atol=1e-12)
    twins = nnls_weights(np.column_stack([noisy, noisy]), y)
    assert twins.sum() == pytest.approx(1)
    np.testing.assert_allclose(nnls_weights(np.column_stack([y, y]), y).sum(), 1)


def test_least_squares_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="n_members"):
        nnls_weights(np.ones((3, 2)), np.ones(2))
    with pytest.raises(ValueError, match="finite"):
        nnls_weights(np.array([[1.0, np.nan]]), np.ones(1))


def test_greedy_counts_members():
    target = np.array([3 / 5, 0, 2 / 5])
    found = greedy_weights(lambda w: -np.abs(w - target).sum(), 3, 5)
    np.testing.assert_allclose(found, [3 / 5, 0, 2 / 5])


def test_greedy_equals_loops():
    X, y = problem(3, 60, 4)

    def value(w):
        return -squared_error(w, X, y)

    bag, path = [], []
    for _ in range(12):
        averages = [value(np.bincount([*bag, m], minlength=4) / (len(bag) + 1)) for m in range(4)]
        bag.append(int(np.argmax(averages)))
        path.append((max(averages), len(bag)))
    best = max(path, key=lambda step: (step[0], -step[1]))[1]
    expected = np.bincount(bag[:best], minlength=4) / best
    np.testing.assert_array_equal(greedy_weights(value, 4, 12), expected)


def test_greedy_keeps_the_best_round_and_the_first_of_equals():
    # anything but the first alone is worse, so that round 1 wins though five are asked for
    np.testing.assert_array_equal(greedy_weights(lambda w: w[0], 3, 5), [1, 0, 0])
    np.testing.assert_array_equal(greedy_weights(lambda w: 0.0, 3, 4), [1, 0, 0])
    calls = []
    greedy_weights(lambda w: calls.append(w.sum()) or 0.0, 3, 4)
    np.testing.assert_allclose(calls, np.ones(3 * 4))


def test_greedy_hands_out_weights_that_may_be_kept():
    seen = []
    greedy_weights(lambda w: seen.append(w) or w[1], 2, 2)
    np.testing.assert_array_equal(seen, [[1, 0], [0, 1], [1 / 2, 1 / 2], [0, 1]])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_coordinate_ascent_finds_the_top_of_a_bowl(seed):
    rng = np.random.default_rng(seed)
    top = rng.uniform(-1, 1, 3)
    found = coordinate_ascent(lambda w: -((w - top) ** 2).sum(), np.full(3, 1 / 3))
    # the last step is at least 0.01, and each coordinate by itself could not be improved by it
    assert np.abs(found - top).max() <= 0.02


def test_coordinate_ascent_goes_below_zero_and_never_down():
    X, y = problem(5, 200, 3)
    X[:, 2] = X[:, 0] - y + X[:, 1] * 0.1  # what the first member overrates: it deserves a minus

    def value(w):
        return -squared_error(w, X, y)

    start = nnls_weights(X, y)
    found = coordinate_ascent(value, start)
    assert found[2] < 0
    assert value(found) > value(start)
    flat = coordinate_ascent(lambda w: 1.0, start)
    np.testing.assert_array_equal(flat, start)


def test_coordinate_ascent_stops_at_its_budget():
    calls = []

    def value(w):
        calls.append(1)
        return w.sum()  # could climb for ever

    coordinate_ascent(value, [0.5, 0.5], max_calls=50)
    assert len(calls) == 50


def test_searches_refuse_nan_and_impossible_numbers():
    with pytest.raises(ValueError, match="NaN for the weights"):
        greedy_weights(lambda w: np.nan, 2, 1)
    with pytest.raises(ValueError, match="NaN for the weights"):
        coordinate_ascent(lambda w: np.nan, [1.0])
    with pytest.raises(ValueError, match="at least 1"):
        greedy_weights(lambda w: 0.0, 2, 0)
    with pytest.raises(ValueError, match="start must be"):
        coordinate_ascent(lambda w: 0.0, [])
    with pytest.raises(ValueError, match="steps must be"):
        coordinate_ascent(lambda w: 0.0, [1.0], step=0)
