import dataclasses
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from surprise import Dataset, Reader
from surprise.model_selection import KFold

from recbook.data.interactions import Interactions
from recbook.evaluation import ranking
from recbook.evaluation.protocols import (
    TopNTask,
    evaluate,
    journey_tasks,
    leaderboard,
    movielens_task,
    rating_folds,
)
from recbook.models.baselines import PersonalFrequency, Popularity

DAY = 86_400
N_DAYS = 40


def shop(seed=0, n_users=30, n_items=25, n_events=1500):
    """Purchases over forty days; low items are popular, and each user has favourites."""
    rng = np.random.default_rng(seed)
    favourite = rng.integers(n_items, size=(n_users, 3))
    user = rng.integers(n_users, size=n_events)
    popular = np.minimum(rng.geometric(0.15, n_events) - 1, n_items - 1)
    item = np.where(
        rng.random(n_events) < 0.5, favourite[user, rng.integers(3, size=n_events)], popular
    )
    frame = pd.DataFrame({"user_id": user + 100, "item_id": item})
    frame["time"] = rng.integers(N_DAYS * DAY, size=n_events)
    frame = frame.drop_duplicates().sort_values("time")
    return Interactions.from_frame(frame, time="time", items=range(n_items))


def shop_tasks(purchases=None, **options):
    defaults = {"cut": 30 * DAY, "window_days": 10, "n_earlier": 1, "min_users": 8}
    return journey_tasks(purchases or shop(), **{**defaults, **options})


def films(seed=0, n_users=40, n_items=60):
    rng = np.random.default_rng(seed)
    seen = [rng.permutation(n_items)[: rng.integers(10, 50)] for _ in range(n_users)]
    frame = pd.DataFrame(
        [(user, item) for user, items in enumerate(seen) for item in items],
        columns=["user_id", "item_id"],
    )
    frame["rating"] = rng.integers(2, 6, len(frame)).astype(float)
    frame["time"] = rng.integers(0, 30, len(frame))  # many at the same time
    return Interactions.from_frame(
        frame.sample(frac=1, random_state=seed),
        value="rating",
        time="time",
        items=range(n_items),
    )


@pytest.mark.parametrize("n_ratings", [11, 103])
def test_rating_folds_are_those_of_surprise(n_ratings):
    rng = np.random.default_rng(n_ratings)
    cells = rng.choice(400, n_ratings, replace=False)
    frame = pd.DataFrame({"user_id": cells // 20, "item_id": cells % 20})
    frame["rating"] = rng.integers(1, 6, n_ratings).astype(float)
    data = Dataset.load_from_df(frame, Reader())
    ratings = Interactions.from_frame(frame, value="rating")

    ours = list(rating_folds(ratings))
    theirs = list(KFold(n_splits=5, random_state=0).split(data))
    assert len(ours) == len(theirs) == 5
    for (train, test), (their_train, their_test) in zip(ours, theirs, strict=True):
        assert list(test.frame().itertuples(index=False, name=None)) == their_test
        # Surprise numbers users as they come, so the same numbers mean the same order.
        coded = pd.DataFrame(their_train.all_ratings(), columns=["user", "item", "rating"])
        coded["user"] = coded["user"].map(their_train.to_raw_uid)
        coded["item"] = coded["item"].map(their_train.to_raw_iid)
        by_user = train.frame()
        first_seen = pd.Index(by_user["user_id"].unique())
        order = np.argsort(first_seen.get_indexer(by_user["user_id"]), kind="stable")
        assert coded.to_numpy().tolist() == by_user.iloc[order].to_numpy().tolist()


def test_rating_folds_need_enough_ratings():
    with pytest.raises(ValueError, match="between 2 and the 3 ratings"):
        next(rating_folds(shop().select([0, 1, 2])))


@pytest.mark.parametrize(("name", "start"), [("test", 30), ("validation", 20), ("earlier_1", 10)])
def test_shop_windows_by_a_plain_loop(name, start):
    purchases = shop()
    frame = purchases.frame()
    day = (frame["time"] - pd.Timestamp(0)).dt.total_seconds() / DAY
    before, inside = frame[day < start], frame[(day >= start) & (day < start + 10)]
    buyers = before.drop_duplicates(["user_id", "item_id"]).groupby("item_id").size()
    wanted = set(buyers.index[buyers >= 8])
    had = set(zip(before["user_id"], before["item_id"], strict=True))
    bought = {
        (u, i) for u, i in zip(inside["user_id"], inside["item_id"], strict=True) if i in wanted
    }
    known_users = set(before["user_id"])
    tasks = shop_tasks(purchases)
    for task, expected in ((tasks["repeat"], bought), (tasks["new"], bought - had)):
        window = task.window(name)
        rows, columns = window.relevant.nonzero()
        found = zip(purchases.users[rows], purchases.items[columns], strict=True)
        assert set(found) == expected
        assert set(purchases.items[window.candidates]) == wanted
        judged = {u for u, _ in expected} & known_users
        assert set(purchases.users[window.users]) == judged
        assert len(window.known) == len(before)
    assert tasks["repeat"].exclude(name) is None
    rows, columns = tasks["new"].exclude(name).nonzero()
    assert set(zip(purchases.users[rows], purchases.items[columns], strict=True)) == had


def test_test_models_may_know_validation():
    task = shop_tasks()["repeat"]
    split = task.split
    assert len(task.fit_on("test")) == len(split.train) + len(split.validation)
    assert task.fit_on("validation") is split.train
    assert split.train.time.max() < split.validation.time.min()
    assert split.validation.time.max() < split.test.time.min()


def test_the_future_changes_nothing_that_is_known():
    purchases = shop()
    twisted = dataclasses.replace(
        purchases, item=np.where(purchases.time >= 30 * DAY, 0, purchases.item)
    )
    for name, task in shop_tasks(purchases).items():
        other = shop_tasks(twisted)[name]
        np.testing.assert_array_equal(task.fit_on().item, other.fit_on().item)
        np.testing.assert_array_equal(task.candidates(), other.candidates())
        assert (task.relevant("validation") != other.relevant("validation")).nnz == 0


def test_film_windows_by_a_plain_loop():
    ratings = films()
    task = movielens_task(ratings, min_positives=20)
    assert list(task.windows) == ["test", "validation", "earlier_1"]
    lines = {user: [] for user in range(ratings.n_users)}
    for event in np.argsort(ratings.time, kind="stable"):
        lines[ratings.user[event]].append((ratings.item[event], ratings.value[event] >= 4))
    judged = {u for u, line in lines.items() if sum(liked for _, liked in line) >= 20}
    assert 3 < len(judged) < ratings.n_users
    for place, name in enumerate(task.windows):
        window = task.window(name)
        assert set(window.users) == judged
        for user, line in lines.items():
            known = line
            if user in judged:
                liked = [at for at, (_, likes) in enumerate(line) if likes]
                stop = len(liked) - 5 * place
                held_out = {line[at][0] for at in liked[stop - 5 : stop]}
                assert set(window.relevant[[user]].indices) == held_out
                known = line[: liked[stop - 5]]
            assert set(window.exclude[[user]].indices) == {item for item, _ in known}
            mine = window.known.item[window.known.user == user]
            assert set(mine) == {item for item, likes in known if likes}


def test_film_task_errors():
    with pytest.raises(ValueError, match="min_positives must be above 15"):
        movielens_task(films(), min_positives=15)
    with pytest.raises(ValueError, match="no user has 99 ratings"):
        movielens_task(films(), min_positives=99)


def test_evaluate_gives_the_metrics_of_the_lists():
    task = shop_tasks()["new"]
    model = Popularity().fit(task.fit_on("validation"))
    frame = evaluate(model, task, on="validation", k=5)
    window = task.window("validation")
    lists = model.recommend(window.users, 5, exclude=window.exclude, candidates=window.candidates)
    relevant = window.relevant[window.users]
    np.testing.assert_array_equal(frame["ndcg"], ranking.ndcg_per_user(lists, relevant, 5))
    np.testing.assert_array_equal(frame["recall"], ranking.recall_per_user(lists, relevant, 5))
    assert frame.index.equals(window.known.users[window.users].rename("user_id"))
    for scores in (model.score(), model.score(window.users)):
        pd.testing.assert_frame_equal(evaluate(scores, task, on="validation", k=5), frame)


def test_perfect_scores_and_their_opposite():
    for task in shop_tasks().values():
        perfect = task.relevant().toarray()
        # More relevant items than places are possible, so recall may stay below 1.
        assert (evaluate(perfect, task)["ndcg"] == 1).all()
        assert evaluate(-perfect, task, k=3)["ndcg"].mean() < 0.1


def test_favourites_beat_popularity_on_repeats():
    task = shop_tasks()["repeat"]
    results = {
        name: evaluate(model.fit(task.fit_on()), task, k=5)
        for name, model in {"popular": Popularity(), "personal": PersonalFrequency()}.items()
    }
    table = leaderboard(results, baseline="popular")
    assert table.index.tolist() == ["personal", "popular"]
    assert table.loc["personal", "verdict"] == "better"
    assert table.loc["personal", "mean"] == pytest.approx(results["personal"]["ndcg"].mean())
    assert (table["low"] < table["mean"]).all()
    assert (table["mean"] < table["high"]).all()
    expected = (results["personal"]["ndcg"] - results["popular"]["ndcg"]).mean()
    assert table.loc["personal", "difference"] == pytest.approx(expected)
    assert pd.isna(table.loc["popular", "verdict"])


def test_a_model_that_has_seen_the_answers_is_refused():
    task = shop_tasks()["repeat"]
    cheat = PersonalFrequency().fit(task.fit_on("test"))
    with pytest.raises(ValueError, match="what the model was fitted on"):
        evaluate(cheat, task, on="validation")


def test_validation_may_not_be_test():
    windows = shop_tasks()["repeat"].windows
    with pytest.raises(ValueError, match="are in 'validation' as well"):
        TopNTask("same", {"test": windows["test"], "validation": windows["test"]})
    late = dataclasses.replace(windows["validation"], known=windows["test"].known)
    with pytest.raises(ValueError, match="known before 'validation'"):
        TopNTask("knows itself", {"test": windows["test"], "validation": late})
    swapped = {"test": windows["validation"], "validation": windows["test"]}
    with pytest.raises(ValueError, match="gives them away"):
        TopNTask("backwards", swapped)
    with pytest.raises(ValueError, match="no 'validation' window"):
        TopNTask("only test", {"test": windows["test"]})


def test_nobody_to_judge():
    windows = shop_tasks()["repeat"].windows
    nothing = sparse.csr_array(windows["test"].relevant.shape)
    empty = dataclasses.replace(windows["test"], relevant=nothing, users=None)
    with pytest.raises(ValueError, match="no user to judge"):
        TopNTask("empty", {**windows, "test": empty})


def test_other_indexes_are_refused():
    here, there = shop_tasks()["repeat"].windows, shop_tasks(shop(n_items=26))["repeat"].windows
    with pytest.raises(ValueError, match="other indexes"):
        TopNTask("mixed", {"test": here["test"], "validation": there["validation"]})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda task: evaluate(np.zeros((3, 25)), task), "scores have 3 rows"),
        (lambda task: evaluate(Popularity(), task), "not fitted"),
        (lambda task: task.window("tomorrow"), "no window 'tomorrow'"),
        (lambda task: evaluate(np.zeros((30, 24)), task), "24"),
        (
            lambda task: leaderboard(
                {"a": evaluate(np.zeros((30, 25)), task)}, "auc", baseline="a"
            ),
            "no column 'auc'",
        ),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call(shop_tasks()["repeat"])


def test_results_for_different_users_are_refused():
    task = shop_tasks()["repeat"]
    frame = evaluate(np.zeros((30, 25)), task)
    with pytest.raises(ValueError, match="different users"):
        leaderboard({"a": frame, "b": frame.iloc[::-1]}, baseline="a")


@pytest.mark.parametrize(
    ("options", "message"),
    [({"cut": 10 * DAY}, "before the validation"), ({"cut": 50 * DAY}, "in the test window")],
)
def test_shop_tasks_need_purchases_around_the_cut(options, message):
    with pytest.raises(ValueError, match=message):
        shop_tasks(**options, n_earlier=0)


def test_shop_tasks_need_times():
    with pytest.raises(ValueError, match="no times"):
        shop_tasks(Interactions.from_frame(shop().frame()))


def test_windows_follow_each_other_without_gaps():
    windows = list(shop_tasks(window_days=5, n_earlier=3)["repeat"].windows.values())
    for later, earlier in pairwise(windows):
        assert len(later.known) == len(earlier.known) + len(earlier.held_out)
