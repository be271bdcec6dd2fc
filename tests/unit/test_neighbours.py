"""Similarities and neighbours for lists: by hand, and against other implementations."""

from math import log, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity

from recbook.data.interactions import Interactions
from recbook.models import similarity as similarity_module
from recbook.models.neighbours import ItemNeighbours, UserNeighbours
from recbook.models.similarity import nearest_rows, weigh

# Users (rows) and items a to e. Means of what each user rated: 3, 5/2, 7/3, 10/3, 4.
TOY = np.array(
    [
        [5, 3, 0, 1, 0],
        [4, 0, 0, 1, 0],
        [1, 1, 0, 5, 0],
        [0, 1, 5, 4, 0],
        [0, 0, 4, 0, 4],
    ],
    dtype=float,
)
A, B, C, D, E = range(5)

small_matrices = arrays(
    float,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.sampled_from([0, 0, 1, 2, 5]),
)
shrinkages = st.sampled_from([0, 0.5, 7])


def interactions(matrix, *, time=None):
    user, item = np.nonzero(matrix)
    return Interactions(
        user=user, item=item, value=matrix[user, item],
        time=np.zeros(len(user)) if time is None else time,
        users=pd.RangeIndex(matrix.shape[0]), items=pd.RangeIndex(matrix.shape[1]),
    )  # fmt: skip


def item_similarities(**options):
    return nearest_rows(sparse.csr_array(TOY.T), 5, **options).toarray()


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-7)


class TestByHand:
    def test_cosine_counts_missing_cells_as_zero(self):
        found = item_similarities()
        close(found[A, B], (5 * 3 + 1 * 1) / (sqrt(25 + 16 + 1) * sqrt(9 + 1 + 1)))
        close(found[C, E], (4 * 4) / (sqrt(25 + 16) * sqrt(16)))
        assert found[A, C] == 0  # nobody took both
        assert (np.diag(found) == 0).all()
        close(found, found.T)

    def test_adjusted_cosine_subtracts_the_users_mean(self):
        found = item_similarities(similarity="adjusted cosine")
        # a: 5 - 3, 4 - 5/2, 1 - 7/3; b: 3 - 3, 1 - 7/3, 1 - 10/3.
        close(
            found[A, B],
            (2 * 0 + (-4 / 3) * (-4 / 3))
            / (sqrt(2**2 + (3 / 2) ** 2 + (4 / 3) ** 2) * sqrt((4 / 3) ** 2 + (7 / 3) ** 2)),
        )
        # a and d: 2 · (1 - 3) + 3/2 · (1 - 5/2) + (-4/3) · (5 - 7/3) is below 0.
        assert found[A, D] == 0
        # c: 5 - 10/3, 4 - 4; e: 4 - 4 and nothing else, so it has no direction.
        assert not found[E].any()

    def test_pearson_is_the_correlation_of_full_columns(self):
        found = item_similarities(similarity="pearson")
        # a sums to 10, its squares to 42; b to 5 and 11; products to 16; five users.
        close(found[A, B], (5 * 16 - 10 * 5) / sqrt((5 * 42 - 10**2) * (5 * 11 - 5**2)))
        close(found[C, E], (5 * 16 - 9 * 4) / sqrt((5 * 41 - 9**2) * (5 * 16 - 4**2)))

    def test_row_that_is_constant_to_rounding_is_like_no_other(self):
        # Sums of tenths are not exact in binary: what is left after centring is rounding.
        rows = np.repeat(np.arange(1, 50)[:, None] / 10, 7, axis=1)
        assert nearest_rows(sparse.csr_array(rows), 3, similarity="pearson").nnz == 0
        assert nearest_rows(sparse.csr_array(rows.T), 3, similarity="adjusted cosine").nnz == 0

    def test_shrinkage_weighs_by_common_users(self):
        plain, shrunk = item_similarities(), item_similarities(shrinkage=3)
        close(shrunk[A, B], plain[A, B] * 2 / (2 + 3))  # ann and cy took both
        close(shrunk[A, D], plain[A, D] * 3 / (3 + 3))
        close(shrunk[C, E], plain[C, E] * 1 / (1 + 3))

    def test_shrinkage_decides_who_is_nearest(self):
        # Item 0 agrees wholly with item 1, which one user took, and nearly with item 2.
        matrix = sparse.csr_array([[1.0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]])
        plain = nearest_rows(matrix, 1).toarray()
        shrunk = nearest_rows(matrix, 1, shrinkage=10).toarray()
        close(plain[0], [0, 0, 3 / sqrt(3 * 4)])
        close(plain[1], [1 / sqrt(3), 0, 0])
        close(shrunk[1], [1 / sqrt(3) * 1 / (1 + 10), 0, 0])
        close(shrunk[2], [3 / sqrt(12) * 3 / (3 + 10), 0, 0])

    def test_tfidf_is_count_times_log_of_rarity(self):
        weighed = weigh(sparse.csr_array(TOY.T), "tfidf").toarray()  # rows: items; columns: users
        # Five items; ann took three of them, bo two.
        close(weighed[A, 0], 5 * log(5 / 3))
        close(weighed[D, 1], 1 * log(5 / 2))
        close(weighed[E, 4], 4 * log(5 / 2))
        assert weighed[E, 0] == 0

    def test_bm25_saturates_and_allows_for_length(self):
        weighed = weigh(sparse.csr_array(TOY.T), "bm25").toarray()
        mean_length = (10 + 5 + 9 + 11 + 4) / 5
        rarity = log(1 + (5 - 3 + 0.5) / (3 + 0.5))  # ann took three of five items
        length = 1.2 * (1 - 0.75 + 0.75 * 10 / mean_length)
        close(weighed[A, 0], 5 * (1.2 + 1) / (5 + length) * rarity)
        length = 1.2 * (1 - 0.75 + 0.75 * 4 / mean_length)
        close(weighed[E, 4], 4 * 2.2 / (4 + length) * log(1 + (5 - 2 + 0.5) / (2 + 0.5)))

    def test_rows_without_cells_are_no_documents(self):
        longer = np.vstack([TOY.T, np.zeros((3, 5))])
        for weighting in ("tfidf", "bm25"):
            with_empty = weigh(sparse.csr_array(longer), weighting).toarray()
            close(with_empty[:5], weigh(sparse.csr_array(TOY.T), weighting).toarray())
            assert not with_empty[5:].any()

    def test_item_neighbours_add_up_similarities_to_what_the_user_took(self):
        model = ItemNeighbours(values="value").fit(interactions(TOY))
        sim = item_similarities()
        close(model.score([1])[0], 4 * sim[:, A] + 1 * sim[:, D])  # bo gave a 4 and d 1
        model = ItemNeighbours().fit(interactions(TOY))
        close(model.score([1])[0, B], 2 / sqrt(3 * 3) + 2 / 3 * 0 + 3 / sqrt(3 * 4))
        close(model.similarities_.toarray()[A, B], 2 / sqrt(3 * 3))

    def test_user_neighbours_add_up_the_similarities_of_the_takers(self):
        model = UserNeighbours().fit(interactions(TOY))
        # Bo took a and d; ann and cy took these and b, di took d with b and c.
        ann = cy = 2 / sqrt(2 * 3)
        di = 1 / sqrt(2 * 3)
        close(model.score([1])[0], [ann + cy, ann + cy + di, di, ann + cy + di, 0])

    def test_only_the_nearest_k_count(self):
        # Of item a's neighbours (d: 3/sqrt(12), b: 2/3), one is kept; a keeps d and not b.
        model = ItemNeighbours(1).fit(interactions(TOY))
        close(model.similarities_.toarray()[A], [0, 0, 0, 3 / sqrt(12), 0])
        # Row i holds the neighbours of i: bo's score of a is her d, although d's neighbour may
        # be another item.
        close(model.score([1])[0, A], 3 / sqrt(12))

    def test_include_self_adds_the_users_own_items(self):
        without = ItemNeighbours(values="value").fit(interactions(TOY)).score()
        with_self = ItemNeighbours(values="value", include_self=True).fit(interactions(TOY)).score()
        close(with_self - without, TOY)
        without = UserNeighbours().fit(interactions(TOY)).score()
        with_self = UserNeighbours(include_self=True).fit(interactions(TOY)).score()
        close(with_self - without, TOY > 0)

    def test_weighting_changes_similarities_only(self):
        model = ItemNeighbours(weighting="tfidf").fit(interactions(TOY))
        ann, bo, cy, di = (log(5 / n) for n in (3, 2, 3, 3))
        expected = (ann**2 + cy**2) / (sqrt(ann**2 + bo**2 + cy**2) * sqrt(ann**2 + cy**2 + di**2))
        close(model.similarities_.toarray()[A, B], expected)
        assert set(model.matrix_.data) == {1}


class TestDecay:
    def test_events_count_by_how_many_came_later(self):
        # Ann: a on day 1, then b and c together, then a again.
        events = Interactions(
            user=[0, 0, 0, 0, 1], item=[0, 1, 2, 0, 2], value=[3, 5, 7, 11, 13],
            time=[1, 2, 2, 3, 9], users=pd.RangeIndex(2), items=pd.RangeIndex(3),
        )  # fmt: skip
        for values, expected in (
            ("binary", [[1, 1 / 2, 1 / 2], [0, 0, 1]]),
            ("count", [[1 / 8 + 1, 1 / 2, 1 / 2], [0, 0, 1]]),
            ("value", [[3 / 8 + 11, 5 / 2, 7 / 2], [0, 0, 13]]),
        ):
            model = ItemNeighbours(values=values, half_life_events=1).fit(events)
            close(model.profiles_.toarray(), expected)
            close(model.matrix_.toarray(), events.matrix(values).toarray())
            close(model.score(), model.profiles_.toarray() @ model.similarities_.toarray().T)

    def test_it_needs_a_clock(self):
        events = interactions(TOY)
        timeless = Interactions(
            events.user, events.item, events.value, events.time, events.users, events.items,
            has_time=False,
        )  # fmt: skip
        with pytest.raises(ValueError, match="carry no times"):
            ItemNeighbours(half_life_events=5).fit(timeless)


class TestAgainstOthers:
    @settings(deadline=None)
    @given(small_matrices, st.integers(1, 9), shrinkages)
    def test_cosine_is_scikit_learns(self, matrix, k, shrinkage):
        self.check(matrix, k, "cosine", shrinkage, cosine_similarity(matrix))

    @settings(deadline=None)
    @given(small_matrices, st.integers(1, 9), shrinkages)
    def test_pearson_is_numpys_correlation(self, matrix, k, shrinkage):
        full = np.zeros((len(matrix), len(matrix)))
        if matrix.shape[1] > 1:  # of one number there is no correlation
            with np.errstate(invalid="ignore", divide="ignore"):
                full = np.nan_to_num(np.atleast_2d(np.corrcoef(matrix)))
        self.check(matrix, k, "pearson", shrinkage, full)

    @settings(deadline=None)
    @given(small_matrices, st.integers(1, 9), shrinkages)
    def test_adjusted_cosine_is_the_cosine_of_a_centred_dense_matrix(self, matrix, k, shrinkage):
        masked = np.ma.masked_equal(matrix, 0)
        centred = (masked - masked.mean(axis=0)).filled(0)
        centred[abs(centred) < 1e-9] = 0
        self.check(matrix, k, "adjusted cosine", shrinkage, cosine_similarity(centred))

    @staticmethod
    def check(matrix, k, similarity, shrinkage, full):
        held = (matrix != 0).astype(float)
        overlap = held @ held.T
        if shrinkage:
            full = full * overlap / (overlap + shrinkage)
        full = np.where(full > 1e-9, full, 0)
        np.fill_diagonal(full, 0)
        found = nearest_rows(
            sparse.csr_array(matrix), k, similarity=similarity, shrinkage=shrinkage
        ).toarray()
        found[found < 1e-9] = 0
        # Which of two equal neighbours is kept is free: the values kept are not.
        np.testing.assert_allclose(
            np.sort(found, axis=1)[:, ::-1][:, :k], np.sort(full, axis=1)[:, ::-1][:, :k],
            atol=1e-6,
        )  # fmt: skip
        kept = found > 0
        np.testing.assert_allclose(found[kept], full[kept], rtol=1e-5)

    @settings(max_examples=30, deadline=None)
    @given(small_matrices)
    def test_user_neighbours_are_item_neighbours_of_the_transpose(self, matrix):
        for options in ({}, {"weighting": "bm25", "values": "value", "similarity": "pearson"}):
            by_user = UserNeighbours(20, **options).fit(interactions(matrix))
            by_item = ItemNeighbours(20, **options).fit(interactions(matrix.T))
            close(by_user.similarities_.toarray(), by_item.similarities_.toarray())
            close(by_user.score(), by_item.score().T)

    def test_blocks_of_rows_give_what_one_block_gives(self, monkeypatch):
        matrix = sparse.random_array((40, 30), density=0.2, rng=np.random.default_rng(0))
        whole = nearest_rows(matrix, 5, shrinkage=3).toarray()
        monkeypatch.setattr(similarity_module, "_BLOCK_CELLS", 7 * 40)
        close(nearest_rows(matrix, 5, shrinkage=3).toarray(), whole)


def test_adjusted_cosine_tells_what_a_user_likes_from_what_she_only_rated():
    likes = np.where(np.add.outer(range(8), range(8)) % 2 == 0, 5.0, 1.0)
    for model in (ItemNeighbours, UserNeighbours):
        fitted = model(similarity="adjusted cosine", values="value").fit(interactions(likes))
        for user, items in enumerate(fitted.recommend(k=4)):
            assert sorted(items) == [i for i in range(8) if (user + i) % 2 == 0]


def test_input_matrix_is_left_as_it_was():
    matrix = sparse.csr_array(TOY)
    matrix.data[0] = 0  # a stored zero
    before = matrix.copy()
    weigh(matrix, "bm25")
    nearest_rows(matrix, 2, similarity="adjusted cosine", shrinkage=1)
    np.testing.assert_array_equal(matrix.data, before.data)
    np.testing.assert_array_equal(matrix.indices, before.indices)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be a number of at least 1, got 0"),
        ({"similarity": "jaccard"}, "similarity must be one of 'cosine', 'adjusted cosine'"),
        ({"shrinkage": -1}, "shrinkage must be a number of at least 0"),
        ({"weighting": "idf"}, "weighting must be one of None, 'tfidf', 'bm25', got 'idf'"),
        ({"values": "rating"}, "values must be one of 'binary', 'count', 'value'"),
        ({"similarity": "adjusted cosine"}, "of binary values is 0 everywhere"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    for model in (ItemNeighbours, UserNeighbours):
        with pytest.raises(ValueError, match=message):
            model(**options)


def test_impossible_half_life_is_refused():
    with pytest.raises(ValueError, match="half_life_events must be above 0"):
        ItemNeighbours(half_life_events=0)


def test_values_below_zero_are_refused():
    with pytest.raises(ValueError, match="values of at least 0"):
        UserNeighbours(values="value").fit(interactions(-TOY))
