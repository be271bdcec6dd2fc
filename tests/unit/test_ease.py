"""EASE: against regressions solved one by one, and the two ways to solve it against each other."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recbook.data.interactions import Interactions
from recbook.models.ease import EASE

matrices = arrays(
    float,
    st.tuples(st.integers(1, 10), st.integers(1, 10)),
    elements=st.sampled_from([0, 0, 1, 1, 2.5]),
)
solvers = st.sampled_from(["primal", "dual"])
regularizations = st.sampled_from([0.1, 1, 30])


def interactions(matrix):
    user, item = np.nonzero(matrix)
    return Interactions(
        user, item, matrix[user, item], np.zeros(len(user)),
        users=pd.RangeIndex(matrix.shape[0]), items=pd.RangeIndex(matrix.shape[1]),
    )  # fmt: skip


def regressions(matrix, regularization):
    """Return B, each column a ridge regression of one item on all the others."""
    n = matrix.shape[1]
    weights = np.zeros((n, n))
    for item in range(n):
        others = np.delete(np.arange(n), item)
        # λ|b|² is n - 1 more rows to fit: √λ b = 0.
        rows = np.vstack([matrix[:, others], np.sqrt(regularization) * np.eye(n - 1)])
        target = np.append(matrix[:, item], np.zeros(n - 1))
        weights[others, item] = np.linalg.lstsq(rows, target, rcond=None)[0]
    return weights


@settings(deadline=None, max_examples=30)
@given(matrices, regularizations, solvers)
def test_columns_are_ridge_regressions_on_the_other_items(matrix, regularization, solver):
    model = EASE(regularization, "value", solver=solver).fit(interactions(matrix))
    weights = model.item_weights(np.arange(matrix.shape[1]))
    np.testing.assert_allclose(weights, regressions(matrix, regularization), atol=1e-8)
    assert (np.diag(weights) == 0).all()


@settings(deadline=None, max_examples=30)
@given(matrices, regularizations, solvers)
def test_scores_are_the_rows_times_the_weights(matrix, regularization, solver):
    model = EASE(regularization, "value", solver=solver).fit(interactions(matrix))
    expected = matrix @ regressions(matrix, regularization)
    known = matrix.any(axis=0)
    np.testing.assert_allclose(model.score()[:, known], expected[:, known], atol=1e-5)


@pytest.mark.parametrize("shape", [(300, 140), (140, 300)])
def test_both_solvers_give_the_same(shape):
    """Larger than one block of users, and with λ small enough to be hard."""
    rng = np.random.default_rng(0)
    matrix = (rng.random(shape) < 0.1) * rng.integers(1, 6, shape) * 1.0
    primal, dual = (
        EASE(0.5, "value", solver=solver).fit(interactions(matrix)) for solver in ("primal", "dual")
    )
    np.testing.assert_allclose(primal.score(), dual.score(), atol=1e-6)
    np.testing.assert_allclose(primal.diagonal_, dual.diagonal_, rtol=1e-9)
    items = [3, 7, 3]
    np.testing.assert_allclose(primal.item_weights(items), dual.item_weights(items), atol=1e-10)
    chosen = EASE(0.5, "value").fit(interactions(matrix))
    assert chosen.inverse_.shape == (min(shape), min(shape))
    np.testing.assert_allclose(chosen.score(), dual.score(), atol=1e-6)


def test_two_items_by_hand():
    # Items a and b: a taken by three users, b by two of these. B_ab = 2 / (3 + λ).
    matrix = np.array([[1.0, 1], [1, 1], [1, 0]])
    model = EASE(4).fit(interactions(matrix))
    np.testing.assert_allclose(model.item_weights([0, 1]), [[0, 2 / (3 + 4)], [2 / (2 + 4), 0]])
    np.testing.assert_allclose(
        model.score(), [[1 / 3, 2 / 7], [1 / 3, 2 / 7], [0, 2 / 7]], rtol=1e-6
    )


def test_dual_makes_no_matrix_of_items_by_items():
    n_items = 4_000
    rng = np.random.default_rng(0)
    matrix = (rng.random((30, n_items)) < 0.05) * 1.0
    events = interactions(matrix)
    tracemalloc.start()
    EASE().fit(events).score([3])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * n_items**2 / 10


def test_items_outside_the_index_are_refused():
    model = EASE(1).fit(interactions(np.eye(3)))
    with pytest.raises(ValueError, match="items must lie between 0 and 2"):
        model.item_weights([3])
    with pytest.raises(ValueError, match="EASE is not fitted yet"):
        EASE(1).item_weights([0])


def test_regularization_too_small_for_the_numbers_is_refused():
    twins = np.repeat(np.random.default_rng(0).random((6, 1)), 4, axis=1) * 1e8
    with pytest.raises(ValueError, match="raise regularization"):
        EASE(1e-12, "value", solver="primal").fit(interactions(twins))
