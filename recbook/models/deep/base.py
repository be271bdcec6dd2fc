"""What all deep recommenders share: the training loop and scores from learnt vectors."""

from __future__ import annotations

import sys
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least
from recbook.models.deep import backend
from recbook.models.list_inputs import block_scores, has_events

PROGRESS_AFTER = 2.0  # seconds of fitting after which a line on stderr says how far it is


class DeepRecommender(Recommender):
    """Trains a Keras network on examples drawn anew each epoch, by Adam.

    A subclass gives the network, the examples of an epoch, the loss of a batch, and the vectors
    that are kept. Its constructor takes these parameters beside its own and hands them on.

    Parameters
    ----------
    epochs : int
        Passes over the examples; with `monitor` at most so many.
    batch_size : int
    learning_rate : float
        Of Adam.
    weight_decay : float
        Every weight shrinks by learning_rate × weight_decay a step, beside the gradient (AdamW).
    monitor : callable, optional
        Given the model as it stands after an epoch, returns a number, the higher the better, such
        as the mean NDCG on a validation window. The weights of the best epoch are kept.
    patience : int
        With `monitor`: how many epochs without a new best are waited for before stopping.
    log_dir : str or path, optional
        Folder to write the learning curves into for TensorBoard.
    rng : int or numpy.random.Generator
        Draws initial weights, the order of examples and negatives.

    Attributes
    ----------
    history_ : pandas.DataFrame
        One row an epoch: `loss`, the mean over its batches, and, with `monitor`, `monitor`.
    best_epoch_ : int
        The epoch whose weights are kept, from 1: the last without `monitor`; 0 untrained.
    n_parameters_ : int
        Weights of the network that training changes.
    device_ : str
        What it was trained on.
    weights_ : list of float32 arrays
        The network's, in Keras' order.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    monitor: Callable[[Self], float] | None
    patience: int
    log_dir: str | None
    rng: int | np.random.Generator | None

    @abstractmethod
    def _network(self, interactions: Interactions, seed: int):
        """Return the built Keras model; every initialiser and dropout layer gets its own seed."""

    @abstractmethod
    def _examples(
        self, interactions: Interactions, rng: np.random.Generator
    ) -> tuple[np.ndarray, ...]:
        """Return the arrays of one epoch, as many rows each, in an order drawn by `rng`."""

    @abstractmethod
    def _loss(self, network, *batch):
        """Return the mean loss of a batch as a scalar tensor."""

    @abstractmethod
    def _keep(self, network, interactions: Interactions) -> None:
        """Store what scoring needs as NumPy arrays, so that a fitted model needs no TensorFlow."""

    def _check_training(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            check_at_least(name, getattr(self, name), 1)
        check_at_least("learning_rate", self.learning_rate, 0)
        check_at_least("weight_decay", self.weight_decay, 0)
        if self.monitor is not None and not callable(self.monitor):
            raise ValueError(f"monitor must be a function of the model, got {self.monitor!r}")

    def fit(self, interactions: Interactions) -> Self:
        """Train on the events.

        Raises
        ------
        ImportError
            If TensorFlow is missing.
        ValueError
            If the loss stops being a number.
        """
        tf, keras = backend.load()
        self.device_ = backend.device()
        self.interactions_ = interactions
        self.known_ = has_events(interactions.matrix("binary"))
        # One order whatever the order in the table, so that it cannot change the result.
        events = interactions.select(
            np.lexsort((interactions.item, interactions.time, interactions.user))
        )
        rng = np.random.default_rng(self.rng)
        network = self._network(events, int(rng.integers(2**31)))
        self.n_parameters_ = int(sum(np.prod(w.shape) for w in network.trainable_weights))
        self.history_, self.best_epoch_ = pd.DataFrame({"loss": []}), 0
        if len(events):
            self._train(tf, keras, network, events, rng)
        self._store(network, events)
        return self

    def network(self):
        """Return the trained network as a Keras model, to look into or to export."""
        network = self._network(self._fitted(), 0)
        network.set_weights(self.weights_)
        return network

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); an item without events scores lowest."""
        rows = self._rows(users)
        return block_scores(self._block, rows, self.interactions_.n_items, self.known_)

    def _block(self, start: int, stop: int) -> np.ndarray:
        """Return the scores of a block of users: here the products of what `_keep` stored."""
        return self.user_vectors_[start:stop] @ self.item_vectors_.T + self.item_bias_

    def _store(self, network, events: Interactions) -> None:
        self.weights_ = network.get_weights()
        self._keep(network, events)

    def _train(self, tf, keras, network, events: Interactions, rng: np.random.Generator) -> None:
        optimizer = keras.optimizers.Adam(
            self.learning_rate, weight_decay=self.weight_decay or None
        )
        optimizer.build(network.trainable_variables)

        @tf.function(reduce_retracing=True)
        def step(*batch):
            with tf.GradientTape() as tape:
                loss = self._loss(network, *batch)
            slopes = tape.gradient(loss, network.trainable_variables)
            # Rows of an embedding come one by one; where a batch has a row twice, Adam would square
            # the parts and not their sum.
            slopes = [tf.convert_to_tensor(slope) for slope in slopes]
            optimizer.apply_gradients(zip(slopes, network.trainable_variables, strict=True))
            return loss

        writer = tf.summary.create_file_writer(str(self.log_dir)) if self.log_dir else None
        tell, rows, best, best_weights = _Progress(self), [], -np.inf, None
        for epoch in range(1, self.epochs + 1):
            examples = self._examples(events, rng)
            losses = [step(*batch) for batch in batches(examples, self.batch_size)]
            row = {"loss": float(np.mean([loss.numpy() for loss in losses]))}
            if not np.isfinite(row["loss"]):
                raise ValueError(
                    f"the loss of {type(self).__name__} is {row['loss']} in epoch {epoch}; "
                    f"lower learning_rate, which is {self.learning_rate}"
                )
            if self.monitor is not None:
                self._store(network, events)
                row["monitor"] = float(self.monitor(self))
                if row["monitor"] > best:
                    best, best_weights = row["monitor"], self.weights_
                    self.best_epoch_ = epoch
            rows.append(row)
            self.history_ = pd.DataFrame(rows, index=pd.RangeIndex(1, epoch + 1, name="epoch"))
            if writer is not None:
                with writer.as_default(step=epoch):
                    for name, value in row.items():
                        tf.summary.scalar(name, value)
            tell(epoch, row)
            if self.monitor is not None and epoch - self.best_epoch_ >= self.patience:
                break
        tell.end()
        if writer is not None:
            writer.close()
        if best_weights is not None:
            network.set_weights(best_weights)
        else:
            self.best_epoch_ = self.epochs


def batches(arrays: tuple[np.ndarray, ...], size: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield batches of `size` rows; the last is as long as what is left."""
    for start in range(0, len(arrays[0]), size):
        yield tuple(array[start : start + size] for array in arrays)


class _Progress:
    """A line on stderr that follows a fit which takes long enough to be waited for."""

    def __init__(self, model: DeepRecommender) -> None:
        self.model, self.started, self.shown = model, time.perf_counter(), False

    def __call__(self, epoch: int, row: dict[str, float]) -> None:
        if sys.stderr is None or time.perf_counter() - self.started < PROGRESS_AFTER:
            return
        values = ", ".join(f"{name} {value:.4f}" for name, value in row.items())
        line = f"{type(self.model).__name__}: epoch {epoch} of {self.model.epochs}, {values}"
        sys.stderr.write(f"\r{line}" if sys.stderr.isatty() else f"{line}\n")
        sys.stderr.flush()
        self.shown = sys.stderr.isatty()

    def end(self) -> None:
        if self.shown:
            sys.stderr.write("\n")
