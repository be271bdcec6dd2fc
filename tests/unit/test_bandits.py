"""Bandits, held to their formulas written out, and to least squares."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recbook.models.bandits import UCB1, EpsilonGreedy, ThompsonSampling
from recbook.models.linear_bandit import LinUCB


def played(policy, arms, rewards, contexts=None):
    """Tell a one-game policy a history."""
    for turn, (arm, reward) in enumerate(zip(arms, rewards, strict=True)):
        policy.update([arm], [reward], None if contexts is None else [contexts[turn]])
    return policy


histories = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=40)


@given(histories)
def test_counts_and_means_are_those_of_the_history(history):
    policy = played(UCB1(3), *zip(*history, strict=True))
    for arm in range(3):
        earned = [reward for chosen, reward in history if chosen == arm]
        assert policy.pulls_[0, arm] == len(earned)
        assert policy.means[0, arm] == (sum(earned) / len(earned) if earned else math.inf)


@pytest.mark.parametrize("policy", [UCB1(4, n_runs=50), EpsilonGreedy(4, 0.0, n_runs=50)])
def test_every_arm_is_tried_once_before_any_is_tried_twice(policy):
    for _ in range(4):
        policy.update(policy.choose(), np.ones(50))
    assert (policy.pulls_ == 1).all()


def test_untried_arms_come_in_random_order():
    first = UCB1(4, n_runs=400).choose()
    assert (np.bincount(first, minlength=4) > 60).all()  # 100 expected, standard deviation 8.7


@given(histories, st.sampled_from([2.0, 0.25]))
def test_ucb_is_mean_plus_bonus(history, width):
    policy = played(UCB1(3, width), *zip(*history, strict=True))
    bounds = []
    for arm in range(3):
        earned = [reward for chosen, reward in history if chosen == arm]
        n, t = len(earned), len(history) + 1
        bonus = math.sqrt(width * math.log(t) / n) if n else math.inf
        bounds.append(sum(earned) / n + bonus if n else math.inf)
    assert bounds[policy.choose()[0]] == pytest.approx(max(bounds))


def test_thompson_believes_a_beta_and_draws_from_it():
    policy = ThompsonSampling(2, prior=[[1, 1], [2, 3]], n_runs=20_000)
    for reward in (1, 1, 0):
        policy.update(np.zeros(20_000, dtype=int), np.full(20_000, reward))
    assert policy.belief()[0].tolist() == [[1 + 2, 1 + 1], [2, 3]]
    x = np.linspace(0, 1, 20_001)
    chance = np.trapezoid(stats.beta.pdf(x, 2, 3) * stats.beta.sf(x, 3, 2), x)  # arm 0 is better
    share = np.mean(policy.choose() == 0)
    assert abs(share - chance) < 4 * math.sqrt(chance * (1 - chance) / 20_000)


def test_epsilon_of_the_choices_fall_on_any_arm():
    policy = EpsilonGreedy(4, 0.2, n_runs=20_000)
    for arm in range(4):
        policy.update(np.full(20_000, arm), np.full(20_000, float(arm == 2)))
    share = np.mean(policy.choose() == 2)
    assert abs(share - (0.8 + 0.2 / 4)) < 4 * math.sqrt(0.85 * 0.15 / 20_000)


def test_epsilon_may_depend_on_the_turn():
    asked = []

    def epsilon(turn):
        asked.append(turn)
        return 0.0

    policy = EpsilonGreedy(2, epsilon)
    for _ in range(3):
        policy.update(policy.choose(), [1])
    assert asked == [1, 2, 3]


@given(st.integers(0, 2**32 - 1))
def test_linucb_is_ridge_regression_plus_its_standard_error(seed):
    rng = np.random.default_rng(seed)
    x, arms, rewards = rng.normal(size=(30, 3)), rng.integers(2, size=30), rng.random(30)
    policy = LinUCB(2, 3, alpha=0.7, regularization=1.5)
    played(policy, arms, rewards, x)
    visitor, bounds = rng.normal(size=3), []
    for arm in range(2):
        mine = arms == arm
        gram = x[mine].T @ x[mine] + 1.5 * np.eye(3)
        weights = np.linalg.solve(gram, x[mine].T @ rewards[mine])
        np.testing.assert_allclose(policy.weights_[0, arm], weights, atol=1e-9)
        np.testing.assert_allclose(policy.inverse_[0, arm], np.linalg.inv(gram), atol=1e-9)
        error = math.sqrt(visitor @ np.linalg.solve(gram, visitor))
        bounds.append(visitor @ weights + 0.7 * error)
    assert policy.choose([visitor])[0] == int(np.argmax(bounds))


def test_games_played_side_by_side_do_not_see_each_other():
    rng = np.random.default_rng(0)
    arms, rewards, x = rng.integers(3, size=(20, 2)), rng.random((20, 2)), rng.random((20, 2, 2))
    both = LinUCB(3, 2, n_runs=2)
    for turn in range(20):
        both.update(arms[turn], rewards[turn], x[turn])
    for game in range(2):
        alone = played(LinUCB(3, 2), arms[:, game], rewards[:, game], x[:, game])
        np.testing.assert_allclose(both.weights_[game], alone.weights_[0])
        assert both.pulls_[game].tolist() == alone.pulls_[0].tolist()


@pytest.mark.parametrize("make", [UCB1, ThompsonSampling, EpsilonGreedy])
def test_one_seed_gives_one_game(make):
    def arms_of(seed):
        policy, coins = make(5, n_runs=20, rng=seed), np.random.default_rng(1)
        return [
            policy.update(a := policy.choose(), coins.random(20) < a / 5) or a for _ in "1234567"
        ]

    assert np.array_equal(arms_of(3), arms_of(3))
    assert not np.array_equal(arms_of(3), arms_of(4))


def test_regret_of_ucb_stays_below_its_bound():
    means, horizon, n_runs = np.array([0.8, 0.5, 0.4]), 2000, 40
    policy, coins = UCB1(3, n_runs=n_runs), np.random.default_rng(0)
    regret = np.zeros(n_runs)
    for _ in range(horizon):
        arms = policy.choose()
        policy.update(arms, coins.random(n_runs) < means[arms])
        regret += 0.8 - means[arms]
    gaps = np.array([0.3, 0.4])
    bound = 8 * np.sum(math.log(horizon) / gaps) + (1 + math.pi**2 / 3) * gaps.sum()
    assert 0 < regret.mean() < bound
    assert regret.mean() < horizon * gaps.sum() / 3 / 2  # half of what chance would lose


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: UCB1(0), "n_arms must be"),
        (lambda: UCB1(2, n_runs=0), "n_runs must be"),
        (lambda: EpsilonGreedy(2, 1.5), "between 0 and 1, got 1.5"),
        (lambda: ThompsonSampling(2, (0, 1)), "above 0"),
        (lambda: ThompsonSampling(2, np.ones((3, 2))), "for 2 arms"),
        (lambda: UCB1(2).update([0, 1], [1, 1]), "each of the 1 games"),
        (lambda: UCB1(2).update([2], [1]), "between 0 and 1"),
        (lambda: UCB1(2).update([0], [2]), "scale them first"),
        (lambda: LinUCB(2, 3).choose(), "a row of 3 features"),
        (lambda: LinUCB(2, 3).update([0], [1], [[1, 2]]), r"got \(1, 2\)"),
        (lambda: LinUCB(2, 3, regularization=0), "regularization must be above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_refused_update_changes_nothing():
    policy = LinUCB(2, 1)
    with pytest.raises(ValueError, match="rewards"):
        policy.update([0], [5], [[1.0]])
    assert policy.pulls_.sum() == 0
    assert (policy.inverse_ == 1).all()
