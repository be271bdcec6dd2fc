import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.content import ItemFeatures
from recbook.models.deep.feature_recommender import FeatureRecommender
from recbook.models.deep.table_network import KINDS

N_USERS, N_ITEMS = 11, 7
HOMES = pd.DataFrame(
    {"size": ["1", "2", None, "1"], "age": ["old", "young", "old", "old"]}, index=[0, 1, 2, 7]
)
GENRES = ItemFeatures(pd.RangeIndex(N_ITEMS), np.random.default_rng(0).integers(2, size=(7, 4)))
QUICK = {"n_factors": 3, "hidden": (5, 4), "epochs": 2, "batch_size": 16, "learning_rate": 0.02}


def events():
    rng = np.random.default_rng(1)
    return Interactions(
        user=rng.integers(N_USERS, size=40),
        item=rng.integers(N_ITEMS, size=40),
        value=np.ones(40),
        time=np.arange(40),
        users=pd.RangeIndex(N_USERS),
        items=pd.RangeIndex(N_ITEMS),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("features", [(HOMES, GENRES), (None, None)], ids=["features", "ids"])
def test_scores_of_all_items_equal_keras(kind, features):
    model = FeatureRecommender(*features, kind=kind, **QUICK).fit(events())
    users, items = (axis.ravel() for axis in np.indices((N_USERS, N_ITEMS)))
    by_keras = model.network()(model.rows(users, items)).numpy().reshape(N_USERS, N_ITEMS)
    np.testing.assert_allclose(model.score(), by_keras, rtol=1e-5, atol=1e-5)
    if kind == "logistic":  # the same order for everyone
        assert np.ptp(np.argsort(model.score(), axis=1), axis=0).max() == 0
    else:
        assert by_keras.std(axis=0).max() > 1e-4


def test_a_row_holds_ids_features_and_the_constant():
    model = FeatureRecommender(HOMES, GENRES, **QUICK).fit(events())
    columns, numbers = model.rows(np.array([1, 5]), np.array([2, 0]))
    size, age, item = N_USERS, N_USERS + 2, N_USERS + 4
    assert columns[0, :4].tolist() == [1, size + 1, age + 1, item + 2]
    assert numbers[:, :4].tolist() == [[1, 1, 1, 1], [1, 0, 0, 1]]  # nothing is known of user 5
    genres = item + N_ITEMS
    told = {int(c) - genres for c, n in zip(columns[0, 4:-1], numbers[0, 4:-1], strict=True) if n}
    assert told == set(np.flatnonzero(GENRES.matrix[2]))
    assert columns[:, -1].tolist() == [genres + 4] * 2
    assert numbers[:, -1].tolist() == [1, 1]
    assert model.sides_[1].end == genres + 4


def test_negatives_are_never_what_the_user_took():
    model = FeatureRecommender(n_negatives=3, **QUICK).fit(events())
    users, items, labels = model._examples(events(), np.random.default_rng(0))
    taken = events().matrix("binary").toarray() > 0
    np.testing.assert_array_equal(taken[users, items], labels == 1)
    assert (labels == 1).sum() == taken.sum()
    assert 0 < (labels == 0).sum() <= 3 * taken.sum()


def test_features_carry_taste_to_an_item_that_nobody_took():
    # The young take round things, the old square ones; of the last two items there are no events.
    user = np.repeat(np.arange(40), 3)
    item = 2 * np.tile([0, 1, 2], 40) + user % 2
    log = Interactions(
        user=user, item=item, value=np.ones(120), time=np.arange(120),
        users=pd.RangeIndex(40), items=pd.RangeIndex(8),
    )  # fmt: skip
    ages = pd.DataFrame({"age": ["old", "young"] * 20})
    shapes = pd.DataFrame({"shape": ["square", "round"] * 4})
    settings = {"n_factors": 4, "epochs": 30, "batch_size": 128, "learning_rate": 0.03}
    model = FeatureRecommender(ages, shapes, kind="fm", **settings).fit(log)
    old, young = model.network()(model.rows(np.array([0, 1]), np.array([7, 7]))).numpy()[:, 0]
    assert young > old + 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "deep"}, "kind must be one of"),
        ({"n_negatives": 0}, "n_negatives must be"),
        ({"hidden": (0,)}, "each of hidden must be"),
        ({"learning_rate": -1}, "learning_rate must be"),
    ],
)
def test_impossible_parameters_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        FeatureRecommender(**wrong)
