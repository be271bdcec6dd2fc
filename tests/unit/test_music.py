"""The simulated player: sessions in order, and skips and choices by the stated truth."""

import numpy as np
import pytest
from scipy.special import expit

from recbook.data.music import NOVELTY, SAME_ARTIST, START, simulate_music


@pytest.fixture(scope="module")
def world():
    return simulate_music(40, 120, n_artists=20, days=42, seed=0)


def with_lags(world):
    """The plays in their order, with days since heard, and whether the artist was just heard."""
    plays = world.plays.sort_values(["session", "place"], ignore_index=True)
    last, lags, same, before = {}, [], [], (-1, -1)
    for play in plays.itertuples():
        lags.append((play.time - last.get((play.user, play.track), -np.inf)) / 86_400)
        artist = world.truth.artist[play.track]
        same.append(before == (play.session, artist))
        before = (play.session, artist)
        if not play.skipped:
            last[play.user, play.track] = play.time
    return plays.assign(lag=lags, same=same)


def chances(world, plays):
    moods = world.moods[plays.session]
    of_pair = plays.user.to_numpy(), plays.track.to_numpy()
    return world.truth.listen_probability(*of_pair, moods, plays.lag, plays.same.to_numpy())


def test_the_same_seed_gives_the_same_plays_and_another_others(world):
    again, other = (simulate_music(40, 120, n_artists=20, days=42, seed=s) for s in (0, 1))
    assert world.plays.equals(again.plays)
    assert not world.plays.equals(other.plays)


def test_sessions_are_whole_and_numbered_in_the_order_of_time(world):
    plays = world.plays
    assert (plays.groupby("session").size() == 12).all()
    assert (plays.groupby("session").user.nunique() == 1).all()
    assert plays.groupby("session").time.min().is_monotonic_increasing
    assert plays.time.min() >= START
    assert plays.time.is_monotonic_increasing
    steps = plays.sort_values(["session", "place"]).groupby("session").time.diff().dropna()
    assert (steps == 210).all()


def test_the_radio_is_skipped_by_the_truth_and_choices_half_as_often(world):
    plays = with_lags(world)
    for chosen, part in ((False, 1.0), (True, 0.5)):
        rows = plays[plays.chosen == chosen]
        p = part * (1 - chances(world, rows))
        assert abs(rows.skipped.sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())
        # Not only on average: those likelier to be skipped are skipped more often.
        sure = p > np.median(p)
        assert rows.skipped[sure].sum() == pytest.approx(p[sure].sum(), abs=4 * np.sqrt(p.sum()))


def test_people_choose_for_themselves_as_often_as_stated(world):
    n = len(world.plays)
    assert abs(world.plays.chosen.sum() - 0.4 * n) < 4 * np.sqrt(0.4 * 0.6 * n)


def test_what_people_choose_they_like_better_than_what_the_radio_plays(world):
    plays = with_lags(world)
    by = plays.assign(chance=chances(world, plays)).groupby("chosen").chance.mean()
    assert by[True] > by[False] + 0.2


def test_the_replay_curve_bores_then_longs_then_forgets(world):
    just_now, after_days, after_months = world.truth.replay(np.array([0.0, 5.0, 80.0]))
    assert just_now == pytest.approx(0.6 - 2.5)
    assert after_days > max(just_now, after_months)
    assert world.truth.replay(np.inf) == NOVELTY


def test_a_mood_and_the_same_artist_move_the_chance_as_stated(world):
    truth = world.truth
    genre = truth.genre[0]
    fits, other = (
        truth.listen_probability(0, 0, mood, np.inf, False) for mood in (genre, genre + 1)
    )
    again = truth.listen_probability(0, 0, genre, np.inf, True)
    wish = 0.2 + truth.liking[0, 0] + NOVELTY
    assert fits == pytest.approx(expit(wish + 1.6))
    assert other == pytest.approx(expit(wish - 1.6 / 3))
    assert again == pytest.approx(expit(wish + 1.6 + SAME_ARTIST))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"own_choice": 2}, "own_choice"),
        ({"n_tracks": 10}, "tracks"),
        ({"n_artists": 3}, "artists"),
    ],
)
def test_impossible_worlds_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        simulate_music(**wrong)
