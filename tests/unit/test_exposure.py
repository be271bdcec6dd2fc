"""Inverse propensities: unbiased over all cases, clipped, normalised, refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbook.evaluation.exposure import inverse_propensity


@st.composite
def small_shops(draw):
    """Who comes, the logging policy, another one, and rewards, for 3 users and 4 actions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    comes = rng.dirichlet(np.ones(3))
    return comes, rng.dirichlet(np.ones(4), 3), rng.dirichlet(np.ones(4), 3), rng.random((3, 4))


@given(small_shops())
def test_over_all_cases_the_mean_is_the_other_policys_value(shop):
    comes, logged, target, reward = shop
    value = (comes[:, None] * target * reward).sum()
    one = [
        [
            inverse_propensity([reward[u, a]] * 2, [logged[u, a]] * 2, [target[u, a]] * 2).mean
            for a in range(4)
        ]
        for u in range(3)
    ]
    assert (comes[:, None] * logged * one).sum() == pytest.approx(value)


@given(small_shops())
def test_a_policy_judged_on_its_own_log_gets_the_mean(shop):
    _, logged, _, reward = shop
    for normalise in (False, True):
        own = inverse_propensity(
            reward.ravel(), logged.ravel(), logged.ravel(), normalise=normalise
        )
        assert own.mean == pytest.approx(reward.mean())


def test_by_hand():
    rewards, logged, target = [1, 0, 1, 1], [0.5, 0.5, 0.1, 0.25], [1, 1, 1, 0]
    plain = inverse_propensity(rewards, logged, target)
    assert plain.mean == pytest.approx((1 / 0.5 + 1 / 0.1) / 4)
    clipped = inverse_propensity(rewards, logged, target, clip=3)
    assert clipped.mean == pytest.approx((2 + 3) / 4)
    normal = inverse_propensity(rewards, logged, target, normalise=True)
    assert normal.mean == pytest.approx((2 + 10) / (2 + 2 + 10))


@pytest.mark.parametrize("normalise", [False, True])
def test_the_interval_holds_the_value_as_often_as_it_says(normalise):
    rng, held = np.random.default_rng(0), 0
    logged, target = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    rates = np.array([0.2, 0.4, 0.5])
    for _ in range(1500):
        action = rng.choice(3, size=400, p=logged)
        reward = rng.random(400) < rates[action]
        found = inverse_propensity(reward, logged[action], target[action], normalise=normalise)
        held += found.low <= target @ rates <= found.high
    assert held / 1500 == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logged": [0.0, 0.5]}, "above 0 and at most 1"),
        ({"logged": [0.5, 1.5]}, "above 0 and at most 1"),
        ({"target": [-0.1, 0.5]}, "every target probability"),
        ({"target": [0.5]}, "one number for each record"),
        ({"rewards": [np.nan, 1.0]}, "finite"),
        ({"clip": 0}, "clip must be above 0"),
        ({"level": 1}, "level must lie between"),
        ({"target": [0.0, 0.0], "normalise": True}, "would have chosen nothing"),
    ],
)
def test_refuses(change, message):
    arguments = {"rewards": [1.0, 0.0], "logged": [0.5, 0.5], "target": [1.0, 0.0]} | change
    with pytest.raises(ValueError, match=message):
        inverse_propensity(**arguments)
