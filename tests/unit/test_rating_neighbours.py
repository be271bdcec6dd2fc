"""Neighbours for ratings: by hand, and equal to Surprise's predictions."""

import os
import tempfile
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models import rating_neighbours, rating_similarity
from recbook.models.rating_neighbours import RatingNeighbours
from recbook.models.rating_similarity import co_rated_similarities

# Importing Surprise makes a folder; keep it out of the home directory.
os.environ.setdefault("SURPRISE_DATA_FOLDER", os.path.join(tempfile.gettempdir(), "surprise"))

# Users (rows) and items a to e; 0 is no rating.
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


def interactions(triples, n_users, n_items):
    user, item, value = zip(*triples, strict=True)
    return Interactions(
        user=user, item=item, value=value, time=np.zeros(len(user)),
        users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items), has_time=False,
    )  # fmt: skip


def toy():
    return interactions([(u, i, TOY[u, i]) for u, i in np.argwhere(TOY)], 5, 5)


def item_similarities(**options):
    return co_rated_similarities(sparse.csr_array(TOY.T), **options)


class TestSimilaritiesByHand:
    def test_cosine_over_common_users(self):
        found = item_similarities(similarity="cosine")
        # Ann gave a 5 and b 3, cy 1 and 1; bo's rating of a does not count.
        assert found[A, B] == pytest.approx((5 * 3 + 1 * 1) / sqrt((25 + 1) * (9 + 1)))
        assert found[A, C] == 0  # nobody rated both
        assert found[C, E] == 1  # one user rated both: a cosine of single numbers
        assert np.diag(found).tolist() == [1] * 5
        assert (found == found.T).all()

    def test_mean_squared_difference(self):
        found = item_similarities(similarity="msd")
        assert found[A, B] == pytest.approx(1 / (1 + ((5 - 3) ** 2 + (1 - 1) ** 2) / 2))
        assert found[A, C] == 0

    def test_pearson_uses_the_means_of_the_common_users(self):
        found = item_similarities(similarity="pearson")
        # a: 5, 4, 1 with mean 10/3; d: 1, 1, 5 with mean 7/3; in thirds:
        above = 5 * -4 + 2 * -4 + -7 * 8
        below = sqrt((5**2 + 2**2 + 7**2) * (4**2 + 4**2 + 8**2))
        assert found[A, D] == pytest.approx(above / below)
        assert found[A, B] == pytest.approx(1)  # both fall: any two points lie on a line
        assert found[C, E] == 0  # one common user: no variation

    def test_adjusted_cosine_subtracts_the_users_mean(self):
        found = item_similarities(similarity="adjusted cosine")
        # Ann's mean is 3 and cy's 7/3. a: 2, -4/3; b: 0, -4/3.
        assert found[A, B] == pytest.approx((16 / 9) / sqrt((4 + 16 / 9) * (16 / 9)))
        assert found[C, E] == 0  # ed gave both his mean

    def test_shrinkage_and_least_support(self):
        plain = item_similarities(similarity="msd")
        shrunk = item_similarities(similarity="msd", shrinkage=4)
        assert shrunk[A, B] == pytest.approx(plain[A, B] * 2 / (2 + 4))
        assert shrunk[A, D] == pytest.approx(plain[A, D] * 3 / (3 + 4))
        assert shrunk[C, E] == pytest.approx(plain[C, E] * 1 / (1 + 4))
        supported = item_similarities(similarity="msd", min_support=3)
        assert supported[A, D] == plain[A, D]
        assert supported[A, B] == 0

    def test_rating_of_zero_is_a_rating(self):
        ratings = sparse.csr_array((np.array([0.0, 0, 1]), [0, 0, 0], [0, 1, 2, 3]), (3, 1))
        found = co_rated_similarities(ratings, similarity="msd")
        assert found[0, 1] == 1
        assert found[0, 2] == 1 / 2

    def test_row_that_is_constant_to_rounding_correlates_with_nothing(self):
        ratings = sparse.csr_array([[0.1] * 7, [0.1, 0.7, 0.2, 0.3, 0.6, 0.9, 0.4]])
        for similarity in ("pearson", "adjusted cosine"):
            given_rows = ratings if similarity == "pearson" else ratings[[0, 0]]
            found = co_rated_similarities(given_rows, similarity=similarity)
            assert found[0, 1] == 0


class TestPredictionsByHand:
    def test_weighted_mean_of_the_neighbours_ratings(self):
        model = RatingNeighbours("item", "msd", scale=(1, 5)).fit(toy())
        # Bo gave a 4 and d 1. b differs from a by (2, 0), from d by (2, -4, -3).
        a, d = 1 / (1 + (4 + 0) / 2), 1 / (1 + (4 + 16 + 9) / 3)
        assert model.predict([1], [B]) == pytest.approx((a * 4 + d * 1) / (a + d))

    def test_centred_adds_deviations_to_the_own_mean(self):
        model = RatingNeighbours("item", "msd", centred=True, scale=(1, 5)).fit(toy())
        a, d = 1 / (1 + (4 + 0) / 2), 1 / (1 + (4 + 16 + 9) / 3)
        above = a * (4 - 10 / 3) + d * (1 - 11 / 4)
        assert model.predict([1], [B]) == pytest.approx(5 / 3 + above / (a + d))
        assert model.means_.tolist() == pytest.approx([10 / 3, 5 / 3, 9 / 2, 11 / 4, 4])

    def test_the_nearest_k_only(self):
        model = RatingNeighbours("item", "msd", k=1).fit(toy())
        assert model.predict([1], [B]) == pytest.approx(4)

    def test_who_has_too_few_neighbours_gets_the_mean(self):
        mean = (5 + 3 + 1 + 4 + 1 + 1 + 1 + 5 + 1 + 5 + 4 + 4 + 4) / 13
        # Of c and e, which ed rated, only c has a rater in common with b.
        for min_k, expected in ((1, 4), (2, mean)):
            model = RatingNeighbours("item", "msd", min_k=min_k).fit(toy())
            assert model.predict([4], [B]) == pytest.approx(expected)
        model = RatingNeighbours("item", "msd", min_k=2, centred=True).fit(toy())
        assert model.predict([4], [B]) == pytest.approx(5 / 3)

    def test_of_equal_neighbours_the_first_event_counts(self):
        # Users 1 and 2 agree with user 0 alike and differ on item 1.
        triples = [(0, 0, 3), (1, 0, 4), (2, 0, 4), (1, 1, 5), (2, 1, 1)]
        for order, expected in (([0, 1, 2, 3, 4], 5), ([0, 1, 2, 4, 3], 1)):
            events = interactions([triples[e] for e in order], 3, 2)
            assert RatingNeighbours(k=1, similarity="msd").fit(events).predict([0], [1]) == expected


# Half stars: sums of their products are exact in binary, so ties are ties in both implementations.
HALF_STARS = st.integers(2, 10).map(lambda halves: halves / 2)
TRIPLES = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), HALF_STARS),
    min_size=1, max_size=40, unique_by=lambda triple: triple[:2],
)  # fmt: skip


def surprise_model(name, triples, **options):
    """Return a fitted Surprise model of these ratings, in this order."""
    import surprise

    frame = pd.DataFrame(triples, columns=["user", "item", "rating"])
    data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5)))
    return getattr(surprise, name)(verbose=False, **options).fit(data.build_full_trainset())


class TestAgainstSurprise:
    @settings(max_examples=300, deadline=None)
    @given(
        TRIPLES, st.sampled_from(["user", "item"]), st.sampled_from(["cosine", "msd", "pearson"]),
        st.booleans(), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3),
    )  # fmt: skip
    def test_every_cell_is_predicted_alike(
        self, triples, by, similarity, centred, k, min_k, min_support
    ):
        theirs = surprise_model(
            "KNNWithMeans" if centred else "KNNBasic", triples, k=k, min_k=min_k,
            sim_options={
                "name": similarity, "user_based": by == "user", "min_support": min_support,
            },
        )  # fmt: skip
        ours = RatingNeighbours(
            by, similarity, k=k, min_k=min_k, centred=centred, min_support=min_support, scale=(1, 5)
        ).fit(interactions(triples, 9, 9))
        # Nine by nine: the last user and the last item are unknown, others often are too.
        expected = [[theirs.predict(u, i).est for i in range(9)] for u in range(9)]
        np.testing.assert_allclose(ours.predict_all(), expected, rtol=0, atol=1e-6)

    @settings(max_examples=60, deadline=None)
    @given(TRIPLES, st.sampled_from(["cosine", "msd", "pearson"]), st.integers(1, 3))
    def test_similarities_are_equal_to_the_last_bit(self, triples, similarity, min_support):
        theirs = surprise_model(
            "KNNBasic", triples, sim_options={"name": similarity, "min_support": min_support}
        )
        ours = RatingNeighbours(similarity=similarity, min_support=min_support)
        ours.fit(interactions(triples, 9, 9))
        users = [theirs.trainset.to_raw_uid(u) for u in theirs.trainset.all_users()]
        np.testing.assert_array_equal(ours.similarities_[np.ix_(users, users)], theirs.sim)


def test_blocks_give_what_one_block_gives(monkeypatch):
    rng = np.random.default_rng(0)
    cells = rng.choice(30 * 20, 300, replace=False)
    triples = [(c // 20, c % 20, rng.integers(1, 6)) for c in cells]
    events = interactions(triples, 30, 20)
    for by in ("user", "item"):
        model = RatingNeighbours(by, "pearson", k=3)
        whole = model.fit(events).predict_all()
        monkeypatch.setattr(rating_similarity, "_BLOCK_CELLS", 70)
        monkeypatch.setattr(rating_neighbours, "_BLOCK_CELLS", 70)
        np.testing.assert_array_equal(model.fit(events).predict_all(), whole)
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "users"}, "by must be one of 'user', 'item', got 'users'"),
        ({"similarity": "euclid"}, "similarity must be one of 'cosine', 'msd', 'pearson'"),
        ({"k": 0}, "k must be a number of at least 1"),
        ({"min_k": 0}, "min_k must be a number of at least 1"),
        ({"shrinkage": -1}, "shrinkage must be a number of at least 0"),
        ({"min_support": "many"}, "min_support must be a number of at least 1, got 'many'"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RatingNeighbours(**options)
