"""Item transitions: weights as the arithmetic they come from, and a slow count of pairs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.models.transitions import ItemTransitions


def sequence(rows, n_items=3):
    """Return events of (user, item, second)."""
    user, item, time = zip(*rows, strict=True)
    return Interactions(
        user=user, item=item, value=np.ones(len(rows)), time=time,
        users=pd.RangeIndex(max(user) + 1), items=pd.RangeIndex(n_items),
    )  # fmt: skip


CHAIN = sequence([(0, 0, 0), (0, 1, 10), (0, 2, 30), (1, 0, 5)])


def test_pairs_count_less_with_every_event_between_them():
    counts = ItemTransitions(1, backward=0).fit(CHAIN).counts_.toarray()
    np.testing.assert_allclose(counts, [[0, 1, 1 / 2], [0, 0, 1], [0, 0, 0]])


def test_pairs_count_backwards_as_asked():
    counts = ItemTransitions(1, backward=0.25).fit(CHAIN).counts_.toarray()
    np.testing.assert_allclose(counts, [[0, 1, 1 / 2], [1 / 4, 0, 1], [1 / 4 * 1 / 2, 1 / 4, 0]])


def test_pairs_further_apart_than_the_longest_gap_do_not_count():
    counts = ItemTransitions(backward=0, longest_gap=1).fit(CHAIN).counts_.toarray()
    np.testing.assert_allclose(counts, [[0, 1, 0], [0, 0, 1], [0, 0, 0]])


def test_the_clock_halves_pairs_and_memory():
    model = ItemTransitions(1, backward=0, half_life_events=1, half_life_seconds=10).fit(CHAIN)
    np.testing.assert_allclose(
        model.counts_.toarray(), [[0, 1 / 2, 1 / 2 * 2.0**-3], [0, 0, 1 / 4], [0, 0, 0]]
    )
    # Item 0: two events and 30 seconds before the last; item 1: one event and 20 seconds.
    np.testing.assert_allclose(model.profiles_.toarray()[0], [2.0**-2 * 2.0**-3, 2.0**-3, 1])


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("confidence", [0, 1 / (3 / 2 + 2), (1 / 2) / (3 / 2 + 2)]),
        ("cosine", [0, 1 / np.sqrt(7 / 2 * (1 + 2)), (1 / 2) / np.sqrt(7 / 2 * (3 / 2 + 2))]),
    ],
)
def test_word_of_an_item_follows_its_formula(by, expected):
    model = ItemTransitions(1, by, backward=0, shrinkage=2).fit(CHAIN)
    np.testing.assert_allclose(model.score([1])[0], expected, rtol=1e-6)


def test_log_ranks_as_the_smoothed_chance_over_the_root_of_popularity():
    model = ItemTransitions(1, "log", backward=0, shrinkage=2).fit(CHAIN)
    counts = np.array([0, 1, 1 / 2])  # of what follows item 0
    share = np.array([0.1, 1.1, 1.6]) / 2.8
    chance = (counts + 2 * share) / (counts.sum() + 2)
    same_for_all = np.log(2 / (counts.sum() + 2))
    expected = np.log(chance) - 0.5 * np.log(share) - same_for_all
    np.testing.assert_allclose(model.score([1])[0], expected, rtol=1e-5)


def test_memory_halves_with_every_later_event():
    profiles = ItemTransitions(half_life_events=2).fit(CHAIN).profiles_.toarray()
    np.testing.assert_allclose(profiles[0], [2 ** -(2 / 2), 2 ** -(1 / 2), 1], rtol=1e-6)


def test_of_an_item_taken_twice_the_last_time_counts_and_no_pair_with_itself():
    again = sequence([(0, 0, 0), (0, 0, 1), (0, 1, 2)])
    model = ItemTransitions(1, backward=0, half_life_events=1).fit(again)
    np.testing.assert_allclose(model.counts_.toarray()[0], [0, 1 + 1 / 2, 0])
    np.testing.assert_allclose(model.profiles_.toarray()[0], [1 / 2, 1, 0])


def test_events_of_one_moment_stand_in_the_order_of_their_columns():
    at_once = [(0, 2, 0), (0, 0, 0), (0, 1, 0)]
    one = ItemTransitions().fit(sequence(at_once)).score()
    other = ItemTransitions().fit(sequence(at_once[::-1])).score()
    np.testing.assert_array_equal(one, other)


def test_what_follows_is_told_from_what_comes_before():
    rows = [(u, item, place) for u in range(5) for place, item in enumerate((0, 1, 2))]
    events = sequence([*rows, (5, 1, 0)])
    assert ItemTransitions(backward=0.2).fit(events).recommend([5], 1, exclude=events) == 2
    assert ItemTransitions(backward=1).fit(events).score([5])[0, 0] == pytest.approx(
        ItemTransitions(backward=1).fit(events).score([5])[0, 2]
    )


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 9)), min_size=1),
    st.integers(1, 4),
)
def test_counts_equal_a_loop_over_all_pairs(rows, longest_gap):
    events = sequence(rows, 4)
    model = ItemTransitions(3, backward=0.5, longest_gap=longest_gap, half_life_seconds=4)
    expected = np.zeros((4, 4))
    for user in range(3):
        own = sorted((time, item) for who, item, time in rows if who == user)
        for p, (early, a) in enumerate(own):
            for q in range(p + 1, min(len(own), p + longest_gap + 1)):
                late, b = own[q]
                weight = 2 ** (-(q - p - 1) / 3) * 2 ** (-(late - early) / 4)
                expected[a, b] += weight
                expected[b, a] += 0.5 * weight
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(model.fit(events).counts_.toarray(), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"by": "lift"}, "by must be one of"),
        ({"backward": 2}, "backward must be between 0 and 1"),
        ({"backward": -1}, "backward must be"),
        ({"longest_gap": 0}, "longest_gap must be"),
        ({"half_life_gap": 0}, "half_life_gap must be above 0"),
        ({"shrinkage": 0}, "shrinkage must be above 0"),
        ({"half_life_events": 0}, "half_life_events must be above 0"),
        ({"half_life_seconds": 0}, "half_life_seconds must be above 0"),
    ],
)
def test_impossible_parameters_are_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        ItemTransitions(**wrong)


def test_events_without_times_are_refused():
    frame = pd.DataFrame({"user_id": [1], "item_id": ["a"]})
    with pytest.raises(ValueError, match="no times"):
        ItemTransitions().fit(Interactions.from_frame(frame))
