"""PureSVD: against NumPy's dense decomposition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.pure_svd import PureSVD
from recbook.models.similarity import weigh


def interactions(matrix):
    user, item = np.nonzero(matrix)
    return Interactions(
        user, item, matrix[user, item], np.zeros(len(user)),
        users=pd.RangeIndex(matrix.shape[0]), items=pd.RangeIndex(matrix.shape[1]),
    )  # fmt: skip


def truncated(matrix, k):
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return (left[:, :k] * values[:k]) @ right[:k]


def random_matrix(shape, rng):
    """Return a matrix with zeros whose singular values all differ."""
    rng = np.random.default_rng(rng)
    return rng.random(shape) * (rng.random(shape) < 0.5)


@settings(deadline=None, max_examples=50)
@given(st.tuples(st.integers(1, 25), st.integers(1, 25)), st.integers(1, 30), st.integers(0, 10**6))
def test_scores_are_the_nearest_matrix_of_the_rank(shape, k, rng):
    """Shapes and ranks on both sides of the border between LAPACK and ARPACK."""
    matrix = random_matrix(shape, rng)
    model = PureSVD(k, values="value").fit(interactions(matrix))
    known = matrix.any(axis=0)
    held = matrix.astype(np.float32)  # as the events' matrix holds them
    np.testing.assert_allclose(model.score()[:, known], truncated(held, k)[:, known], atol=2e-6)
    assert len(model.singular_values_) <= k
    assert (np.diff(model.singular_values_) <= 0).all()


def test_both_factors_carry_the_decomposition():
    matrix = random_matrix((20, 30), 1).astype(np.float32)
    model = PureSVD(4, values="value").fit(interactions(matrix))
    _, values, right = np.linalg.svd(matrix)
    np.testing.assert_allclose(model.singular_values_, values[:4], rtol=1e-5)
    items = model.item_factors_
    np.testing.assert_allclose(items.T @ items, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(abs((items * right[:4].T).sum(axis=0)), 1, rtol=1e-5)
    np.testing.assert_allclose(model.user_factors_, matrix @ items, atol=1e-6)


def test_sign_is_fixed_and_the_start_shows_in_last_digits_only():
    matrix = random_matrix((20, 30), 2)
    first, second = (PureSVD(4, rng=rng).fit(interactions(matrix)) for rng in (0, 1))
    items = first.item_factors_
    largest = items[np.abs(items).argmax(axis=0), np.arange(4)]
    assert (largest > 0).all()
    np.testing.assert_allclose(first.item_factors_, second.item_factors_, atol=1e-10)


@pytest.mark.parametrize("weighting", ["tfidf", "bm25"])
@pytest.mark.parametrize("values", ["count", "value"])
def test_weighting_treats_a_user_as_a_document(weighting, values):
    matrix = np.random.default_rng(3).integers(0, 4, (12, 9)) * 1.0
    matrix[:, 0] = 2  # everyone holds it, so tf-idf makes its column 0
    model = PureSVD(3, weighting, values=values).fit(interactions(matrix))
    held = matrix if values == "value" else (matrix > 0) * 1.0
    expected = truncated(weigh(sparse.csr_array(held), weighting).toarray(), 3)
    np.testing.assert_allclose(model.score(), expected, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(arrays(float, (6, 4), elements=st.sampled_from([0, 0, 1.0])), st.sampled_from([4, 9]))
def test_full_rank_gives_the_matrix_back(matrix, k):
    model = PureSVD(k).fit(interactions(matrix))
    known = matrix.any(axis=0)
    np.testing.assert_allclose(model.score()[:, known], matrix[:, known], atol=1e-6)
    assert len(model.singular_values_) == np.linalg.matrix_rank(matrix)


def test_two_blocks_by_hand():
    # Three users with a and b, two with c: singular values √6 and √2.
    matrix = np.array([[1.0, 1, 0]] * 3 + [[0, 0, 1]] * 2)
    model = PureSVD(1).fit(interactions(matrix))
    np.testing.assert_allclose(model.singular_values_, [np.sqrt(6)])
    np.testing.assert_allclose(model.item_factors_[:, 0], [1 / np.sqrt(2)] * 2 + [0], atol=1e-12)
    np.testing.assert_allclose(model.score(), [[1, 1, 0]] * 3 + [[0, 0, 0]] * 2, atol=1e-7)
