"""A simulated music player: sessions with moods, repeats, boredom and skips; the truth is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit

SECONDS_A_TRACK = 210
START = 1_577_836_800  # 2020-01-01 UTC
MOOD_EFFECT = 1.6  # on a genre that fits the session's mood; the others lose a third of it
SAME_ARTIST = -0.9  # on a track whose artist has just begun, to its end or not
NOVELTY = -0.3  # on a track never heard before


@dataclass(frozen=True, eq=False)
class MusicTruth:
    """The laws by which the simulated people listen; positions broadcast.

    Parameters
    ----------
    liking : float64 array (n_users, n_tracks)
        Taste for the genre, the artist and the track, and the track's quality.
    genre, artist : int arrays (n_tracks,)
    boredom, forgetting : float, of the replay curve
    """

    liking: np.ndarray = field(repr=False)
    genre: np.ndarray = field(repr=False)
    artist: np.ndarray = field(repr=False)
    boredom: float
    forgetting: float

    def replay(self, lag_days: np.ndarray) -> np.ndarray:
        """Return what a last hearing so long ago adds to the wish to hear a track.

        0.6 − boredom · exp(−lag / 1.5) − forgetting · ln(1 + lag / 7), in days: heard just now it
        bores, later it is missed, then slowly forgotten. NOVELTY if never heard (infinite lag).
        """
        lag = np.asarray(lag_days, dtype=float)
        near = np.where(np.isfinite(lag), lag, 0.0)
        curve = 0.6 - self.boredom * np.exp(-near / 1.5) - self.forgetting * np.log1p(near / 7)
        return np.where(np.isfinite(lag), curve, NOVELTY)

    def mood(self, moods: np.ndarray, tracks: np.ndarray) -> np.ndarray:
        """Return what a session's mood, which is one genre, adds to the wish to hear a track."""
        fits = self.genre[tracks] == moods
        return np.where(fits, MOOD_EFFECT, -MOOD_EFFECT / 3)

    def listen_probability(
        self, users: np.ndarray, tracks: np.ndarray, moods: np.ndarray, lag_days: np.ndarray,
        same_artist: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """Return the chance that a track that begins is heard to its end, not skipped."""
        wish = self.liking[users, tracks] + self.mood(moods, tracks) + self.replay(lag_days)
        return expit(0.2 + wish + SAME_ARTIST * np.asarray(same_artist))


@dataclass(frozen=True, eq=False)
class MusicWorld:
    """What was played to whom, the tracks, and the truth.

    Parameters
    ----------
    plays : pandas.DataFrame
        In order of time: user, session, place (0 … in the session), track, time (seconds), chosen
        (by the listener, not by the radio), skipped (after a few seconds).
    tracks : pandas.DataFrame
        track, artist, genre: names, in the order of the positions.
    moods, truth : int array (n_sessions,), the genre each session leans to; and the other truth
    """

    plays: pd.DataFrame = field(repr=False)
    tracks: pd.DataFrame = field(repr=False)
    moods: np.ndarray = field(repr=False)
    truth: MusicTruth = field(repr=False)


GENRES = ("rock", "folk", "jazz", "classical", "hip-hop", "electronic")


def simulate_music(
    n_users: int = 160, n_tracks: int = 500, *, n_artists: int = 80, days: int = 84,
    sessions_a_week: float = 2.5, session_length: int = 12, own_choice: float = 0.4,
    boredom: float = 2.5, forgetting: float = 0.5, seed: int | np.random.Generator = 0,
) -> MusicWorld:  # fmt: skip
    """Simulate people who listen to music in sessions.

    Each session has a mood: a genre, drawn by the listener's taste. For each place the listener
    chooses herself with the chance `own_choice`: a track she knows in proportion to exp(wish), with
    wish = liking + mood + replay(lag), and one she has never heard to its end in proportion to
    exp(wish) times its fame (a tenth on average). Else the radio plays: half of the time something
    famous, else a track of the last artist (0.15), of the last genre (0.2), or any (0.15). What the
    radio plays is skipped with the chance 1 − `listen_probability`, what she chose with half of it.

    Parameters
    ----------
    sessions_a_week, session_length : float, int
        On average, active listeners have more; tracks begun in a session, skipped ones too.
    boredom, forgetting : float, of `MusicTruth.replay`

    Raises
    ------
    ValueError
        If there are fewer tracks than artists or artists than genres, or `own_choice` is no chance.

    References
    ----------
    Anderson, Kumar, Tomkins and Vassilvitskii: The dynamics of repeat consumption. WWW 2014.

    Examples
    --------
    >>> world = simulate_music(5, 60, n_artists=12, days=14, seed=1)
    >>> sorted(world.plays.columns)
    ['chosen', 'place', 'session', 'skipped', 'time', 'track', 'user']
    """
    if not n_tracks >= n_artists >= len(GENRES):
        needed = f"at least {len(GENRES)} artists, and as many tracks as artists"
        raise ValueError(f"give {needed}; got {n_artists} artists and {n_tracks} tracks")
    if not 0 <= own_choice <= 1:
        raise ValueError(f"own_choice must lie between 0 and 1, got {own_choice!r}")
    people, events = np.random.default_rng(seed).spawn(2)
    others = people.integers(n_artists, size=n_tracks - n_artists)
    artist = np.concatenate([np.arange(n_artists), others])  # everyone has a track
    genre = (np.arange(n_artists) % len(GENRES))[artist]
    taste = people.normal(size=(n_users, len(GENRES)))
    fans = 0.7 * people.normal(size=(n_users, n_artists))
    quality = 0.6 * people.normal(size=n_tracks)
    liking = 0.8 * taste[:, genre] + fans[:, artist] + quality
    liking += 0.8 * people.normal(size=liking.shape)
    truth = MusicTruth(liking, genre, artist, boredom, forgetting)
    fame = np.exp(quality + people.normal(size=n_artists)[artist])
    activity = people.gamma(3, 1 / 3, size=n_users)
    count = np.maximum(4, events.poisson(activity * sessions_a_week * days / 7))
    user = np.repeat(np.arange(n_users), count)
    begin = events.uniform(0, days * 86_400, size=len(user)).astype(np.int64)
    order = np.argsort(begin, kind="stable")
    user, begin = user[order], begin[order]
    lean = np.exp(1.2 * taste)
    moods = np.array([events.choice(len(GENRES), p=lean[u] / lean[u].sum()) for u in user])
    plays = _play(truth, fame / fame.sum(), user, begin, moods, session_length, own_choice, events)
    names = [f"track {t + 1}" for t in range(n_tracks)], [f"artist {a + 1}" for a in artist]
    columns = dict(zip(("track", "artist"), names, strict=True)) | {
        "genre": np.array(GENRES)[genre]
    }
    return MusicWorld(plays, pd.DataFrame(columns), moods, truth)


def _play(truth, fame, user, begin, moods, length, own_choice, rng) -> pd.DataFrame:
    """Play all sessions: the first of everyone together, then the second, and so on."""
    n_users, n_tracks = truth.liking.shape
    number = pd.Series(user).groupby(user).cumcount().to_numpy()
    heard = np.full((n_users, n_tracks), -np.inf)  # when last to its end, in days
    # What the radio may go on with: anything, something famous, a genre, an artist; a row each.
    same_genre, same_artist = _shares(truth.genre, fame), _shares(truth.artist, np.ones(n_tracks))
    radio = np.vstack([np.full(n_tracks, 1 / n_tracks), fame, same_genre, same_artist])
    radio, first_artist = np.cumsum(radio, axis=1), 2 + len(same_genre)
    parts = []
    for turn in range(number.max() + 1):
        session = np.flatnonzero(number == turn)
        u, mood, last = user[session], moods[session], np.full(len(session), -1)
        for place in range(length):
            time = begin[session] + SECONDS_A_TRACK * place
            way = rng.choice(4, size=len(u), p=[0.15, 0.5, 0.2, 0.15])
            way[(last < 0) & (way > 1)] = 1  # nothing to go on from yet
            of_genre, of_artist = 2 + truth.genre[last], first_artist + truth.artist[last]
            track = _draw(radio[np.select([way == 2, way == 3], [of_genre, of_artist], way)], rng)
            chosen = rng.random(len(u)) < own_choice
            own = np.flatnonzero(chosen)
            lag = time[own, None] / 86_400 - heard[u[own]]
            wish = truth.liking[u[own]] + truth.mood(mood[own, None], np.arange(n_tracks))
            weight = np.exp(wish + truth.replay(lag))
            weight *= np.where(np.isfinite(lag), 1.0, 0.1 * n_tracks * fame)
            track[own] = _draw(np.cumsum(weight, axis=1), rng)
            same = (last >= 0) & (truth.artist[track] == truth.artist[last])
            since = time / 86_400 - heard[u, track]
            chance = truth.listen_probability(u, track, mood, since, same)
            skipped = rng.random(len(u)) < np.where(chosen, 0.5, 1.0) * (1 - chance)
            parts.append([u, session, np.full(len(u), place), track, time, chosen, skipped])
            heard[u[~skipped], track[~skipped]] = time[~skipped] / 86_400
            last = track
    columns = ["user", "session", "place", "track", "time", "chosen", "skipped"]
    plays = pd.DataFrame(np.hstack(parts).T, columns=columns)
    plays["time"] += START
    plays = plays.sort_values(["time", "session"], kind="stable", ignore_index=True)
    return plays.astype({"chosen": bool, "skipped": bool})


def _shares(group: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return for each group its tracks' shares of its weight, (n_groups, n_tracks)."""
    member = (group == np.arange(group.max() + 1)[:, None]) * weight
    return member / member.sum(axis=1, keepdims=True)


def _draw(cumulative: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a column for each row, by its summed weights."""
    point = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
    return np.minimum((cumulative <= point).sum(axis=1), cumulative.shape[1] - 1)
