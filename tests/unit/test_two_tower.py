import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.content import ItemFeatures
from recbook.models.deep.in_batch import draw_items, in_batch_loss, log_chances, shares
from recbook.models.deep.side_features import feature_rows, padded
from recbook.models.deep.two_tower import TwoTower


def toy(n_users=12, n_items=9, n_events=60, seed=0):
    rng = np.random.default_rng(seed)
    return Interactions(
        user=rng.integers(n_users, size=n_events),
        item=rng.integers(n_items - 1, size=n_events),  # the last item has no events
        value=np.ones(n_events),
        time=rng.integers(1_000_000, size=n_events),
        users=pd.RangeIndex(n_users),
        items=pd.RangeIndex(n_items),
    )


TEXTS = pd.Series([f"{'red' if i % 2 else 'blue'} thing {i % 3}" for i in range(9)])
HOMES = pd.DataFrame({"size": ["1", "2", None, "1"], "age": ["old"] * 4}, index=[0, 1, 2, 7])
QUICK = {"n_factors": 3, "epochs": 2, "batch_size": 4, "n_positives": 2}


def loss_by_hand(logits, items):
    """The loss written as the sum it is: one user, one of her items, one other place at a time."""
    n, p = items.shape
    place = items.ravel()
    losses = []
    for user in range(n):
        for mine in range(user * p, user * p + p):
            others = [j for j in range(n * p) if place[j] not in items[user]]
            own = np.exp(logits[user, mine])
            losses.append(-np.log(own / (own + np.exp(logits[user, others]).sum())))
    return np.mean(losses)


@pytest.mark.parametrize("p", [1, 3])
def test_loss_equals_the_sum_over_places_with_accidental_hits_left_out(p):
    rng = np.random.default_rng(p)
    items = rng.integers(6, size=(5, p))  # many hits
    logits = rng.normal(size=(5, 5 * p))
    found = in_batch_loss(logits.astype(np.float32), items).numpy()
    assert found == pytest.approx(loss_by_hand(logits, items), rel=1e-5)


@pytest.mark.parametrize("log_q", [True, False])
def test_loss_of_the_model_equals_numpy_from_its_vectors(log_q):
    import tensorflow as tf

    events = toy()
    model = TwoTower(**QUICK, log_q=log_q, leave_out=False, temperature=0.5).fit(events)
    cells = shares(events.matrix("binary"))
    users = np.array([3, 0, 8, 5], dtype=np.int32)
    items = draw_items(cells, users, 2, np.random.default_rng(1))
    flat = items.ravel()
    scores = model.score()[users][:, flat]
    counts = events.matrix("binary").toarray()
    q = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)  # everyone here has events
    logits = scores - np.log(q[flat]) if log_q else scores
    model._inputs = _inputs(model, events)  # a fitted model does not keep them
    found = model._loss(model.network(), tf.constant(users), tf.constant(items)).numpy()
    assert found == pytest.approx(loss_by_hand(logits, items), rel=1e-4)


def _inputs(model, events):
    from recbook.models.deep.tower_inputs import TowerInputs

    return TowerInputs.of(events, None, None, events.matrix("binary"), model.history)


def test_log_q_is_the_chance_to_stand_in_a_place():
    cells = shares(sparse.csr_array([[1.0, 1.0, 0.0, 0.0], [0.0, 3.0, 1.0, 0.0], [0] * 4]))
    expected = [1 / 4, (1 / 2 + 3 / 4) / 2, 1 / 8, 1 / 16]  # the last is never drawn
    np.testing.assert_allclose(np.exp(log_chances(cells)), expected, rtol=1e-6)
    drawn = draw_items(cells, np.array([0, 1]), 20_000, np.random.default_rng(0))
    frequency = np.bincount(drawn.ravel(), minlength=4) / drawn.size
    np.testing.assert_allclose(frequency[:3], expected[:3], atol=0.01)
    assert frequency[3] == 0
    assert set(np.unique(drawn[0])) == {0, 1}
    assert set(np.unique(drawn[1])) == {1, 2}


def test_with_log_q_the_sum_over_a_batch_expects_the_sum_over_all_items():
    rng = np.random.default_rng(2)
    q = rng.dirichlet(np.ones(7))
    scores = rng.normal(size=7)
    batch = rng.choice(7, p=q, size=(40_000, 5))
    corrected = np.exp(scores - np.log(q))[batch].mean()
    plain = np.exp(scores)[batch].mean()
    assert corrected == pytest.approx(np.exp(scores).sum(), rel=0.03)
    assert plain == pytest.approx((q * np.exp(scores)).sum(), rel=0.03)


def test_untrained_model_recommends_the_popular_with_log_q_and_nobody_without():
    events = toy()
    popular = TwoTower(**QUICK, learning_rate=0.0).fit(events)
    np.testing.assert_allclose(popular.score()[0, :8], popular.log_q_[:8], rtol=1e-6)
    plain = TwoTower(**QUICK, learning_rate=0.0, log_q=False).fit(events)
    assert not plain.score().any()


def test_without_log_q_a_model_learns_lift_and_with_it_chance():
    # Two kinds of users who share a popular item, 0; kind a also takes 1, kind b also takes 2.
    user = np.repeat(np.arange(40), 4)
    item = np.tile([0, 0, 0, 1], 40)
    item[3::8] = 2
    events = Interactions(
        user=user, item=item, value=np.ones(160), time=np.arange(160),
        users=pd.RangeIndex(40), items=pd.RangeIndex(3),
    )  # fmt: skip
    settings = {
        "values": "count", "leave_out": False, "n_factors": 4, "epochs": 40, "batch_size": 40,
        "n_positives": 1, "learning_rate": 0.05,
    }  # fmt: skip
    own = np.where(np.arange(40) % 2 == 0, 2, 1)
    gap = {}
    for log_q in (True, False):
        scores = TwoTower(**settings, log_q=log_q).fit(events).score()
        gap[log_q] = (scores[:, 0] - scores[np.arange(40), own]).mean()
    assert gap[True] > 0  # she takes item 0 three times as often as her own
    assert gap[True] - gap[False] > np.log(6) / 2  # it is drawn six times as often as each of them


def test_what_is_left_out_of_a_history_does_not_enter_the_tower():
    events = toy()
    model = TwoTower(**QUICK).fit(events)
    inputs = _inputs(model, events)
    user = np.array([4], dtype=np.int32)
    hers = np.unique(events.item[events.user == 4])
    _, columns, numbers = inputs.of_users(user, hers[None, :1].astype(np.int32))
    kept = {int(c) for c, n in zip(columns[0], numbers.numpy()[0], strict=True) if n > 0}
    assert kept == set(hers[1:])
    assert np.linalg.norm(numbers) == pytest.approx(1)


def test_features_of_unknown_ids_are_empty_and_of_known_ones_one_hot():
    rows = feature_rows(HOMES, pd.Index([2, 1, 5])).toarray()
    np.testing.assert_array_equal(rows, [[0, 0, 1], [0, 1, 1], [0, 0, 0]])
    vectors = ItemFeatures(pd.Index(["a", "b"]), np.array([[0.5, 0.0], [0.0, 2.0]]))
    rows = feature_rows(vectors, pd.Index(["b", "c"])).toarray()
    np.testing.assert_array_equal(rows, [[0, 2], [0, 0]])


def test_padding_keeps_the_largest():
    columns, numbers = padded(sparse.csr_array([[3.0, 0, 5, 4], [0, 0, 0, 0], [0, 1, 0, 1]]), 2)
    assert columns.tolist() == [[2, 3], [0, 0], [1, 3]]
    assert numbers.tolist() == [[5, 4], [0, 0], [1, 1]]


@pytest.fixture(scope="module")
def full():
    return TwoTower(HOMES, TEXTS, **QUICK, hidden=(5,), user_ids=True, temperature=0.3).fit(toy())


def test_the_network_gives_the_vectors_that_are_kept(full):
    network = full.network()
    inputs = _with_features(full)
    x, y, bias = network(inputs.of_users(_rows(12)) + _first(inputs.of_items(_rows(9)), 12))
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(x / 0.3, full.user_vectors_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(y[:9], full.item_vectors_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(bias[:9, 0], full.item_bias_, rtol=1e-5)


def _rows(n):
    import tensorflow as tf

    return tf.range(n)


def _first(parts, n):
    """Return the parts of 9 items, lengthened by the first to `n` rows."""
    import tensorflow as tf

    return [tf.gather(part, np.r_[np.arange(9), np.zeros(n - 9, int)]) for part in parts]


def _with_features(model):
    from recbook.models.deep.tower_inputs import TowerInputs

    events = model.interactions_
    return TowerInputs.of(events, HOMES, TEXTS, events.matrix("binary"), model.history)


def test_an_item_without_events_stands_where_its_words_put_it():
    model = TwoTower(None, TEXTS, **QUICK).fit(toy())
    table = model.network().get_layer("item_tower").get_layer("item_features").get_weights()[0]
    words = feature_rows(TEXTS, pd.RangeIndex(9)).toarray()
    np.testing.assert_allclose(model.item_vectors_[8], words[8] @ table, rtol=1e-4, atol=1e-6)


def test_a_shown_model_names_its_features_by_size(full):
    assert "user_features=<4 rows of size, age>, item_features=<9 texts>" in repr(full)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"history": 0}, "user's tower reads nothing"),
        ({"temperature": 0}, "temperature must be above 0"),
        ({"n_positives": 0}, "n_positives must be"),
        ({"hidden": (0,)}, "each of hidden must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"half_life_days": -1}, "half_life_days must be above 0"),
    ],
)
def test_impossible_parameters_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        TwoTower(**wrong)


def test_features_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="user_features must be a DataFrame"):
        TwoTower({"a": 1})
    with pytest.raises(ValueError, match="ids of item_features repeat 1"):
        TwoTower(None, pd.Series(["a", "b"], index=[1, 1]))
