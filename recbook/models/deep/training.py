"""The one loop in which every network of this package is trained."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from recbook.models.base import check_at_least
from recbook.models.deep import backend

PROGRESS_AFTER = 2.0  # seconds of training after which a line on stderr says how far it is


def check_training(model) -> None:
    """Raise a ValueError unless a model's settings for the loop are possible."""
    for name in ("epochs", "batch_size", "patience"):
        check_at_least(name, getattr(model, name), 1)
    for name in ("learning_rate", "weight_decay"):
        check_at_least(name, getattr(model, name, 0), 0)


def train(
    network,
    examples: Callable[[], tuple[np.ndarray, ...]],
    loss: Callable,
    model,
    *,
    judge: Callable[[], float] | None = None,
    judged: str = "monitor",
) -> tuple[pd.DataFrame, int]:
    """Train a network by Adam, and leave the weights of its best epoch in it.

    Parameters
    ----------
    network : keras.Model
    examples : callable
        Returns the arrays of an epoch, as many rows each, in the order in which they are taken.
    loss : callable
        Given the network and a batch of the arrays, returns its mean loss as a scalar tensor.
    model : object
        Whose `epochs`, `batch_size`, `learning_rate`, `patience` and, where it has them,
        `weight_decay` and `log_dir` hold; its class is named in progress and errors.
    judge : callable, optional
        Called after each epoch; the higher its answer, the better. With it, training stops after
        `patience` epochs without a new best, and the best epoch's weights are kept.
    judged : str
        What the answers are called in the history.

    Returns
    -------
    history : pandas.DataFrame
        One row an epoch, from 1: `loss`, the mean over the batches, and the answers.
    best_epoch : int

    Raises
    ------
    ValueError
        If the loss stops being a number.
    """
    tf, keras = backend.load()
    decay, log_dir = getattr(model, "weight_decay", 0), getattr(model, "log_dir", None)
    optimizer = keras.optimizers.Adam(model.learning_rate, weight_decay=decay or None)
    optimizer.build(network.trainable_variables)

    def step(*batch):
        with tf.GradientTape() as tape:
            value = loss(network, *batch)
        slopes = tape.gradient(value, network.trainable_variables)
        # Rows of an embedding come one by one; where a batch has a row twice, Adam would square
        # the parts and not their sum.
        slopes = [tf.convert_to_tensor(slope) for slope in slopes]
        optimizer.apply_gradients(zip(slopes, network.trainable_variables, strict=True))
        return value

    def one_pass(*arrays):
        n = tf.shape(arrays[0])[0]

        def one_batch(start, total):
            rows = (array[start : start + model.batch_size] for array in arrays)
            return start + model.batch_size, total + step(*rows)

        total = tf.while_loop(lambda start, _: start < n, one_batch, (0, 0.0))[1]
        return total / tf.cast(tf.maximum(1, -(-n // model.batch_size)), total.dtype)

    writer = tf.summary.create_file_writer(str(log_dir)) if log_dir else None
    tell, rows, best, weights, best_epoch = _Progress(model), [], -np.inf, None, model.epochs
    for epoch in range(1, model.epochs + 1):
        arrays = examples()
        if epoch == 1:  # the whole pass is one graph: no way back to Python after each batch
            shapes = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in arrays]
            # No loop or branch of Python stands for one of the graph, so none is looked for.
            one_pass = tf.function(one_pass, input_signature=shapes, autograph=False)
        row = {"loss": float(one_pass(*arrays))}
        if not np.isfinite(row["loss"]):
            raise ValueError(
                f"the loss of {type(model).__name__} is {row['loss']} in epoch {epoch}; "
                f"lower learning_rate, which is {model.learning_rate}"
            )
        if judge is not None:
            row[judged] = float(judge())
            if row[judged] > best:
                best, weights, best_epoch = row[judged], network.get_weights(), epoch
        rows.append(row)
        if writer is not None:
            with writer.as_default(step=epoch):
                for name, value in row.items():
                    tf.summary.scalar(name, value)
        tell(epoch, row)
        if judge is not None and epoch - best_epoch >= model.patience:
            break
    tell.end()
    if writer is not None:
        writer.close()
    if weights is not None:
        network.set_weights(weights)
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="epoch")), best_epoch


def batches(arrays: tuple[np.ndarray, ...], size: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield batches of `size` rows; the last is as long as what is left."""
    for start in range(0, len(arrays[0]), size):
        yield tuple(array[start : start + size] for array in arrays)


class _Progress:
    """A line on stderr that follows a training which takes long enough to be waited for."""

    def __init__(self, model) -> None:
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
