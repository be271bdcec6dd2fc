"""Will she respond? Networks that answer from a table of categories and numbers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit

from recbook.models.base import check_at_least, check_choice
from recbook.models.deep import backend
from recbook.models.deep.table_columns import TableColumns
from recbook.models.deep.table_network import KINDS, Learnt, build, set_constant
from recbook.models.deep.training import check_training, train

_ROWS = 8192  # predicted at a time


class ResponseNetwork:
    """A classifier on a table: logistic regression, FM, Wide & Deep, or DeepFM.

    For a row x the chance of a response is σ(logit(x)); `recbook.models.deep.table_network.build`
    has the formula of each kind. The loss is the log-loss, -ln σ(logit) for a response and
    -ln(1 - σ(logit)) for none.

    A numeric column is standardised; where it is missing, it counts as its mean. Every other column
    is a category: each of its values has a weight and a vector of its own, and so have a missing
    value and "rare", which stands for values seen fewer than `min_count` times in training, among
    them those never seen. Turn ids into text, or they are numbers.

    Parameters
    ----------
    kind : {"logistic", "fm", "wide_and_deep", "deepfm"}
    n_factors : int
        Length of the vectors.
    hidden : tuple of int
        Units of each layer above the vectors.
    crosses : sequence of tuples of column names
        Each makes one more category out of the values of its columns together, for the linear
        part: what "wide" means in Wide & Deep.
    min_count : int
    epochs, batch_size, learning_rate, weight_decay, patience, rng
        As in `recbook.models.deep.base.DeepRecommender`; `patience` is for `validation`, see `fit`.

    Attributes
    ----------
    history_ : pandas.DataFrame
        One row an epoch: `loss` and, with validation data, `validation`, its log-loss.
    best_epoch_ : int
        The epoch whose weights are kept, from 1.
    n_parameters_ : int
    device_ : str
    classes_ : int array
        [0, 1], the columns of `predict_proba`.

    Notes
    -----
    Memory: about ``100 * n_rows * n_columns`` bytes besides the table.

    References
    ----------
    Rendle: Factorization machines. ICDM 2010. Cheng et al.: Wide & Deep learning for recommender
    systems. DLRS 2016. Guo, Tang, Ye, Li, He: DeepFM. IJCAI 2017.
    """

    def __init__(
        self,
        kind: str = "deepfm",
        n_factors: int = 8,
        *,
        hidden: tuple[int, ...] = (32,),
        crosses: Sequence[tuple[str, ...]] = (),
        min_count: int = 2,
        epochs: int = 10,
        batch_size: int = 1024,
        learning_rate: float = 0.003,
        weight_decay: float = 0.0,
        patience: int = 3,
        rng: int | np.random.Generator | None = 0,
    ) -> None:
        check_choice("kind", kind, KINDS)
        check_at_least("n_factors", n_factors, 1)
        check_at_least("min_count", min_count, 1)
        for units in hidden:
            check_at_least("each of hidden", units, 1)
        if any(isinstance(cross, str) or len(cross) < 2 for cross in crosses):
            raise ValueError(f"each of crosses must name two columns or more, got {crosses!r}")
        self.kind, self.n_factors, self.hidden = kind, n_factors, tuple(hidden)
        self.crosses, self.min_count = [tuple(cross) for cross in crosses], min_count
        self.epochs, self.batch_size, self.learning_rate = epochs, batch_size, learning_rate
        self.weight_decay, self.patience, self.rng = weight_decay, patience, rng
        check_training(self)

    def fit(
        self,
        table: pd.DataFrame,
        labels: np.ndarray,
        validation: tuple[pd.DataFrame, np.ndarray] | None = None,
    ) -> Self:
        """Learn from rows and what followed on each.

        Parameters
        ----------
        table : pandas.DataFrame (n_rows)
        labels : array (n_rows,)
            1 for a response, 0 for none.
        validation : (table, labels), optional
            Training stops when the log-loss on these has not fallen for `patience` epochs, and the
            weights of the best epoch are kept.

        Raises
        ------
        ImportError
            If TensorFlow is missing.
        ValueError
            If the labels are not 0 and 1, both of them, or do not fit the table.
        """
        labels = _checked(labels, table, "labels")
        if not 0 < labels.mean() < 1:
            raise ValueError("labels must hold both 0 and 1; there is nothing to tell apart")
        if validation is not None:
            late_labels = _checked(validation[1], validation[0], "validation labels")
        self.classes_, self.device_ = np.array([0, 1]), backend.device()
        self._columns = TableColumns.of(table, self.crosses, self.min_count)
        rng = np.random.default_rng(self.rng)
        network = self._network(int(rng.integers(2**31)))
        set_constant(network, np.log(labels.mean() / (1 - labels.mean())))
        self.n_parameters_ = int(sum(np.prod(w.shape) for w in network.trainable_weights))
        examples = (*self._columns.places(table), labels)
        late = None if validation is None else self._columns.places(validation[0])

        def shuffled():
            order = rng.permutation(len(labels))
            return tuple(array[order] for array in examples)

        def judge():
            self._keep(network)
            return -log_loss(late_labels, self._chances(*late))

        self.history_, self.best_epoch_ = train(
            network, shuffled, _loss, self,
            judge=None if validation is None else judge, judged="validation",
        )  # fmt: skip
        if validation is not None:
            self.history_["validation"] *= -1
        self._keep(network)
        return self

    def predict_proba(self, table: pd.DataFrame) -> np.ndarray:
        """Return the chances of no response and of a response, float64 (n_rows, 2)."""
        self._fitted()
        parts = [table.iloc[at : at + _ROWS] for at in range(0, len(table), _ROWS)] or [table]
        chance = np.concatenate([self._chances(*self._columns.places(part)) for part in parts])
        return np.column_stack([1 - chance, chance])

    def network(self):
        """Return the trained network as a Keras model, to look into or to export."""
        self._fitted()
        network = self._network(0)
        network.set_weights(self.weights_)
        return network

    def _network(self, seed: int):
        columns = self._columns
        return build(
            self.kind, columns.widths, columns.n_columns,
            n_factors=self.n_factors, hidden=self.hidden, n_linear=columns.n_linear, seed=seed,
        )  # fmt: skip

    def _chances(self, columns: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return expit(self._learnt.logits(columns, numbers).astype(np.float64))

    def _keep(self, network) -> None:
        self.weights_ = network.get_weights()
        columns = self._columns
        self._learnt = Learnt.of(network, self.kind, columns.widths, columns.n_linear)

    def _fitted(self) -> None:
        if not hasattr(self, "_learnt"):
            raise ValueError("ResponseNetwork is not fitted yet: call fit(table, labels)")

    def get_params(self) -> dict:
        """Return the constructor's parameters, by name."""
        names = inspect.signature(type(self).__init__).parameters
        return {name: getattr(self, name) for name in names if name != "self"}

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"ResponseNetwork({told})"


def _loss(network, columns, numbers, labels):
    import tensorflow as tf

    logits = network([columns, numbers], training=True)[:, 0]
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_mean(losses)


def log_loss(labels: np.ndarray, chances: np.ndarray) -> float:
    """Return the mean of -ln of the chance given to what happened, in nats.

    Examples
    --------
    >>> bool(log_loss(np.array([1, 0]), np.array([0.5, 0.75])) == np.log(2 * 4) / 2)
    True
    """
    given = np.where(np.asarray(labels) == 1, chances, 1 - np.asarray(chances))
    return float(-np.log(np.clip(given, 1e-15, 1)).mean())


def _checked(labels: np.ndarray, table: pd.DataFrame, name: str) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (len(table),):
        raise ValueError(
            f"{name} need one number for each of the {len(table)} rows, got {labels.shape}"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"{name} must be 0 or 1, got such as {labels[~np.isin(labels, (0, 1))][0]!r}"
        )
    return labels.astype(np.float32)
