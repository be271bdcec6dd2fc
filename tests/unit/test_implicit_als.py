"""Implicit-feedback ALS: its normal equations, its loss, and a case with a known optimum."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recbook.data.interactions import Interactions
from recbook.models.implicit_als import ImplicitALS

matrices = arrays(
    float,
    st.tuples(st.integers(1, 9), st.integers(1, 12)),
    elements=st.sampled_from([0, 0, 1, 2, 5]),
)
parameters = {
    "n_factors": st.integers(1, 10),
    "regularization": st.sampled_from([0.05, 1, 20]),
    "alpha": st.sampled_from([0, 0.5, 40]),
}


def interactions(matrix):
    user, item = np.nonzero(matrix)
    return Interactions(
        user, item, matrix[user, item], np.zeros(len(user)),
        users=pd.RangeIndex(matrix.shape[0]), items=pd.RangeIndex(matrix.shape[1]),
    )  # fmt: skip


def loss(model, matrix):
    """Return the loss summed cell by cell."""
    confidence = 1 + model.alpha * matrix
    errors = (matrix > 0) - model.user_factors_ @ model.item_factors_.T
    squares = (model.user_factors_**2).sum() + (model.item_factors_**2).sum()
    return (confidence * errors**2).sum() + model.regularization * squares


@settings(deadline=None, max_examples=30)
@given(matrices, st.fixed_dictionaries(parameters))
def test_each_user_solves_her_normal_equations(matrix, params):
    model = ImplicitALS(**params, n_iterations=2, values="value").fit(interactions(matrix))
    items = model.item_factors_
    for x, held in zip(model.user_factors_, matrix, strict=True):
        confidence = np.diag(1 + model.alpha * held)
        system = items.T @ confidence @ items + model.regularization * np.eye(model.n_factors)
        np.testing.assert_allclose(system @ x, items.T @ confidence @ (held > 0), atol=1e-8)


@settings(deadline=None, max_examples=30)
@given(matrices, st.fixed_dictionaries(parameters), st.integers(0, 3))
def test_loss_is_the_sum_over_all_cells_and_never_rises(matrix, params, rng):
    model = ImplicitALS(**params, n_iterations=4, values="value", rng=rng).fit(interactions(matrix))
    assert model.loss_[-1] == pytest.approx(loss(model, matrix), rel=1e-9, abs=1e-9)
    assert (np.diff(model.loss_) <= 1e-9 * model.loss_[0]).all()


def test_items_were_solved_for_the_users_before():
    """Two iterations are one more from the users that the first one left."""
    matrix = np.random.default_rng(0).integers(0, 3, (7, 5)) * 1.0
    params = {"n_factors": 2, "regularization": 0.5, "alpha": 3, "values": "value"}
    first, second = (
        ImplicitALS(**params, n_iterations=n).fit(interactions(matrix)) for n in (1, 2)
    )
    for y, held in zip(second.item_factors_, matrix.T, strict=True):
        confidence = np.diag(1 + 3 * held)
        users = first.user_factors_
        system = users.T @ confidence @ users + 0.5 * np.eye(2)
        np.testing.assert_allclose(system @ y, users.T @ confidence @ (held > 0), atol=1e-10)


def test_one_user_and_one_item_by_hand():
    # c = 1 + 3 · 2 = 7. At the optimum x = y, and 7 (1 - x²) = λ, so that x² = 1 - λ/7.
    model = ImplicitALS(1, 0.7, alpha=3, n_iterations=200, values="value")
    score = model.fit(interactions(np.array([[2.0]]))).score()[0, 0]
    assert score == pytest.approx(1 - 0.7 / 7)


def test_where_all_cells_are_believed_alike_it_is_a_shrunken_svd():
    """For alpha = 0 the optimum is known: singular values less λ, as far as they stay above 0."""
    matrix = (np.random.default_rng(4).random((12, 9)) < 0.4) * 1.0
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    k, regularization = 3, 0.8
    expected = left[:, :k] * np.maximum(values[:k] - regularization, 0) @ right[:k]
    model = ImplicitALS(k, regularization, alpha=0, n_iterations=400).fit(interactions(matrix))
    np.testing.assert_allclose(model.score(), expected, atol=1e-5)


def test_confidence_grows_with_what_a_cell_holds():
    matrix = np.array([[4.0, 1, 0], [4, 1, 0], [0, 1, 4.0]])
    binary = ImplicitALS(1, 1, alpha=5).fit(interactions(matrix))
    counted = ImplicitALS(1, 1, alpha=5, values="value").fit(interactions(matrix))
    # With one factor, something has to give: the cells of value 4 are now fitted better.
    cells = matrix == 4

    def misfit(model):
        return ((1 - model.score()[cells]) ** 2).sum()

    assert misfit(counted) < misfit(binary)


def test_seed_decides_and_nothing_else():
    matrix = np.random.default_rng(0).integers(0, 2, (8, 6)) * 1.0
    one, same, other = (
        ImplicitALS(2, n_iterations=1, rng=rng).fit(interactions(matrix)).score()
        for rng in (1, np.random.default_rng(1), 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
