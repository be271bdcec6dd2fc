from collections import Counter
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from recbook.fusion import votes as votes_module
from recbook.fusion.combine import (
    borda,
    comb_mnz,
    comb_sum,
    condorcet,
    majority_vote,
    reciprocal_rank,
)

GONE = -np.inf
ALL = [comb_sum, comb_mnz, borda, condorcet, reciprocal_rank]
each = pytest.mark.parametrize("function", ALL, ids=lambda function: function.__name__)

numbers = st.sampled_from([GONE, 0.0, 0.25, 0.5, 2.0, GONE])  # exact in float32, at least 0
cubes = npst.arrays(
    st.sampled_from([np.float32, np.float64]),
    npst.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=5),
    elements=numbers,
)


def listed(member_scores):
    """Return the candidates that some member has."""
    width = range(member_scores.shape[1])
    return [c for c in width if any(row[c] > GONE for row in member_scores)]


def brute_sum(table):
    return {c: sum(row[c] for row in table if row[c] > GONE) for c in listed(table)}


def brute_mnz(table):
    return {c: total * sum(row[c] > GONE for row in table) for c, total in brute_sum(table).items()}


def brute_borda(table):
    names = listed(table)
    return {
        c: sum(
            (row[c] > row[other]) + (row[c] == row[other]) / 2
            for row in table
            for other in names
            if other != c
        )
        for c in names
    }


def brute_condorcet(table):
    names, points = listed(table), Counter()
    for c in names:
        for other in names:
            if other != c:
                votes_for = sum(row[c] > row[other] for row in table)
                against = sum(row[other] > row[c] for row in table)
                points[c] += 1 if votes_for > against else 1 / 2 if votes_for == against else 0
    return {c: points[c] for c in names}


def brute_reciprocal_rank(table):
    total = Counter(dict.fromkeys(listed(table), 0.0))
    for row in table:
        there = [score for score in row if score > GONE]
        for c in listed(table):
            if row[c] > GONE:
                above = sum(score > row[c] for score in there)
                equal = sum(score == row[c] for score in there)
                total[c] += 1 / (60 + above + (equal + 1) / 2)
    return total


BRUTE = dict(
    zip(
        ALL,
        [brute_sum, brute_mnz, brute_borda, brute_condorcet, brute_reciprocal_rank],
        strict=True,
    )
)


@each
@given(scores=cubes)
def test_equals_loops(function, scores):
    before = scores.copy()
    result = function(scores)
    assert result.shape == scores.shape[1:]
    assert result.dtype == scores.dtype
    for index in np.ndindex(scores.shape[1:-1]):
        expected = np.full(scores.shape[-1], GONE)
        for c, value in BRUTE[function](scores[(slice(None), *index)]).items():
            expected[c] = value
        np.testing.assert_allclose(result[index], expected, rtol=1e-6)
    np.testing.assert_array_equal(scores, before)


@each
@given(scores=cubes)
def test_a_row_does_not_depend_on_the_others(function, scores):
    whole = function(scores)
    for index in np.ndindex(scores.shape[1:-1]):
        np.testing.assert_array_equal(function(scores[(slice(None), *index)]), whole[index])


@each
@given(scores=cubes, data=st.data())
def test_the_order_of_columns_does_not_matter(function, scores, data):
    turned = data.draw(st.permutations(range(scores.shape[-1])))
    np.testing.assert_array_equal(function(scores[..., turned]), function(scores)[..., turned])


@each
def test_padding_changes_nothing(function):
    scores = np.random.default_rng(0).integers(0, 4, (3, 5, 6)).astype(float)
    padded = np.concatenate([scores, np.full((3, 5, 2), GONE)], axis=2)
    np.testing.assert_array_equal(function(padded)[:, :6], function(scores))
    assert (function(padded)[:, 6:] == GONE).all()


@pytest.mark.parametrize("function", [comb_sum, borda, reciprocal_rank])
@given(scores=cubes, data=st.data())
def test_a_whole_weight_is_a_repeated_member(function, scores, data):
    times = data.draw(st.lists(st.integers(1, 3), min_size=len(scores), max_size=len(scores)))
    np.testing.assert_allclose(
        function(scores, weights=np.array(times)),
        function(np.repeat(scores, times, axis=0)),
        rtol=1e-5,
    )


def test_weights_may_be_negative():
    scores = np.array([[1.0, 0.5], [0.25, 1.0]])
    np.testing.assert_array_equal(
        comb_sum(scores, np.array([1.0, -0.5])), [1 - 0.25 / 2, 0.5 - 1 / 2]
    )


def test_mnz_counts_who_has_it():
    scores = np.array([[0.5, 1.0, GONE], [0.25, GONE, GONE], [0.0, GONE, GONE]])
    np.testing.assert_array_equal(comb_mnz(scores), [3 * (0.5 + 0.25 + 0.0), 1 * 1.0, GONE])
    with pytest.raises(ValueError, match="at least 0"):
        comb_mnz(scores[:1, :2] - 1)


def test_a_cycle_is_a_draw_in_duels():
    # three members, each turning the list of the one before: everybody beats one, loses to one
    cycle = np.array([[3.0, 2.0, 1.0], [1.0, 3.0, 2.0], [2.0, 1.0, 3.0]])
    np.testing.assert_array_equal(condorcet(cycle), [1, 1, 1])


def test_winner_of_all_duels_may_lose_by_points():
    # three put A, B, C; two put B, C, A
    five = np.array([[3.0, 2.0, 1.0]] * 3 + [[1.0, 3.0, 2.0]] * 2)
    np.testing.assert_array_equal(condorcet(five), [2, 1, 0])
    np.testing.assert_array_equal(borda(five), [3 * 2 + 2 * 0, 3 * 1 + 2 * 2, 3 * 0 + 2 * 1])


def test_duels_do_not_depend_on_the_blocks(monkeypatch):
    scores = np.random.default_rng(0).integers(0, 5, (4, 17, 7)).astype(float)
    whole = condorcet(scores)
    monkeypatch.setattr(votes_module, "_PAIR_CELLS", 3 * 7**2)
    np.testing.assert_array_equal(condorcet(scores), whole)


def test_a_large_k_orders_as_borda_does():
    scores = np.random.default_rng(0).normal(size=(5, 40, 9))
    points, fused = borda(scores), reciprocal_rank(scores, 1e6)
    ahead = points[..., :, None] > points[..., None, :]
    assert (fused[..., :, None] > fused[..., None, :])[ahead].all()


@given(
    npst.arrays(int, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.integers(0, 2))
)
def test_majority_equals_counting(labels):
    for case, winner in zip(labels.T, majority_vote(labels), strict=True):
        most = max(Counter(case.tolist()).values())
        assert winner == next(label for label in case if (case == label).sum() == most)


def test_majority_of_independent_voters_is_condorcets_sum():
    # all 2^5 patterns of five voters, each weighed by its probability
    right = np.array(np.meshgrid(*[[0, 1]] * 5, indexing="ij")).reshape(5, -1)
    chance = [prod(7 / 10 if r else 3 / 10 for r in pattern) for pattern in right.T]
    expected = sum(comb(5, n) * 0.7**n * 0.3 ** (5 - n) for n in (3, 4, 5))
    assert np.dot(chance, majority_vote(right)) == pytest.approx(expected)


def test_votes_have_weights_and_ties_go_to_the_earliest_member():
    labels = np.array([["b", "a"], ["a", "a"], ["a", "c"]])
    assert majority_vote(labels, np.array([3, 1, 1])).tolist() == ["b", "a"]
    assert majority_vote(np.array([[True], [False]])).tolist() == [True]
    assert majority_vote(np.array([[2], [1], [0]])).tolist() == [2]
    with pytest.raises(ValueError, match="weights of votes"):
        majority_vote(labels, np.array([1, -1, 1]))
    with pytest.raises(ValueError, match="fractions"):
        majority_vote(np.array([[0.6], [0.4]]))
    with pytest.raises(ValueError, match="at least one member"):
        majority_vote(np.empty((0, 3), dtype=int))


@each
def test_refuses_what_is_no_set_of_members(function):
    with pytest.raises(ValueError, match=r"n_members, \.\.\., width"):
        function(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"n_members, \.\.\., width"):
        function(np.empty((0, 3, 4)))
    with pytest.raises(ValueError, match="is nan"):
        function(np.array([[1.0, np.nan]]))


@pytest.mark.parametrize("function", [comb_sum, borda, reciprocal_rank, comb_mnz])
@pytest.mark.parametrize("weights", [[1.0], [1.0, np.nan], [[1.0, 1.0]]])
def test_refuses_weights_that_do_not_fit(function, weights):
    with pytest.raises(ValueError, match="2 finite numbers"):
        function(np.ones((2, 3)), weights=np.array(weights))


def test_refuses_a_negative_k():
    with pytest.raises(ValueError, match="k must be"):
        reciprocal_rank(np.ones((2, 3)), -1)


@each
def test_no_rows_give_no_rows(function):
    assert function(np.empty((2, 0, 5))).shape == (0, 5)
