"""The learned ranker: it orders by what it learnt, sees no raw scores, and repeats itself."""

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.evaluation.protocols import evaluate, journey_tasks
from recbook.evaluation.tasks import Window
from recbook.fusion.features import InteractionFeatures
from recbook.fusion.pool import Pool
from recbook.fusion.pooling import make_pool
from recbook.fusion.ranker import LearnedRanker
from recbook.models import PersonalFrequency, Popularity

DAY = 86_400
SMALL = {"n_trees": 20, "min_leaf": 5, "n_leaves": 4, "share": 1.0}
N_ITEMS = 30


def pool(seed: int, scale: float = 1.0, relevant=None) -> Pool:
    """80 users, all items candidates: the first member knows what is relevant, the second not."""
    rng = np.random.default_rng(seed)
    users = pd.RangeIndex(80)
    if relevant is None:
        relevant = rng.random((80, N_ITEMS)) < 0.15
    user, item = np.nonzero(relevant)
    # Windows of different seeds hold different events: each has a year of its own.
    years = {"users": users, "items": pd.RangeIndex(N_ITEMS)}
    time = np.full(len(user), (2 * seed + 1) * DAY)
    held_out = Interactions(user, item, np.ones(len(user)), time, **years)
    everyone = np.arange(80)
    known = Interactions(
        everyone, everyone % N_ITEMS, np.ones(80), np.full(80, 2 * seed * DAY), **years
    )
    window = Window(
        known, held_out, held_out.matrix("binary"), np.ones(N_ITEMS, dtype=bool), users=everyone
    )
    noise = rng.normal(size=(2, 80, N_ITEMS))
    scores = np.stack([relevant + 0.3 * noise[0], noise[1]]) * scale
    items = np.tile(np.arange(N_ITEMS, dtype=np.int32), (80, 1))
    return Pool(("knows", "noise"), everyone, items, scores.astype("f4"), known, window, (known,))


def parity(known, users, items):
    """A feature of the item alone, unknown for the first."""
    values = np.where(items > 0, items % 2, np.nan).astype("f4")
    return values[:, :, None], ("odd",)


def test_it_finds_the_member_that_knows():
    inputs = ("z_score", "log_rank")
    ranker = LearnedRanker(["knows", "noise"], inputs=inputs, **SMALL).learn(pool(0), pool(1))
    new = pool(2)
    fused = ranker.fuse(new)
    assert fused.dtype == np.float32
    assert new.ndcg(fused).mean() > 0.9
    assert ranker.columns_ == (
        "knows, z_score", "noise, z_score", "knows, log_rank", "noise, log_rank",
    )  # fmt: skip
    assert ranker.importance_.filter(like="knows").sum() > 0.8
    assert ranker.importance_.sum() == pytest.approx(1)


def test_scale_of_scores_does_not_matter():
    ranker = LearnedRanker(["knows", "noise"], **SMALL).learn(pool(0))
    np.testing.assert_array_equal(ranker.fuse(pool(2)), ranker.fuse(pool(2, scale=8.0)))


def test_a_member_that_is_worse_than_chance_helps_too():
    """What is never relevant has high scores: no sum of weights of 0 and more can use it."""
    upside_down = [
        Pool(p.names, p.users, p.items, -p.scores, p.known, p.window, p.learnt_from)
        for p in (pool(0), pool(1))
    ]
    ranker = LearnedRanker(["knows"], **SMALL).learn(upside_down[0])
    assert upside_down[1].ndcg(upside_down[1].scores[0]).mean() < 0.1
    assert upside_down[1].ndcg(ranker.fuse(upside_down[1])).mean() > 0.9


def test_side_features_are_used_and_may_be_unknown():
    odd = np.tile(np.arange(N_ITEMS) % 2 == 1, (80, 1))
    ranker = LearnedRanker(["noise"], features=parity, inputs=(), **SMALL)
    ranker.learn(pool(0, relevant=odd))
    assert ranker.columns_ == ("odd",)
    new = pool(1, relevant=odd)
    assert new.ndcg(ranker.fuse(new)).mean() == pytest.approx(1)


def test_features_are_told_what_the_pool_knows():
    told = []

    def spy(known, users, items):
        told.append(known)
        return parity(known, users, items)

    past, new = pool(0), pool(1)
    ranker = LearnedRanker(["knows"], features=spy, **SMALL).learn(past)
    ranker.fuse(new)
    assert [events is past.known for events in told] == [True, False]
    assert told[1] is new.known


def test_same_seed_same_scores():
    settings = {**SMALL, "share": 0.5, "n_negatives": 5}
    first, again, other = (
        LearnedRanker(["knows", "noise"], **settings, rng=seed).learn(pool(0)).fuse(pool(1))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_users_are_ranked_each_by_herself():
    ranker = LearnedRanker(["knows", "noise"], **SMALL).learn(pool(0))
    new = pool(1)
    some = np.array([70, 3, 12])
    np.testing.assert_array_equal(ranker.fuse(new)[some], ranker.fuse(new.rows(some)))


def test_padding_and_lists_without_anything_relevant():
    past = pool(0)
    items, scores = past.items.copy(), past.scores.copy()
    items[:, 20:], scores[:, :, 20:] = -1, -np.inf
    items[7], scores[:, 7] = -1, -np.inf
    short = Pool(past.names, past.users, items, scores, past.known, past.window, past.learnt_from)
    fused = LearnedRanker(["knows", "noise"], **SMALL).learn(short).fuse(short)
    np.testing.assert_array_equal(np.isfinite(fused), items >= 0)


def shop(after_cut: int = 0):
    """Two tastes; what is bought from the cut on is moved by some items."""
    rng = np.random.default_rng(0)
    user = rng.integers(40, size=2000)
    item = (rng.zipf(1.5, size=2000) % 12) + 12 * (user % 2)
    second = rng.integers(90 * DAY, size=2000)
    item = np.where(second >= 80 * DAY, (item + after_cut) % 24, item)
    events = pd.DataFrame({"user_id": user, "item_id": item, "second": second})
    purchases = Interactions.from_frame(events, time="second")
    return journey_tasks(purchases, cut=80 * DAY, window_days=10, n_earlier=1, min_users=2)


@pytest.fixture(scope="module")
def task():
    return shop()["repeat"]


def test_it_is_a_recommender_with_features(task):
    members = {"own": PersonalFrequency(), "popular": Popularity()}
    ranker = LearnedRanker(members, features=InteractionFeatures(), n_candidates=10, **SMALL)
    ranker.learn(task.window("earlier_1"), task.window("validation"))
    ranker.fit(task.fit_on("test"))
    direct = evaluate(ranker, task)
    pool_ = make_pool(ranker.members_, task.window("test"), n_candidates=10)
    pd.testing.assert_frame_equal(direct, pool_.evaluate(ranker.fuse(pool_)))


def test_changing_test_data_changes_nothing_learnt(task):
    other = shop(after_cut=5)["repeat"]
    assert (task.relevant("test") != other.relevant("test")).nnz
    learnt = [
        LearnedRanker(
            {"own": PersonalFrequency(), "popular": Popularity()},
            features=InteractionFeatures(), **SMALL,
        ).learn(one.window("earlier_1"), one.window("validation"))
        for one in (task, other)
    ]  # fmt: skip
    assert learnt[0].model_.model_to_string() == learnt[1].model_.model_to_string()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": ("raw",)}, "inputs must be one of"),
        ({"inputs": ()}, "needs features"),
        ({"n_trees": 0}, "n_trees"),
        ({"n_leaves": 1}, "n_leaves"),
        ({"share": 0.0}, "share must be above 0"),
        ({"learning_rate": 2}, "learning_rate must be above 0"),
    ],
)
def test_refuses_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        LearnedRanker(["a"], **settings)


def test_refusals():
    with pytest.raises(TypeError, match="callable"):
        LearnedRanker(["a"], features=np.zeros(3))
    with pytest.raises(ValueError, match="not learnt"):
        LearnedRanker(["knows"]).fuse(pool(0))
    with pytest.raises(ValueError, match="no candidate of these pools is relevant"):
        LearnedRanker(["knows"], **SMALL).learn(pool(0, relevant=np.zeros((80, N_ITEMS), bool)))
    with pytest.raises(ValueError, match="must give an array"):
        LearnedRanker(
            ["knows"], features=lambda known, users, items: (np.zeros((1, 1, 1)), ("x",)), **SMALL
        ).learn(pool(0))
    seen = pool(0)
    with pytest.raises(ValueError, match="trained on"):
        LearnedRanker(["knows"], **SMALL).learn(
            Pool(
                seen.names, seen.users, seen.items, seen.scores, seen.known, seen.window,
                (seen.window.held_out,),
            )
        )  # fmt: skip
