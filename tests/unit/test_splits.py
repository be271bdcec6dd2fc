import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.data.splits import (
    Split,
    count_shared_events,
    leave_last_out,
    positions_from_end,
    random_k_fold,
    temporal_split,
)


def events(users, times=None):
    """Events whose item is their own position, so that each can be told from the others."""
    frame = pd.DataFrame({"user_id": users, "item_id": range(len(users))})
    if times is not None:
        frame["time"] = times
    return Interactions.from_frame(frame, time=None if times is None else "time")


users_and_times = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 6), min_size=n, max_size=n),
    )
)


@given(users_and_times, st.integers(2, 7), st.integers(0, 99))
def test_every_event_is_tested_once(drawn, n_folds, seed):
    whole = events(*drawn)
    if n_folds > len(whole):
        return
    tested = []
    for train, test in random_k_fold(whole, n_folds, rng=seed):
        assert sorted([*train.item, *test.item]) == list(range(len(whole)))
        assert (np.diff(train.item) > 0).all()  # the order of the events is kept
        assert train.users is whole.users
        assert test.items is whole.items
        tested.append(test.item)
    assert sorted(np.concatenate(tested)) == list(range(len(whole)))
    lengths = [len(part) for part in tested]
    assert max(lengths) - min(lengths) <= 1


def test_folds_depend_on_the_seed_alone():
    whole = events([0] * 50)
    first, again, other = (
        [test.item.tolist() for _, test in random_k_fold(whole, rng=seed)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("n_folds", [1, 4])
def test_too_few_or_too_many_folds(n_folds):
    with pytest.raises(ValueError, match="between 2 and the 3 events"):
        next(random_k_fold(events([0, 0, 0]), n_folds))


@given(users_and_times, st.integers(1, 3), st.integers(0, 2))
def test_last_events_are_held_out(drawn, n_last, n_validation):
    users, times = drawn
    whole = events(users, times)
    by_user = {
        user: sorted(
            (p for p in range(len(users)) if users[p] == user), key=lambda p: (times[p], p)
        )
        for user in set(users)
    }
    enough = [line for line in by_user.values() if len(line) > n_last + n_validation]
    if not enough:
        with pytest.raises(ValueError, match="no user has more than"):
            leave_last_out(whole, n_last, n_validation=n_validation)
        return
    split = leave_last_out(whole, n_last, n_validation=n_validation)
    cut = len(users)
    assert set(split.test.item) == {p for line in enough for p in line[-n_last:]}
    if n_validation:
        expected = {p for line in enough for p in line[-n_last - n_validation : -n_last]}
        assert set(split.validation.item) == expected
    else:
        assert split.validation is None
    held_out = len(enough) * (n_last + n_validation)
    assert len(split.train) == cut - held_out


def test_positions_from_end_breaks_ties_by_order():
    assert positions_from_end(events([0, 1, 0, 0], [5, 9, 5, 1])).tolist() == [1, 0, 0, 2]


def test_temporal_split_cuts_everyone_at_once():
    whole = events([0, 1, 0, 1, 0], [10, 20, 30, 40, 50])
    split = temporal_split(whole, 40, validation_cut=20, end=50)
    assert split.train.item.tolist() == [0]
    assert split.validation.item.tolist() == [1, 2]
    assert split.test.item.tolist() == [3]
    assert temporal_split(whole, 30).validation is None


def test_temporal_split_takes_dates():
    whole = events([0, 0], pd.to_datetime(["2017-01-01", "2017-01-02"]))
    assert temporal_split(whole, "2017-01-02").train.item.tolist() == [0]
    assert temporal_split(whole, pd.Timestamp("2017-01-02", tz="UTC")).test.item.tolist() == [1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: temporal_split(e, 10), "train part has no events"),
        (lambda e: temporal_split(e, 31), "test part has no events"),
        (lambda e: temporal_split(e, 20, validation_cut=20), "in the order"),
        (lambda e: temporal_split(e, 20, end=15), "in the order"),
        (lambda e: leave_last_out(e, 0), "at least 1"),
        (lambda e: Split(e, None, e), "3 events stand in both train and test"),
        (lambda e: Split(e.select([0]), e.select([2]), e.select([1, 2])), "validation and test"),
        (lambda e: Split(e.select([0]), e.select([]), e.select([1])), "validation part has no"),
        (lambda e: Split(e.select([0]), None, events([0, 1], [70, 71])), "different indexes"),
    ],
)
def test_guards(call, message):
    with pytest.raises(ValueError, match=message):
        call(events([0, 0, 0], [10, 20, 30]))


@pytest.mark.parametrize("split", [lambda e: temporal_split(e, 1), leave_last_out])
def test_no_times(split):
    with pytest.raises(ValueError, match="no times"):
        split(events([0, 0, 0]))


def test_one_part_given_twice_is_noticed_without_times():
    whole = events([0, 0])
    with pytest.raises(ValueError, match="2 events stand in both"):
        Split(whole, None, whole)
    assert count_shared_events(whole, whole.select([0])) == 0
