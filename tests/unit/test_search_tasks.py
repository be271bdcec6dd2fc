"""Searches made of purchases, and the table of candidates, on data small enough to check by eye."""

import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from recbook.data import Interactions
from recbook.search import (
    Candidates,
    SearchWindow,
    gather,
    journey_searches,
    lookup,
    shopper_words,
)

KINDS = [
    ("GROCERY", "BAG SNACKS", "POTATO CHIPS", "chips"),
    ("GROCERY", "FLUID MILK PRODUCTS", "FLUID MILK WHITE ONLY", "milk"),
    ("GROCERY", "PASTA SAUCE", "MAINSTREAM", "sauce"),
    ("GROCERY", "DOG FOODS", "CAN DOG FOOD", "dog food"),
    ("PRODUCE", "POTATOES", "POTATOES RUSSET (BULK&BAG)", "potatoes"),
    ("GROCERY", "FRZN MEAT/MEAT DINNERS", "FRZN SS PREMIUM ENTREES/DNRS/N", "dinners"),
    ("GROCERY", "BEERS/ALES", "BEERALEMALT LIQUORS", "beer"),
    ("GROCERY", "MILK BY-PRODUCTS", "SOUR CREAMS", "sour creams"),
    ("FLORAL", None, None, "floral"),
]
COLUMNS = ["department", "product_category", "product_type", "word"]


@pytest.mark.parametrize("kind", KINDS, ids=[kind[-1] for kind in KINDS])
def test_the_word_names_the_thing(kind):
    frame = pd.DataFrame([kind], columns=COLUMNS, index=["x"])
    assert shopper_words(frame).to_dict() == {"x": kind[-1]}


def test_the_word_depends_on_nothing_but_type_and_category():
    frame = pd.DataFrame([*KINDS, *KINDS], columns=COLUMNS)
    other = frame.assign(brand="Private", package_size=range(len(frame)), manufacturer_id=1)
    assert shopper_words(frame).tolist() == shopper_words(other[::-1])[::-1].tolist()


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="no column 'product_type'"):
        shopper_words(pd.DataFrame({"department": [], "product_category": []}))


DAY = pd.Timedelta(days=1)
CUT = pd.Timestamp("2017-12-04 05:00")


def small_journey(lines):
    """Chips 1 and 2, milk 3; lines are (household, product, days after the cut)."""
    products = pd.DataFrame([KINDS[0], KINDS[0], KINDS[1]], columns=COLUMNS)
    products["product_id"] = [1, 2, 3]
    table = pd.DataFrame(lines, columns=["household_id", "product_id", "day"])
    table["time"] = CUT + table["day"] * DAY
    return types.SimpleNamespace(
        products=products, purchases=lambda: table.sort_values("time", kind="stable")
    )


LINES = [
    (7, 1, -40), (8, 3, -40), (7, 1, -20), (8, 3, -20), (9, 2, -20),  # known before the test
    (7, 1, 3), (7, 2, 3), (7, 3, 3),  # one basket: two searches
    (8, 1, 4), (10, 1, 4),  # household 10 has no past
]  # fmt: skip


def test_a_search_is_a_household_a_basket_and_a_word():
    window = journey_searches(small_journey(LINES), n_earlier=0, per_household=5)["test"]
    ids = window.known.users[window.cases["user"]]
    found = sorted(zip(ids, window.cases["query"], window.cases["new"], strict=True))
    assert found == [(7, "chips", False), (7, "milk", True), (8, "chips", True)]
    rows = {
        (user, query): window.known.items[window.relevant[[row]].indices].tolist()
        for row, (user, query) in enumerate(zip(ids, window.cases["query"], strict=True))
    }
    assert rows == {(7, "chips"): [1, 2], (7, "milk"): [3], (8, "chips"): [1]}
    assert len(window.known) == 5
    assert window.unreachable == 0


def test_validation_knows_nothing_of_test_nor_of_itself():
    window = journey_searches(small_journey(LINES), n_earlier=0, per_household=5)["validation"]
    assert len(window.known) == 2
    assert window.candidates.tolist() == [True, False, True]  # product 2 was not bought yet
    assert window.cases["new"].tolist() == [False, False]


def test_what_nobody_bought_before_is_left_out_and_counted():
    lines = [line for line in LINES if line[1] != 2 or line[2] > 0]
    window = journey_searches(small_journey([*lines, (8, 2, 5)]), n_earlier=0, per_household=9)
    assert window["test"].unreachable == pytest.approx(1 / 4)  # 7 chips, 7 milk, 8 chips, 8 new
    assert window["test"].relevant.sum() == 3


def test_so_many_searches_of_a_household_are_drawn_and_by_the_seed():
    lines = [*LINES, *((8, item, day) for day in range(5, 25) for item in (1, 3))]
    drawn = [
        journey_searches(small_journey(lines), n_earlier=0, per_household=2, rng=seed)["test"]
        for seed in (0, 0, 1)
    ]
    for window in drawn:
        assert window.cases.groupby("user").size().max() == 2
    assert drawn[0].cases.equals(drawn[1].cases)
    assert not drawn[0].cases.equals(drawn[2].cases)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"per_household": 0}, "per_household must be at least 1"),
        ({"window_days": 0}, "window_days must be at least 1"),
        ({"n_earlier": -1}, "n_earlier must be at least 0"),
        ({"cut": "2030-01-01"}, "no purchases before or in the test window"),
    ],
)
def test_impossible_searches_are_refused(settings, says):
    with pytest.raises(ValueError, match=says):
        journey_searches(small_journey(LINES), **settings)


def window_of(relevant, users=(0, 0, 1)):
    relevant = np.asarray(relevant, dtype=float)
    n_items = relevant.shape[1]
    known = Interactions(
        [0, 1], [0, 1], [1, 1], [0, 0], users=pd.Index([5, 6]), items=pd.RangeIndex(n_items)
    )
    cases = pd.DataFrame(
        {"user": users, "query": list("aba")[: len(users)], "new": False, "time": 0}
    )
    return SearchWindow(known, cases, sparse.csr_array(relevant), np.ones(n_items, dtype=bool), 0.0)


RELEVANT = [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 1]]


def test_judging_is_the_arithmetic_of_mrr_and_ndcg():
    window = window_of(RELEVANT)
    judged = window.judge(np.array([[2, 0], [2, 1], [3, 0]]), k=2)
    assert judged["mrr"].tolist() == [1 / 2, 1, 1]
    ideal = 1 + 1 / np.log2(3)
    assert judged["ndcg"].tolist() == pytest.approx([1 / np.log2(3), 1, 1 / ideal])
    means = window.by_household(judged["mrr"])
    assert means.to_dict() == {0: (1 / 2 + 1) / 2, 1: 1}
    assert window.by_household(judged["mrr"], np.array([True, False, False])).to_dict() == {0: 0.5}


def test_candidates_share_rank_and_list_within_a_search():
    pairs = Candidates(window_of(RELEVANT), np.array([0, 0, 0, 2, 2]), np.array([0, 1, 3, 1, 2]))
    scores = np.array([1, 3, 3, 0.5, 2])
    assert pairs.ranks(scores).tolist() == [3, 1, 2, 2, 1]
    assert pairs.lists(scores, 2).tolist() == [[1, 3], [-1, -1], [2, 1]]
    assert pairs.share(scores).tolist() == [1 / 7, 3 / 7, 3 / 7, 0.5 / 2.5, 2 / 2.5]
    assert pairs.share(scores, "max").tolist() == [1 / 3, 1, 1, 1 / 4, 1]
    assert pairs.labels.tolist() == [True, False, False, True, False]
    assert pairs.sizes.tolist() == [3, 0, 2]
    assert len(pairs) == 5
    habit = sparse.csr_array([[0, 2.0, 0, 0], [0, 0, 7, 0]])
    assert pairs.of_user(habit).tolist() == [0, 2, 0, 0, 7]
    code = np.array([1, 0, 0, 1])
    assert pairs.of_user(sparse.csr_array([[5.0, 6], [7, 8]]), code).tolist() == [6, 5, 6, 7, 7]
    assert pairs.judge(scores, 2)["mrr"].tolist() == [0, 0, 1 / 2]


@pytest.mark.parametrize(("case", "item"), [([0, 0], [1, 1]), ([1, 0], [0, 0]), ([0], [0, 1])])
def test_pairs_that_are_no_table_are_refused(case, item):
    with pytest.raises(ValueError, match="pairs"):
        Candidates(window_of(RELEVANT), np.array(case), np.array(item))
    with pytest.raises(ValueError, match='of must be "sum" or "max"'):
        Candidates(window_of(RELEVANT), np.array([0]), np.array([0])).share(np.ones(1), "mean")


def test_gather_takes_the_first_by_each_source_among_what_matches():
    window = window_of(RELEVANT)
    window.candidates[3] = False
    matches = sparse.csr_array([[0, 2.0, 1, 9], [1, 0, 1, 0], [0, 2, 1, 9]])
    popular = np.array([9.0, 0, 5, 7])
    habit = sparse.csr_array([[4.0, 0, 0, 3], [0, 0, 0, 0]])
    pairs = gather(window, matches, [popular], [habit], depth=1)
    # 3 was never bought, 0 does not match "a"; text takes 1, popularity 2, habit takes 0 of "b".
    assert list(zip(pairs.case, pairs.item, strict=True)) == [
        (0, 1),
        (0, 2),
        (1, 0),
        (2, 1),
        (2, 2),
    ]
    with pytest.raises(ValueError, match="matches must be"):
        gather(window, matches[:2], [popular], [habit])
    nobody = window_of(np.zeros((0, 4)), users=())
    with pytest.raises(ValueError, match="no searches"):
        gather(nobody, matches[:0], [popular], [habit])


@given(st.integers(0, 2**31))
def test_the_first_places_by_any_source_are_whole(seed):
    rng = np.random.default_rng(seed)
    window = window_of((rng.random((3, 12)) < 0.3).astype(float))
    matches = np.where(rng.random((2, 12)) < 0.7, rng.random((2, 12)), 0)[[0, 1, 0]]
    habit = np.where(rng.random((2, 12)) < 0.5, rng.random((2, 12)), 0)
    pairs = gather(window, sparse.csr_array(matches), [], [sparse.csr_array(habit)], depth=3)
    chosen = set(zip(pairs.case.tolist(), pairs.item.tolist(), strict=True))
    for row, user in enumerate(window.cases["user"]):
        fits = np.flatnonzero((matches[row] > 0) & (habit[user] > 0))
        best = fits[np.argsort(-habit[user][fits], kind="stable")[:3]]
        assert {(row, int(item)) for item in best} <= chosen


@given(st.integers(0, 2**31))
def test_lookup_reads_the_cells_of_the_dense_matrix(seed):
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((4, 5)) < 0.5, rng.integers(1, 9, (4, 5)), 0).astype(np.float32)
    rows, columns = rng.integers(0, 4, 20), rng.integers(0, 5, 20)
    found = lookup(sparse.csr_array(dense), rows, columns)
    np.testing.assert_array_equal(found, dense[rows, columns])
