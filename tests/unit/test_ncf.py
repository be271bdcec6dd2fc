"""Neural collaborative filtering: scores equal the network, losses equal plain NumPy."""

import copy

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.deep.ncf import CELLS, KINDS, NeuralCF

SMALL = {"hidden": (6, 5), "epochs": 2, "batch_size": 512, "learning_rate": 0.01}


def some_events(n_users=140, n_items=30, seed=0) -> Interactions:
    """Distinct cells in a random order, the first items taken most often."""
    rng = np.random.default_rng(seed)
    taken = rng.random((n_users, n_items)) < np.linspace(0.5, 0.05, n_items)
    user, item = rng.permutation(np.argwhere(taken)).T
    return Interactions(
        user=user, item=item, value=np.ones(len(user)), time=rng.integers(1000, size=len(user)),
        users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items),
    )  # fmt: skip


@pytest.fixture(scope="module")
def events():
    return some_events()


@pytest.fixture(scope="module")
def fitted(events):
    return {kind: NeuralCF(kind, 4, **SMALL).fit(events) for kind in KINDS}


def by_network(model):
    users, items = (axis.ravel() for axis in np.indices((140, 30)))
    return np.asarray(model.network()([users, items])).reshape(140, 30)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_the_keras_network(fitted, kind):
    np.testing.assert_allclose(fitted[kind].score(), by_network(fitted[kind]), rtol=0, atol=1e-5)


def test_scores_are_the_same_however_many_pairs_go_through_together(fitted, monkeypatch):
    whole = fitted["neumf"].score()
    monkeypatch.setattr("recbook.models.deep.ncf.CELLS", 7 * 30)  # 128 users: 18 steps, and 2 left
    np.testing.assert_allclose(fitted["neumf"].score(), whole, rtol=0, atol=1e-6)
    assert CELLS // 30 > 128  # so far one step did


def test_dot_is_a_product_of_vectors_and_two_biases(fitted):
    model = fitted["dot"]
    p, q, b, c = model.weights_
    np.testing.assert_allclose(model.score(), p @ q.T + b + c.T, rtol=0, atol=1e-6)
    assert np.abs(b).min() > 0
    assert np.abs(c).min() > 0


def test_neumf_is_the_formula_written_out(fitted):
    network = fitted["neumf"].network()
    tables = ("user_vectors", "item_vectors", "user_inputs", "item_inputs")
    p, q, pp, qq = (network.get_layer(name).get_weights()[0] for name in tables)
    dense = (network.get_layer(name).get_weights() for name in ("layer_0", "layer_1", "output"))
    (w1, b1), (w2, b2), (w, b) = dense
    for u, i in [(0, 0), (139, 29), (17, 3)]:
        h = np.maximum(np.concatenate([pp[u], qq[i]]) @ w1 + b1, 0)
        h = np.maximum(h @ w2 + b2, 0)
        by_hand = np.concatenate([p[u] * q[i], h]) @ w[:, 0] + b[0]
        assert fitted["neumf"].score(np.array([u]))[0, i] == pytest.approx(by_hand, abs=1e-5)


def test_a_user_without_events_gets_the_mean_vector(events):
    without = events.select(events.user != 3)
    model = NeuralCF("dot", 4, **SMALL).fit(without)
    p = model.weights_[0]
    others = np.delete(np.arange(140), 3)
    np.testing.assert_allclose(p[3], p[others].mean(axis=0), rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.score(), by_network(model), rtol=0, atol=1e-5)


def batch_of(model, events, n=50):
    parts = model._examples(events, np.random.default_rng(1))
    return tuple(part[:n] for part in parts)


def test_binary_loss_is_the_logistic_loss_of_each_pair(events):
    model = NeuralCF("dot", 4, **SMALL, half_life_events=5).fit(events)
    users, items, labels, weights = batch_of(model, events)
    s = model.score()[users, items].astype(float)
    each = np.where(labels == 1, np.log1p(np.exp(-s)), np.log1p(np.exp(s)))
    loss = float(model._loss(model.network(), users, items, labels, weights))
    assert loss == pytest.approx((weights * each).mean(), rel=1e-5)


def test_softmax_loss_is_taken_over_the_item_and_its_negatives(events):
    model = NeuralCF("gmf", 4, **SMALL, negatives="popularity", loss="softmax").fit(events)
    users, items, labels, weights = batch_of(model, events)
    assert items.shape == (50, 5)
    s = model.score()[users[:, None], items].astype(float)
    share = np.exp(s[:, 0]) / np.exp(s).sum(axis=1)
    loss = float(model._loss(model.network(), users, items, labels, weights))
    assert loss == pytest.approx(-np.log(share).mean(), rel=1e-5)


def test_without_a_number_of_negatives_the_softmax_runs_over_all_items(events):
    model = NeuralCF("dot", 4, **SMALL, loss="softmax", n_negatives=None).fit(events)
    batch = batch_of(model, events)
    users, items = batch[:2]
    assert items.shape == (50, 1)
    s = model.score().astype(float)[users]
    share = np.exp(s[np.arange(50), items[:, 0]]) / np.exp(s).sum(axis=1)
    assert float(model._loss(model.network(), *batch)) == pytest.approx(
        -np.log(share).mean(), rel=1e-5
    )


def test_an_epoch_holds_every_cell_once_and_its_negatives(events):
    model = NeuralCF("gmf", n_negatives=3)
    users, items, labels, weights = model._examples(events, np.random.default_rng(0))
    assert len(users) == 4 * len(events)
    cells = set(zip(users[labels == 1].tolist(), items[labels == 1].tolist(), strict=True))
    assert cells == set(zip(events.user.tolist(), events.item.tolist(), strict=True))
    np.testing.assert_array_equal(
        np.bincount(users[labels == 0], minlength=140), 3 * np.bincount(events.user, minlength=140)
    )
    assert (weights == 1).all()


@pytest.mark.parametrize("negatives", ["uniform", "popularity"])
def test_negatives_follow_q(events, negatives):
    events = events.select(events.item != 7)
    model = NeuralCF("gmf", n_negatives=200, negatives=negatives)
    _, items, labels, _ = model._examples(events, np.random.default_rng(0))
    count = np.bincount(events.item, minlength=30)
    q = count / count.sum() if negatives == "popularity" else (count > 0) / 29
    drawn = np.bincount(items[labels == 0], minlength=30)
    expected = q * drawn.sum()
    # Five standard deviations of a count of many draws, each with a small chance.
    assert (np.abs(drawn - expected) <= 5 * np.sqrt(expected)).all()


def test_half_life_weighs_recent_items_more(events):
    model = NeuralCF("gmf", n_negatives=1, half_life_events=2)
    users, items, labels, weights = model._examples(events, np.random.default_rng(0))
    order = np.lexsort((events.time, events.user))
    hers = order[events.user[order] == 5]
    taken = labels * (users == 5) == 1
    weight = dict(zip(items[taken].tolist(), weights[taken].tolist(), strict=True))
    last, before, far = (events.item[hers[-k]] for k in (1, 2, 5))
    if len(np.unique(events.time[hers])) == len(hers):
        assert weight[last] / weight[before] == pytest.approx(2 ** (1 / 2), rel=1e-5)
        assert weight[last] / weight[far] == pytest.approx(2 ** (4 / 2), rel=1e-5)
    assert weights.mean() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("kind", ["dot", "mlp"])
def test_correction_adds_the_logarithm_of_q(events, kind):
    settings = SMALL | {"negatives": "popularity"}
    free, corrected = (
        NeuralCF(kind, 4, **settings, correction=correction).fit(events).score()
        for correction in (False, True)
    )
    count = np.bincount(events.item, minlength=30)
    np.testing.assert_allclose(corrected - free, np.tile(np.log(count / count.sum()), (140, 1)),
                               rtol=0, atol=1e-5)  # fmt: skip


def test_scores_go_towards_p_over_q(events):
    """Everyone's tastes are alike here: ln(p / q) is the same for all items where q is p."""
    settings = SMALL | {"epochs": 30, "learning_rate": 0.05, "n_negatives": 10}
    count = np.bincount(events.item, minlength=30)

    def slope(negatives):
        score = NeuralCF("dot", 1, **settings, negatives=negatives).fit(events).score()
        return np.polyfit(np.log(count), np.median(score, axis=0), 1)[0]

    assert slope("uniform") == pytest.approx(1, abs=0.3)
    assert slope("popularity") == pytest.approx(0, abs=0.3)


def test_mlp_learns_who_takes_what():
    user, item = (axis.ravel() for axis in np.indices((40, 20)))
    kept = (user + item) % 2 == 0
    kept &= np.random.default_rng(0).random(len(kept)) < 0.8
    events = Interactions(
        user=user[kept], item=item[kept], value=np.ones(kept.sum()), time=np.arange(kept.sum()),
        users=pd.RangeIndex(40), items=pd.RangeIndex(20),
    )  # fmt: skip
    model = NeuralCF("mlp", 4, hidden=(8,), epochs=40, batch_size=400, learning_rate=0.03)
    scores = model.fit(events).score()
    own = (np.arange(40)[:, None] + np.arange(20)) % 2 == 0
    assert scores[own].min() > scores[~own].max()


def test_monitor_keeps_the_best_epoch_and_a_copy_scores_alike(events, tmp_path):
    quality = iter([1.0, 3.0, 2.0, 2.5])
    model = NeuralCF(
        "gmf", 4, **SMALL | {"epochs": 9}, patience=2, monitor=lambda _: next(quality),
        log_dir=tmp_path,
    )  # fmt: skip
    model.fit(events)
    assert (model.best_epoch_, len(model.history_)) == (2, 4)
    again = NeuralCF("gmf", 4, **SMALL).fit(events)
    np.testing.assert_array_equal(model.score(), again.score())
    assert list(tmp_path.glob("events.out.tfevents*"))
    np.testing.assert_array_equal(copy.deepcopy(again).score(), again.score())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kind": "cnn"}, "kind must be one of"),
        ({"hidden": ()}, "each width in hidden must be a number of at least 1, got 0"),
        ({"hidden": (8, 0)}, "each width in hidden"),
        ({"negatives": "hard"}, "negatives must be one of"),
        ({"loss": "hinge"}, "loss must be one of"),
        ({"n_negatives": 0}, "n_negatives must be a number of at least 1"),
        ({"n_negatives": None}, "needs kind=\"dot\" and loss=\"softmax\""),
        ({"n_negatives": None, "loss": "softmax", "kind": "mlp"}, "got kind='mlp'"),
        ({"half_life_events": -1}, "half_life_events"),
        ({"epochs": 0}, "epochs must be"),
    ],
)  # fmt: skip
def test_impossible_parameters_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        NeuralCF(**wrong)
