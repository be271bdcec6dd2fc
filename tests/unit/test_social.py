"""The simulated network: its dials do what they say, and nothing else."""

import numpy as np
import pytest

from recbook.data.social import NEVER, simulate_social


def alike(world):
    unit = world.user_tastes / np.linalg.norm(world.user_tastes, axis=1, keepdims=True)
    return (unit @ unit.T)[world.friends()].mean()


def test_the_same_seed_gives_the_same_world_and_another_another():
    first, again, other = (simulate_social(60, 30, mean_friends=4, seed=s) for s in (1, 1, 2))
    assert (first.adopted == again.adopted).all()
    assert (first.friends_since == again.friends_since).all()
    assert (first.adopted != other.adopted).any()


def test_friendship_is_mutual_and_never_with_oneself():
    world = simulate_social(80, 10, mean_friends=6, seed=0)
    assert (world.friends_since == world.friends_since.T).all()
    assert not world.friends().diagonal().any()
    # n · 6 / 2 friendships when the weeks begin, and a quarter as many again later.
    assert world.friends(0).sum() == 80 * 6
    assert world.friends().sum() == 80 * 6 + 2 * round(80 * 6 / 8)
    assert world.friends(30).sum() == world.friends().sum()


def test_homophily_makes_friends_alike_and_nothing_else():
    worlds = [simulate_social(200, 30, homophily=h, seed=0) for h in (0, 3)]
    assert abs(alike(worlds[0])) < 0.1
    assert alike(worlds[1]) > 0.4
    assert (worlds[0].adopted == worlds[1].adopted).all()  # without influence friends do nothing


def test_influence_brings_adoptions_forward_and_leaves_the_friendships_alone():
    without, with_it = (simulate_social(200, 40, influence=a, seed=0) for a in (0, 1))
    assert (without.friends_since == with_it.friends_since).all()
    assert (with_it.adopted <= without.adopted).all()
    assert (with_it.adopted < NEVER).sum() > (without.adopted < NEVER).sum()


def test_adoption_follows_the_stated_chance():
    world = simulate_social(400, 100, influence=0.0, rate=0.02, n_weeks=5, seed=3)
    assert world.rates.mean() == pytest.approx(0.02)
    expected = 1 - np.exp(-5 * world.rates)
    deviation = np.sqrt((expected * (1 - expected)).sum())
    assert abs((world.adopted < NEVER).sum() - expected.sum()) < 4 * deviation


def test_influence_multiplies_the_rate_by_the_power_of_one_plus_friends():
    world = simulate_social(400, 100, influence=0.7, rate=0.01, n_weeks=8, seed=4)
    expected, happened = {0: 0.0, 1: 0.0, 2: 0.0}, {0: 0, 1: 0, 2: 0}
    for week in range(8):
        can = ~world.has(week)
        m = world.friends(week).astype(int) @ world.has(week).astype(int)
        for k in expected:
            rows = can & (m == k)
            expected[k] += (1 - np.exp(-world.rates[rows] * (1 + k) ** 0.7)).sum()
            happened[k] += (world.adopted[rows] == week).sum()
    for k in expected:
        assert abs(happened[k] - expected[k]) < 4 * np.sqrt(expected[k])


def test_samples_are_given_at_random_and_are_no_adoptions():
    world = simulate_social(200, 50, samples=0.1, seed=0)
    given = world.adopted == -1
    assert abs(given.mean() - 0.1) < 4 * np.sqrt(0.1 * 0.9 / given.size)
    assert abs(np.corrcoef(given.ravel(), world.rates.ravel())[0, 1]) < 0.05
    events = world.interactions()
    assert len(events) == ((world.adopted < NEVER) & ~given).sum()
    assert not given[events.user, events.item].any()


def test_events_carry_their_week():
    world = simulate_social(60, 30, mean_friends=4, rate=0.02, seed=0)
    events = world.interactions()
    assert (events.time == 604_800 * world.adopted[events.user, events.item]).all()
    assert (np.diff(events.time) >= 0).all()


@pytest.mark.parametrize(
    "wrong",
    [{"homophily": -1}, {"influence": -0.1}, {"closure": 1.5}, {"samples": 2}, {"mean_friends": 90},
     {"n_weeks": 0}, {"homophily": float("inf")}, {"influence": float("nan")}],
)  # fmt: skip
def test_impossible_dials_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        simulate_social(100, 10, **wrong)


def test_people_too_unlike_to_become_friends_end_in_an_error_and_not_in_a_loop():
    with pytest.raises(ValueError, match="too few become friends at homophily 1000"):
        simulate_social(40, 10, homophily=1000.0, mean_friends=8)
