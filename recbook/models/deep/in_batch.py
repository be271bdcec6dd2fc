"""What a softmax over the items of a batch needs: items drawn, their chances, the loss."""

from __future__ import annotations

import numpy as np
from scipy import sparse

_NEVER = -1e9  # the logit of a place that is left out


def shares(weights: sparse.csr_array) -> sparse.csr_array:
    """Return each row divided by its sum: the chance of each of a user's items to be drawn."""
    total = np.asarray(weights.sum(axis=1))
    inverse = np.divide(1, total, out=np.zeros_like(total), where=total > 0)
    return sparse.csr_array(sparse.diags_array(inverse) @ weights)


def log_chances(chances: sparse.csr_array) -> np.ndarray:
    """Return ln q of each item, float32 (n_items,).

    q_i is the chance that a place of the batch holds item i, where each user with events fills as
    many places as the others: the mean of her chances. An item that is never drawn gets half of the
    lowest chance of those that are; its ln q never enters a loss.

    Examples
    --------
    >>> from scipy import sparse
    >>> rows = shares(sparse.csr_array([[3.0, 1.0], [0.0, 2.0]]))
    >>> np.allclose(np.exp(log_chances(rows)), [3 / 8, 5 / 8])
    True
    """
    q = np.asarray(chances.sum(axis=0)) / max(1, np.count_nonzero(np.diff(chances.indptr)))
    if not q.any():
        return np.zeros(len(q), dtype=np.float32)
    return np.log(np.where(q > 0, q, q[q > 0].min() / 2)).astype(np.float32)


def draw_items(
    chances: sparse.csr_array, users: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Return `n` items of each of these users, drawn with replacement, int32 (len(users), n)."""
    summed = np.cumsum(chances.data)
    first, last = chances.indptr[users], chances.indptr[users + 1] - 1
    low = (summed[first] - chances.data[first])[:, None]
    at = low + rng.random((len(users), n)) * (summed[last][:, None] - low)
    place = np.searchsorted(summed, at, side="right")
    # Rounding of a long sum must not lead into the next user's row.
    return chances.indices[np.clip(place, first[:, None], last[:, None])].astype(np.int32)


def in_batch_loss(logits, items):
    """Return the mean loss of a batch, a scalar tensor.

    Parameters
    ----------
    logits : float tensor (n, n * p)
        Of each user and each place of the batch; ln q is subtracted already where it shall be.
        Her own items are in places u * p to u * p + p - 1.
    items : int tensor (n, p)
        What the places hold.
    """
    import tensorflow as tf

    n, p = tf.unstack(tf.shape(items))
    distinct, which = tf.unique(tf.reshape(items, [-1]))
    # Whose item each of them is, (n, n_distinct); comparing places with places would be n p² n.
    cells = tf.stack([tf.repeat(tf.range(n), p), which], axis=1)
    hers = tf.scatter_nd(cells, tf.ones(n * p, logits.dtype), [n, tf.size(distinct)]) > 0
    own = tf.gather(hers, which, axis=1)
    others = tf.reduce_logsumexp(
        tf.where(own, tf.cast(_NEVER, logits.dtype), logits), axis=1, keepdims=True
    )
    mine = tf.gather(logits, tf.range(n)[:, None] * p + tf.range(p), batch_dims=1)
    # -ln(e^m / (e^m + e^o)) = ln(1 + e^(o - m))
    return tf.reduce_mean(tf.nn.softplus(others - mine))
