"""Side features: each equals its definition, and nothing after now can be seen in them."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.fusion.features import InteractionFeatures, ShopFeatures

DAY = 86_400
GROUPS = pd.DataFrame(
    {"kind": ["drink", "drink", "bread"], "maker": [1.0, np.nan, np.nan]},
    index=["tea", "milk", "roll"],
)


def events(rows, users=("ann", "bo", "cy"), items=("tea", "milk", "roll")) -> Interactions:
    """Rows of (user, item, day)."""
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "day"])
    frame["second"] = (frame["day"] * DAY).astype("int64")
    return Interactions.from_frame(frame, time="second", users=list(users), items=list(items))


KNOWN = events(
    [
        ("ann", "tea", 0), ("ann", "tea", 10), ("ann", "tea", 40), ("ann", "milk", 40),
        ("bo", "tea", 100), ("bo", "roll", 90), ("bo", "milk", 30), ("bo", "milk", 90),
    ]
)  # fmt: skip


def value(name, user, item, known=KNOWN, groups=GROUPS):
    features = InteractionFeatures(groups, only=[name])
    values, names = features(known, np.array([user]), np.array([[-1, item]]))
    assert names == (name,)
    assert np.isnan(values[0, 0, 0])  # no item, no feature
    return values[0, 1, 0]


# ann is row 0, bo 1; tea is column 0, milk 1, roll 2; now is day 100.
@pytest.mark.parametrize(
    ("name", "user", "item", "expected"),
    [
        ("own times", 0, 0, 3),
        ("own times", 0, 2, 0),
        ("own times, 30 days", 0, 0, 2 ** (-100 / 30) + 2 ** (-90 / 30) + 2 ** (-60 / 30)),
        ("own since", 0, 0, 60),
        ("own since", 0, 2, np.nan),
        ("own first", 0, 0, 100),
        ("own between", 0, 0, 40 / 2),
        ("own between", 0, 1, np.nan),
        ("own due", 0, 0, 60 / 20),
        ("user events", 1, 0, 3),
        ("user items", 0, 0, 2),
        ("user explores", 1, 0, 2 / 3),  # lately tea, roll and milk; milk she had before
        ("item users, 28 days", 0, 1, np.log(1 + 1)),
        ("item users, 14 days", 0, 0, np.log(1 + 1)),
        ("item users, 7 days", 0, 1, np.log(1 + 0)),
        ("item newcomers", 0, 1, np.log(1 + 0)),
        ("item newcomers", 0, 2, np.log(1 + 1)),
        ("item trend", 0, 1, np.log((1 + 2) / (0 + 2))),
        ("item trend, 14 days", 0, 0, np.log((1 + 1) / (1 + 4))),
        ("item return", 0, 1, (1 + 0.5) / (2 + 10)),
        ("item times a user", 0, 0, 4 / 2),
        ("item between", 0, 1, 60 / 1),
        ("kind times", 0, 1, 2 ** (-100 / 90) + 2 ** (-90 / 90) + 2 * 2 ** (-60 / 90)),
        ("kind since", 0, 1, 60),
        ("kind since", 0, 2, np.nan),
        ("kind items", 0, 0, 2),
        ("item in kind", 0, 1, 1 / 2),
        ("own in kind", 1, 0, 1 / (1 + 2 ** (-70 / 90) + 2 ** (-10 / 90))),
        ("maker items", 1, 1, 2),  # those without a maker are one group
    ],
)
def test_feature_is_its_definition(name, user, item, expected):
    np.testing.assert_allclose(value(name, user, item), expected, rtol=1e-6)


def test_lift_compares_a_user_with_all():
    weight = np.exp2(-(100 - KNOWN.time / DAY) / 90)
    bread, bo = KNOWN.item == 2, KNOWN.user == 1
    own, all_ = (weight[bread & bo].sum() / weight[bo].sum(), weight[bread].sum() / weight.sum())
    np.testing.assert_allclose(
        value("kind lift", 1, 2), np.log((own + 1e-4) / (all_ + 1e-4)), rtol=1e-6
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 80)), min_size=1, max_size=40
    )
)
def test_own_features_equal_a_loop(rows):
    known = events(rows, users=range(4), items=range(5))
    names = ["own times", "own times, 7 days", "own since", "own first", "item users, 28 days"]
    values, _ = InteractionFeatures(only=names)(known, np.arange(4), np.tile(np.arange(5), (4, 1)))
    now = max(day for _, _, day in rows)
    for user in range(4):
        for item in range(5):
            ages = [now - day for u, i, day in rows if (u, i) == (user, item)]
            takers = {u for u, i, day in rows if i == item and now - day < 28}
            expected = [
                len(ages),
                sum(2 ** (-age / 7) for age in ages),
                min(ages, default=np.nan),
                max(ages, default=np.nan),
                np.log(1 + len(takers)),
            ]
            np.testing.assert_allclose(values[user, item], expected, rtol=1e-5, atol=1e-7)


def test_features_of_some_users_are_those_among_all():
    features, items = InteractionFeatures(GROUPS), np.tile(np.arange(3), (3, 1))
    all_, names = features(KNOWN, np.arange(3), items)
    assert names == features.names
    assert all_.shape == (3, 3, len(names))
    assert all_.dtype == np.float32
    some, _ = features(KNOWN, np.array([2, 0]), items[:2, ::-1])
    np.testing.assert_array_equal(some, all_[[2, 0]][:, ::-1])


def test_other_events_give_other_features():
    features = InteractionFeatures(only=["own times"])
    items = np.zeros((1, 1), dtype=int)
    earlier = KNOWN.select(KNOWN.time <= 10 * DAY)
    found = [features(known, np.array([0]), items)[0].item() for known in (KNOWN, earlier, KNOWN)]
    assert found == [3, 2, 3]


def test_features_can_be_left_out():
    features = InteractionFeatures(GROUPS)
    kept = features.without("own", "kind ")
    assert set(features.names) - set(kept.names) == {
        name for name in features.names if name.startswith(("own", "kind "))
    }
    values, names = kept(KNOWN, np.arange(3), np.zeros((3, 1), dtype=int))
    assert names == kept.names
    assert values.shape == (3, 1, len(names))


def test_summary_is_neither_copied_nor_pickled():
    features = InteractionFeatures(GROUPS)
    before, _ = features(KNOWN, np.arange(3), np.zeros((3, 1), dtype=int))
    for other in (copy.copy(features), pickle.loads(pickle.dumps(features))):
        assert not hasattr(other, "_last")
        np.testing.assert_array_equal(
            other(KNOWN, np.arange(3), np.zeros((3, 1), dtype=int))[0], before
        )


def test_no_events_and_no_candidates():
    nothing = KNOWN.select(np.zeros(len(KNOWN), dtype=bool))
    values, _ = InteractionFeatures(GROUPS, only=["own times", "own since", "item in kind"])(
        nothing, np.arange(3), np.array([[0, -1]] * 3)
    )
    np.testing.assert_array_equal(values[0, 0], [0, np.nan, 0])
    assert InteractionFeatures()(KNOWN, np.zeros(0, int), np.zeros((0, 2), int))[0].shape[:2] == (
        0, 2,
    )  # fmt: skip


PRODUCTS = pd.DataFrame(
    {
        "product_id": ["tea", "milk", "roll"],
        "product_category": ["HOT", "DAIRY", "BREAD"],
        "product_type": ["TEA", "MILK", None],
        "brand": ["Private", "National", "Private"],
        "manufacturer_id": [2, 2, 7],
    }
)


def test_shop_groups_come_from_the_products():
    features = ShopFeatures(PRODUCTS, only=["maker items", "brand of type items", "type items"])
    values, _ = features(KNOWN, np.array([0]), np.array([[0, 2]]))
    np.testing.assert_array_equal(values[0], [[2, 1, 1], [0, 0, 0]])


def test_refusals():
    one = np.zeros((1, 1), dtype=int)
    with pytest.raises(ValueError, match="no feature 'magic'"):
        InteractionFeatures(only=["magic"])(KNOWN, np.array([0]), one)
    with pytest.raises(ValueError, match="no row for item 'roll'"):
        InteractionFeatures(GROUPS.iloc[:2])(KNOWN, np.array([0]), one)
    with pytest.raises(ValueError, match="an id repeats"):
        InteractionFeatures(pd.concat([GROUPS, GROUPS]))
    with pytest.raises(ValueError, match="no column 'brand'"):
        ShopFeatures(PRODUCTS.drop(columns="brand"))
