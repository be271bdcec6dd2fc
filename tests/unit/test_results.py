"""Reported results: fitted on what may be known, judged on test, entered whole."""

import json

import numpy as np
import pandas as pd
import pytest

from recbook.book import board, report, report_ratings
from recbook.data.interactions import Interactions
from recbook.evaluation.protocols import evaluate, journey_tasks, rating_folds
from recbook.evaluation.rating import mae, rmse
from recbook.evaluation.rating_board import rating_leaderboard, user_errors
from recbook.models import GlobalMean, Popularity, UserItemBias

DAY = 86_400


@pytest.fixture
def entered(tmp_path, monkeypatch):
    """Return a function that reads what was entered so far."""
    path = tmp_path / "results.jsonl"
    monkeypatch.setenv("RECBOOK_RESULTS", str(path))
    monkeypatch.setenv("RECBOOK_CHAPTER", "03_toy")
    return lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def task():
    rng = np.random.default_rng(0)
    events = pd.DataFrame(
        {
            "user_id": rng.integers(30, size=600),
            "item_id": rng.integers(20, size=600),
            "second": rng.integers(60 * DAY, size=600),
        }
    )
    purchases = Interactions.from_frame(events, time="second")
    return journey_tasks(purchases, cut=50 * DAY, window_days=10, n_earlier=0, min_users=1)[
        "repeat"
    ]


@pytest.fixture
def folds():
    cells = np.random.default_rng(1).permutation(20 * 15)[:200]
    ratings = pd.DataFrame(
        {
            "user_id": cells // 15,
            "item_id": cells % 15,
            "rating": np.random.default_rng(2).integers(1, 6, 200),
        }
    )
    return list(rating_folds(Interactions.from_frame(ratings, value="rating"), n_folds=4))


def test_report_fits_before_the_test_window_and_enters_every_user(task, entered):
    model = Popularity()
    values = report("popularity", model, task)
    assert len(model.interactions_) == len(task.fit_on("test"))
    pd.testing.assert_frame_equal(values, evaluate(model, task, on="test"))
    (result,) = entered()
    assert (result["chapter"], result["task"], result["name"]) == ("03_toy", "repeat", "popularity")
    assert result["model"] == repr(model)
    np.testing.assert_allclose(result["values"]["ndcg"], values.ndcg, atol=1e-6)
    np.testing.assert_allclose(result["values"]["recall"], values.recall, atol=1e-6)
    assert result["fit_seconds"] > 0
    assert result["score_seconds"] > 0


def test_a_model_is_fitted_once_for_tasks_that_share_their_events(task, entered):
    class Counting(Popularity):
        fits = 0

        def fit(self, interactions):
            self.fits += 1
            return super().fit(interactions)

    model = Counting()
    report("a", model, task)
    report("b", model, task)
    assert model.fits == 1
    assert entered()[0]["fit_seconds"] == entered()[1]["fit_seconds"]
    model.by = "events"
    report("c", model, task)
    assert model.fits == 2
    model.fit(task.fit_on("validation"))
    report("d", model, task)
    assert model.fits == 4
    assert len(model.interactions_) == len(task.fit_on("test"))


def test_reported_ratings_are_the_predictions_of_each_fold(folds, entered):
    predicted = report_ratings("bias", UserItemBias(), folds)
    by_hand = [UserItemBias().fit(a).predict(b.user, b.item) for a, b in folds]
    np.testing.assert_array_equal(predicted, np.concatenate(by_hand))
    (result,) = entered()
    actual = np.concatenate([test.value for _, test in folds])
    n = sum(result["values"]["n"])
    assert n == 200
    assert np.sqrt(sum(result["values"]["squared"]) / n) == pytest.approx(rmse(actual, predicted))
    assert sum(result["values"]["absolute"]) / n == pytest.approx(mae(actual, predicted))


def test_one_model_for_each_fold_is_taken_in_their_order(folds):
    models = [GlobalMean(scale=(fold, fold + 0.5)) for fold in range(4)]
    predicted = report_ratings("clipped", models, folds)
    at = np.repeat(np.arange(4), [len(test) for _, test in folds])
    assert ((predicted >= at) & (predicted <= at + 0.5)).all()
    with pytest.raises(ValueError, match="one for each of 4 folds, got 3"):
        report_ratings("too few", models[:3], folds)


def test_the_trained_weights_of_a_network_are_entered(task, monkeypatch, tmp_path):
    monkeypatch.setenv("RECBOOK_RESULTS", str(tmp_path / "results"))
    model = Popularity()
    report("plain", model, task)
    model.n_parameters_ = 12
    values = report("as if trained", model, task)
    lines = (tmp_path / "results").read_text(encoding="utf-8").splitlines()
    entered = [json.loads(line) for line in lines]
    assert [one["parameters"] for one in entered] == [None, 12]
    assert values.attrs == {name: entered[1][name] for name in ("fit_seconds", "score_seconds")}


def test_without_a_build_nothing_is_written(task, monkeypatch, tmp_path):
    monkeypatch.delenv("RECBOOK_RESULTS", raising=False)
    monkeypatch.chdir(tmp_path)
    report("popularity", Popularity(), task)
    assert list(tmp_path.iterdir()) == []


def test_board_shows_means_intervals_and_verdicts():
    users = pd.RangeIndex(40, name="user_id")
    results = {
        "low": pd.DataFrame({"ndcg": np.full(40, 1 / 4)}, index=users),
        "high": pd.DataFrame({"ndcg": np.full(40, 1 / 2)}, index=users),
    }
    table = board(results, "low")
    assert table.index.tolist() == ["high", "low"]
    assert table.loc["high"].tolist() == ["0.500", "[0.500, 0.500]", "better"]
    assert table.loc["low"].tolist() == ["0.250", "[0.250, 0.250]", "–"]
    assert table.columns.tolist() == ["NDCG@10", "95 % interval", "against low"]


def errors(squared, n=4):
    squared = np.asarray(squared, dtype=float)
    frame = {"n": n, "squared": squared, "absolute": squared / 2}
    return pd.DataFrame(frame, index=pd.RangeIndex(len(squared), name="user_id"))


def test_rating_leaderboard_weighs_users_by_their_ratings():
    one, other = errors([1.0] * 10 + [3.0] * 10), errors([8.0] * 20)
    table = rating_leaderboard({"a": one, "b": other}, baseline="b")
    assert table.rmse["a"] == pytest.approx(np.sqrt((10 * 1 + 10 * 3) / 80))
    assert table.mae["b"] == pytest.approx(20 * 4 / 80)
    assert table.difference["a"] == pytest.approx(np.sqrt(1 / 2) - np.sqrt(2))
    assert table.difference_low["a"] < table.difference["a"] < table.difference_high["a"] < 0
    assert table.low["a"] < table.rmse["a"] < table.high["a"]
    assert table.verdict["a"] == "better"
    assert table.index.tolist() == ["a", "b"]


def test_rating_leaderboard_cannot_tell_noise():
    rng = np.random.default_rng(5)
    table = rating_leaderboard(
        {"a": errors(rng.random(50)), "b": errors(rng.random(50))}, baseline="b"
    )
    assert table.verdict["a"] == "cannot tell"


def test_rating_leaderboard_refuses_other_ratings():
    with pytest.raises(ValueError, match="'a' and 'b' were judged on other ratings"):
        rating_leaderboard({"a": errors([1, 2, 3], n=5), "b": errors([1, 2, 3])}, baseline="b")


def test_user_errors_need_a_prediction_for_each_rating(folds):
    with pytest.raises(ValueError, match="one number for each pair"):
        user_errors(np.ones(199), folds)
