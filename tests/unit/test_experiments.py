"""Experiments against SciPy and by simulation with a fixed seed."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recbook.evaluation import experiments

groups = st.lists(st.integers(-50, 50), min_size=2, max_size=20).filter(lambda x: len(set(x)) > 1)


@settings(deadline=None)
@given(groups, groups, st.sampled_from([0.8, 0.95]))
def test_ab_test_equals_scipys_welch_test(a, b, level):
    ours = experiments.ab_test(a, b, level=level)
    theirs = stats.ttest_ind(a, b, equal_var=False)
    interval = theirs.confidence_interval(level)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))
    assert ours.difference == pytest.approx(np.mean(a) - np.mean(b), abs=1e-12)


def test_ab_test_says_the_share_of_the_control():
    effect = experiments.ab_test([2.0, 4.0], [1.0, 3.0])
    assert effect.relative == pytest.approx((3 - 2) / 2)
    assert "+50.0%" in str(effect)
    assert np.isnan(experiments.ab_test([2.0, 4.0], [-1.0, 1.0]).relative)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0], [1.0, 2.0], "treatment needs one finite number"),
        ([1.0, 2.0], [1.0, np.nan], "control needs one finite number"),
        ([1.0, 1.0], [2.0, 2.0], "nothing can be tested"),
    ],
)
def test_ab_test_refuses(a, b, message):
    with pytest.raises(ValueError, match=message):
        experiments.ab_test(a, b)


def test_sample_size_is_the_formula():
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert experiments.sample_size(0.1, 1) == int(np.ceil(2 * z**2 / 0.01))
    assert experiments.sample_size(-0.1, 1) == experiments.sample_size(0.1, 1)
    strict = stats.norm.ppf(0.995) + stats.norm.ppf(0.9)
    rate = sqrt(0.2 * 0.8)
    expected = int(np.ceil(2 * (rate * strict / 0.02) ** 2))
    assert experiments.sample_size(0.02, rate, power=0.9, level=0.99) == expected


def test_sample_size_gives_the_power_it_promises():
    n, rng = experiments.sample_size(0.5, 1), np.random.default_rng(0)
    a, b = rng.normal(0.5, 1, (4000, n)), rng.normal(0, 1, (4000, n))
    found = stats.ttest_ind(a, b, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=4 * sqrt(0.8 * 0.2 / 4000))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"difference": 0, "sd": 1}, "difference must be"),
        ({"difference": 1, "sd": 0}, "sd must be above 0"),
        ({"difference": 1, "sd": 1, "power": 1}, "power must lie between"),
        ({"difference": 1, "sd": 1, "level": 95}, "level must lie between"),
    ],
)
def test_sample_size_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        experiments.sample_size(**arguments)


@given(st.integers(0, 2**20), st.integers(3, 40))
def test_cuped_leaves_the_residuals_of_a_regression_and_the_mean(seed, n):
    x, y = np.random.default_rng(seed).normal(size=(2, n))
    line = stats.linregress(x, y)
    adjusted = experiments.cuped(y, x)
    np.testing.assert_allclose(adjusted - y.mean(), y - line.intercept - line.slope * x, atol=1e-9)
    assert adjusted.mean() == pytest.approx(y.mean(), abs=1e-12)
    assert adjusted.var() == pytest.approx(y.var() * (1 - line.rvalue**2))


def test_cuped_refuses_what_explains_nothing():
    with pytest.raises(ValueError, match="same for everybody"):
        experiments.cuped([1.0, 2.0], [3.0, 3.0])
    with pytest.raises(ValueError, match="same users"):
        experiments.cuped([1.0, 2.0], [3.0, 4.0, 5.0])


@given(groups, st.sampled_from([1, 10]))
def test_a_ratio_with_equal_denominators_is_a_mean(values, size):
    ours = experiments.ratio_interval(values, [size] * len(values))
    assert ours.mean == pytest.approx(np.mean(values) / size, abs=1e-12)
    reach = stats.norm.ppf(0.975) * stats.sem(values) / size
    assert (ours.high - ours.low) / 2 == pytest.approx(reach)


def test_a_ratio_interval_holds_the_rate_as_often_as_it_says():
    rng, held = np.random.default_rng(0), 0
    for _ in range(2000):  # one number a person drives both what she sees and what she clicks
        seen = rng.poisson(10, size=150)
        clicks = rng.binomial(seen, rng.beta(1, 4, size=150))
        interval = experiments.ratio_interval(clicks, seen)
        held += interval.low <= 1 / 5 <= interval.high
    assert held / 2000 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("below", [[0.0, 0.0], [-1.0, 2.0], [1.0, 1.0, 1.0]])
def test_a_ratio_refuses(below):
    with pytest.raises(ValueError, match="numerator and denominator need"):
        experiments.ratio_interval([1.0, 1.0], below)
