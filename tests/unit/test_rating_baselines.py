"""Rating predictors without a model of taste: by hand, and equal to Surprise's BaselineOnly."""

import os
import tempfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.models.rating_baselines import GlobalMean, RandomRating, UserItemBias

# Importing Surprise makes a folder; keep it out of the home directory.
os.environ.setdefault("SURPRISE_DATA_FOLDER", os.path.join(tempfile.gettempdir(), "surprise"))

TRIPLES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.floats(1, 5)),
    min_size=1, max_size=30, unique_by=lambda triple: triple[:2],
)  # fmt: skip


def interactions(triples, n_users=8, n_items=8):
    user, item, value = zip(*triples, strict=True)
    return Interactions(
        user=user, item=item, value=value, time=np.zeros(len(user)),
        users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items), has_time=False,
    )  # fmt: skip


def test_global_mean_is_the_mean():
    model = GlobalMean().fit(interactions([(0, 0, 5), (0, 1, 2), (3, 1, 1)]))
    assert model.predict([0, 7], [1, 7]).tolist() == [8 / 3, 8 / 3]
    assert model.mean_ == 8 / 3
    assert model.scale_ == (1, 5)


def test_first_round_of_biases_by_hand():
    # The mean is 3. Items first: item 0 got 5 and 4, item 1 got 2 and 1; then users.
    events = interactions([(0, 0, 5), (1, 0, 4), (0, 1, 2), (1, 1, 1)])
    model = UserItemBias(reg_user=2, reg_item=1, n_rounds=1).fit(events)
    b = (2 + 1) / (1 + 2)
    assert model.item_bias_[:3].tolist() == [b, -b, 0]
    u = ((5 - 3 - b) + (2 - 3 + b)) / (2 + 2)
    assert model.user_bias_[:3].tolist() == [u, ((4 - 3 - b) + (1 - 3 + b)) / (2 + 2), 0]
    assert model.predict([0, 0, 5], [0, 5, 5]) == pytest.approx([3 + u + b, 3 + u, 3])


def test_more_rounds_minimise_the_penalised_squared_error():
    rng = np.random.default_rng(0)
    triples = [(c // 8, c % 8, rng.integers(1, 6)) for c in rng.choice(64, 40, replace=False)]
    events = interactions(triples)
    model = UserItemBias(reg_user=3, reg_item=2, n_rounds=200).fit(events)
    fitted = events.value - model.mean_
    fitted = fitted - model.user_bias_[events.user] - model.item_bias_[events.item]
    # At the minimum the gradient by every bias is 0.
    by_user = np.bincount(events.user, fitted, minlength=8) - 3 * model.user_bias_
    by_item = np.bincount(events.item, fitted, minlength=8) - 2 * model.item_bias_
    np.testing.assert_allclose(np.concatenate([by_user, by_item]), 0, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(TRIPLES, st.integers(0, 20), st.integers(0, 20), st.integers(1, 12))
def test_biases_are_surprises_baseline_only(triples, reg_user, reg_item, n_rounds):
    import surprise

    frame = pd.DataFrame(triples, columns=["user", "item", "rating"])
    data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5)))
    options = {"method": "als", "reg_u": reg_user, "reg_i": reg_item, "n_epochs": n_rounds}
    theirs = surprise.BaselineOnly(bsl_options=options, verbose=False)
    theirs.fit(data.build_full_trainset())
    ours = UserItemBias(reg_user, reg_item, n_rounds=n_rounds, scale=(1, 5))
    ours.fit(interactions(triples))
    expected = [[theirs.predict(u, i).est for i in range(8)] for u in range(8)]
    np.testing.assert_allclose(ours.predict_all(), expected, rtol=0, atol=1e-6)


def test_defaults_are_surprises():
    import surprise

    rng = np.random.default_rng(1)
    triples = [(c // 8, c % 8, rng.integers(1, 6)) for c in rng.choice(64, 40, replace=False)]
    frame = pd.DataFrame(triples, columns=["user", "item", "rating"])
    data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5)))
    theirs = surprise.BaselineOnly(verbose=False).fit(data.build_full_trainset())
    ours = UserItemBias().fit(interactions(triples))
    expected = [theirs.predict(u, i).est for u, i, _ in triples]
    user, item, _ = zip(*triples, strict=True)
    np.testing.assert_allclose(ours.predict(user, item), expected, rtol=0, atol=1e-6)


def test_random_ratings_have_the_mean_and_spread_of_the_training_ratings():
    events = interactions([(0, 0, 2), (1, 1, 4)], 200, 200)  # mean 3, standard deviation 1
    predicted = RandomRating(rng=1, scale=(-100, 100)).fit(events).predict_all()
    n = predicted.size
    assert abs(predicted.mean() - 3) < 5 / np.sqrt(n)
    assert abs(predicted.std() - 1) < 5 / np.sqrt(2 * n)
    # Within one standard deviation lie 68.27 % of a normal distribution.
    assert abs((abs(predicted - 3) < 1).mean() - 0.6827) < 5 * np.sqrt(0.6827 * 0.3173 / n)
    clipped = RandomRating(rng=1).fit(events).predict_all()
    np.testing.assert_array_equal(clipped, predicted.clip(2, 4))
    assert (RandomRating(rng=2).fit(events).predict_all() != clipped).any()


def test_impossible_parameters_are_refused():
    for options in ({"reg_user": -1}, {"reg_item": -1}, {"n_rounds": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(options))} must be a number"):
            UserItemBias(**options)
