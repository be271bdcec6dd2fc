from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recbook.evaluation import statistics
from recbook.evaluation.statistics import (
    benjamini_hochberg,
    bootstrap_interval,
    holm,
    paired_values,
    randomisation_test,
    seed_spread,
    smallest_detectable,
)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_interval_agrees_with_scipy(method):
    values = np.random.default_rng(1).exponential(size=400)
    ours = bootstrap_interval(values, n_resamples=9999, method=method)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=9999, method=method, rng=np.random.default_rng(2)
    ).confidence_interval
    # An end of the interval is known to about 0.02 standard errors with 9,999 draws.
    tolerance = 0.1 * values.std() / sqrt(400)
    assert ours.low == pytest.approx(theirs.low, abs=tolerance)
    assert ours.high == pytest.approx(theirs.high, abs=tolerance)
    assert ours.mean == pytest.approx(values.mean())
    assert ours.level == 0.95


@pytest.mark.parametrize(
    ("n", "level", "method"),
    [
        (10, 0.95, "percentile"),
        (100, 0.95, "percentile"),
        (100, 0.8, "percentile"),
        (100, 0.95, "bca"),
    ],
)
def test_interval_covers_the_truth_as_often_as_it_says(n, level, method):
    rng = np.random.default_rng(0)
    n_worlds, covered = 400, 0
    for _ in range(n_worlds):
        interval = bootstrap_interval(
            rng.normal(1.0, 1.0, n), level=level, n_resamples=500, method=method, rng=rng
        )
        covered += interval.low <= 1.0 <= interval.high
    # Three standard deviations of a count of 400, and one point for the 500 draws.
    slack = 3 * sqrt(level * (1 - level) / n_worlds) + 0.01
    assert covered / n_worlds == pytest.approx(level, abs=slack)


def test_wider_for_a_higher_level_and_narrower_for_more_users():
    values = np.random.default_rng(0).normal(size=1000)

    def width(values, level):
        interval = bootstrap_interval(values, level=level)
        return interval.high - interval.low

    assert width(values, 0.99) > width(values, 0.95) > width(values, 0.5)
    # A quarter of the users gives twice the width, but for the sample's own spread.
    assert 1.7 < width(values[:250], 0.95) / width(values, 0.95) < 2.3


def test_seed_decides_and_chunks_do_not(monkeypatch):
    values = np.random.default_rng(0).normal(size=101)
    interval, p_value = bootstrap_interval(values, rng=5), randomisation_test(values, rng=5)
    assert bootstrap_interval(values, rng=np.random.default_rng(5)) == interval
    assert bootstrap_interval(values, rng=6) != interval
    monkeypatch.setattr(statistics, "_CHUNK_CELLS", 1000)
    assert bootstrap_interval(values, rng=5) == interval
    assert randomisation_test(values, rng=5) == p_value


def test_pairs_are_differences_and_users_without_a_value_are_left_out():
    a, b = np.array([3.0, np.nan, 5.0, 9.0]), np.array([1.0, np.nan, 4.0, 2.0])
    assert paired_values(a, b).tolist() == [2, 1, 7]
    assert bootstrap_interval(a, b) == bootstrap_interval([2, 1, 7])
    assert randomisation_test(a, b) == randomisation_test([2, 1, 7])


def test_one_number_for_everybody():
    interval = bootstrap_interval(np.full(7, 0.1))
    assert interval.low == interval.mean == interval.high
    assert randomisation_test(np.zeros(9)) == 1


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=8))
def test_p_value_approaches_the_exact_one(differences):
    sums = [
        abs(sum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    exact = sum(total >= abs(sum(differences)) for total in sums) / len(sums)
    p_value = randomisation_test(differences, n_resamples=4000)
    assert p_value == pytest.approx(exact, abs=5 * sqrt(0.25 / 4000) + 1 / 4001)


def test_p_value_is_never_zero():
    assert randomisation_test(np.arange(1, 60), n_resamples=99) == 1 / 100


def test_p_values_are_level_where_nothing_is_to_be_found():
    rng = np.random.default_rng(0)
    p_values = [randomisation_test(rng.laplace(size=40), n_resamples=400) for _ in range(400)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p_values) <= level) == pytest.approx(
            level, abs=3 * sqrt(level * (1 - level) / 400) + 1 / 401
        )


p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(p_lists)
def test_benjamini_hochberg_equals_scipy(p_values):
    np.testing.assert_allclose(
        benjamini_hochberg(p_values), stats.false_discovery_control(p_values, method="bh")
    )


@given(p_lists, st.floats(0.001, 0.999))
def test_holm_equals_stepping_down(p_values, alpha):
    """Reject the smallest while p ≤ α / (number not yet rejected); then stop."""
    rejected = set()
    for place in sorted(range(len(p_values)), key=p_values.__getitem__):
        if p_values[place] * (len(p_values) - len(rejected)) > alpha:
            break
        rejected.add(place)
    assert set(np.flatnonzero(holm(p_values) <= alpha)) == rejected


def test_corrections_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([2 * 0.03, 3 * 0.01, 2 * 0.03])
    assert benjamini_hochberg([0.04, 0.01, 0.03]) == pytest.approx([0.04, 0.03, 0.04])


def test_seed_spread():
    spread = seed_spread({1: 2.0, 2: 4.0, 3: 9.0}.__getitem__, [1, 2, 3])
    assert (spread.mean, spread.min, spread.max) == (5, 2, 9)
    assert spread.sd == pytest.approx(sqrt((9 + 1 + 16) / 2))
    assert spread.values == (2, 4, 9)


def test_smallest_detectable_by_hand():
    values = np.array([1.0, -1.0] * 8)
    sd = sqrt(16 / 15)
    assert smallest_detectable(values) == pytest.approx((1.959964 + 0.841621) * sd / 4, rel=1e-6)
    assert smallest_detectable(values, power=0.5, level=0.9) == pytest.approx(
        1.644854 * sd / 4, rel=1e-6
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap_interval([1.0]), "at least two users"),
        (lambda: bootstrap_interval([1.0, np.nan]), "at least two users"),
        (lambda: bootstrap_interval([1.0, np.inf]), "not finite"),
        (lambda: bootstrap_interval([1.0, np.inf], [1.0, np.inf]), "not finite"),
        (lambda: bootstrap_interval([1.0, 2.0], level=95), "level must lie between"),
        (lambda: bootstrap_interval([1.0, 2.0], method="t"), "method must be"),
        (lambda: randomisation_test([1.0, 2.0], [1.0]), "same users"),
        (lambda: randomisation_test([1.0, np.nan], [1.0, 2.0]), "1 users have a value on one side"),
        (lambda: randomisation_test([[1.0], [2.0]]), "one value a user"),
        (lambda: holm([0.5, 1.5]), "between 0 and 1"),
        (lambda: benjamini_hochberg([np.nan]), "between 0 and 1"),
        (lambda: seed_spread(float, [1]), "at least two seeds"),
        (lambda: smallest_detectable([1.0, 2.0], power=1), "power must lie between"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
