"""Pair counts, rules between two items, and the recommender made of them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models import pair_counts
from recbook.models.pair_counts import basket_matrix, count_pairs, least_count
from recbook.models.rules import PairRules, bought_together, pair_rules

MEASURES = ["support", "confidence", "lift", "leverage", "conviction"]

# Five baskets of four items.
ITEMS = ["tea", "milk", "bread", "soap"]
BASKETS = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0]])
held = arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 6)))


def rule(rules, antecedent, consequent):
    rows = rules[(rules.antecedent == antecedent) & (rules.consequent == consequent)]
    assert len(rows) == 1
    return rows.iloc[0]


def counted_one_by_one(baskets, min_count):
    """Return {(antecedent, consequent): (n_ab, n_a, n_b)} by sets, without any matrix product."""
    holders = [set(np.flatnonzero(column)) for column in np.asarray(baskets).T]
    return {
        (a, b): (len(holders[a] & holders[b]), len(holders[a]), len(holders[b]))
        for a, b in itertools.permutations(range(len(holders)), 2)
        if len(holders[a] & holders[b]) >= min_count
    }


class TestPairRules:
    def test_measures_by_hand(self):
        found = rule(pair_rules(BASKETS, ITEMS, min_count=1), "tea", "bread")
        # Tea is in baskets 1, 2, 5, bread in 2 and 3, both in 2.
        assert found["support"] == pytest.approx(1 / 5)
        assert found["confidence"] == pytest.approx(1 / 3)
        assert found["lift"] == pytest.approx((1 / 3) / (2 / 5))
        assert found["leverage"] == pytest.approx(1 / 5 - 3 / 5 * 2 / 5)
        assert found["conviction"] == pytest.approx((1 - 2 / 5) / (1 - 1 / 3))
        assert found[["count", "antecedent_count", "consequent_count"]].tolist() == [1, 3, 2]

    def test_a_rule_without_exception_has_infinite_conviction(self):
        rules = pair_rules(BASKETS, ITEMS, min_count=1)
        assert rule(rules, "tea", "milk")["conviction"] == np.inf

    def test_what_is_in_every_basket_has_lift_one_and_leverage_zero(self):
        rules = pair_rules(BASKETS, ITEMS, min_count=1)
        milk = rules[rules.consequent == "milk"]
        np.testing.assert_allclose(milk["lift"], 1)
        np.testing.assert_allclose(milk["leverage"], 0, atol=1e-15)

    @given(held, st.integers(1, 5))
    def test_counts_are_those_of_sets(self, baskets, min_count):
        rules = pair_rules(sparse.csr_array(baskets), min_count=min_count)
        found = {
            (row.antecedent, row.consequent): (
                row.count_both, row.antecedent_count, row.consequent_count
            )
            for row in rules.rename(columns={"count": "count_both"}).itertuples()
        }  # fmt: skip
        assert found == counted_one_by_one(baskets, min_count)

    @settings(max_examples=40, deadline=None)
    @given(held, st.integers(1, 4))
    @pytest.mark.filterwarnings("ignore")
    def test_equal_to_mlxtend(self, baskets, min_count):
        from mlxtend.frequent_patterns import association_rules, fpgrowth

        frame = pd.DataFrame(baskets)
        # Half a basket below the count, so that no rounding decides what passes.
        frequent = fpgrowth(frame, min_support=min(1.0, (min_count - 0.5) / len(frame)), max_len=2)
        ours = pair_rules(frame, min_count=min_count).set_index(["antecedent", "consequent"])
        if not (frequent["itemsets"].map(len) == 2).any():
            assert ours.empty
            return
        theirs = association_rules(frequent, metric="support", min_threshold=0)
        pairs = [(*a, *b) for a, b in zip(theirs.antecedents, theirs.consequents, strict=True)]
        theirs.index = pd.MultiIndex.from_tuples(pairs)
        assert set(pairs) == set(ours.index)
        np.testing.assert_allclose(ours.loc[pairs, MEASURES], theirs[MEASURES], atol=1e-12)

    @given(held, st.floats(0, 1), st.floats(0, 3))
    def test_thresholds_keep_what_reaches_them(self, baskets, min_confidence, min_lift):
        every = pair_rules(baskets, min_count=1)
        kept = pair_rules(baskets, min_count=1, min_confidence=min_confidence, min_lift=min_lift)
        passing = (every.confidence >= min_confidence - 1e-9) & (every.lift >= min_lift - 1e-9)
        pd.testing.assert_frame_equal(kept, every[passing].reset_index(drop=True))

    @given(st.integers(1, 60), st.data())
    def test_support_means_a_whole_number_of_baskets(self, n, data):
        count = data.draw(st.integers(1, n))
        assert least_count(count / n, n) == count
        baskets = np.zeros((n, 2))
        baskets[:count] = 1
        assert len(pair_rules(baskets, min_support=count / n)) == 2
        if count < n:
            assert pair_rules(baskets, min_support=(count + 1) / n).empty

    def test_thresholds_at_a_rule_do_not_lose_it(self):
        # 0.07 · 100 is 7.000000000000001 in binary.
        baskets = np.zeros((100, 2))
        baskets[:7] = 1
        assert len(pair_rules(baskets, min_support=0.07, min_confidence=1, min_lift=100 / 7)) == 2

    def test_sorted_by_confidence_then_count_then_column(self):
        rules = pair_rules(BASKETS, ITEMS, min_count=1)
        pairs = list(zip(rules.antecedent, rules.consequent, strict=True))
        # All sure: tea → milk (3 baskets), bread → milk (2), soap → milk (1).
        assert pairs[:3] == [("tea", "milk"), ("bread", "milk"), ("soap", "milk")]
        assert rules.confidence.is_monotonic_decreasing

    def test_frames_and_sparse_frames_and_matrices_agree(self):
        expected = pair_rules(BASKETS, ITEMS, min_count=1)
        frame = pd.DataFrame(BASKETS > 0, columns=ITEMS)
        sparse_frame = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(BASKETS), columns=ITEMS)
        for given_as in (frame, sparse_frame, frame.astype(float)):
            pd.testing.assert_frame_equal(
                pair_rules(given_as, min_count=1), expected, check_index_type=False
            )

    def test_numbers_other_than_one_count_once_and_stored_zeros_never(self):
        matrix = sparse.csr_array(BASKETS * 7.0)
        matrix.data[matrix.indices == ITEMS.index("soap")] = 0
        rules = pair_rules(matrix, ITEMS, min_count=1)
        assert "soap" not in set(rules.antecedent)
        assert rule(rules, "tea", "milk")["count"] == 3
        assert matrix.nnz == (BASKETS > 0).sum()  # the argument is left as it was

    def test_events_of_one_user_and_moment_are_a_basket(self):
        events = Interactions(
            user=[0, 0, 1, 1, 0], item=[0, 1, 0, 1, 2], value=[1, 1, 1, 1, 1],
            time=[5, 5, 5, 6, 9], users=pd.Index(["ann", "bo"]), items=pd.Index(ITEMS),
        )  # fmt: skip
        rules = pair_rules(events, min_count=1)
        # Bo's tea and milk are of two moments.
        assert rule(rules, "tea", "milk")["count"] == 1
        assert rule(rules, "tea", "milk")["support"] == 1 / 4
        assert basket_matrix(events).shape == (4, 4)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "give one of"),
            ({"min_count": 1, "min_support": 0.1}, "give one of"),
            ({"min_count": 0}, "min_count must be"),
            ({"min_support": 0}, "min_support must be"),
            ({"min_support": 1.5}, "min_support must be"),
            ({"min_count": 1, "items": ["tea"]}, "1 labels for 4 columns"),
        ],
    )
    def test_impossible_arguments_are_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            pair_rules(BASKETS, **arguments)

    def test_events_without_times_are_refused(self):
        events = Interactions(
            [0], [0], [1], [0], users=pd.Index([1]), items=pd.Index([1]), has_time=False
        )
        with pytest.raises(ValueError, match="carry no times"):
            basket_matrix(events)


@given(held, st.integers(1, 3), st.integers(1, 8))
def test_counting_in_chunks_changes_nothing(baskets, min_count, cells):
    whole = count_pairs(baskets, min_count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_counts, "_CHUNK_CELLS", cells)
        for column, expected in zip(count_pairs(baskets, min_count), whole, strict=True):
            np.testing.assert_array_equal(column, expected)


class TestBoughtTogether:
    rules = pair_rules(BASKETS, ITEMS, min_count=1)

    def test_the_strongest_rule_scores_and_is_the_reason(self):
        found = bought_together(self.rules, ["tea", "bread"])
        # Milk: 3/3 from tea and 2/2 from bread; of equals the one with more baskets is named.
        assert found.to_numpy().tolist() == [["milk", 3 / 3, "tea", 2]]
        found = bought_together(self.rules, ["tea", "soap"])
        assert found[["item", "score"]].to_numpy().tolist() == [["milk", 1.0], ["bread", 1 / 3]]

    def test_other_measures_and_length(self):
        found = bought_together(self.rules, ["milk", "nothing known"], k=2, by="lift")
        assert found["score"].tolist() == [1.0, 1.0]
        assert len(bought_together(self.rules, ["milk"], k=10)) == 3

    def test_nothing_goes_with_nothing(self):
        assert bought_together(self.rules, []).empty
        assert bought_together(self.rules, ITEMS).empty


def events(baskets, seed=0):
    user, item = np.nonzero(baskets)
    time = np.random.default_rng(seed).integers(0, 3, len(user))
    return Interactions(
        user, item, np.ones(len(user)), time,
        users=pd.RangeIndex(baskets.shape[0]), items=pd.RangeIndex(baskets.shape[1]),
    )  # fmt: skip


class TestRecommender:
    @given(
        held, st.integers(1, 3), st.sampled_from(["users", "baskets"]),
        st.sampled_from(["confidence", "lift"]), st.sampled_from(["sum", "max"]),
    )  # fmt: skip
    def test_scores_are_those_of_the_rule_table(self, baskets, least, source, by, combine):
        known = events(baskets)
        model = PairRules(least, source, min_lift=1.1, by=by, combine=combine).fit(known)
        mined = known if source == "baskets" else known.matrix()
        rules = pair_rules(mined, min_count=least, min_lift=1.1)
        expected = np.zeros(baskets.shape)
        for row in rules.itertuples():
            adds = baskets[:, row.antecedent] * getattr(row, by)
            now = expected[:, row.consequent]
            expected[:, row.consequent] = now + adds if combine == "sum" else np.maximum(now, adds)
        np.testing.assert_allclose(model.score(), expected, rtol=1e-5)

    def test_live_basket_is_scored_as_a_user_with_it(self):
        known = events(BASKETS)
        for combine in ("sum", "max"):
            model = PairRules(1, combine=combine, min_lift=0).fit(known)
            np.testing.assert_array_equal(
                model.score_baskets(sparse.csr_array(BASKETS)), model.score()
            )
            assert model.score_baskets(np.zeros((2, 4))).sum() == 0

    def test_later_events_weigh_more(self):
        known = Interactions(
            user=[0, 0, 1, 1, 1, 2, 2, 2], item=[0, 1, 0, 2, 3, 1, 2, 3], value=np.ones(8),
            time=[1, 2, 1, 1, 1, 1, 1, 1], users=pd.RangeIndex(3), items=pd.RangeIndex(4),
        )  # fmt: skip
        model = PairRules(1, min_lift=0, half_life_events=1).fit(known)
        # Item 0 was followed by one event and weighs 1/2; item 1 was the last and weighs 1. Each
        # has two holders, and one of them has item 2.
        assert model.score([0])[0, 2] == pytest.approx(1 / 2 * 1 / 2 + 1 / 2)

    def test_min_lift_leaves_out_what_everybody_takes_anyway(self):
        known = events(BASKETS)
        milk = ITEMS.index("milk")
        assert PairRules(1, min_lift=0).fit(known).score()[:, milk].min() == 1
        assert PairRules(1, min_lift=1.01).fit(known).score()[:, milk].max() == 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"min_count": 0}, "min_count"), ({"source": "both"}, "source must be one of"),
            ({"by": "support"}, "by must be one of"), ({"combine": "mean"}, "combine must be"),
            ({"min_lift": -1}, "min_lift"), ({"min_confidence": -1}, "min_confidence"),
            ({"half_life_events": 0}, "half_life_events must be above 0"),
        ],
    )  # fmt: skip
    def test_impossible_parameters_are_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            PairRules(**arguments)

    def test_baskets_of_another_width_are_refused(self):
        model = PairRules(1).fit(events(BASKETS))
        with pytest.raises(ValueError, match="3 columns"):
            model.score_baskets(np.zeros((1, 3)))
