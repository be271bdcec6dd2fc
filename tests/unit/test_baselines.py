"""Recommenders without a model, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.models.baselines import PersonalFrequency, Popularity, Random
from recbook.models.hashing import cell_uniform

DAY = 86_400


@pytest.fixture
def shop():
    """Ann buys tea three times and milk once, Bo buys milk and eggs, Cy milk; figs nobody."""
    return Interactions(
        user=[0, 0, 0, 0, 1, 1, 2],
        item=[0, 0, 0, 1, 1, 2, 1],
        value=np.ones(7),
        time=DAY * np.array([0, 10, 20, 20, 0, 12, 20]),
        users=pd.Index(["ann", "bo", "cy"]),
        items=pd.Index(["tea", "milk", "eggs", "figs"]),
    )


def test_popularity_counts_users_or_events(shop):
    assert Popularity().fit(shop).counts_.tolist() == [1, 3, 1, 0]
    assert Popularity(by="events").fit(shop).counts_.tolist() == [3, 3, 1, 0]
    assert Popularity().fit(shop).score([2]).tolist() == [[1, 3, 1, 0]]


def test_recent_popularity_counts_the_window_before_the_last_event(shop):
    # The last event is on day 20: eight days before is day 12, which still counts.
    assert Popularity(window_days=8).fit(shop).counts_.tolist() == [1, 2, 1, 0]
    assert Popularity(window_days=7.9).fit(shop).counts_.tolist() == [1, 2, 0, 0]
    assert Popularity(window_days=10, by="events").fit(shop).counts_.tolist() == [2, 2, 1, 0]


def test_personal_frequency_counts_and_breaks_ties_by_popularity(shop):
    model = PersonalFrequency().fit(shop)
    assert model.frequencies_.toarray().tolist() == [[3, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]]
    # Bo took milk and eggs once each; milk is the more popular; so is tea of the rest.
    assert model.recommend([1], 4).tolist() == [[1, 2, 0, 3]]
    # A tie raises a count by 1/10,000 of the item's share of users at most.
    np.testing.assert_allclose(
        model.score([0]),
        [[3 * (1 + 1e-4 * 1 / 3), 1 * (1 + 1e-4 * 3 / 3), 1 / 3 - 1, 0 / 3 - 1]],
        rtol=1e-6,
    )


def test_personal_frequency_halves_with_each_half_life(shop):
    frequencies = PersonalFrequency(half_life_days=10).fit(shop).frequencies_.toarray()
    expected = [[1 / 4 + 1 / 2 + 1, 1, 0, 0], [0, 1 / 4, 2 ** (-8 / 10), 0], [0, 1, 0, 0]]
    np.testing.assert_allclose(frequencies, expected, rtol=1e-6)


def test_what_was_bought_long_ago_still_beats_what_never_was(shop):
    model = PersonalFrequency(half_life_days=0.1).fit(shop)  # Bo's milk counts 2 to the minus 200
    assert model.recommend([1], 4).tolist() == [[2, 1, 0, 3]]


def test_age_needs_a_clock(shop):
    timeless = Interactions(
        shop.user, shop.item, shop.value, np.zeros(7), shop.users, shop.items, has_time=False
    )
    for model in (Popularity(window_days=3), PersonalFrequency(half_life_days=3)):
        with pytest.raises(ValueError, match="carry no times"):
            model.fit(timeless)
    Popularity().fit(timeless)
    PersonalFrequency().fit(timeless)


def test_impossible_parameters_are_refused():
    with pytest.raises(ValueError, match="by must be one of 'users', 'events', got 'items'"):
        Popularity(by="items")
    with pytest.raises(ValueError, match="window_days must be a number of at least 0"):
        Popularity(window_days=-1)
    with pytest.raises(ValueError, match="half_life_days must be above 0"):
        PersonalFrequency(half_life_days=0)


def test_random_scores_depend_on_the_seed_and_not_on_the_question(shop):
    scores = Random(rng=1).fit(shop).score()
    assert (Random(rng=1).fit(shop).score([2, 0]) == scores[[2, 0]]).all()
    assert (Random(rng=2).fit(shop).score() != scores).all()
    generator = np.random.default_rng(1)
    model = Random(rng=generator)
    assert (model.fit(shop).score() == scores).all()
    assert (model.fit(shop).score() != scores).all()  # a Generator moves on


def test_random_scores_are_uniform_and_unrelated():
    # 200,000 numbers: the mean of each cell's uniform has the standard deviation 1/sqrt(12 n).
    numbers = cell_uniform(5, np.arange(400)[:, None], np.arange(500))
    n = numbers.size
    assert abs(numbers.mean() - 1 / 2) < 5 / np.sqrt(12 * n)
    counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
    chi_square = ((counts - n / 20) ** 2 / (n / 20)).sum()
    assert chi_square < 19 + 5 * np.sqrt(2 * 19)
    for one, other in (
        (numbers[:-1], numbers[1:]),
        (numbers[:, :-1], numbers[:, 1:]),
        (numbers, cell_uniform(6, np.arange(400)[:, None], np.arange(500))),
        (numbers[:200, 200:400], numbers[200:400, :200].T),  # (u, i) and (i, u)
    ):
        correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 5 / np.sqrt(one.size)


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_hash_is_splitmix64_in_plain_integers(seed, user, item):
    def mix(state):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
        return state ^ (state >> 31)

    expected = ((mix(mix(mix(seed) ^ user) ^ item) >> 11) + 0.5) / 2**53
    assert cell_uniform(seed, np.array([user]), np.array([item])) == [expected]
