from math import log2, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.evaluation import beyond

N_ITEMS = 9


@st.composite
def some_lists(draw):
    """Two to eight lists of up to four of nine items, padded with -1, the first not empty."""
    item_lists = st.lists(st.integers(0, N_ITEMS - 1), max_size=4, unique=True)
    lists = [draw(item_lists.filter(bool)), draw(item_lists.filter(bool))]
    lists += draw(st.lists(item_lists, max_size=6))
    return np.array([row + [-1] * (4 - len(row)) for row in lists])


def double_sum_gini(ranked):
    counts = [int((ranked == item).sum()) for item in range(N_ITEMS)]
    apart = sum(abs(x - y) for x in counts for y in counts)
    return apart / (2 * N_ITEMS * sum(counts))


@given(some_lists())
def test_gini_equals_the_double_sum(ranked):
    assert beyond.gini(ranked, N_ITEMS) == pytest.approx(double_sum_gini(ranked))


@given(some_lists())
def test_coverage_counts_the_items_shown(ranked):
    assert beyond.coverage(ranked, N_ITEMS) == len(set(ranked[ranked >= 0])) / N_ITEMS


@pytest.mark.parametrize("name", ["coverage", "gini"])
@given(ranked=some_lists())
def test_jackknife_values_equal_leaving_each_list_out(name, ranked):
    measure = getattr(beyond, name)
    n, whole = len(ranked), measure(ranked, N_ITEMS)
    without = np.array([measure(np.delete(ranked, user, axis=0), N_ITEMS) for user in range(n)])
    values = getattr(beyond, f"{name}_per_user")(ranked, N_ITEMS)
    np.testing.assert_allclose(values, whole + (n - 1) * (without.mean() - without), atol=1e-12)
    assert values.mean() == pytest.approx(whole)


@pytest.mark.parametrize("name", ["coverage", "gini"])
def test_jackknife_standard_error_is_that_of_new_users(name):
    rng = np.random.default_rng(0)
    popularity = 1 / np.arange(1, 201)

    def draw_lists():
        keys = rng.exponential(size=(100, 200)) / popularity  # draws without replacement
        return np.argsort(keys, axis=1)[:, :5]

    measure, per_user = getattr(beyond, name), getattr(beyond, f"{name}_per_user")
    samples = [draw_lists() for _ in range(150)]
    true_sd = np.std([measure(lists, 200) for lists in samples])
    claimed = np.mean([per_user(lists, 200).std(ddof=1) / 10 for lists in samples])
    # The simulated sd is known to 1 / sqrt(2 · 150) = 6 %; the jackknife may err upwards.
    assert 0.85 * true_sd < claimed < 1.6 * true_sd


def test_gini_extremes():
    assert beyond.gini(np.array([[0], [1], [2]]), 3) == 0
    assert beyond.gini(np.array([[0], [0], [0]]), 3) == pytest.approx(2 / 3)


def looped_diversity(row, features, similarity):
    items = [item for item in row if item >= 0]
    apart = []
    for place, i in enumerate(items):
        for j in items[place + 1 :]:
            a, b = features[i], features[j]
            if similarity == "jaccard":
                a, b = a != 0, b != 0
                whole, shared = (a | b).sum(), (a & b).sum()
            else:
                whole, shared = sqrt((a @ a) * (b @ b)), a @ b
            apart.append(1 - (shared / whole if whole else 0))
    return sum(apart) / len(apart) if apart else np.nan


@pytest.mark.parametrize("similarity", ["cosine", "jaccard"])
@pytest.mark.parametrize("shape", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@given(ranked=some_lists(), seed=st.integers(0, 99))
def test_diversity_equals_a_plain_loop(similarity, shape, ranked, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(N_ITEMS, 3)) * (rng.random((N_ITEMS, 3)) < 0.6)
    expected = [looped_diversity(row, features, similarity) for row in ranked]
    values = beyond.intra_list_diversity_per_user(ranked, shape(features), similarity=similarity)
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_diversity_does_not_depend_on_the_chunks(monkeypatch):
    rng = np.random.default_rng(0)
    ranked = np.argsort(rng.random((20, N_ITEMS)), axis=1)[:, :5]
    features = rng.random((N_ITEMS, 4))
    whole = beyond.intra_list_diversity_per_user(ranked, features)
    monkeypatch.setattr(beyond, "_CHUNK_PAIRS", 7)
    np.testing.assert_array_equal(beyond.intra_list_diversity_per_user(ranked, features), whole)
    assert beyond.intra_list_diversity(ranked, features) == pytest.approx(whole.mean())


def test_novelty_by_hand():
    # Four users had anything; item 0 was had by all, item 1 by one (twice), item 2 by nobody.
    events = pd.DataFrame({"user_id": [1, 2, 3, 4, 1, 1], "item_id": [0, 0, 0, 0, 1, 1]})
    known = Interactions.from_frame(events, users=[1, 2, 3, 4, 5], items=[0, 1, 2])
    ranked = np.array([[0, 1], [2, -1], [0, -1], [-1, -1]])
    values = beyond.novelty_per_user(ranked, known)
    np.testing.assert_allclose(values, [(0 + log2(4)) / 2, log2(4), 0, np.nan])
    assert beyond.novelty(ranked, known) == pytest.approx((1 + 2 + 0) / 3)
    np.testing.assert_array_equal(beyond.novelty_per_user(ranked, known.matrix("count")), values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: beyond.gini(np.array([[-1]]), 3), "all lists are empty"),
        (lambda: beyond.gini_per_user(np.array([[0], [-1]]), 3), "at least two users"),
        (lambda: beyond.coverage(np.array([[3]]), 3), "outside the 3 items"),
        (lambda: beyond.coverage(np.array([[1, 1]]), 3), "twice"),
        (lambda: beyond.coverage(np.array([[0]]), 0), "n_items"),
        (lambda: beyond.novelty(np.array([[0]]), sparse.csr_array((2, 1))), "at least one user"),
        (
            lambda: beyond.intra_list_diversity(np.array([[0, 1]]), np.eye(2), similarity="euclid"),
            "similarity must be",
        ),
        (
            lambda: beyond.intra_list_diversity(np.array([[0, 1]]), np.full((2, 2), np.nan)),
            "finite",
        ),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
