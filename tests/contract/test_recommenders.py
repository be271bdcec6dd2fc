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
def test_held_out_item_of_the_own_colour_comes_first(model, events):
    lists = fresh(model).fit(events).recommend(np.arange(10), 3, exclude=events)
    assert lists[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize("model", found_by(REPEAT), ids=label)
def test_items_taken_before_come_first(model, events):
    lists = fresh(model).fit(events).recommend(np.arange(10), 4)
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

    def test_scores_are_finite_float32_of_all_users_and_items(self, model, events):
        scores = fresh(model).fit(events).score()
        assert scores.shape == (11, 11)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_some_users_score_as_among_all(self, model, events):
        model = fresh(model).fit(events)
        rows = np.array([7, 0, 10, 7])
        np.testing.assert_array_equal(model.score(rows), model.score()[rows])
        np.testing.assert_array_equal(model.recommend(rows, 4), model.recommend(k=4)[rows])

    def test_no_users_give_no_rows(self, model, events):
        model = fresh(model).fit(events)
        assert model.score([]).shape == (0, 11)
        assert model.recommend([], 3).shape == (0, 3)

    def test_users_outside_the_index_are_refused(self, model, events):
        model = fresh(model).fit(events)
        for wrong in ([11], [-1], ["user 1"], [0.5], 3):
            with pytest.raises(ValueError, match="users must"):
                model.score(wrong)

    def test_excluded_items_are_never_recommended(self, model, events):
        lists = fresh(model).fit(events).recommend(k=5, exclude=events)
        taken = events.matrix("binary").toarray() > 0
        for user, items in enumerate(lists):
            assert not taken[user, items[items >= 0]].any()

    def test_only_candidates_are_recommended(self, model, events):
        candidates = np.arange(11) % 3 == 0
        lists = fresh(model).fit(events).recommend(k=4, candidates=candidates)
        assert np.sort(lists, axis=1).tolist() == [[0, 3, 6, 9]] * 11

    def test_lists_longer_than_the_catalogue_are_padded(self, model, events):
        lists = fresh(model).fit(events).recommend(k=20, exclude=events)
        for user, items in enumerate(lists):
            room = 11 - 4 * (user < 10)  # each of the ten took four items
            assert (items[:room] >= 0).all()
            assert len(set(items[:room])) == room
            assert (items[room:] == -1).all()

    def test_item_without_events_never_beats_one_with(self, model, events):
        if type(model).__name__ != "Random":
            scores = fresh(model).fit(events).score()
            assert (scores[:, 10:] <= scores[:, :10]).all()

    def test_score_belongs_to_the_caller(self, model, events):
        model = fresh(model).fit(events)
        before = model.score()
        model.score()[:] = -1
        np.testing.assert_array_equal(model.score(), before)

    def test_same_parameters_make_an_equal_model(self, model, events):
        other = fresh(model)
        assert other.get_params() == model.get_params()
        assert repr(other) == repr(model)
        np.testing.assert_array_equal(fresh(model).fit(events).score(), other.fit(events).score())

    def test_fitting_again_forgets_the_first_data(self, model, events):
        half = events.select(events.user < 5)
        refitted = fresh(model).fit(half).fit(events).score()
        np.testing.assert_array_equal(refitted, fresh(model).fit(events).score())

    def test_input_is_left_as_it_was(self, model, events):
        before = copy.deepcopy(events)
        fresh(model).fit(events).recommend(k=3, exclude=events)
        for name in ("user", "item", "value", "time"):
            np.testing.assert_array_equal(getattr(events, name), getattr(before, name))
        assert events.users.equals(before.users)
        assert events.items.equals(before.items)

    def test_order_of_the_events_does_not_matter(self, model, events):
        shuffled = events.select(np.random.default_rng(1).permutation(len(events)))
        np.testing.assert_allclose(
            fresh(model).fit(shuffled).score(), fresh(model).fit(events).score(), rtol=1e-5
        )

    def test_data_without_any_event_is_no_reason_to_fail(self, model, no_events):
        scores = fresh(model).fit(no_events).score()
        assert scores.shape == (11, 11)
        assert np.isfinite(scores).all()

    def test_what_a_fitted_model_holds_leaves_its_events_out(self, model, events):
        model = fresh(model).fit(events)
        held = model.held_megabytes()
        model.more_ = np.zeros(2**17)
        assert model.held_megabytes() == held + 1
        model.more_ = events
        assert model.held_megabytes() == held

    def test_unfitted_model_says_so(self, model):
        for ask in (fresh(model).score, fresh(model).recommend):
            with pytest.raises(ValueError, match=f"{type(model).__name__} is not fitted yet"):
                ask()

    def test_copy_and_pickle_give_the_same_scores(self, model, events):
        model = fresh(model).fit(events)
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other.score(), model.score())
