import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from recbook.models.deep.responses import ResponseNetwork, log_loss
from recbook.models.deep.table_columns import MISSING, RARE, TableColumns
from recbook.models.deep.table_network import KINDS, fm_pairs


def sigma(x):
    return 1 / (1 + np.exp(-x))


def made(n=600, seed=0):
    """A table in which the response depends on a pair of categories and on a number."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "colour": rng.choice(["red", "blue"], n),
        "shape": rng.choice(["round", "square"], n),
        "price": rng.normal(20, 5, n),
        "shop": pd.Categorical(rng.choice(list("abcdef"), n)),
    })  # fmt: skip
    match = (table.colour == "red") == (table["shape"] == "round")
    chance = sigma(np.where(match, 2, -2) - 0.1 * (table.price - 20))
    return table, (rng.random(n) < chance).astype(int), chance


QUICK = {"n_factors": 3, "hidden": (8,), "epochs": 3, "batch_size": 64, "learning_rate": 0.03}
CROSSES = [("colour", "shape")]


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 5, 3), (7, 2, 6)])
def test_sum_square_identity_equals_the_double_loop(shape):
    vectors = np.random.default_rng(0).normal(size=shape)
    by_loop = [sum(row[j] @ row[k] for k in range(len(row)) for j in range(k)) for row in vectors]
    np.testing.assert_allclose(fm_pairs(vectors), by_loop, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_chances_equal_keras_and_the_formula(kind):
    table, labels, _ = made()
    model = ResponseNetwork(kind, crosses=CROSSES, **QUICK).fit(table, labels)
    columns, numbers = model._columns.places(table)
    logits = model.network()([columns, numbers]).numpy()[:, 0]
    found = model.predict_proba(table)
    assert found.shape == (len(table), 2)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found[:, 1], sigma(logits.astype(float)), rtol=1e-5)
    np.testing.assert_allclose(logits, formula(model, columns, numbers), rtol=1e-3, atol=1e-4)


def formula(model, columns, numbers):
    """Logits row by row, as the docstring of `build` has them, from Keras' own arrays."""
    by_name = {layer.name: layer.get_weights() for layer in model.network().layers}
    logits = []
    for c, x in zip(columns, numbers.astype(float), strict=True):
        logit = sum(by_name["weights"][0][j, 0] * n for j, n in zip(c, x, strict=True))
        if model.kind != "logistic":
            inside = len(c) - 2  # neither the cross nor the constant
            v = [by_name["factors"][0][j] * n for j, n in zip(c[:inside], x, strict=False)]
            if model.kind in ("fm", "deepfm"):
                logit += sum(v[j] @ v[k] for k in range(inside) for j in range(k))
            if model.kind != "fm":
                kernel, bias = by_name["layer_1"]
                logit += (np.maximum(np.concatenate(v) @ kernel + bias, 0) @ by_name["out"][0])[0]
        logits.append(logit)
    return np.array(logits)


def test_interaction_is_learnt_by_all_but_the_linear_and_by_that_with_a_cross():
    table, labels, _ = made(2000)
    late, truth, floor = made(1000, seed=1)
    settings = {**QUICK, "epochs": 8}
    loss = {
        kind: log_loss(
            truth, ResponseNetwork(kind, **settings).fit(table, labels).predict_proba(late)[:, 1]
        )
        for kind in KINDS
    }
    wide = ResponseNetwork("logistic", crosses=CROSSES, **settings).fit(table, labels)
    loss["crossed"] = log_loss(truth, wide.predict_proba(late)[:, 1])
    best = log_loss(truth, floor)
    assert loss.pop("logistic") > best + 0.15
    assert max(loss.values()) < best + 0.05


def test_linear_kind_equals_scikit_learn_without_penalty():
    from sklearn.linear_model import LogisticRegression

    table, labels, _ = made(400)
    table = table[["price", "colour"]]
    model = ResponseNetwork("logistic", epochs=300, batch_size=400, learning_rate=0.05)
    dense = np.column_stack([table.price, table.colour == "red"])
    exact = LogisticRegression(C=np.inf, tol=1e-8).fit(dense, labels)
    found = model.fit(table, labels).predict_proba(table)
    np.testing.assert_allclose(found, exact.predict_proba(dense), atol=2e-3)


def test_early_stopping_keeps_the_epoch_of_the_lowest_validation_loss():
    table, labels, _ = made(200)
    late, answers, _ = made(200, seed=1)
    settings = {**QUICK, "epochs": 40, "learning_rate": 0.1, "patience": 2}
    model = ResponseNetwork("deepfm", **settings).fit(table, labels, (late, answers))
    history = model.history_.validation
    assert model.best_epoch_ == history.idxmin()
    assert len(history) == model.best_epoch_ + 2 < 40
    found = log_loss(answers, model.predict_proba(late)[:, 1])
    assert found == pytest.approx(history.min(), rel=1e-6)
    assert found < history.iloc[-1]


def test_places_of_rare_missing_and_unseen_values():
    table = pd.DataFrame({"n": [1.0, 3.0, np.nan], "c": ["a", "a", "b"], "d": ["x", None, "x"]})
    columns = TableColumns.of(table, [("c", "d")], min_count=2)
    # n is column 0; c has rare, missing, a; d has rare, missing, x; the cross has rare, missing.
    assert columns.n_columns == 1 + 3 + 3 + 2 + 1
    place, number = columns.places(table)
    c, d, cross, constant = 1, 4, 7, 9
    assert place.tolist() == [
        [0, c + 2, d + 2, cross + RARE, constant],
        [0, c + 2, d + MISSING, cross + MISSING, constant],
        [0, c + RARE, d + 2, cross + RARE, constant],
    ]
    np.testing.assert_allclose(number[:, 0], [-1, 1, 0])
    new = pd.DataFrame({"d": ["never", "x"], "c": [None, "a"], "n": [2.0, 4.0]})
    place, number = columns.places(new)
    assert place[:, 1:3].tolist() == [[c + MISSING, d + RARE], [c + 2, d + 2]]
    np.testing.assert_allclose(number[:, 0], [0, 2])


def test_unseen_values_are_predicted_alike():
    table, labels, _ = made()
    model = ResponseNetwork(**QUICK).fit(table, labels)
    one, other = (table.head(3).assign(shop=name) for name in ("new", "newer"))
    np.testing.assert_array_equal(model.predict_proba(one), model.predict_proba(other))


def test_same_seed_same_model_and_a_copy_answers_alike():
    table, labels, _ = made()
    model = ResponseNetwork(**QUICK).fit(table, labels)
    again = ResponseNetwork(**model.get_params()).fit(table, labels)
    expected = model.predict_proba(table)
    np.testing.assert_array_equal(again.predict_proba(table), expected)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_proba(table), expected)
    assert model.predict_proba(table.head(0)).shape == (0, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "linear"}, "kind must be one of"),
        ({"hidden": (0,)}, "each of hidden must be"),
        ({"crosses": ["colour"]}, "crosses must name two columns"),
        ({"epochs": 0}, "epochs must be"),
        ({"min_count": 0}, "min_count must be"),
    ],
)
def test_impossible_parameters_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        ResponseNetwork(**wrong)


def test_what_cannot_be_learnt_from_is_refused():
    table, labels, _ = made(20)
    model = ResponseNetwork(**QUICK)
    with pytest.raises(ValueError, match="not fitted yet"):
        model.predict_proba(table)
    with pytest.raises(ValueError, match="both 0 and 1"):
        model.fit(table, np.zeros(20))
    with pytest.raises(ValueError, match="one number for each of the 20 rows"):
        model.fit(table, labels[:5])
    with pytest.raises(ValueError, match="must be 0 or 1"):
        model.fit(table, labels + 1)
    with pytest.raises(ValueError, match="crosses name 'price', which is numeric"):
        ResponseNetwork(crosses=[("price", "shop")]).fit(table, labels)
    with pytest.raises(ValueError, match="lacks 'shop'"):
        model.fit(table, labels).predict_proba(table.drop(columns="shop"))
    with pytest.raises(ValueError, match="infinite numbers"):
        model.fit(table.assign(price=np.inf), labels)
