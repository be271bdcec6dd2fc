"""Diversity and serendipity against scikit-learn, plain double sums and worked examples."""

from itertools import combinations
from math import log2

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.metrics import normalized_mutual_info_score

from recbook.data.interactions import Interactions
from recbook.evaluation import diversity, ranking

N_ITEMS = 7


@st.composite
def some_lists(draw):
    """One to six lists of up to four of seven items, padded with -1; the first is not empty."""
    items = st.lists(st.integers(0, N_ITEMS - 1), max_size=4, unique=True)
    lists = [draw(items.filter(bool)), *draw(st.lists(items, max_size=5))]
    return np.array([row + [-1] * (4 - len(row)) for row in lists])


@st.composite
def ownership(draw):
    """Who had what: (1 to 8, 7) of zeros and ones."""
    n = draw(st.integers(1, 8))
    cells = draw(st.lists(st.integers(0, 1), min_size=n * N_ITEMS, max_size=n * N_ITEMS))
    return np.array(cells).reshape(n, N_ITEMS)


def mean_over_pairs(row, likeness):
    pairs = list(combinations(row[row >= 0], 2))
    return np.nan if not pairs else 1 - sum(likeness(i, j) for i, j in pairs) / len(pairs)


@settings(deadline=None)
@given(some_lists(), ownership())
def test_information_diversity_equals_scikit_learn(ranked, had):
    def likeness(i, j):
        return normalized_mutual_info_score(had[:, i], had[:, j])

    ours = diversity.information_diversity_per_user(ranked, sparse.csr_array(had))
    np.testing.assert_allclose(ours, [mean_over_pairs(r, likeness) for r in ranked], atol=1e-9)


def test_films_that_exclude_each_other_are_redundant():
    had = sparse.csr_array([[1, 0], [0, 1], [1, 0], [0, 1]])
    assert diversity.information_diversity_per_user(np.array([[0, 1]]), had) == pytest.approx([0])


def test_films_that_exclude_each_other_and_leave_people_out_are_not():
    had = sparse.csr_array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]])
    both, third = log2(4) - 1 / 4 * log2(1) - 2 / 4 * log2(2), 3 / 4 * log2(4 / 3) + 1 / 4 * log2(4)
    expected = [1 - (2 * third - both) / third, 1]  # the last film, which nobody had, tells nothing
    found = diversity.information_diversity_per_user(np.array([[0, 1], [0, 2]]), had)
    assert found == pytest.approx(expected)


def test_information_diversity_takes_interactions_and_counts_an_owner_once():
    frame = pd.DataFrame({"user_id": [1, 1, 1, 2, 3, 4], "item_id": [*"aababb"]})
    events = Interactions.from_frame(frame)
    had = sparse.csr_array(events.matrix("binary"))
    ranked = np.array([[0, 1]])
    assert diversity.information_diversity_per_user(ranked, events) == pytest.approx(
        diversity.information_diversity_per_user(ranked, had)
    )


def test_information_needs_users():
    with pytest.raises(ValueError, match="at least one user"):
        diversity.information_diversity_per_user(np.array([[0]]), sparse.csr_array((0, 2)))


@given(some_lists(), st.integers(0, 2**20))
def test_category_diversity_is_the_entropy_of_shared_out_categories(ranked, seed):
    member = np.random.default_rng(seed).integers(0, 2, size=(N_ITEMS, 3))
    expected = []
    for row in ranked:
        share = sum((member[i] / max(member[i].sum(), 1) for i in row[row >= 0]), np.zeros(3))
        expected.append(stats.entropy(share, base=2) if share.any() else np.nan)
    np.testing.assert_allclose(
        diversity.category_diversity_per_user(ranked, member), expected, atol=1e-9
    )


def test_category_diversity_of_one_and_of_several():
    categories = sparse.csr_array(np.array([[1, 0], [1, 0], [0, 1]]))
    found = diversity.category_diversity_per_user(np.array([[0, 1], [0, 2], [-1, -1]]), categories)
    np.testing.assert_allclose(found, [0, 1, np.nan])


@given(some_lists(), st.data())
def test_serendipity_is_precision_without_the_expected(ranked, data):
    n = len(ranked)
    cells = data.draw(st.lists(st.booleans(), min_size=n * N_ITEMS, max_size=n * N_ITEMS))
    relevant = sparse.csr_array(np.array(cells, dtype=float).reshape(n, N_ITEMS))
    nobody = np.full((n, 1), -1)
    np.testing.assert_array_equal(
        diversity.serendipity_per_user(ranked, relevant, nobody, 4),
        ranking.precision_per_user(ranked, relevant, 4),
    )
    own = diversity.serendipity_per_user(ranked, relevant, ranked, 4)
    assert np.nan_to_num(own).max() == 0


def test_serendipity_by_hand():
    relevant = sparse.csr_array([[1, 1, 1, 0], [0, 0, 0, 0]])
    ranked, expected = np.array([[0, 1, 3], [0, 1, 3]]), np.array([[1, 2], [0, 1]])
    found = diversity.serendipity_per_user(ranked, relevant, expected, 3)
    np.testing.assert_allclose(found, [1 / 3, np.nan])


def test_serendipity_refuses_other_users():
    with pytest.raises(ValueError, match="expected has 2 rows but ranked has 1"):
        diversity.serendipity_per_user(
            np.array([[0]]), sparse.csr_array([[1]]), np.array([[0], [0]]), 1
        )
