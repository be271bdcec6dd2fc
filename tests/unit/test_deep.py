"""The training loop that all deep recommenders share, on the smallest network that can learn."""

import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.deep import backend, base, training
from recbook.models.deep.base import DeepRecommender
from recbook.models.deep.training import batches


class Dot(DeepRecommender):
    """Products of two tables of vectors, by squared error against 1 and 0."""

    def __init__(self, epochs=5, batch_size=16, learning_rate=0.05, weight_decay=0.0,
                 monitor=None, patience=2, log_dir=None, rng=0):  # fmt: skip
        self.epochs, self.batch_size, self.learning_rate = epochs, batch_size, learning_rate
        self.weight_decay, self.monitor, self.patience = weight_decay, monitor, patience
        self.log_dir, self.rng = log_dir, rng
        self._check_training()

    def _network(self, interactions, seed):
        _, keras = backend.load()
        sides = []
        for number, (name, n) in enumerate(
            (("users", interactions.n_users), ("items", interactions.n_items))
        ):
            start = keras.initializers.RandomNormal(0, 0.3, seed=seed + number)
            sides.append(keras.layers.Embedding(n, 4, embeddings_initializer=start, name=name))
        inputs = [keras.Input((), dtype="int32"), keras.Input((), dtype="int32")]
        vectors = [side(one) for side, one in zip(sides, inputs, strict=True)]
        return keras.Model(inputs, keras.layers.Dot(-1)(vectors)[:, 0])

    def _examples(self, interactions, rng):
        taken = interactions.matrix("binary").toarray()
        user, item = (axis.ravel() for axis in np.indices(taken.shape, dtype=np.int32))
        order = rng.permutation(len(user))
        return user[order], item[order], taken.ravel()[order]

    def _loss(self, network, user, item, taken):
        tf, _ = backend.load()
        return tf.reduce_mean((network([user, item], training=True) - taken) ** 2)

    def _keep(self, network, interactions):
        self.user_vectors_ = network.get_layer("users").get_weights()[0]
        self.item_vectors_ = network.get_layer("items").get_weights()[0]
        self.item_bias_ = np.zeros(interactions.n_items, dtype=np.float32)


@pytest.fixture
def events() -> Interactions:
    user, item = np.nonzero(np.indices((6, 5)).sum(axis=0) % 2 == 0)
    return Interactions(
        user, item, user * 0 + 1, user * 10 + item, users=pd.RangeIndex(6), items=pd.RangeIndex(5)
    )


def test_training_learns_and_keeps_its_history(events):
    model = Dot(epochs=60).fit(events)
    assert model.history_.index.tolist() == list(range(1, 61))
    assert model.history_.loss.iloc[-1] < 0.05 < model.history_.loss.iloc[0]
    assert model.best_epoch_ == 60
    assert model.n_parameters_ == (6 + 5) * 4
    assert model.device_ == backend.device()
    taken = events.matrix("binary").toarray() > 0
    scores = model.score()
    assert scores[taken].min() > scores[~taken].max()


def test_adam_takes_the_step_of_its_formula(events):
    one = Dot(epochs=1, batch_size=30, learning_rate=0.1).fit(events)
    start = Dot(epochs=1).fit(events.select([]))  # nothing to learn from: as it was drawn
    u, v = start.user_vectors_.astype(float), start.item_vectors_.astype(float)
    slope = 2 * (u @ v.T - events.matrix("binary").toarray()) @ v / 30
    # The first step of Adam is the learning rate, in the direction of the slope's sign.
    expected = u - 0.1 * np.sign(slope)
    np.testing.assert_allclose(one.user_vectors_, expected, atol=1e-3)


def test_weight_decay_shrinks_the_weights(events):
    plain, shrunk = (Dot(epochs=20, weight_decay=d).fit(events) for d in (0.0, 3.0))
    norms = [np.linalg.norm(model.user_vectors_) for model in (plain, shrunk)]
    assert norms[1] < 0.8 * norms[0]


def test_the_best_epoch_is_kept_and_waiting_ends(events):
    answers = iter([1.0, 3.0, 2.0, 3.0, 9.0])
    seen = []

    def monitor(model):
        seen.append(model.user_vectors_.copy())
        return next(answers)

    model = Dot(epochs=5, patience=2, monitor=monitor).fit(events)
    assert model.history_.monitor.tolist() == [1.0, 3.0, 2.0, 3.0]  # 9 is never reached
    assert model.best_epoch_ == 2
    np.testing.assert_array_equal(model.user_vectors_, seen[1])
    short = Dot(epochs=2).fit(events)
    np.testing.assert_array_equal(model.user_vectors_, short.user_vectors_)


def test_the_seed_decides(events):
    first, again, other = (Dot(rng=seed).fit(events).score() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_the_network_can_be_had_with_its_weights(events):
    model = Dot().fit(events)
    user, item = (axis.ravel() for axis in np.indices((6, 5)))
    again = model.network()([user, item]).numpy().reshape(6, 5)
    np.testing.assert_allclose(again, model.score(), atol=1e-6)


def test_learning_curves_can_be_opened_in_tensorboard(events, tmp_path):
    tf, _ = backend.load()
    from tensorflow.core.util import event_pb2

    model = Dot(epochs=3, log_dir=tmp_path / "curves", monitor=lambda model: 0.5).fit(events)
    (file,) = (tmp_path / "curves").glob("events.out.tfevents.*")
    read = {"loss": [], "monitor": []}
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        for value in event_pb2.Event.FromString(record).summary.value:
            read[value.tag].append(float(tf.make_ndarray(value.tensor)))
    np.testing.assert_allclose(read["loss"], model.history_.loss, rtol=1e-6)
    assert read["monitor"] == model.history_.monitor.tolist()


def test_a_loss_that_is_no_number_stops_with_a_remedy(events):
    class Broken(Dot):
        def _loss(self, network, *batch):
            return super()._loss(network, *batch) * np.nan

    with pytest.raises(ValueError, match="the loss of Broken is nan in epoch 1; lower learning_r"):
        Broken().fit(events)


def test_long_fits_say_how_far_they_are(events, monkeypatch, capsys):
    Dot(epochs=2).fit(events)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(training, "PROGRESS_AFTER", 0.0)
    Dot(epochs=2).fit(events)
    assert "Dot: epoch 2 of 2, loss 0." in capsys.readouterr().err


def test_batches_are_whole_but_for_the_last():
    rows = np.arange(5)
    found = [(a.tolist(), b.tolist()) for a, b in batches((rows, -rows), 2)]
    assert found == [([0, 1], [0, -1]), ([2, 3], [-2, -3]), ([4], [-4])]


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", 0), ("batch_size", 0.5), ("patience", 0), ("learning_rate", -1),
     ("weight_decay", "a"), ("monitor", 3)],
)  # fmt: skip
def test_impossible_settings_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        Dot(**{name: value})


def test_without_tensorflow_the_error_names_the_extra(events, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r'pip install "recbook\[deep\]"'):
        Dot().fit(events)


def test_another_backend_of_keras_is_refused(monkeypatch):
    _, keras = backend.load()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ImportError, match="Keras runs on jax here; set KERAS_BACKEND=tensorflow"):
        backend.load()


def test_the_first_gpu_is_named_where_there_is_one(monkeypatch):
    tf, _ = backend.load()
    assert backend.device() == "CPU" or backend.device().startswith("GPU (")
    gpu = types.SimpleNamespace(name="/physical_device:GPU:0")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [gpu])
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda one: {"device_name": "Tesla T4"}
    )
    assert backend.device() == "GPU (Tesla T4)"


def test_no_deep_module_imports_tensorflow_before_it_is_needed():
    folder = Path(base.__file__).parent
    for path in folder.glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not line.startswith(
                ("import tensorflow", "import keras", "from keras", "from tensorflow")
            )
