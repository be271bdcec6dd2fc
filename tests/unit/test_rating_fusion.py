"""Fused ratings: what is learnt, from what, and what must not be learnt from."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.fusion.rating_features import RatingFeatures
from recbook.fusion.rating_fusion import RatingFusion, out_of_fold
from recbook.fusion.rating_meta import NonNegative, Ridge
from recbook.fusion.rating_pool import inner_folds, rating_pool
from recbook.fusion.rating_residuals import OnResiduals
from recbook.models import SVD, GlobalMean, RatingNeighbours, UserItemBias

N_USERS, N_ITEMS = 30, 20
METHODS = ["mean", "nnls", "ridge", "boosting", "ridge + boosting", {"levels": 0.4, "alike": 0.6}]


def make(value, user, item):
    return Interactions(
        user, item, value, np.arange(len(user)),
        users=pd.RangeIndex(N_USERS), items=pd.RangeIndex(N_ITEMS),
    )  # fmt: skip


@pytest.fixture(scope="module")
def ratings():
    """Half of all cells, rated by two hidden factors, levels and chance."""
    rng = np.random.default_rng(0)
    user, item = np.indices((N_USERS, N_ITEMS)).reshape(2, -1)
    kept = rng.permutation(len(user))[:300]
    user, item = user[kept], item[kept]
    p, q = rng.normal(size=(N_USERS, 2)), rng.normal(size=(N_ITEMS, 2))
    true = 3 + p[user, 0] * q[item, 0] + 0.5 * p[user, 1] + 0.5 * q[item, 1]
    return make((true + rng.normal(0, 0.3, 300)).round().clip(1, 5), user, item)


def members():
    return {"levels": UserItemBias(), "alike": RatingNeighbours("item", k=5)}


def changed(events, places, values):
    value = events.value.copy()
    value[places] = values
    return make(value, events.user, events.item)


@pytest.fixture
def flags():
    rng = np.random.default_rng(1)
    return {"kind": pd.DataFrame(rng.integers(2, size=(N_ITEMS, 3)), columns=list("abc"))}


# --- out-of-fold predictions ---


def test_out_of_fold_is_what_members_fitted_without_the_fold_predict(ratings):
    predicted = out_of_fold(members(), ratings, n_folds=3, rng=7)
    fold = inner_folds(len(ratings), 3, 7)
    for one in range(3):
        part, asked = ratings.select(fold != one), ratings.select(fold == one)
        for column, model in enumerate(members().values()):
            expected = model.fit(part).predict(asked.user, asked.item)
            np.testing.assert_array_equal(predicted[fold == one, column], expected)


@pytest.mark.parametrize("row", [0, 77, 299])
def test_a_ratings_own_value_does_not_touch_its_prediction(ratings, row):
    both = members() | {"residuals": OnResiduals(UserItemBias(), RatingNeighbours(k=5))}
    before = out_of_fold(both, ratings, n_folds=4)
    after = out_of_fold(both, changed(ratings, [row], 6 - ratings.value[row] + 0.5), n_folds=4)
    fold = inner_folds(len(ratings), 4)
    same = fold == fold[row]  # nor does it touch the others of its fold
    np.testing.assert_array_equal(before[same], after[same])
    assert (before[~same] != after[~same]).any()


def test_a_ratings_own_value_does_not_touch_its_features(ratings, flags):
    fusion = RatingFusion(members(), features=RatingFeatures(item_flags=flags))
    fold = inner_folds(len(ratings), 5)
    before = fusion._inner_features(ratings, fold)
    after = fusion._inner_features(changed(ratings, [5], 6 - ratings.value[5] + 0.5), fold)
    np.testing.assert_array_equal(before[fold == fold[5]], after[fold == fold[5]])
    assert (before != after).any()


def test_members_handed_in_stay_unfitted(ratings):
    both = members()
    out_of_fold(both, ratings)
    RatingFusion(both).fit(ratings)
    assert not any(hasattr(model, "interactions_") for model in both.values())


@pytest.mark.parametrize("n_folds", [1, 301])
def test_impossible_folds_are_refused(ratings, n_folds):
    with pytest.raises(ValueError, match="n_folds must be"):
        out_of_fold(members(), ratings, n_folds=n_folds)


# --- what is fused ---


def test_fixed_weights_and_the_mean_are_their_formulas(ratings):
    pairs = np.arange(10), np.arange(10)
    x, y = (model.fit(ratings).predict(*pairs) for model in members().values())
    half = RatingFusion(members(), "mean").fit(ratings)
    np.testing.assert_allclose(half.predict(*pairs), (x + y) / 2, rtol=1e-12)
    fixed = RatingFusion(members(), {"alike": 0.75, "levels": 0.25}).fit(ratings)
    np.testing.assert_allclose(fixed.predict(*pairs), 0.25 * x + 0.75 * y, rtol=1e-12)
    assert fixed.weights_.to_dict() == {"levels": 0.25, "alike": 0.75}


def test_ridge_and_nnls_find_known_weights():
    rng = np.random.default_rng(0)
    columns = rng.normal(3, 1, size=(4000, 3))
    actual = 0.5 + columns @ [0.7, 0.3, -0.2]
    ridge = Ridge().fit(columns, actual)
    np.testing.assert_allclose(ridge.weights_, [0.7, 0.3, -0.2], atol=0.01)
    np.testing.assert_allclose(ridge.predict(columns), actual, atol=0.02)
    positive = NonNegative().fit(columns, actual)
    assert positive.weights_[2] == 0
    np.testing.assert_allclose(positive.weights_[:2], [0.7, 0.3], atol=0.03)


def test_ridge_solves_its_normal_equations():
    rng = np.random.default_rng(1)
    columns, actual = rng.normal(size=(50, 4)) * [1, 2, 3, 4], rng.normal(size=50)
    scaled = (columns - columns.mean(0)) / columns.std(0)
    ridge = Ridge().fit(columns, actual)
    w = ridge.weights_ * columns.std(0)
    gradient = scaled.T @ (scaled @ w - (actual - actual.mean())) + 10 * w
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


def test_a_constant_member_gets_no_weight(ratings):
    fused = RatingFusion(members() | {"same": GlobalMean()}, n_folds=2)
    pool = rating_pool(fused.members, ratings, ratings.select(slice(0, 1)), n_folds=2)
    constant = pool.out_of_fold.copy()
    constant[:, 2] = 3.0
    weights = fused.on(replace(pool, out_of_fold=constant)).fit(ratings).weights_
    assert weights["same"] == 0


@pytest.mark.parametrize("method", ["ridge", "boosting", "ridge + boosting"])
def test_learning_beats_the_mean_with_a_useless_member(method):
    rng = np.random.default_rng(0)
    user, item = np.indices((60, 50)).reshape(2, -1)
    value = (3 + rng.normal(size=60)[user] + rng.normal(size=50)[item]).clip(1, 5)
    events = Interactions(
        user, item, value, user * 0, users=pd.RangeIndex(60), items=pd.RangeIndex(50)
    )
    out = rng.permutation(3000) < 600
    train, test = events.select(~out), events.select(out)
    two = {"levels": UserItemBias(), "mean": GlobalMean()}
    error = {
        name: np.mean(
            (RatingFusion(two, name).fit(train).predict(test.user, test.item) - test.value) ** 2
        )
        for name in ("mean", method)
    }
    assert error[method] < error["mean"] / 2


def test_side_features_carry_what_no_member_knows():
    rng = np.random.default_rng(0)
    user, item = np.indices((60, 50)).reshape(2, -1)
    loves = rng.integers(2, size=60)[user] == rng.integers(2, size=50)[item]
    kinds = pd.DataFrame({"a": 0, "b": 0}, index=range(50))
    value = np.where(loves, 5.0, 1.0)
    rows = rng.permutation(3000)[:1500]
    events = Interactions(
        user[rows], item[rows], value[rows], rows, users=pd.RangeIndex(60),
        items=pd.RangeIndex(50),
    )  # fmt: skip
    film = np.random.default_rng(0)
    film.integers(2, size=60)
    kinds["b"] = film.integers(2, size=50)
    kinds["a"] = 1 - kinds["b"]
    train, test = events.select(slice(0, 1000)), events.select(slice(1000, None))
    one = {"levels": UserItemBias()}
    plain = RatingFusion(one, "ridge").fit(train).predict(test.user, test.item)
    features = RatingFeatures(item_flags={"kind": kinds})
    aware = RatingFusion(one, "ridge", features=features).fit(train)
    aware = aware.predict(test.user, test.item)
    assert np.mean((aware - test.value) ** 2) < np.mean((plain - test.value) ** 2) / 2


def test_fusions_nest(ratings):
    inner = RatingFusion(members(), "nnls", n_folds=3)
    outer = RatingFusion({"inner": inner, "factors": SVD(2)}, "mean").fit(ratings)
    alone = RatingFusion(members(), "nnls", n_folds=3).fit(ratings).predict([0, 1], [1, 2])
    other = SVD(2).fit(ratings).predict([0, 1], [1, 2])
    np.testing.assert_allclose(outer.predict([0, 1], [1, 2]), (alone + other) / 2, rtol=1e-12)


# --- stored work ---


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_stored_work_gives_the_same_as_fitting(ratings, method):
    train, test = ratings.select(slice(0, 240)), ratings.select(slice(240, None))
    fusion = RatingFusion(members(), method, n_folds=3)
    pool = rating_pool(members(), train, test, n_folds=3)
    stored = fusion.on(pool).fit(train).predict(test.user[::-1], test.item[::-1])
    np.testing.assert_allclose(fusion.fit(train).predict(test.user, test.item)[::-1], stored)


def test_changing_held_out_ratings_changes_nothing(ratings, flags):
    train, test = ratings.select(slice(0, 240)), ratings.select(slice(240, None))
    other = make(6 - test.value, test.user, test.item)
    fusion = RatingFusion(members(), "ridge", features=RatingFeatures(item_flags=flags))
    one, two = (fusion.on(rating_pool(members(), train, held)).fit(train) for held in (test, other))
    pd.testing.assert_series_equal(one.weights_, two.weights_)
    np.testing.assert_array_equal(
        one.predict(test.user, test.item), two.predict(test.user, test.item)
    )


def test_stored_work_is_for_its_own_ratings_and_pairs_only(ratings):
    train, test = ratings.select(slice(0, 240)), ratings.select(slice(240, None))
    pool = rating_pool(members(), train, test)
    stored = RatingFusion(members(), "mean").on(pool)
    with pytest.raises(ValueError, match="not the ratings that the pool"):
        stored.fit(test)
    with pytest.raises(ValueError, match="held-out pairs only"):
        stored.fit(train).predict(train.user[:1], train.item[:1])
    with pytest.raises(ValueError, match="no member 'other'"):
        RatingFusion({"other": UserItemBias()}).on(pool)


def test_some_of_the_pools_members_may_be_fused(ratings):
    train, test = ratings.select(slice(0, 240)), ratings.select(slice(240, None))
    pool = rating_pool(members(), train, test)
    alone = RatingFusion({"alike": members()["alike"]}, "mean").on(pool).fit(train)
    np.testing.assert_array_equal(alone.predict(test.user, test.item), pool.predictions[:, 1])


# --- what is refused ---


def test_members_that_know_the_ratings_by_heart_are_refused(ratings):
    fitted = {name: model.fit(ratings) for name, model in members().items()}
    with pytest.raises(ValueError, match="'levels' was fitted on 300 of these 300 ratings"):
        RatingFusion(fitted).fit(ratings)
    with pytest.raises(ValueError, match="was fitted on 10 of these 10 ratings"):
        RatingFusion(fitted, "mean").fit(ratings.select(slice(0, 10)))
    without_clock = replace(ratings, time=0 * ratings.time, has_time=False)
    with pytest.raises(ValueError, match="was fitted on 10 of these 10 ratings"):
        RatingFusion(fitted, "mean").fit(without_clock.select(slice(0, 10)))


def test_fitted_members_may_be_fused_on_ratings_held_out_from_them(ratings):
    first, second = ratings.select(slice(0, 200)), ratings.select(slice(200, None))
    fitted = {name: model.fit(first) for name, model in members().items()}
    fused = RatingFusion(fitted, "nnls").fit(second)
    columns = np.column_stack([m.predict(second.user, second.item) for m in fitted.values()])
    expected = NonNegative().fit(columns, second.value).predict(columns).clip(1, 5)
    np.testing.assert_allclose(fused.predict(second.user, second.item), expected)


def test_other_wrong_input_is_refused(ratings, flags):
    features = RatingFeatures(item_flags=flags)
    half = {"levels": UserItemBias().fit(ratings), "alike": RatingNeighbours()}
    for make_it, message in (
        (lambda: RatingFusion({}), "at least one"),
        (lambda: RatingFusion(members(), "magic"), "method must be one of"),
        (lambda: RatingFusion(members(), {"levels": 0.6, "alike": 0.6}), "must sum to 1"),
        (lambda: RatingFusion(members(), {"other": 1}), "weight is given for 'other'"),
        (lambda: RatingFusion(members(), "mean", features=features), "takes no side features"),
        (lambda: RatingFusion(half).fit(ratings), "hand in all or none"),
        (lambda: RatingFusion(members(), n_folds=1), "n_folds must be"),
        (
            lambda: RatingFeatures(item_flags={"kind": flags["kind"][1:]}).table(ratings, [0], [0]),
            "kind has no row for 0",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            make_it()
    with pytest.raises(TypeError, match="'x' must be a RatingPredictor"):
        RatingFusion({"x": 3})


# --- one model after another ---


def test_neighbours_on_residuals_are_koren_s_formula(ratings):
    model = OnResiduals(UserItemBias(), RatingNeighbours("item", k=4, shrinkage=2)).fit(ratings)
    levels = UserItemBias(scale=(-99, 99)).fit(ratings)
    rest = np.full((N_USERS, N_ITEMS), np.nan)
    rest[ratings.user, ratings.item] = ratings.value - levels.predict(ratings.user, ratings.item)
    holes = np.argwhere(np.isnan(rest))[:40]
    for user, item in holes:
        found = []
        for other in np.flatnonzero(~np.isnan(rest[user])):
            both = ~np.isnan(rest[:, item]) & ~np.isnan(rest[:, other])
            a, b = rest[both, item], rest[both, other]
            if both.any():
                n = both.sum()
                cosine = a @ b / np.sqrt((a @ a) * (b @ b)) * n / (n + 2)
                found.append((cosine, rest[user, other]))
        near = sorted((pair for pair in found if pair[0] > 0), reverse=True)[:4]
        extra = sum(s * r for s, r in near) / sum(s for s, _ in near) if near else rest[
            ~np.isnan(rest)
        ].mean()  # fmt: skip
        expected = np.clip(levels.predict([user], [item])[0] + extra, 1, 5)
        np.testing.assert_allclose(model.predict([user], [item])[0], expected)


# --- features ---


def test_counts_mean_the_same_inside_a_fold(ratings):
    half = ratings.select(slice(0, 150))
    whole = RatingFeatures().table(half, [0], [0])["log count of user"][0]
    scaled = RatingFeatures().table(half, [0], [0], share=0.5)["log count of user"][0]
    n = (half.user == 0).sum()
    np.testing.assert_allclose([whole, scaled], [np.log1p(n), np.log1p(2 * n)])


def test_features_of_some_pairs_are_those_among_all(ratings, flags):
    numbers = pd.DataFrame({"age": [np.nan, *range(1, N_USERS)]})
    features = RatingFeatures(item_flags=flags, user_numbers=numbers)
    table = features.table(ratings, ratings.user, ratings.item)
    assert np.isfinite(table).all(axis=None)
    assert table["age"][ratings.user == 0].eq(np.arange(1, N_USERS).mean()).all()
    some = features.table(ratings, ratings.user[[7, 3]], ratings.item[[7, 3]])
    np.testing.assert_allclose(some, table.iloc[[7, 3]], rtol=1e-12)
