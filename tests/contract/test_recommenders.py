"""What every recommender must do. A new model joins with a line in `registered`."""

import copy
import pickle

import numpy as np
import pytest
from registered import FUSIONS, NEW, RECOMMENDERS, REPEAT, fresh, label

import recbook.fusion
import recbook.models
from recbook.fusion import Fusion
from recbook.models import Recommender

MODELS = [model for model, _ in [*RECOMMENDERS, *FUSIONS]]


def found_by(*answers):
    return [model for model, answer in [*RECOMMENDERS, *FUSIONS] if answer in answers]


@pytest.fixture(scope="module")
def fits():
    """Return the models that were fitted on the board already, by the model they are of."""
    return {}


@pytest.fixture
def fitted(model, events, fits):
    """Return a fitted copy of the model; fitting each once saves minutes of training."""
    if id(model) not in fits:
        fits[id(model)] = fresh(model).fit(events)
    return copy.deepcopy(fits[id(model)])


def test_every_public_recommender_is_registered(public_classes):
    found = public_classes(Recommender, recbook.models)
    assert found == {type(model) for model, _ in RECOMMENDERS}


def test_every_public_fusion_is_registered(public_classes):
    found = public_classes(Fusion, recbook.fusion)
    # A stored ranking knows the order of one pool only; tests/unit has its contract.
    assert {one for one in found if one.__name__ != "StoredRanking"} == {
        type(model) for model, _ in FUSIONS
    }


@pytest.mark.parametrize("model", found_by(NEW), ids=label)
def test_held_out_item_of_the_own_colour_comes_first(fitted, events):
    lists = fitted.recommend(np.arange(10), 3, exclude=events)
    assert lists[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize("model", found_by(REPEAT), ids=label)
def test_items_taken_before_come_first(fitted):
    lists = fitted.recommend(np.arange(10), 4)
    for user, items in enumerate(lists):
        assert sorted(items) == [i for i in range(10) if (user + i) % 2 == 0 and i != user]


@pytest.mark.parametrize("model", found_by(NEW), ids=label)
def test_answer_follows_the_data_when_users_are_shuffled(model, events):
    shuffled = np.random.default_rng(0).permutation(10)
    moved = type(events)(
        user=shuffled[events.user], item=events.item, value=events.value, time=events.time,
        users=events.users, items=events.items,
    )  # fmt: skip
    lists = fresh(model).fit(moved).recommend(shuffled, 1, exclude=moved)
    assert lists[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize("model", MODELS, ids=label)
class TestRecommender:
    def test_fit_returns_self(self, model, events):
        model = fresh(model)
        assert model.fit(events) is model

    def test_scores_are_finite_float32_of_all_users_and_items(self, fitted):
        scores = fitted.score()
        assert scores.shape == (11, 11)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_some_users_score_as_among_all(self, fitted):
        rows = np.array([7, 0, 10, 7])
        np.testing.assert_array_equal(fitted.score(rows), fitted.score()[rows])
        np.testing.assert_array_equal(fitted.recommend(rows, 4), fitted.recommend(k=4)[rows])

    def test_no_users_give_no_rows(self, fitted):
        assert fitted.score([]).shape == (0, 11)
        assert fitted.recommend([], 3).shape == (0, 3)

    def test_users_outside_the_index_are_refused(self, fitted):
        for wrong in ([11], [-1], ["user 1"], [0.5], 3):
            with pytest.raises(ValueError, match="users must"):
                fitted.score(wrong)

    def test_excluded_items_are_never_recommended(self, fitted, events):
        lists = fitted.recommend(k=5, exclude=events)
        taken = events.matrix("binary").toarray() > 0
        for user, items in enumerate(lists):
            assert not taken[user, items[items >= 0]].any()

    def test_only_candidates_are_recommended(self, fitted):
        candidates = np.arange(11) % 3 == 0
        lists = fitted.recommend(k=4, candidates=candidates)
        assert np.sort(lists, axis=1).tolist() == [[0, 3, 6, 9]] * 11

    def test_lists_longer_than_the_catalogue_are_padded(self, fitted, events):
        lists = fitted.recommend(k=20, exclude=events)
        for user, items in enumerate(lists):
            room = 11 - 4 * (user < 10)  # each of the ten took four items
            assert (items[:room] >= 0).all()
            assert len(set(items[:room])) == room
            assert (items[room:] == -1).all()

    def test_item_without_events_never_beats_one_with(self, model, fitted):
        if type(model).__name__ != "Random":
            scores = fitted.score()
            assert (scores[:, 10:] <= scores[:, :10]).all()

    def test_score_belongs_to_the_caller(self, fitted):
        before = fitted.score()
        fitted.score()[:] = -1
        np.testing.assert_array_equal(fitted.score(), before)

    def test_same_parameters_make_an_equal_model(self, model, fitted, events):
        other = fresh(model)
        assert other.get_params() == model.get_params()
        assert repr(other) == repr(model)
        np.testing.assert_array_equal(fitted.score(), other.fit(events).score())

    def test_fitting_again_forgets_the_first_data(self, model, fitted, events):
        half = events.select(events.user < 5)
        refitted = fresh(model).fit(half).fit(events).score()
        np.testing.assert_array_equal(refitted, fitted.score())

    def test_input_is_left_as_it_was(self, model, events):
        before = copy.deepcopy(events)
        fresh(model).fit(events).recommend(k=3, exclude=events)
        for name in ("user", "item", "value", "time"):
            np.testing.assert_array_equal(getattr(events, name), getattr(before, name))
        assert events.users.equals(before.users)
        assert events.items.equals(before.items)

    def test_order_of_the_events_does_not_matter(self, model, fitted, events):
        shuffled = events.select(np.random.default_rng(1).permutation(len(events)))
        other = fresh(model).fit(shuffled)
        np.testing.assert_allclose(other.score(), fitted.score(), rtol=1e-5)

    def test_data_without_any_event_is_no_reason_to_fail(self, model, no_events):
        scores = fresh(model).fit(no_events).score()
        assert scores.shape == (11, 11)
        assert np.isfinite(scores).all()

    def test_what_a_fitted_model_holds_leaves_its_events_out(self, fitted, events):
        held = fitted.held_megabytes()
        fitted.more_ = np.zeros(2**17)
        assert fitted.held_megabytes() == held + 1
        fitted.more_ = events
        assert fitted.held_megabytes() == held

    def test_unfitted_model_says_so(self, model):
        for ask in (fresh(model).score, fresh(model).recommend):
            with pytest.raises(ValueError, match=f"{type(model).__name__} is not fitted yet"):
                ask()

    def test_copy_and_pickle_give_the_same_scores(self, fitted):
        for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
            np.testing.assert_array_equal(other.score(), fitted.score())
