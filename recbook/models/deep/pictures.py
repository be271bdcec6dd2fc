"""Pictures: a convolutional network that names what it sees, and the embedding in its middle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import pandas as pd

from recbook.models.base import check_at_least
from recbook.models.content import ItemFeatures
from recbook.models.deep import backend
from recbook.models.deep.training import batches, check_training, train

_BLOCK = 256  # pictures looked at a time


class PictureClassifier:
    """Names several properties of a picture at once, such as category and style.

    Convolutions by 3 × 3 filters, each halving the sides, are followed by one dense layer, the
    embedding e, and by one head for each property,

        p(class c of property h) = softmax(W_h e + b_h)_c.

    All heads share everything up to e. It is trained by Adam on the sum of their cross-entropies.

    It recommends nothing by itself: it turns pictures into numbers. `features` hands these to
    `ContentProfile`, which is a recommender.

    Parameters
    ----------
    filters : tuple of int
        Filters of each convolution.
    embedding_size, batch_size : int
    epochs : int
        Passes over the pictures; at most so many where there is a validation part.
    learning_rate : float
        Of Adam.
    patience : int
        With a validation part: how many epochs without a new best are waited for.
    rng : int or numpy.random.Generator
        Draws initial weights and the order of pictures.

    Attributes
    ----------
    classes_ : dict of str to array
        For each property its classes, in the order of the probabilities.
    centre_ : float32 array (embedding_size,)
        The mean embedding of the training pictures, which `embed` takes away.
    history_ : pandas.DataFrame
        One row an epoch: `loss`, and, with a validation part, the mean accuracy there.
    best_epoch_, n_parameters_ : int
    device_ : str
    weights_ : list of float32 arrays

    References
    ----------
    LeCun et al.: Gradient-based learning applied to document recognition. Proc. IEEE 86(11), 1998.
    """

    def __init__(
        self,
        filters: tuple[int, ...] = (16, 32, 48),
        *,
        embedding_size: int = 32,
        epochs: int = 12,
        batch_size: int = 32,
        learning_rate: float = 0.003,
        patience: int = 3,
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        filters = tuple(filters)
        if not filters:
            raise ValueError("filters must name at least one convolution, got none")
        check_at_least("filters", min(filters), 1)
        self.filters = filters
        self.embedding_size = embedding_size
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.rng = rng
        check_at_least("embedding_size", embedding_size, 1)
        check_training(self)

    def fit(
        self,
        pictures: np.ndarray,
        labels: Mapping[str, np.ndarray] | pd.DataFrame,
        *,
        validation: tuple[np.ndarray, Mapping[str, np.ndarray] | pd.DataFrame] | None = None,
    ) -> Self:
        """Train on pictures and a label each for every property.

        Parameters
        ----------
        pictures : uint8 array (n, height, width, 3)
        labels : DataFrame or mapping of property to n labels
        validation : (pictures, labels), optional
            Other pictures, judged after each epoch; the weights of the best epoch are kept.

        Raises
        ------
        ValueError
            If pictures and labels do not fit, or the loss stops being a number.
        """
        pictures = _checked(pictures)
        if not len(pictures):
            raise ValueError("there is no picture to train on")
        self.shape_ = pictures.shape[1:]
        self.classes_, codes = {}, []
        for name in labels:
            classes, code = np.unique(np.asarray(labels[name]), return_inverse=True)
            if len(code) != len(pictures):
                raise ValueError(
                    f"{name!r} has {len(code)} labels for {len(pictures)} pictures; give one each"
                )
            self.classes_[name] = classes
            codes.append(code.astype(np.int32))
        self.device_ = backend.device()
        rng = np.random.default_rng(self.rng)
        network = self._network(int(rng.integers(2**31)))
        self.n_parameters_ = int(sum(np.prod(w.shape) for w in network.trainable_weights))

        def shuffled():
            order = rng.permutation(len(pictures))
            return _scaled(pictures[order]), *(code[order] for code in codes)

        self.history_, self.best_epoch_ = train(
            network, shuffled, _loss, self, judged="accuracy",
            judge=None if validation is None else lambda: self._accuracy(network, *validation),
        )  # fmt: skip
        self.weights_ = network.get_weights()
        self.centre_ = np.zeros(self.embedding_size, dtype=np.float32)
        self.centre_ = self.embed(pictures).mean(axis=0)
        return self

    def network(self):
        """Return the trained network as a Keras model: pictures to logits, and the embedding."""
        if not hasattr(self, "weights_"):
            raise ValueError("the PictureClassifier is not fitted; call fit(pictures, labels)")
        network = self._network(0)
        network.set_weights(self.weights_)
        return network

    def embed(self, pictures: np.ndarray) -> np.ndarray:
        """Return embeddings less the mean of the training pictures', float32 (n, size)."""
        return self._outputs(pictures)[-1] - self.centre_

    def predict_proba(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """Return, for each property, the chances of its `classes_`, float32 (n, n_classes)."""
        *logits, _ = self._outputs(pictures)
        chances = {}
        for name, values in zip(self.classes_, logits, strict=True):
            raised = np.exp(values - values.max(axis=1, keepdims=True))
            chances[name] = raised / raised.sum(axis=1, keepdims=True)
        return chances

    def predict(self, pictures: np.ndarray) -> pd.DataFrame:
        """Return the likeliest class of each property, a column for each."""
        chances = self.predict_proba(pictures)
        return pd.DataFrame(
            {name: self.classes_[name][p.argmax(axis=1)] for name, p in chances.items()}
        )

    def features(self, ids: pd.Index, pictures: np.ndarray) -> ItemFeatures:
        """Return the embeddings as features of items, for `ContentProfile`."""
        return ItemFeatures(pd.Index(ids), self.embed(pictures))

    def _network(self, seed: int):
        import keras
        from keras import initializers, layers

        seeds = iter(range(seed, seed + 100))
        maps = seen = keras.Input(self.shape_, name="pictures")
        for count in self.filters:
            start = initializers.HeUniform(next(seeds))
            same = {"padding": "same", "activation": "relu", "kernel_initializer": start}
            maps = layers.Conv2D(count, 3, strides=2, **same)(maps)
        sizes = {"embedding": self.embedding_size}
        sizes |= {name: len(classes) for name, classes in self.classes_.items()}
        start = {name: initializers.GlorotUniform(next(seeds)) for name in sizes}
        dense = {n: layers.Dense(sizes[n], kernel_initializer=start[n], name=n) for n in sizes}
        embedding = dense["embedding"](layers.Flatten()(maps))
        return keras.Model(seen, [*(dense[name](embedding) for name in self.classes_), embedding])

    def _accuracy(self, network, pictures: np.ndarray, labels) -> float:
        """Return the share of pictures named right, averaged over the properties."""
        named = zip(self.classes_.items(), self._outputs(pictures, network)[:-1], strict=True)
        right = [c[z.argmax(axis=1)] == np.asarray(labels[name]) for (name, c), z in named]
        return float(np.mean(right))

    def _outputs(self, pictures: np.ndarray, network=None) -> list[np.ndarray]:
        """Return the heads' logits, and the embeddings, not centred, last."""
        network = self.network() if network is None else network
        pictures = _checked(pictures)
        if pictures.shape[1:] != self.shape_:
            raise ValueError(
                f"trained on pictures of {self.shape_}, got {pictures.shape[1:]}; resize them"
            )
        sizes = [len(classes) for classes in self.classes_.values()] + [self.embedding_size]
        parts = [[np.empty((0, size), dtype=np.float32)] for size in sizes]
        for (part,) in batches((pictures,), _BLOCK):
            for kept, values in zip(parts, network(_scaled(part), training=False), strict=True):
                kept.append(values.numpy())
        return [np.concatenate(kept) for kept in parts]


def _checked(pictures: np.ndarray) -> np.ndarray:
    pictures = np.asarray(pictures)
    if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
        raise ValueError(
            "pictures must be uint8 of shape (n, height, width, 3), got "
            f"{pictures.dtype} of {pictures.shape}"
        )
    return pictures


def _scaled(pictures: np.ndarray) -> np.ndarray:
    return pictures.astype(np.float32) / np.float32(127.5) - np.float32(1)


def _loss(network, pictures, *named):
    import tensorflow as tf

    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
    *logits, _ = network(pictures, training=True)
    pairs = zip(named, logits, strict=True)
    return tf.add_n([tf.reduce_mean(entropy(labels=y, logits=z)) for y, z in pairs])
