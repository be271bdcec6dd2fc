"""Networks over the fields of a row: a linear part, a factorisation machine, layers above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

import numpy as np

KINDS = ("logistic", "fm", "wide_and_deep", "deepfm")


def build(
    kind: str,
    widths: Sequence[int],
    n_columns: int,
    *,
    n_factors: int,
    hidden: Sequence[int],
    n_linear: int = 0,
    seed: int = 0,
):
    """Return a Keras model from the (columns, numbers) of rows to their logits (n, 1).

    A row x is given by the columns in which it is not 0, and its numbers there, in places; field f
    takes `widths[f]` places, one field behind the other. With a weight w_j and a factor vector v_j
    for each column j, the logit is

        logistic         Σ_j w_j x_j
        fm               Σ_j w_j x_j + Σ_{j<k} (v_j · v_k) x_j x_k
        wide_and_deep    Σ_j w_j x_j + MLP(z)
        deepfm           Σ_j w_j x_j + Σ_{j<k} (v_j · v_k) x_j x_k + MLP(z)

    where z sets the vectors Σ_{j in f} v_j x_j of the fields f side by side.

    Parameters
    ----------
    kind : {"logistic", "fm", "wide_and_deep", "deepfm"}
    widths : sequence of int (n_fields,)
    n_columns : int
        Of all fields together.
    n_factors : int
    hidden : sequence of int
        Units of each layer of the MLP; they are cut off at 0 (ReLU).
    n_linear : int
        So many of the last fields, such as crossed columns, enter the linear part only.
    seed : int
    """
    import keras
    from keras import initializers, layers

    columns = keras.Input((sum(widths),), dtype="int32", name="columns")
    numbers = keras.Input((sum(widths),), name="numbers")
    weights = layers.Embedding(n_columns, 1, embeddings_initializer="zeros", name="weights")
    logit = layers.Dot((1, 1))([numbers, layers.Flatten()(weights(columns))])
    if kind == "logistic":
        return keras.Model([columns, numbers], logit)
    ends = np.cumsum([0, *widths[: len(widths) - n_linear]])
    start = initializers.RandomNormal(0, 0.05, seed=seed)
    table = layers.Embedding(n_columns, n_factors, embeddings_initializer=start, name="factors")
    vectors = table(columns[:, : ends[-1]]) * numbers[:, : ends[-1], None]
    if kind in ("fm", "deepfm"):
        logit = logit + 0.5 * keras.ops.sum(
            keras.ops.square(keras.ops.sum(vectors, axis=1))
            - keras.ops.sum(keras.ops.square(vectors), axis=1),
            axis=1,
            keepdims=True,
        )
    if kind in ("wide_and_deep", "deepfm"):
        fields = [keras.ops.sum(vectors[:, a:b], axis=1) for a, b in pairwise(ends)]
        x = keras.ops.concatenate(fields, axis=1)
        for place, units in enumerate((*hidden, 1), start=1):
            last = place > len(hidden)
            x = layers.Dense(
                units,
                activation=None if last else "relu",
                use_bias=not last,  # the constant column is the bias of the logit
                kernel_initializer=initializers.HeNormal(seed=seed + place),
                name="out" if last else f"layer_{place}",
            )(x)
        logit = logit + x
    return keras.Model([columns, numbers], logit)


def set_constant(network, value: float) -> None:
    """Set the weight of the last column, which is the constant, before training."""
    weights = network.get_layer("weights")
    table = weights.get_weights()[0]
    table[-1] = value
    weights.set_weights([table])


@dataclass(frozen=True, eq=False)
class Learnt:
    """The weights of such a network as float32 arrays, which give its logits by NumPy alone.

    Attributes
    ----------
    weights : (n_columns,)
    factors : (n_columns, n_factors) or None
        None where the kind is "logistic".
    paired : bool
        Whether it has the pairs of a factorisation machine.
    layers : list of (kernel, bias), the bias None in the last
    ends : int array (n_fields + 1,)
        Where the places of the fields that have vectors begin, and where the last of them ends.
    """

    weights: np.ndarray
    factors: np.ndarray | None
    paired: bool
    ends: np.ndarray
    layers: list[tuple[np.ndarray, np.ndarray | None]] = field(default_factory=list)

    @classmethod
    def of(cls, network, kind: str, widths: Sequence[int], n_linear: int = 0) -> Self:
        """Take the weights out of a network that `build` made."""
        by_name = {layer.name: layer.get_weights() for layer in network.layers}
        dense = [by_name[name] for name in by_name if name.startswith("layer_")]
        dense += [[*by_name["out"], None]] if "out" in by_name else []
        return cls(
            weights=by_name["weights"][0][:, 0],
            factors=None if kind == "logistic" else by_name["factors"][0],
            paired=kind in ("fm", "deepfm"),
            ends=np.cumsum([0, *widths[: len(widths) - n_linear]]),
            layers=[(kernel, bias) for kernel, bias in dense],
        )

    def logits(self, columns: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return float32 logits (n,) of rows given by their columns and numbers (n, n_places)."""
        logit = np.einsum("np,np->n", self.weights[columns], numbers)
        if self.factors is None:
            return logit
        inside = self.ends[-1]
        vectors = self.factors[columns[:, :inside]] * numbers[:, :inside, None]
        if self.paired:
            logit += fm_pairs(vectors)
        if self.layers:
            fields = np.add.reduceat(vectors, self.ends[:-1], axis=1)
            logit += self.above(
                fields.reshape(len(fields), len(self.layers[0][0])) @ self.layers[0][0]
            )
        return logit

    def above(self, first: np.ndarray) -> np.ndarray:
        """Return what the layers make (n,) of the product of z and the first kernel."""
        x = first
        for (_, bias), (kernel, _) in pairwise(self.layers):
            x = np.maximum(x + bias, 0) @ kernel
        return x[:, 0]


def fm_pairs(vectors: np.ndarray) -> np.ndarray:
    """Return Σ_{j<k} v_j · v_k of each row, (n,), from vectors (n, n_places, n_factors).

    The sum over pairs is half of what the square of the sum has more than the sum of the squares:
    n_places products instead of n_places².

    References
    ----------
    Rendle: Factorization machines. ICDM 2010.

    Examples
    --------
    >>> fm_pairs(np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    array([11.])
    """
    total = vectors.sum(axis=1)
    return 0.5 * (np.einsum("nk,nk->n", total, total) - np.einsum("npk,npk->n", vectors, vectors))
