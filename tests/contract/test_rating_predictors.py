"""What every rating predictor must do. A new model joins with a line in `registered`."""

import copy
import pickle

import numpy as np
import pytest
from registered import PREDICTORS, label

import recbook.fusion
from recbook.fusion.rating_fusion import StoredRatingFusion
from recbook.models import RatingPredictor

MODELS = [model for model, _ in PREDICTORS]
USERS, ITEMS = (axis.ravel() for axis in np.indices((11, 11)))


def fresh(model):
    return type(model)(**model.get_params())


def test_every_public_rating_predictor_is_registered(public_classes):
    registered = {type(model) for model in MODELS}
    # What a stored pool makes predicts the pairs of that pool only; tests/unit has its contract.
    found = public_classes(RatingPredictor) | public_classes(RatingPredictor, recbook.fusion)
    assert found - {StoredRatingFusion} == registered


PERSONAL = [(model, off) for model, off in PREDICTORS if off is not None]


@pytest.mark.parametrize(("model", "off"), PERSONAL, ids=[repr(model) for model, _ in PERSONAL])
def test_held_out_rating_is_found(model, off, ratings):
    predicted = fresh(model).fit(ratings).predict(np.arange(10), np.arange(10))
    # Centred neighbours too: their deviation from their own mean is added to the user's mean, and
    # each has four fives and five ones, so it is 5 again.
    np.testing.assert_allclose(predicted, 5, atol=off, rtol=1e-7)


@pytest.mark.parametrize("model", [model for model, _ in PERSONAL], ids=label)
def test_cells_of_the_other_colour_are_predicted_low(model, ratings):
    user = np.arange(10)
    white = ratings.select((ratings.user + 1) % 10 != ratings.item)  # these are held out as well
    predicted = fresh(model).fit(white).predict(user, (user + 1) % 10)
    assert (predicted < 3).all()


@pytest.mark.parametrize("model", MODELS, ids=label)
class TestRatingPredictor:
    def test_fit_returns_self(self, model, ratings):
        model = fresh(model)
        assert model.fit(ratings) is model

    def test_predictions_are_finite_float64_within_the_scale(self, model, ratings):
        predicted = fresh(model).fit(ratings).predict(USERS, ITEMS)
        low, high = model.scale or (1, 5)
        assert predicted.shape == (121,)
        assert predicted.dtype == np.float64
        assert ((predicted >= low) & (predicted <= high)).all()

    def test_narrow_scale_clips(self, model, ratings):
        params = model.get_params() | {"scale": (2, 2.5)}
        predicted = type(model)(**params).fit(ratings).predict(USERS, ITEMS)
        assert ((predicted >= 2) & (predicted <= 2.5)).all()

    def test_some_pairs_are_predicted_as_among_all(self, model, ratings):
        model = fresh(model).fit(ratings)
        pairs = np.array([17, 3, 120, 3, 66])
        np.testing.assert_allclose(
            model.predict(USERS[pairs], ITEMS[pairs]), model.predict(USERS, ITEMS)[pairs],
            rtol=1e-12,
        )  # fmt: skip
        assert model.predict([], []).shape == (0,)

    def test_predict_all_is_predict_of_every_cell(self, model, ratings):
        model = fresh(model).fit(ratings)
        whole = model.predict(USERS, ITEMS).reshape(11, 11)
        np.testing.assert_allclose(model.predict_all(), whole, rtol=1e-12)
        np.testing.assert_allclose(model.predict_all([3, 10, 3]), whole[[3, 10, 3]], rtol=1e-12)

    def test_wrong_pairs_are_refused(self, model, ratings):
        model = fresh(model).fit(ratings)
        for users, items, message in (
            ([11], [0], "users must"), ([0], [-1], "items must"), ([0], ["item 1"], "items must"),
            ([0, 1], [0], "one item for each user"), (0, 0, "users must"),
        ):  # fmt: skip
            with pytest.raises(ValueError, match=message):
                model.predict(users, items)

    def test_impossible_training_data_is_refused(self, model, ratings, no_events):
        twice = ratings.select([0, 1, 1])
        broken = type(ratings)(
            [0, 1], [0, 1], [3, np.nan], [0, 0], users=ratings.users, items=ratings.items
        )
        for data, message in (
            (no_events, "no ratings"), (twice, "repeat a"), (broken, "rating 1 is nan"),
        ):  # fmt: skip
            with pytest.raises(ValueError, match=message):
                fresh(model).fit(data)

    def test_same_parameters_make_an_equal_model(self, model, ratings):
        other = fresh(model)
        assert other.get_params() == model.get_params()
        assert repr(other) == repr(model)
        np.testing.assert_array_equal(
            fresh(model).fit(ratings).predict(USERS, ITEMS),
            other.fit(ratings).predict(USERS, ITEMS),
        )

    def test_fitting_again_forgets_the_first_data(self, model, ratings):
        half = ratings.select(ratings.user < 5)
        refitted = fresh(model).fit(half).fit(ratings).predict(USERS, ITEMS)
        np.testing.assert_array_equal(refitted, fresh(model).fit(ratings).predict(USERS, ITEMS))

    def test_input_is_left_as_it_was(self, model, ratings):
        before = copy.deepcopy(ratings)
        users, items = USERS.copy(), ITEMS.copy()
        fresh(model).fit(ratings).predict(users, items)
        for name in ("user", "item", "value", "time"):
            np.testing.assert_array_equal(getattr(ratings, name), getattr(before, name))
        np.testing.assert_array_equal(users, USERS)
        np.testing.assert_array_equal(items, ITEMS)

    def test_unfitted_model_says_so(self, model):
        for ask in (lambda m: m.predict([0], [0]), lambda m: m.predict_all()):
            with pytest.raises(ValueError, match=f"{type(model).__name__} is not fitted yet"):
                ask(fresh(model))

    def test_impossible_scale_is_refused(self, model):
        for scale in ((5, 1), (1, 2, 3)):
            with pytest.raises(ValueError, match="scale must be"):
                type(model)(**(model.get_params() | {"scale": scale}))

    def test_copy_and_pickle_give_the_same_predictions(self, model, ratings):
        model = fresh(model).fit(ratings)
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(other.predict(USERS, ITEMS), model.predict(USERS, ITEMS))
