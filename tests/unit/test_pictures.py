"""PictureClassifier: its network against NumPy, what it learns, and what it refuses."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.content import ContentProfile
from recbook.models.deep.pictures import PictureClassifier

SMALL = {"filters": (4, 6), "embedding_size": 5, "epochs": 1, "batch_size": 16}


def draw(n, rng, size=8):
    """Pictures with a bright bar, lying or standing, in red or in blue."""
    pictures = rng.integers(0, 40, size=(n, size, size, 3)).astype(np.uint8)
    lying, red = rng.integers(2, size=(2, n)).astype(bool)
    place = rng.integers(1, size - 1, size=n)
    for i in range(n):
        where = (place[i], slice(None)) if lying[i] else (slice(None), place[i])
        pictures[i][(*where, 0 if red[i] else 2)] = 220
    labels = {"bar": np.where(lying, "lying", "standing"), "colour": np.where(red, "red", "blue")}
    return pictures, pd.DataFrame(labels)


@pytest.fixture(scope="module")
def fitted():
    pictures, labels = draw(200, np.random.default_rng(0))
    model = PictureClassifier(**{**SMALL, "epochs": 12}, learning_rate=0.01)
    return model.fit(pictures, labels)


def convolved(pictures, filters, bias):
    """Convolution with stride 2 and "same" padding, written as loops over the filter's places."""
    n, height, width, _ = pictures.shape
    kernel = filters.shape[0]
    rows, columns = -(-height // 2), -(-width // 2)
    pad = [
        max((size - 1) * 2 + kernel - side, 0) for size, side in ((rows, height), (columns, width))
    ]
    edges = [(0, 0), *((p // 2, p - p // 2) for p in pad), (0, 0)]
    padded = np.pad(pictures, edges)
    out = np.zeros((n, rows, columns, filters.shape[3]))
    for y in range(kernel):
        for x in range(kernel):
            seen = padded[:, y : y + 2 * rows - 1 : 2, x : x + 2 * columns - 1 : 2]
            out += seen @ filters[y, x]
    return np.maximum(out + bias, 0)


def test_the_network_is_what_numpy_computes(fitted):
    pictures, _ = draw(7, np.random.default_rng(1))
    w = [weight.astype(float) for weight in fitted.weights_]
    maps = convolved(convolved(pictures / 127.5 - 1, *w[0:2]), *w[2:4])
    embedding = maps.reshape(7, -1) @ w[4] + w[5]
    np.testing.assert_allclose(fitted.embed(pictures) + fitted.centre_, embedding, atol=1e-4)
    logits = np.exp(embedding @ w[6] + w[7])
    expected = logits / logits.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(pictures)["bar"], expected, atol=1e-4)


def test_the_weights_are_counted(fitted):
    convolutions = (3 * 3 * 3 * 4 + 4) + (3 * 3 * 4 * 6 + 6)
    dense = (2 * 2 * 6 * 5 + 5) + 2 * (5 * 2 + 2)
    assert fitted.n_parameters_ == convolutions + dense


def test_it_names_new_pictures(fitted):
    pictures, labels = draw(200, np.random.default_rng(2))
    named = fitted.predict(pictures)
    assert (named["colour"] == labels["colour"]).mean() > 0.95
    assert (named["bar"] == labels["bar"]).mean() > 0.9  # the loss alone would give 1/2


def test_training_lowers_the_loss(fitted):
    assert fitted.history_["loss"].iloc[-1] < fitted.history_["loss"].iloc[0] / 3


def test_the_embeddings_of_the_training_pictures_are_centred(fitted):
    pictures, _ = draw(200, np.random.default_rng(0))
    np.testing.assert_allclose(fitted.embed(pictures).mean(axis=0), 0, atol=1e-4)


def test_chances_sum_to_one_and_name_the_classes(fitted):
    chances = fitted.predict_proba(draw(5, np.random.default_rng(3))[0])
    assert [*chances] == ["bar", "colour"]
    assert fitted.classes_["colour"].tolist() == ["blue", "red"]
    for values in chances.values():
        np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-5)


def test_two_fits_are_the_same_and_leave_pictures_and_labels_as_they_were(fitted):
    pictures, labels = draw(40, np.random.default_rng(0))
    before = pictures.copy(), labels.copy()
    first, again = (PictureClassifier(**SMALL).fit(pictures, labels) for _ in range(2))
    np.testing.assert_array_equal(first.embed(pictures), again.embed(pictures))
    np.testing.assert_array_equal(pictures, before[0])
    pd.testing.assert_frame_equal(labels, before[1])


def test_another_seed_starts_elsewhere(fitted):
    one, other = (fitted._network(seed).get_weights()[0] for seed in (0, 1))
    assert np.abs(one - other).max() > 0.01


def test_a_copy_and_a_pickle_say_the_same(fitted):
    pictures, _ = draw(9, np.random.default_rng(4))
    for twin in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(twin.embed(pictures), fitted.embed(pictures))


def test_the_best_epoch_on_validation_is_kept():
    rng = np.random.default_rng(5)
    pictures, labels = draw(60, rng)
    held_out = draw(60, rng)
    wild = {**SMALL, "epochs": 8, "learning_rate": 0.05}
    model = PictureClassifier(**wild, patience=2).fit(pictures, labels, validation=held_out)
    accuracy = model.history_["accuracy"]
    assert model.best_epoch_ == accuracy.idxmax()
    kept = np.mean([(model.predict(held_out[0])[n] == held_out[1][n]).mean() for n in labels])
    assert kept == pytest.approx(accuracy.max())
    assert len(accuracy) <= model.best_epoch_ + 2


def test_with_a_profile_it_ranks_an_item_that_nobody_took(fitted):
    pictures, labels = draw(40, np.random.default_rng(6))
    red = np.flatnonzero(labels["colour"] == "red")
    blue = np.flatnonzero(labels["colour"] == "blue")
    ids = pd.Index([f"item {i}" for i in range(40)])
    taken = pd.DataFrame({"user_id": 1, "item_id": ids[red[:5]]})
    events = Interactions.from_frame(taken, items=ids)
    scores = ContentProfile(fitted.features(ids, pictures)).fit(events).score()[0]
    assert scores[red[5:]].mean() > scores[blue].mean() + 0.5


def test_no_pictures_give_no_rows(fitted):
    none = np.empty((0, 8, 8, 3), dtype=np.uint8)
    assert fitted.embed(none).shape == (0, 5)
    assert len(fitted.predict(none)) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"filters": ()}, "at least one convolution"),
        ({"filters": (4, 0)}, "filters"),
        ({"epochs": 0}, "epochs"),
        ({"embedding_size": 0}, "embedding_size"),
        ({"learning_rate": -0.1}, "learning_rate"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PictureClassifier(**settings)


def test_what_does_not_fit_is_refused(fitted):
    pictures, labels = draw(4, np.random.default_rng(0))
    model = PictureClassifier(**SMALL)
    with pytest.raises(ValueError, match="not fitted"):
        model.embed(pictures)
    with pytest.raises(ValueError, match="uint8"):
        model.fit(pictures / 255, labels)
    with pytest.raises(ValueError, match="no picture"):
        model.fit(pictures[:0], labels[:0])
    with pytest.raises(ValueError, match="3 labels for 4 pictures"):
        model.fit(pictures, labels[:3])
    with pytest.raises(ValueError, match="resize"):
        fitted.embed(draw(2, np.random.default_rng(0), size=6)[0])


def test_a_loss_that_is_no_number_is_refused():
    pictures, labels = draw(40, np.random.default_rng(0))
    wild = {**SMALL, "epochs": 9, "learning_rate": 1e20}
    with pytest.raises(ValueError, match="lower learning_rate"):
        PictureClassifier(**wild).fit(pictures, labels)
