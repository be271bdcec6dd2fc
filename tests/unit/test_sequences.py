import inspect

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.deep import backend
from recbook.models.deep.gru4rec import GRU4Rec
from recbook.models.deep.histories import histories, windows
from recbook.models.deep.sasrec import SASRec
from recbook.models.deep.sequences import sampled_softmax

MODELS = [
    GRU4Rec(8, 6, epochs=2, dropout=0, rng=1),
    SASRec(8, 6, n_heads=2, epochs=2, dropout=0, rng=1),
]
BY_NAME = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def events_of(histories: list[list[int]], times=None, n_items: int = 9) -> Interactions:
    """Return one user a list of items, at times 0, 1, 2, … unless told."""
    user = np.repeat(np.arange(len(histories)), [len(one) for one in histories])
    times = times or [range(len(one)) for one in histories]
    return Interactions(
        user=user, item=[item for one in histories for item in one], value=np.ones(len(user)),
        time=[time for one in times for time in one], users=pd.RangeIndex(len(histories)),
        items=pd.RangeIndex(n_items),
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted() -> dict[str, object]:
    rng = np.random.default_rng(0)
    events = events_of([list(rng.integers(9, size=n)) for n in (3, 12, 7, 9, 1)] + [[]])
    return {type(m).__name__: type(m)(**m.get_params()).fit(events) for m in MODELS}


@BY_NAME
def test_a_later_item_changes_no_earlier_state(model, fitted):
    network = fitted[type(model).__name__].network()
    first = np.array([[1, 2, 3, 4, 5, 6]], dtype=np.int32)
    for place in range(6):
        other = first.copy()
        other[0, place] = 8
        moved = np.abs(np.asarray(network(other)[0]) - np.asarray(network(first)[0])).max(axis=2)[0]
        assert (moved[:place] == 0).all()
        assert moved[place] > 1e-3  # what it is asked after, it has seen
        if place < 5:
            assert moved[place + 1] > 1e-4  # and so has the next


@BY_NAME
def test_padding_changes_nothing(model, fitted):
    model = fitted[type(model).__name__]
    network = model.network()
    for user, n in enumerate((3, 6, 6, 6, 1)):
        history = model.histories_[user]
        assert (history[n:] == -1).all()
        assert (history[:n] >= 0).all()
        for filler in (0, 7):
            state = np.asarray(network(np.where(history < 0, filler, history)[None])[0])[0, n - 1]
            np.testing.assert_allclose(model.user_vectors_[user], state, atol=1e-6)


@BY_NAME
def test_scores_are_state_times_items_plus_bias(model, fitted):
    model = fitted[type(model).__name__]
    expected = model.user_vectors_ @ model.item_vectors_.T + model.item_bias_
    np.testing.assert_allclose(model.score(), expected, atol=1e-5)
    assert (model.user_vectors_[5] == 0).all()  # who has no events


@pytest.mark.parametrize(
    "model",
    [
        GRU4Rec(8, 6, epochs=40, learning_rate=0.03, dropout=0, n_negatives=6, batch_size=4),
        SASRec(8, 6, epochs=30, learning_rate=0.03, dropout=0, n_layers=1, max_windows=1),
    ],
    ids=["sampled", "full"],
)
def test_what_always_follows_is_predicted(model):
    # 0, 1, 2, …, 8 and round again, from anywhere.
    cycles = [[(start + step) % 9 for step in range(9)] for start in range(9)]
    model.fit(events_of(cycles))
    assert model.recommend(k=1)[:, 0].tolist() == list(range(9))
    assert model.history_.loss.iloc[-1] < model.history_.loss.iloc[0] / 2


def test_a_state_is_what_the_formulas_of_the_gru_say(fitted):
    model = fitted["GRU4Rec"]
    layer = model.network().get_layer("gru_0")
    W, U, (b, c) = (weight.astype(float) for weight in layer.get_weights())
    rng = np.random.default_rng(5)
    b, c = rng.normal(size=(2, 24))  # zeros would hide where they stand
    layer.set_weights([W, U, np.array([b, c])])

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    d = 8
    history = model.histories_[1]
    state, states = np.zeros(d), []
    for item in history:
        x, h = model.item_vectors_[item] @ W + b, state @ U + c
        update, reset = sigmoid(x[:d] + h[:d]), sigmoid(x[d : 2 * d] + h[d : 2 * d])
        proposal = np.tanh(x[2 * d :] + reset * h[2 * d :])
        state = update * state + (1 - update) * proposal
        states.append(state)
    found = layer(model.item_vectors_[history][None])
    np.testing.assert_allclose(np.asarray(found)[0], states, atol=1e-5)


def test_attention_looks_back_only_and_sums_to_one(fitted):
    model = fitted["SASRec"]
    weights = model.attention([1, 0, 5])
    assert weights.shape == (3, 2, 2, 6, 6)  # users, layers, heads, from, to
    above = np.triu_indices(6, 1)
    assert (weights[..., above[0], above[1]] == 0).all()
    np.testing.assert_allclose(weights[0].sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(weights[1, :, :, :3].sum(axis=-1), 1, atol=1e-6)
    assert (weights[1, :, :, 3:] == 0).all()  # a history of three
    assert (weights[2] == 0).all()  # none at all
    assert np.ptp(weights[0, 0, 0, 5]) > 1e-4  # not all the same
    np.testing.assert_allclose(model.attention()[[1, 0, 5]], weights, atol=1e-6)


def test_attention_is_softmax_of_queries_times_keys(fitted):
    model = fitted["SASRec"]
    network = model.network()
    history = model.histories_[1]
    x = model.item_vectors_[history] * np.sqrt(8) + network.get_layer("places").get_weights()[0]
    x = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-3)
    scale, shift = network.get_layer("normal_0").get_weights()
    x = x * scale + shift
    query, query_b, key, key_b = network.get_layer("attention_0").get_weights()[:4]
    for head in range(2):
        q, k = x @ query[:, head] + query_b[head], x @ key[:, head] + key_b[head]
        scores = np.where(np.tri(6) > 0, q @ k.T / np.sqrt(4), -np.inf)
        expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.attention([1])[0, 0, head], expected, atol=1e-5)


class TestSampledSoftmax:
    def of(self, draws, chance, right=3, n_items=6, rounds=1):
        tf, _ = backend.load()
        rng = np.random.default_rng(2)
        state, vectors = rng.normal(size=(1, 4)), rng.normal(size=(n_items, 4))
        bias = rng.normal(size=n_items)
        scores = state[0] @ vectors.T + bias
        full = np.log(np.exp(scores).sum()) - scores[right]
        drawn = rng.choice(n_items, size=(rounds, draws), p=chance).astype(np.int32)
        losses = [
            sampled_softmax(
                tf.constant(state), tf.constant([right]), tf.constant(vectors),
                tf.constant(bias), tf.constant(one), tf.constant(chance[one]),
            ).numpy()[0]
            for one in drawn
        ]  # fmt: skip
        return full, np.array(losses), scores[right]

    def test_denominator_is_right_on_average(self):
        chance = np.array([0.3, 0.05, 0.1, 0.2, 0.25, 0.1])
        full, losses, own = self.of(400, chance, rounds=50)
        sums, expected = np.exp(losses + own), np.exp(full + own)
        error = sums.std() / np.sqrt(50)
        assert abs(sums.mean() - expected) < 4 * error < 0.1 * expected

    def test_many_negatives_give_the_full_loss(self):
        chance = np.array([0.3, 0.05, 0.1, 0.2, 0.25, 0.1])
        full, losses, _ = self.of(200_000, chance)
        assert abs(losses[0] - full) < 0.01

    def test_the_right_item_among_the_negatives_is_left_out(self):
        _, losses, _ = self.of(5, np.eye(6)[3])  # only the right item is ever drawn
        assert losses[0] == pytest.approx(0)


class TestHistories:
    def test_last_events_first_to_last_then_padding(self):
        rows = histories(events_of([[5, 6, 7, 8], [3], []]), 3, np.random.default_rng(0))
        assert rows.tolist() == [[6, 7, 8], [3, -1, -1], [-1, -1, -1]]

    def test_times_decide_and_not_the_order_of_the_table(self):
        rows = histories(events_of([[5, 6, 7]], [[9, 1, 4]]), 3, np.random.default_rng(0))
        assert rows.tolist() == [[6, 7, 5]]

    def test_events_of_one_moment_stand_in_any_order(self):
        events = events_of([[1, 2, 3]], [[0, 0, 7]])
        found = {tuple(histories(events, 3, np.random.default_rng(n))[0]) for n in range(20)}
        assert found == {(1, 2, 3), (2, 1, 3)}


class TestWindows:
    def test_target_is_the_next_event(self):
        items, targets = windows(events_of([[5, 6, 7], [3]]), 4, np.random.default_rng(0))
        assert items.tolist() == [[5, 6, 7, -1]]  # nothing follows the only event of the second
        assert targets.tolist() == [[6, 7, -1, -1]]

    def test_target_is_one_of_the_next_moment(self):
        events = events_of([[1, 2, 3, 4, 5]], [[0, 0, 3, 3, 8]])
        found = set()
        for n in range(40):
            _, targets = windows(events, 5, np.random.default_rng(n), follows="moment")
            assert set(targets[0, :2]) <= {3, 4}
            assert targets[0, 2:].tolist() == [5, 5, -1]
            found.add(tuple(targets[0, :2]))
        assert found == {(3, 3), (3, 4), (4, 3), (4, 4)}

    @pytest.mark.parametrize("follows", ["event", "moment"])
    def test_every_event_but_the_first_is_a_target_once(self, follows):
        rng = np.random.default_rng(3)
        lengths = [0, 1, 2, 7, 8, 9, 30]
        events = events_of([list(rng.integers(9, size=n)) for n in lengths])
        for seed in range(5):
            items, targets = windows(events, 8, np.random.default_rng(seed), follows=follows)
            assert (targets >= 0).sum() == sum(n - 1 for n in lengths if n)
            assert ((items >= 0) >= (targets >= 0)).all()
            # Inside a window the target is the item of the next place.
            both = (items[:, 1:] >= 0) & (targets[:, :-1] >= 0)
            assert (items[:, 1:][both] == targets[:, :-1][both]).all()

    def test_no_more_windows_than_allowed(self):
        events = events_of([[1] * 40, [2] * 5, [3] * 40])
        items, _ = windows(events, 8, np.random.default_rng(0), max_windows=2)
        assert np.bincount(items[:, 0]).tolist() == [0, 2, 1, 2]

    def test_no_events_give_no_windows(self):
        items, targets = windows(events_of([[], []]), 8, np.random.default_rng(0))
        assert items.shape == targets.shape == (0, 8)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"n_factors": 0}, "n_factors"), ({"length": 0}, "length"), ({"dropout": 1}, "dropout"),
        ({"follows": "basket"}, "follows"), ({"n_negatives": 0}, "n_negatives"),
        ({"max_windows": 0}, "max_windows"), ({"epochs": 0}, "epochs"),
        ({"n_layers": 0}, "n_layers"),
    ],
)  # fmt: skip
def test_impossible_parameters_are_refused(params, names):
    for model in (GRU4Rec, SASRec):
        with pytest.raises(ValueError, match=names):
            model(**params)


def test_heads_must_share_the_factors():
    with pytest.raises(ValueError, match="n_heads must divide n_factors=8"):
        SASRec(8, n_heads=3)


def test_events_without_times_are_refused():
    events = events_of([[1, 2]])
    timeless = Interactions(
        user=events.user, item=events.item, value=events.value, time=events.time,
        users=events.users, items=events.items, has_time=False,
    )  # fmt: skip
    with pytest.raises(ValueError, match="no times"):
        GRU4Rec().fit(timeless)


def test_both_take_the_shared_parameters():
    shared = {"n_factors", "length", "follows", "n_negatives", "max_windows", "dropout"}
    for model in (GRU4Rec, SASRec):
        assert shared <= set(inspect.signature(model).parameters)
