"""The live recommender: equal to recomputing from scratch, in any order, cached and exact."""

import tempfile
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models import EASE, ItemNeighbours, Popularity
from recbook.serve import Event, EventLog, ForwardDecay, ItemWeights, LiveRecommender

DAY = 86_400
WORTH = {"view": 1, "cart": 3, "purchase": 5}
W = np.array([[0, 0.5, 0.1], [0.2, 0, -0.4], [0, 0.3, 0]])
WEIGHTS = ItemWeights(["a", "b", "c"], sparse.csr_array(W))
streams = st.lists(
    st.tuples(
        st.sampled_from(list(WORTH)),
        st.sampled_from(["ann", "bo", "chen"]),
        st.sampled_from(["a", "b", "c", "new", "newer"]),
        st.integers(0, 400 * DAY) | st.integers(0, 4 * 10**9),
    ),
    max_size=25,
)


def events_of(rows):
    return [Event(str(n), *row) for n, row in enumerate(rows)]


def live(**changed):
    settings = {"half_life_days": 30, "popular_half_life_days": 7, "personal": 2.0, "related": 1.5,
                "popular": 0.5}  # fmt: skip
    return LiveRecommender(WEIGHTS, **{**settings, **changed})


def from_scratch(events, user, counted=None):
    """The docstring's formula over all events at once, decayed back from the newest."""
    items = ["a", "b", "c"] + [i for i in dict.fromkeys(e.item for e in events) if i not in "abc"]
    newest = max((e.time for e in events), default=0)

    def shares(some, half_life):
        total = dict.fromkeys(items, 0.0)
        for e in some:
            total[e.item] += WORTH[e.kind] * 2 ** (-(newest - e.time) / DAY / half_life)
        whole = sum(total.values())
        return np.array([total[i] / whole if whole > 2**-511 else 0.0 for i in items])

    x = shares([e for e in events if e.user == user], 30)
    p = shares(events if counted is None else counted, 7)
    folded = np.zeros(len(items))
    folded[:3] = x[:3] @ W
    return dict(zip(items, 2 * x + 1.5 * folded + 0.5 * p, strict=True))


def close(scores, wanted):
    assert scores.keys() == wanted.keys()
    names = list(wanted)
    np.testing.assert_allclose(
        [scores[n] for n in names], [wanted[n] for n in names], rtol=1e-9, atol=1e-12
    )


@settings(max_examples=100)
@given(streams, st.randoms(use_true_random=False))
def test_equal_to_recomputing_from_scratch_in_any_order(rows, random):
    events = events_of(rows)
    random.shuffle(events)
    stream = live()
    for size, event in enumerate(events, start=1):
        stream.apply([event])
        close(stream.scores(event.user), from_scratch(events[:size], event.user))
    for user in ("ann", "bo", "chen", "nobody"):
        close(stream.scores(user), from_scratch(events, user))
        best = stream.recommend(user, 3)
        wanted = {i: s for i, s in stream.scores(user).items() if s > 0}
        assert [s for _, s in best] == sorted(wanted.values(), reverse=True)[:3]
        assert all(wanted[i] == s for i, s in best)
        fresh = [i for i, _ in stream.recommend(user, 9, exclude_seen=True)]
        assert set(fresh) == set(wanted) - {e.item for e in events if e.user == user}


@settings(max_examples=20)
@given(streams, st.lists(st.integers(0, 24), max_size=10))
def test_following_a_log_learns_each_event_once_and_gives_the_same_to_the_last_digit(rows, again):
    events = events_of(rows)
    with tempfile.TemporaryDirectory() as folder:
        with EventLog(Path(folder) / "log.db", synchronous="normal") as log:
            stream = live()
            for n in [*range(len(events)), *again]:
                log.append(events[n : n + 2])  # each but the first is sent twice at least
                stream.follow(log)
            assert stream.follow(log) == stream.position == stream.n_events == len(events)
        with EventLog(Path(folder) / "log.db") as log:
            restarted = live()
            restarted.follow(log)
    for user in ("ann", "bo", "chen", "nobody"):
        assert restarted.scores(user) == stream.scores(user)
        assert restarted.recommend(user) == stream.recommend(user)


@settings(max_examples=60)
@given(streams, st.integers(1, 6))
def test_only_popularity_may_be_stale_and_only_by_so_many_events(rows, every):
    events = events_of(rows)
    stream = live(popular_every=every)
    for size, event in enumerate(events, start=1):
        stream.apply([event])
        counted = events[: size // every * every]
        for user in ("ann", "bo", "nobody"):
            wanted = from_scratch(events[:size], user, counted)
            close(stream.scores(user), wanted)
            # what is cached is what would be computed now
            scores = stream.scores(user)
            assert all(scores[item] == score for item, score in stream.recommend(user))
            assert len(stream.recommend(user)) == sum(s > 0 for s in scores.values())


def test_a_list_is_computed_again_only_where_something_touched_it():
    stream = live(popular_every=4)
    first = events_of([("view", u, i, 0) for u, i in (("ann", "a"), ("bo", "b"))])
    stream.apply(first * 2)

    def computed(user, **options):
        before = stream.misses
        stream.recommend(user, **options)
        return stream.misses > before

    assert computed("ann")
    assert not computed("ann", k=3)  # a shorter list is the head of the longest
    assert computed("ann", exclude_seen=True)
    assert computed("bo")
    stream.apply([Event("3", "view", "bo", "a", 0)])
    assert not computed("ann")
    assert computed("bo")
    assert computed("stranger")
    assert not computed("another")
    stream.apply(Event(str(n), "view", "bo", "a", 0) for n in range(4, 7))  # the eighth event
    assert computed("ann")
    assert (stream.hits, stream.misses) == (3, 6)


def test_the_cache_keeps_the_lists_used_last():
    stream = live(max_cached=2)
    stream.apply(events_of([("view", u, "a", 0) for u in ("ann", "bo", "chen")]))
    for user in ("ann", "bo", "ann", "chen", "ann", "bo"):
        stream.recommend(user)
    assert (stream.hits, stream.misses) == (2, 4)  # ann twice; chen drove out bo


def test_a_new_event_is_in_the_next_list_and_new_users_and_items_are_served():
    stream = LiveRecommender(WEIGHTS, popular_every=1000)
    assert stream.recommend("ann") == []  # nobody knows anything
    stream.apply([Event("1", "view", "ann", "c", 0)])
    assert [i for i, _ in stream.recommend("ann")] == ["c", "b"]  # 1 · x, and 0.3 of it
    assert [i for i, _ in stream.recommend("ann", exclude_seen=True)] == ["b"]
    stream.apply([Event("2", "purchase", "ann", "brand new", 0)])
    assert [i for i, _ in stream.recommend("ann")] == ["brand new", "c", "b"]
    assert stream.recommend("ann")[0].score == pytest.approx(5 / 6)
    assert stream.knows("ann")
    assert not stream.knows("bo")


def test_strangers_get_what_is_popular_of_late():
    stream = LiveRecommender(popular_half_life_days=1)
    old = [Event(f"o{n}", "view", "ann", "old", 0) for n in range(7)]
    stream.apply([*old, Event("n", "view", "bo", "new", 3 * DAY)])
    assert [i for i, _ in stream.recommend("stranger")] == ["new", "old"]  # 1 against 7/8
    stream.apply([Event("o7", "view", "ann", "old", 0), Event("o8", "view", "ann", "old", 0)])
    assert [i for i, _ in stream.recommend("stranger")] == ["old", "new"]  # 9/8


def test_threads_together_give_what_one_gives_alone(tmp_path):
    rows = [("view", f"u{n % 5}", f"i{n % 7}", n * DAY) for n in range(120)]
    events = events_of(rows)
    with EventLog(tmp_path / "log.db", synchronous="normal") as log:
        stream = live()

        def work(part):
            for event in events[part::4]:
                log.append([event])
                stream.follow(log)
                stream.recommend(event.user)

        threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert stream.position == len(events)
        replayed = live()
        replayed.follow(log)
    sequential = live()
    sequential.apply(events)
    for user in ("u0", "u1", "u2", "u3", "u4", "nobody"):
        assert stream.scores(user) == replayed.scores(user)
        close(stream.scores(user), sequential.scores(user))
        assert dict(stream.recommend(user)) == {
            i: s for i, s in stream.scores(user).items() if s > 0
        }


@given(st.floats(0.001, 1e4), st.lists(st.floats(0, 4e9), min_size=1, max_size=8))
def test_decay_is_the_formula(half_life, times):
    decay, stored = ForwardDecay(half_life), []
    for time in times:
        moved = decay.advance(time)
        stored = [s * 2.0**-moved for s in stored] + [decay.weight(time)]
    newest = max(times)
    ages = (newest - np.array(times)) / DAY / half_life
    shown = np.array(stored) / decay.weight(newest)
    np.testing.assert_allclose(shown, np.exp2(-ages), rtol=1e-6, atol=2.0**-500)


@pytest.fixture(scope="module")
def shopping():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"user_id": rng.integers(40, size=600), "item_id": rng.zipf(1.6, 600) % 30}
    )
    return Interactions.from_frame(frame)


@pytest.mark.parametrize(
    "model", [EASE(5.0, solver="primal"), EASE(5.0, solver="dual"), ItemNeighbours(10)], ids=repr
)
def test_folding_in_gives_the_models_own_scores(shopping, model):
    model.fit(shopping)
    weights = ItemWeights.from_model(model, n=shopping.n_items)
    folded = shopping.matrix("binary") @ weights.matrix
    np.testing.assert_allclose(folded.toarray(), model.score(), atol=1e-5)
    fewer = ItemWeights.from_model(model, n=3).matrix.toarray()
    whole = weights.matrix.toarray()
    assert ((fewer != 0).sum(axis=0) <= 3).all()
    dropped = np.where(fewer == 0, np.abs(whole), 0).max(axis=0)
    kept = np.where(fewer != 0, np.abs(fewer), np.inf).min(axis=0)
    assert (dropped <= kept + 1e-12).all()
    assert (fewer[fewer != 0] == whole[fewer != 0]).all()


def test_weights_are_saved_and_loaded(tmp_path):
    WEIGHTS.save(tmp_path / "w.npz")
    loaded = ItemWeights.load(tmp_path / "w.npz")
    assert loaded.items == ["a", "b", "c"]
    np.testing.assert_array_equal(loaded.matrix.toarray(), W)
    (tmp_path / "x.npz").write_text("nonsense")
    for name in ("x.npz", "missing.npz"):
        with pytest.raises(ValueError, match="holds no item weights"):
            ItemWeights.load(tmp_path / name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ItemWeights(["a"], sparse.eye_array(2)), "1 items need weights"),
        (lambda: ItemWeights([1, "1"], sparse.eye_array(2)), "two items have one id"),
        (lambda: ItemWeights(["a"], sparse.csr_array([[np.nan]])), "not finite"),
        (lambda: ItemWeights.from_model(EASE()), "not fitted yet"),
        (lambda: LiveRecommender(event_weights={"view": 1}), "needs view, cart, purchase"),
        (lambda: LiveRecommender(event_weights={**WORTH, "cart": 0}), "cart must be above 0"),
        (lambda: LiveRecommender(half_life_days=0), "half_life_days must be above 0"),
        (lambda: LiveRecommender(popular=-1), "popular must be a number of at least 0"),
        (lambda: LiveRecommender(popular_every=0), "popular_every must be"),
        (lambda: LiveRecommender().recommend("ann", 0), "k must be between 1 and 100"),
        (lambda: LiveRecommender().recommend("ann", 101), "k must be between 1 and 100"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_model_without_item_weights_is_refused(shopping):
    with pytest.raises(ValueError, match="Popularity has no item-to-item weights"):
        ItemWeights.from_model(Popularity().fit(shopping))
