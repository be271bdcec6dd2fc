"""LSI and LDA against scikit-learn, and against histories whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.decomposition import LatentDirichletAllocation, TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer

from recbook.data.interactions import Interactions
from recbook.models.lda import LDA
from recbook.models.lsi import LSI

DAY = 86_400


def events_of(counts, times=None):
    """Return interactions with as many events in a cell as the matrix of counts says."""
    counts = np.asarray(counts)
    user, item = np.nonzero(counts)
    user, item = (np.repeat(axis, counts[user, item]) for axis in (user, item))
    return Interactions(
        user=user, item=item, value=np.ones(len(user)),
        time=np.zeros(len(user)) if times is None else times,
        users=pd.RangeIndex(counts.shape[0]), items=pd.RangeIndex(counts.shape[1]),
    )  # fmt: skip


# Two kinds of users who share nothing: rows 0 and 1 take the first two items, row 2 the others.
APART = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]])


class TestLSI:
    @settings(max_examples=40, deadline=None)
    @given(
        seed=st.integers(0, 2**31), n_users=st.integers(8, 30), n_items=st.integers(8, 30),
        n_factors=st.integers(1, 6), density=st.floats(0.2, 0.9),
    )  # fmt: skip
    def test_equals_scikit_learn_up_to_sign(self, seed, n_users, n_items, n_factors, density):
        rng = np.random.default_rng(seed)
        counts = rng.poisson(2, (n_users, n_items)) * (rng.random((n_users, n_items)) < density)
        assume(counts.any(axis=1).all())  # scikit-learn counts an empty row as a document
        weighed = TfidfTransformer().fit_transform(sparse.csr_matrix(counts))
        values = np.linalg.svd(weighed.toarray(), compute_uv=False)
        # Where two singular values agree, any turn of their vectors is as good an answer.
        assume((-np.diff(values[: n_factors + 1]) > 1e-3).all() and values[n_factors - 1] > 1e-3)
        theirs = TruncatedSVD(n_factors, algorithm="arpack", random_state=0).fit(weighed)
        ours = LSI(n_factors, unweighted=False).fit(events_of(counts))
        np.testing.assert_allclose(ours.singular_values_, theirs.singular_values_, rtol=1e-5)
        np.testing.assert_allclose(
            np.abs(ours.item_factors_.T), np.abs(theirs.components_), atol=1e-4
        )
        seen = counts.any(axis=0)  # ours puts the others last
        projected = theirs.transform(weighed) @ theirs.components_
        np.testing.assert_allclose(ours.score()[:, seen], projected[:, seen], atol=1e-5)

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 2**31), n_factors=st.sampled_from([2, 20]))
    def test_sparse_and_dense_ways_agree_with_numpy(self, seed, n_factors):
        counts = np.random.default_rng(seed).poisson(0.4, (30, 40))
        _, values, right = np.linalg.svd(counts, full_matrices=False)
        assume(values[n_factors - 1] - values[n_factors] > 1e-3)
        model = LSI(n_factors, weighting=None).fit(events_of(counts))
        np.testing.assert_allclose(model.singular_values_, values[:n_factors], rtol=1e-9)
        best = counts @ right[:n_factors].T @ right[:n_factors]
        np.testing.assert_allclose(model.score(), best, atol=1e-5)

    def test_singular_values_of_two_kinds_of_users(self):
        model = LSI(2, weighting=None).fit(events_of(APART))
        # A block of a rows and b columns of ones has the singular value √(ab).
        np.testing.assert_allclose(model.singular_values_, [np.sqrt(2 * 2), np.sqrt(1 * 2)])
        half = 1 / np.sqrt(2)
        np.testing.assert_allclose(
            model.item_factors_, [[half, 0], [half, 0], [0, half], [0, half]], atol=1e-12
        )
        np.testing.assert_allclose(model.score(), APART, atol=1e-6)

    def test_one_direction_forgets_the_smaller_kind(self):
        scores = LSI(1, weighting=None).fit(events_of(APART)).score()
        assert scores.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]

    def test_weights_are_those_of_the_formula(self):
        model = LSI(3).fit(events_of([[2, 1, 0], [1, 0, 0], [0, 0, 0]]))
        common, rare = np.log(3 / 3) + 1, np.log(3 / 2) + 1  # two users have any event
        np.testing.assert_allclose(model.item_weights_[:2], [common, rare])
        length = np.hypot(2 * common, rare)
        # All directions are kept: what is projected comes back whole.
        np.testing.assert_allclose(
            model.score()[0], [2 / length, 1 / length, 1 / length], rtol=1e-6
        )
        weighed = LSI(3, unweighted=False).fit(model.interactions_).score()[0, :2]
        np.testing.assert_allclose(weighed, [2 * common / length, rare / length], rtol=1e-6)

    def test_synonyms_meet_where_nobody_took_both(self):
        # 0 and 1 never go together, but both go with 2.
        counts = [[1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
        model = LSI(1).fit(events_of(counts))
        first, second = model.item_factors_[0], model.item_factors_[1]
        np.testing.assert_allclose(first, second)
        assert model.score()[0, 1] > model.score()[0, 3]

    def test_old_events_count_less(self):
        events = events_of([[1, 1], [0, 1]], times=[0, 10 * DAY, 10 * DAY])
        model = LSI(2, weighting=None, half_life_days=10).fit(events)
        np.testing.assert_allclose(model.score(), [[1 / 2, 1], [0, 1]], atol=1e-6)

    def test_largest_entry_of_a_direction_is_positive(self):
        factors = LSI(5).fit(events_of(np.random.default_rng(1).poisson(1, (20, 15)))).item_factors_
        largest = np.abs(factors).argmax(axis=0)
        assert (factors[largest, range(5)] > 0).all()

    def test_no_more_directions_than_the_rank(self):
        assert LSI(4).fit(events_of(APART)).singular_values_.shape == (2,)

    def test_item_without_events_scores_lowest_also_below_zero(self):
        counts = np.random.default_rng(0).poisson(0.5, (30, 20))
        counts[:, 4] = 0
        scores = LSI(3).fit(events_of(counts)).score()
        assert scores.min() < 0
        assert (scores[:, 4] == scores.min(axis=1)).all()

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"n_factors": 0}, "n_factors must be"),
            ({"weighting": "bm25"}, "weighting must be"),
            ({"values": "stars"}, "values must be"),
            ({"half_life_days": 0}, "half_life_days must be"),
        ],
    )
    def test_impossible_parameters_are_refused(self, wrong, message):
        with pytest.raises(ValueError, match=message):
            LSI(**wrong)


class TestLDA:
    def planted(self, n_users=200, seed=0):
        """Return counts of users who draw 30 events from one of two topics without common items."""
        rng = np.random.default_rng(seed)
        topics = np.zeros((2, 12))
        topics[0, :6], topics[1, 6:] = rng.dirichlet(np.full(6, 5.0), 2)
        kind = rng.integers(2, size=n_users)
        return np.array([rng.multinomial(30, topics[k]) for k in kind]), topics, kind

    def test_planted_topics_are_found(self):
        counts, topics, kind = self.planted()
        model = LDA(2, doc_topic_prior=0.1, topic_item_prior=0.01).fit(events_of(counts))
        first = int(model.topic_items_[1, :6].sum() > model.topic_items_[0, :6].sum())
        np.testing.assert_allclose(model.topic_items_[[first, 1 - first]], topics, atol=0.03)
        found = model.user_topics_.argmax(axis=1)
        assert (found == np.where(kind == 0, first, 1 - first)).all()

    def test_scores_are_probabilities_of_the_mixture(self):
        counts, _, _ = self.planted(30)
        model = LDA(3).fit(events_of(counts))
        np.testing.assert_allclose(model.topic_items_.sum(axis=1), 1)
        np.testing.assert_allclose(model.user_topics_.sum(axis=1), 1)
        np.testing.assert_allclose(
            model.score(), model.user_topics_ @ model.topic_items_, rtol=1e-5
        )

    def test_equals_scikit_learn_with_the_same_seed(self):
        counts, _, _ = self.planted(40)
        model = LDA(3, doc_topic_prior=0.2, topic_item_prior=0.3, n_passes=2, rng=5)
        model.fit(events_of(counts))
        theirs = LatentDirichletAllocation(
            3, doc_topic_prior=0.2, topic_word_prior=0.3, learning_method="online", max_iter=2,
            max_doc_update_iter=20, random_state=int(np.random.default_rng(5).integers(2**31)),
        ).fit(counts)  # fmt: skip
        np.testing.assert_allclose(model.user_topics_, theirs.transform(counts), rtol=1e-6)

    def test_item_without_events_has_no_probability(self):
        counts, _, _ = self.planted(30)
        counts[:, 2] = 0
        model = LDA(2).fit(events_of(counts))
        assert (model.topic_items_[:, 2] == 0).all()
        held = np.arange(12) != 2
        assert (model.topic_items_[:, held] > 0).all()

    def test_user_without_events_gets_the_mean_mixture(self):
        counts, _, _ = self.planted(30)
        counts[7] = 0
        mixtures = LDA(2).fit(events_of(counts)).user_topics_
        np.testing.assert_allclose(mixtures[7], np.delete(mixtures, 7, axis=0).mean(axis=0))

    def test_seed_decides_and_a_generator_moves_on(self):
        events = events_of(self.planted(40)[0])
        generator = np.random.default_rng(3)
        model = LDA(4, rng=generator)
        first, second = (model.fit(events).topic_items_ for _ in range(2))
        assert not np.allclose(first, second)
        np.testing.assert_array_equal(first, LDA(4, rng=3).fit(events).topic_items_)

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"n_topics": 0}, "n_topics must be"),
            ({"n_passes": 0}, "n_passes must be"),
            ({"doc_topic_prior": 0}, "doc_topic_prior must be"),
            ({"doc_topic_prior": 2}, "doc_topic_prior must be"),
            ({"topic_item_prior": -1}, "topic_item_prior must be"),
            ({"damping": "cube"}, "damping must be"),
        ],
    )
    def test_impossible_parameters_are_refused(self, wrong, message):
        with pytest.raises(ValueError, match=message):
            LDA(**wrong)
