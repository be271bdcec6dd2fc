"""What all deep recommenders share: how they are trained, and scores from learnt vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Self

import numpy as np
import pandas as pd

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender
from recbook.models.deep import backend
from recbook.models.deep.training import check_training, train
from recbook.models.list_inputs import block_scores, has_events


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
        check_training(self)
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
            self.history_, self.best_epoch_ = train(
                network,
                lambda: self._examples(events, rng),
                self._loss,
                self,
                judge=None if self.monitor is None else lambda: self._monitored(network, events),
            )
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

    def _monitored(self, network, events: Interactions) -> float:
        self._store(network, events)
        return self.monitor(self)

    def _store(self, network, events: Interactions) -> None:
        self.weights_ = network.get_weights()
        self._keep(network, events)
