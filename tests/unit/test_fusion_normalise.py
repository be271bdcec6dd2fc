import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.stats import rankdata, zscore

from recbook.fusion import places as places_module
from recbook.fusion.normalise import NORMALISATIONS, log_rank, min_max, rank, z_score
from recbook.fusion.places import first_places, places

GONE = -np.inf
each = pytest.mark.parametrize("function", NORMALISATIONS.values(), ids=NORMALISATIONS.keys())

# few distinct numbers, so that ties are the rule, and a third of them missing
numbers = st.sampled_from([GONE, -2.0, 0.0, 0.25, 7.0, GONE, 1e6])
cubes = npst.arrays(
    st.sampled_from([np.float32, np.float64]),
    npst.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6),
    elements=numbers,
)


def row_by_row(scores, one_row):
    """Apply the definition to what is there in each row."""
    result = np.full(scores.shape, GONE)
    for index in np.ndindex(scores.shape[:-1]):
        there = scores[index] > GONE
        if there.any():
            result[index][there] = one_row(scores[index][there].astype(float))
    return result


def mean_place(row):
    return rankdata(-row, method="average")


DEFINITIONS = {
    "min_max": lambda row: (
        (row - row.min()) / np.ptp(row) if np.ptp(row) else np.full(len(row), 1 / 2)
    ),
    "z_score": lambda row: zscore(row) if np.ptp(row) else np.zeros(len(row)),
    "rank": lambda row: 1 - (mean_place(row) - 1) / len(row),
    "log_rank": lambda row: (
        (np.log2(2 + len(row)) - np.log2(1 + mean_place(row))) / (np.log2(2 + len(row)) - 1)
    ),
}


@pytest.mark.parametrize("name", NORMALISATIONS)
@given(scores=cubes)
def test_equals_the_definition_row_by_row(name, scores):
    before = scores.copy()
    result = NORMALISATIONS[name](scores)
    tolerance = 1e-5 if scores.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(
        result, row_by_row(scores, DEFINITIONS[name]), rtol=tolerance, atol=tolerance
    )
    assert result.dtype == scores.dtype
    np.testing.assert_array_equal(result == GONE, scores == GONE)
    np.testing.assert_array_equal(scores, before)


@given(cubes)
def test_places_equal_scipy(scores):
    expected = row_by_row(scores, lambda row: mean_place(row))
    expected[expected == GONE] = np.inf
    np.testing.assert_array_equal(places(scores), expected)


@each
@given(scores=cubes)
def test_a_row_does_not_depend_on_the_others(function, scores):
    whole = function(scores)
    for index in np.ndindex(scores.shape[:-1]):
        np.testing.assert_array_equal(function(scores[index]), whole[index])


@each
def test_blocks_change_nothing(function, monkeypatch):
    scores = np.random.default_rng(0).integers(0, 9, (3, 20, 11)).astype(np.float32)
    whole = function(scores)
    monkeypatch.setattr(places_module, "_BLOCK_CELLS", 4 * 11)
    np.testing.assert_array_equal(function(scores), whole)


@pytest.mark.parametrize("function", [min_max, z_score])
def test_level_and_spread_are_destroyed(function):
    scores = np.array([[1.0, 2.0, 4.0], [10.0, 12.0, 16.0]])  # the second is 2 × the first + 8
    first, second = function(scores)
    np.testing.assert_allclose(first, second)


@pytest.mark.parametrize("function", [rank, log_rank])
def test_gaps_are_destroyed(function):
    scores = np.array([[3.0, 2.0, 1.0], [1e9, 1.0, 0.999]])
    first, second = function(scores)
    np.testing.assert_array_equal(first, second)


def test_worked_numbers():
    row = np.array([2.0, 6.0, 3.0, GONE])
    np.testing.assert_allclose(min_max(row), [0 / 4, 4 / 4, 1 / 4, GONE])
    np.testing.assert_allclose(
        z_score(row),
        [-(5 / 3) / np.sqrt(26 / 9), 7 / 3 / np.sqrt(26 / 9), -(2 / 3) / np.sqrt(26 / 9), GONE],
    )
    np.testing.assert_allclose(rank(row), [1 / 3, 3 / 3, 2 / 3, GONE])
    end = np.log2(5)
    np.testing.assert_allclose(
        log_rank(row), [(end - np.log2(4)) / (end - 1), 1, (end - np.log2(3)) / (end - 1), GONE]
    )


@each
def test_a_row_of_equals_says_nothing(function):
    result = function(np.array([[5.0, 5.0, GONE], [GONE, GONE, GONE]]))
    assert result[0, 0] == result[0, 1]
    assert (result[1] == GONE).all()
    expected = {
        min_max: 1 / 2,
        z_score: 0,
        rank: 1 - (3 / 2 - 1) / 2,
        log_rank: (2 - np.log2(5 / 2)) / (2 - 1),
    }[function]
    assert result[0, 0] == pytest.approx(expected)


@each
def test_extreme_spreads_give_finite_numbers(function):
    for row in ([1e-300, 2e-300, 3e-300], [1e12, 1e12 + 1, 1e12 + 3], [-1e150, 0.0, 1e150]):
        result = function(np.array(row))
        assert np.isfinite(result).all()
        assert (np.diff(result) > 0).all()


@each
def test_whole_numbers_become_float64(function):
    assert function(np.array([[1, 2, 3]])).dtype == np.float64


@each
def test_empty_scores_stay_empty(function):
    assert function(np.empty((2, 0, 5), dtype=np.float32)).shape == (2, 0, 5)
    assert function(np.empty((3, 0))).shape == (3, 0)


@each
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_what_is_no_score(function, bad):
    with pytest.raises(ValueError, match=r"score at \(1, 0\)"):
        function(np.array([[1.0, 2.0], [bad, GONE]]))
    with pytest.raises(ValueError, match="at least one axis"):
        function(np.float64(1.0))


def test_first_places_keep_the_head():
    scores = np.array([[0.3, 0.5, 0.4, GONE], [1.0, 1.0, 0.0, -1.0]], dtype=np.float32)
    kept = first_places(scores, 2)
    np.testing.assert_array_equal(
        kept, np.array([[GONE, 0.5, 0.4, GONE], [1.0, 1.0, GONE, GONE]], dtype=np.float32)
    )
    assert kept.dtype == np.float32
    # two that share places 1 and 2 (mean 3/2) go together where one place is asked for
    assert (first_places(scores, 1)[1] == GONE).all()
    with pytest.raises(ValueError, match="depth must be at least 1"):
        first_places(scores, 0)


def test_the_table_of_normalisations_cannot_be_changed():
    assert list(NORMALISATIONS) == ["min_max", "z_score", "rank", "log_rank"]
    with pytest.raises(TypeError):
        NORMALISATIONS["mine"] = rank
