"""Compiled loops of the rating factor models: passes of gradient descent, rows of ALS.

No fast-math: every sum runs in the order written, so one seed gives one result on any machine.
The ratings come grouped: those of `users[n]` are at `starts[n]` to `starts[n + 1]` of `item` and
`rating`. Factors and biases are changed in place.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def svd_epoch(
    users, starts, item, rating, mean, user_bias, item_bias, p, q, rate, reg, biased
):  # fmt: skip
    """Take one step for each rating in turn; return the sum of squared errors met on the way."""
    loss = 0.0
    for n in range(len(users)):
        u = users[n]
        p_u = p[u]
        for t in range(starts[n], starts[n + 1]):
            i = item[t]
            q_i = q[i]
            error = rating[t] - mean - user_bias[u] - item_bias[i] - _dot(p_u, q_i)
            loss += error * error
            if biased:
                user_bias[u] += rate * (error - reg * user_bias[u])
                item_bias[i] += rate * (error - reg * item_bias[i])
            for f in range(len(p_u)):
                old = p_u[f]
                p_u[f] += rate * (error * q_i[f] - reg * old)
                q_i[f] += rate * (error * old - reg * q_i[f])
    return loss


@njit(cache=True, error_model="numpy")
def svdpp_epoch(
    users, starts, item, rating, mean, user_bias, item_bias, p, q, y, rate, reg
):  # fmt: skip
    """Take one step for each rating in turn; return the sum of squared errors met on the way.

    A step maps the implicit factors y_j of all of the user's items alike,

        y_j <- (1 - rate · reg) · y_j + rate · error · q_i / sqrt(n),

    so a user's steps together map them to a · y_j + b. While her ratings are passed, only a, b and
    the sum of the y_j are kept up to date; the y_j themselves are mapped once, after her last one.
    """
    loss = 0.0
    keep = 1 - rate * reg
    total = np.empty(p.shape[1])
    b = np.empty(p.shape[1])
    vector = np.empty(p.shape[1])
    for n in range(len(users)):
        u = users[n]
        p_u = p[u]
        count = starts[n + 1] - starts[n]
        root = np.sqrt(count)
        for f in range(len(b)):
            total[f] = b[f] = 0
        for t in range(starts[n], starts[n + 1]):
            y_j = y[item[t]]
            for f in range(len(total)):
                total[f] += y_j[f]
        a = 1.0
        for t in range(starts[n], starts[n + 1]):
            i = item[t]
            q_i = q[i]
            for f in range(len(vector)):
                vector[f] = p_u[f] + total[f] / root
            error = rating[t] - mean - user_bias[u] - item_bias[i] - _dot(vector, q_i)
            loss += error * error
            user_bias[u] += rate * (error - reg * user_bias[u])
            item_bias[i] += rate * (error - reg * item_bias[i])
            a *= keep
            for f in range(len(vector)):
                step = rate * error * q_i[f] / root
                b[f] = keep * b[f] + step
                total[f] = keep * total[f] + count * step
                p_u[f] += rate * (error * q_i[f] - reg * p_u[f])
                q_i[f] += rate * (error * vector[f] - reg * q_i[f])
        for t in range(starts[n], starts[n + 1]):
            y_j = y[item[t]]
            for f in range(len(b)):
                y_j[f] = a * y_j[f] + b[f]
    return loss


@njit(cache=True, error_model="numpy")
def als_rows(users, starts, item, rest, fixed, penalty, solved):
    """Solve the users' normal equations, the items being fixed; return the sum of squared errors.

    (Or the items', with `users` and `item` changing places.) Rows of `fixed` and `solved` are a
    bias and factors; `rest` is the rating less the mean of all. With x = (1, factors of the item),
    the user's row becomes the solution of

        (sum of x xᵀ + penalty[n] · I) · row = sum of x · (rest - bias of the item).
    """
    loss = 0.0
    width = solved.shape[1]
    left = np.empty((width, width))
    for n in range(len(users)):
        row = solved[users[n]]
        for f in range(width):
            row[f] = 0
            for g in range(width):
                left[f, g] = penalty[n] if f == g else 0
        # Only the lower triangle is needed.
        for t in range(starts[n], starts[n + 1]):
            x = fixed[item[t]]
            target = rest[t] - x[0]
            left[0, 0] += 1
            row[0] += target
            for f in range(1, width):
                row[f] += target * x[f]
                left[f, 0] += x[f]
                for g in range(1, f + 1):
                    left[f, g] += x[f] * x[g]
        _solve_positive(left, row)
        for t in range(starts[n], starts[n + 1]):
            x = fixed[item[t]]
            error = rest[t] - x[0] - row[0]
            for f in range(1, width):
                error -= x[f] * row[f]
            loss += error * error
    return loss


@njit(cache=True, error_model="numpy")
def _dot(x, y):
    """Return the inner product, summed in four strands so that the processor need not wait."""
    whole = len(x) // 4 * 4
    s0 = s1 = s2 = s3 = 0.0
    for f in range(0, whole, 4):
        s0 += x[f] * y[f]
        s1 += x[f + 1] * y[f + 1]
        s2 += x[f + 2] * y[f + 2]
        s3 += x[f + 3] * y[f + 3]
    for f in range(whole, len(x)):
        s0 += x[f] * y[f]
    return (s0 + s1) + (s2 + s3)


@njit(cache=True, error_model="numpy")
def _solve_positive(left, right):
    """Overwrite `right` with the solution for a positive definite `left`, by Cholesky.

    Only the lower triangle of `left` is read; it is overwritten with L, where left = L Lᵀ.
    """
    n = len(right)
    for f in range(n):
        for g in range(f + 1):
            rest = left[f, g]
            for h in range(g):
                rest -= left[f, h] * left[g, h]
            left[f, g] = np.sqrt(rest) if f == g else rest / left[g, g]
    for f in range(n):
        for g in range(f):
            right[f] -= left[f, g] * right[g]
        right[f] /= left[f, f]
    for f in range(n - 1, -1, -1):
        right[f] /= left[f, f]
        for g in range(f):
            right[g] -= left[f, g] * right[f]
