import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from recbook.data import ranking
from recbook.data.interactions import Interactions
from recbook.data.ranking import top_k


def sorted_lists(scores, k, closed):
    """The definition: a full Python sort by score, then column."""
    lists = []
    for row, shut in zip(scores.tolist(), closed, strict=True):
        open_columns = [c for c, s in enumerate(row) if not shut[c] and s != -np.inf]
        best = sorted(open_columns, key=lambda c: (-row[c], c))[:k]
        lists.append(best + [-1] * (k - len(best)))
    return np.array(lists, dtype=np.int32).reshape(len(scores), k)


@given(st.data())
def test_equals_a_full_sort(data):
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 60)))
    # few distinct numbers, so that ties at the edge are the rule
    number = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, np.inf])
    scores = data.draw(npst.arrays(np.float32, shape, elements=number))
    seen = data.draw(npst.arrays(bool, shape))
    candidates = data.draw(npst.arrays(bool, shape[1]))
    k = data.draw(st.integers(1, 70))
    before = scores.copy()

    lists = top_k(scores, k, exclude=sparse.csr_array(seen.astype(float)), candidates=candidates)

    np.testing.assert_array_equal(lists, sorted_lists(scores, k, seen | ~candidates))
    np.testing.assert_array_equal(scores, before)  # the caller's scores stay as they are


def test_wide_rows_equal_a_full_sort():
    rng = np.random.default_rng(0)
    for scores in (
        rng.random((20, 3001), dtype=np.float32),
        rng.integers(0, 5, (20, 3001)).astype(float),
        np.where(rng.random((20, 3001)) < 0.002, 1.0, 0.0),
        np.zeros((20, 3001)),
    ):
        order = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        np.testing.assert_array_equal(top_k(scores, 10), order)


def test_lists_do_not_depend_on_the_chunks(monkeypatch):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (50, 40)).astype(np.float32)
    seen = sparse.random_array((50, 40), density=0.2, rng=rng, format="csr")
    whole = top_k(scores, 5, exclude=seen)
    monkeypatch.setattr(ranking, "_CHUNK_CELLS", 7 * 40)
    np.testing.assert_array_equal(top_k(scores, 5, exclude=seen), whole)


def test_rows_pick_the_users_of_exclude():
    seen = Interactions.from_frame(
        pd.DataFrame({"user_id": [1, 2, 3], "item_id": list("abc")}), items=list("abc")
    )
    scores = np.array([[3.0, 2.0, 1.0]] * 2)
    np.testing.assert_array_equal(top_k(scores, 2, exclude=seen, rows=[2, 0]), [[0, 1], [1, 2]])


def test_a_stored_zero_is_left_out():
    seen = sparse.csr_array(([0.0], ([0], [1])), shape=(1, 2))
    np.testing.assert_array_equal(top_k(np.array([[0.0, 9.0]]), 1, exclude=seen), [[0]])


def test_integer_scores_and_no_rows():
    assert top_k(np.array([[1, 3, 2]]), 2).tolist() == [[1, 2]]
    assert top_k(np.empty((0, 4)), 2).shape == (0, 2)


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        (np.array([[1.0, np.nan]]), {}, "row 0, column 1 is NaN"),
        (np.array([[np.inf, -np.inf], [0, np.nan]]), {}, "row 1, column 1 is NaN"),
        (np.array([1.0]), {}, "shape"),
        (np.array([[1.0]]), {"k": 0}, "at least 1"),
        (np.array([[1.0]]), {"k": 1.5}, "at least 1"),
        (np.array([[1.0]]), {"candidates": np.array([1])}, "bool"),
        (np.array([[1.0]]), {"candidates": np.array([True, True])}, "1 items"),
        (np.array([[1.0]]), {"exclude": sparse.csr_array((1, 2))}, "2 items"),
        (np.array([[1.0]] * 3), {"exclude": sparse.csr_array((2, 1))}, "rows="),
        (np.array([[1.0]]), {"exclude": sparse.csr_array((2, 1)), "rows": [2]}, "outside"),
        (np.array([[1.0]]), {"exclude": sparse.csr_array((2, 1)), "rows": [0, 1]}, "1 score rows"),
        (np.array([[1.0]]), {"exclude": np.zeros((1, 1))}, "sparse"),
    ],
)
def test_errors_say_what_is_wrong(scores, options, message):
    with pytest.raises(ValueError, match=message):
        top_k(scores, **options)


def test_infinities_of_both_signs_are_no_nan():
    assert top_k(np.array([[-np.inf, np.inf, 0.0]]), 3).tolist() == [[1, 2, -1]]
