"""Fusions: they learn from held-out events only, nest, and a pool says what a full run says."""

import numpy as np
import pandas as pd
import pytest
from registered import PAIR, TRIO, held_out_window
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.evaluation.protocols import evaluate, journey_tasks
from recbook.evaluation.tasks import TopNTask, Window
from recbook.fusion import (
    Cascade,
    Pool,
    RankFusion,
    ScoreFusion,
    Stack,
    Switch,
    WeightedFusion,
    fuse_by_user_folds,
    make_pool,
)
from recbook.models import EASE, ItemNeighbours, PersonalFrequency, Popularity, UserNeighbours

DAY = 86_400
LEARNERS = [
    lambda members: WeightedFusion(members),
    lambda members: WeightedFusion(members, search="grid", n_steps=4),
    lambda members: WeightedFusion(members, search="nnls"),
    lambda members: WeightedFusion(members, search="ascent"),
    lambda members: Switch(members, n_groups=2),
    lambda members: Stack(members, meta="ridge"),
    lambda members: Stack(members, meta="logistic"),
    lambda members: Stack(members, meta="boosting"),
]


def members():
    return {
        "past": PersonalFrequency(),
        "popularity": Popularity(),
        "ease": EASE(1),
        "users": UserNeighbours(5),
    }


@pytest.fixture(scope="module")
def tasks() -> dict[str, TopNTask]:
    """Two tastes, 40 users, 24 items, so that some members know more than others."""
    rng = np.random.default_rng(0)
    user = rng.integers(40, size=1600)
    item = (rng.zipf(1.5, size=1600) % 12) + 12 * (user % 2)
    events = pd.DataFrame(
        {"user_id": user, "item_id": item, "second": rng.integers(90 * DAY, size=1600)}
    )
    return journey_tasks(
        Interactions.from_frame(events, time="second"),
        cut=80 * DAY, window_days=10, n_earlier=1, min_users=2,
    )  # fmt: skip


def pool(task, on="validation", n_candidates=8, **more) -> Pool:
    fitted = {name: model.fit(task.fit_on(on)) for name, model in {**members(), **more}.items()}
    return make_pool(fitted, task.window(on), n_candidates=n_candidates)


def changed(task: TopNTask) -> TopNTask:
    """Return the task with other test events: every item moved on by one."""
    windows = dict(task.windows)
    test = windows["test"]
    moved = Interactions(
        test.held_out.user, (test.held_out.item + 1) % test.held_out.n_items,
        test.held_out.value, test.held_out.time,
        users=test.held_out.users, items=test.held_out.items,
    )  # fmt: skip
    windows["test"] = Window(test.known, moved, moved.matrix("binary"), test.candidates)
    return TopNTask(task.name, windows)


def learnt(fusion) -> list:
    others = {"learnt_from_", "learn_seconds_", "members_", "interactions_"}
    state = {k: v for k, v in vars(fusion).items() if k.endswith("_") and k not in others}
    model = state.pop("model_", None)
    if hasattr(model, "coef_"):
        state |= {"coef": model.coef_, "intercept": model.intercept_}
    elif model is not None:
        state["trees"] = model.booster_.model_to_string()
    return [np.asarray(value).tolist() for _, value in sorted(state.items())]


@pytest.mark.parametrize("make", LEARNERS)
def test_other_test_events_change_nothing_that_is_learnt(make, tasks):
    task, other = tasks["repeat"], changed(tasks["repeat"])
    first = make(members()).learn(pool(task))
    second = make(members()).learn(pool(other))
    assert (task.relevant("test") != other.relevant("test")).nnz > 0
    assert learnt(first) == learnt(second)
    assert learnt(first) != []
    before = learnt(first)
    first.fit(task.fit_on("test"))
    evaluate(first, task)
    assert learnt(first) == before


@pytest.mark.parametrize("make", LEARNERS)
def test_other_validation_events_change_what_is_learnt(make, tasks):
    task = tasks["repeat"]
    moved = pool(task)
    roll = np.roll(task.relevant("validation").toarray(), 1, axis=1) * task.candidates("validation")
    window = Window(
        moved.window.known, moved.window.held_out, sparse.csr_array(roll.astype("f4")),
        moved.window.candidates, users=moved.users,
    )  # fmt: skip
    other = Pool(
        moved.names, moved.users, moved.items, moved.scores, moved.known, window, (moved.known,)
    )
    assert learnt(make(members()).learn(moved)) != learnt(make(members()).learn(other))


@pytest.mark.parametrize("make", LEARNERS)
def test_members_may_not_have_been_trained_on_what_a_fusion_learns_from(make, tasks):
    task = tasks["repeat"]
    late = {name: model.fit(task.fit_on("test")) for name, model in members().items()}
    with pytest.raises(ValueError, match=r"member 'past' was trained on \d+ of the held-out"):
        make(late).learn(task.window("validation"))
    leaky = pool(task)
    leaky = Pool(
        leaky.names, leaky.users, leaky.items, leaky.scores, leaky.known, leaky.window,
        (task.fit_on("test"),),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"trained on \d+ events of the window"):
        make(members()).learn(leaky)


def test_a_nested_fusion_may_not_have_learnt_from_the_window_of_the_outer(tasks):
    task = tasks["repeat"]
    inner = WeightedFusion(members()).learn(task.window("validation"))
    outer = WeightedFusion({"inner": inner, "ease": EASE(2)})
    with pytest.raises(ValueError, match="member 'inner' was trained on"):
        outer.learn(task.window("validation"))
    inner = WeightedFusion(members()).learn(task.window("earlier_1"))
    weights = inner.weights_.copy()
    outer = WeightedFusion({"inner": inner, "ease": EASE(2)}).learn(task.window("validation"))
    outer.fit(task.fit_on("test"))
    np.testing.assert_array_equal(outer.members_["inner"].weights_, weights)
    assert evaluate(outer, task)["ndcg"].mean() > 0


def test_a_fusion_may_not_be_judged_on_what_it_learnt_from(tasks):
    task = tasks["repeat"]
    fusion = WeightedFusion(members()).learn(task.window("validation"))
    fusion.fit(task.fit_on("validation"))
    with pytest.raises(ValueError, match="what the model was fitted on"):
        evaluate(fusion, task, on="validation")
    with pytest.raises(ValueError, match="what the model was fitted on"):
        evaluate(fusion.on(pool(task)), task, on="validation")


@pytest.mark.parametrize("make", [*LEARNERS, ScoreFusion, RankFusion, Cascade])
@pytest.mark.parametrize("name", ["repeat", "new"])
def test_a_stored_pool_gives_the_lists_of_a_full_run(make, name, tasks):
    task = tasks[name]
    fusion = make(members()).learn(pool(task))
    fusion.n_candidates = 8
    at_test = pool(task, "test")
    stored = fusion.on(at_test)
    fusion.fit(task.fit_on("test"))
    pd.testing.assert_frame_equal(evaluate(stored, task), evaluate(fusion, task))
    pd.testing.assert_frame_equal(at_test.evaluate(fusion.fuse(at_test)), evaluate(fusion, task))
    np.testing.assert_allclose(
        at_test.ndcg(fusion.fuse(at_test)), evaluate(fusion, task)["ndcg"], atol=1e-12
    )
    assert stored.fit(task.fit_on("test")) is stored
    with pytest.raises(ValueError, match="cannot be fitted on other events"):
        stored.fit(task.fit_on("validation"))


def test_each_user_of_a_fold_is_fused_by_what_others_taught(tasks):
    whole = pool(tasks["repeat"])
    fused = fuse_by_user_folds(WeightedFusion(members()), whole, n_folds=4, rng=3)
    fold = np.random.default_rng(3).permutation(len(whole.users)) % 4
    for one in range(4):
        alone = WeightedFusion(members()).learn(whole.rows(fold != one))
        np.testing.assert_array_equal(fused[fold == one], alone.fuse(whole.rows(fold == one)))
    with pytest.raises(ValueError, match="n_folds must be between 2 and"):
        fuse_by_user_folds(WeightedFusion(members()), whole, n_folds=1)


def test_pool_holds_each_members_best_and_its_scores(tasks):
    task = tasks["new"]
    made = pool(task, n_candidates=3)
    excluded = task.exclude("validation").toarray() > 0
    for row, user in enumerate(made.users):
        items = made.items[row][made.there[row]]
        assert len(set(items)) == len(items)
        assert not excluded[user, items].any()
        for number, model in enumerate(members().values()):
            model.fit(task.fit_on("validation"))
            best = model.recommend(
                [user], 3, exclude=task.exclude("validation"),
                candidates=task.candidates("validation"),
            )[0]  # fmt: skip
            assert set(best[best >= 0]) <= set(items)
            np.testing.assert_array_equal(
                made.scores[number, row][made.there[row]], model.score([user])[0, items]
            )
    assert np.isneginf(made.scores[:, ~made.there]).all()


def test_pools_can_be_narrowed_and_filled_up(tasks):
    made = pool(tasks["repeat"])
    assert made.only(["users", "past"]).names == ("users", "past")
    with pytest.raises(ValueError, match="no member 'tea'"):
        made.only(["tea"])
    full = made.full(made.scores[2])
    assert full.shape == (len(made.users), tasks["repeat"].fit_on("test").n_items)
    outside = np.ones(full.shape, bool)
    outside[np.nonzero(made.there)[0], made.items[made.there]] = False
    assert (
        full.max(axis=1, where=outside, initial=-9) < full.min(axis=1, where=~outside, initial=9)
    ).all()


def test_a_shortened_pool_keeps_what_some_member_has_near_the_top(tasks):
    made = pool(tasks["repeat"])
    short = made.shorten(2)
    for row, items in enumerate(short.items):
        wanted = {item for scores in made.scores for item in made.lists(scores, 2)[row]} - {-1}
        assert items[items >= 0].tolist() == sorted(wanted)
        at = np.isin(made.items[row], items[items >= 0])
        np.testing.assert_array_equal(
            short.scores[:, row, : len(wanted)], made.scores[:, row][:, at]
        )
    assert (short.scores[:, ~short.there] == -np.inf).all()
    assert short.items.shape[1] < made.items.shape[1]


def test_equal_scores_stand_in_the_order_of_their_items():
    items = np.array([[2, 5, 7, 9, -1]], dtype=np.int32)
    scores = np.array([[[1, 3, 3, 1, -np.inf]]], dtype=np.float32)
    made = Pool(("a",), np.array([0]), items, scores, held_out_window().known)
    assert made.lists(scores[0], 3).tolist() == [[5, 7, 2]]
    assert made.lists(scores[0], 7).tolist() == [[5, 7, 2, 9, -1, -1, -1]]


def test_switch_takes_the_member_that_was_best_in_each_group():
    window = held_out_window()
    users = np.arange(10)
    items = np.tile(np.arange(10, dtype=np.int32), (10, 1))
    right = window.relevant.toarray()[:10, :10]
    odd = (users % 2 == 1)[:, None]
    scores = np.stack([np.where(odd, right, -right), np.where(odd, -right, right)]).astype("f4")
    made = Pool(("odd", "even"), users, items, scores, window.known, window, (window.known,))
    switch = Switch(["odd", "even"], by=lambda known, rows: rows % 2 * 1.0, n_groups=2)
    switch.learn(made)
    assert switch.chosen_.tolist() == [1, 0]
    assert made.ndcg(switch.fuse(made)).tolist() == [1.0] * 10
    assert np.mean(made.ndcg(scores[0])) < 1


def test_cascade_orders_what_the_first_lets_through():
    items = np.array([[0, 1, 2, 3, -1]], dtype=np.int32)
    scores = np.array(
        [[[4, 3, 2, 1, -np.inf]], [[1, 2, 9, 9, -np.inf]], [[7, 0, 8, 0, -np.inf]]], dtype="f4"
    )
    made = Pool(("a", "b", "c"), np.array([0]), items, scores, held_out_window().known)
    assert made.lists(Cascade(["a", "b"], cuts=3).fuse(made), 4).tolist() == [[2, 1, 0, 3]]
    three = Cascade(["a", "b", "c"], cuts=[3, 2]).fuse(made)
    assert made.lists(three, 4).tolist() == [[2, 1, 0, 3]]
    last = Cascade(["b", "a", "c"], cuts=[2, 2]).fuse(made)
    assert made.lists(last, 4).tolist() == [[2, 3, 1, 0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ScoreFusion({}), "members must name at least one"),
        (lambda: ScoreFusion(PAIR, normalise="sigmoid"), "normalise must be one of"),
        (lambda: ScoreFusion(PAIR, method="mnz"), "CombMNZ needs scores of at least 0"),
        (lambda: ScoreFusion(PAIR, weights={"ease": 1}), "weights must name each member once"),
        (lambda: ScoreFusion(PAIR, weights=[1, 2, 3]), "weights must be 2 finite numbers"),
        (lambda: RankFusion(PAIR, method="lottery"), "method must be one of"),
        (lambda: WeightedFusion(PAIR, search="luck"), "search must be one of"),
        (lambda: Stack(PAIR, meta="oracle"), "meta must be one of"),
        (lambda: Cascade({"ease": EASE(1)}), "at least two members"),
        (lambda: Cascade(PAIR, cuts=[1, 2]), "needs 1 cuts"),
        (lambda: WeightedFusion(PAIR).learn(), "needs at least one pool or window"),
        (lambda: WeightedFusion(PAIR).fit(held_out_window().known), "has not learnt how to fuse"),
        (lambda: ScoreFusion(["a"]).fit(held_out_window().known), "members by name only"),
        (lambda: make_pool(TRIO, held_out_window()), "member 'past' is not fitted"),
    ],
)
def test_refusals_say_what_and_how_to_mend_it(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_members_given_by_the_caller_stay_as_they_were(tasks):
    task = tasks["repeat"]
    mine = members()
    fusion = ScoreFusion(mine).fit(task.fit_on("test"))
    assert not any(hasattr(model, "interactions_") for model in mine.values())
    fitted = {name: model.fit(task.fit_on("test")) for name, model in mine.items()}
    again = ScoreFusion(fitted).fit(task.fit_on("test"))
    assert again.members_["ease"] is fitted["ease"]
    np.testing.assert_array_equal(fusion.score(), again.score())


def test_a_fusion_of_score_arrays_needs_a_pool_only(tasks):
    made = pool(tasks["repeat"])
    by_name = ScoreFusion(["ease", "past"], normalise="rank").fuse(made)
    by_model = ScoreFusion({"ease": EASE(1), "past": PersonalFrequency()}, normalise="rank")
    np.testing.assert_array_equal(by_name, by_model.fuse(made))


def test_neighbours_and_ease_together_hold_more_than_each(tasks):
    fitted = {"a": EASE(1), "b": ItemNeighbours(3)}
    fusion = ScoreFusion(fitted).fit(tasks["repeat"].fit_on("test"))
    alone = [member.held_megabytes() for member in fusion.members_.values()]
    assert fusion.held_megabytes() == pytest.approx(sum(alone), rel=0.01)
    assert min(alone) > 0
