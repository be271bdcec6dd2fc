"""Compiled loops of the factor models for lists; imported when a model is fitted."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def solve_rows(indptr, indices, extra, other, gram, solved, system, right):
    """Solve each row's normal equations of the confidence-weighted squares.

    For row u with cells (i, e_ui): (gram + sum_i e_ui y_i y_iᵀ) x_u = sum_i (1 + e_ui) y_i, with
    y_i row i of `other` and `gram` already holding YᵀY + λI. The answer goes into `solved`;
    `system` (f, f) and `right` (f,) are room to work in. Only upper triangles are read and written.
    """
    f = other.shape[1]
    for u in range(len(indptr) - 1):
        if indptr[u] == indptr[u + 1]:
            solved[u] = 0
            continue
        system[:] = gram
        right[:] = 0
        at, stop = indptr[u], indptr[u + 1]
        while (
            at + 4 <= stop
        ):  # four cells at once: the system is read and written a quarter as often
            y0, y1, y2, y3 = (
                other[indices[at]], other[indices[at + 1]],
                other[indices[at + 2]], other[indices[at + 3]],
            )  # fmt: skip
            e0, e1, e2, e3 = extra[at], extra[at + 1], extra[at + 2], extra[at + 3]
            for a in range(f):
                w0, w1, w2, w3 = e0 * y0[a], e1 * y1[a], e2 * y2[a], e3 * y3[a]
                right[a] += (y0[a] + y1[a] + y2[a] + y3[a]) + (w0 + w1 + w2 + w3)
                row = system[a]
                for b in range(a, f):
                    row[b] += (w0 * y0[b] + w1 * y1[b]) + (w2 * y2[b] + w3 * y3[b])
            at += 4
        while at < stop:
            y = other[indices[at]]
            for a in range(f):
                weighed = extra[at] * y[a]
                right[a] += y[a] + weighed
                row = system[a]
                for b in range(a, f):
                    row[b] += weighed * y[b]
            at += 1
        cholesky_solve(system, right)
        solved[u] = right


@njit(cache=True)
def cholesky_solve(system, right):
    """Solve system x = right in place, the symmetric positive `system` given by its upper part."""
    f = len(right)
    # system = UᵀU, U written over the upper part: four rows of U, then all below less their share.
    for start in range(0, f, 4):
        stop = min(start + 4, f)
        for j in range(start, stop):
            above = system[j]
            pivot = 1 / np.sqrt(above[j])
            for b in range(j, f):
                above[b] *= pivot
            for a in range(j + 1, stop):
                factor = above[a]
                row = system[a]
                for b in range(a, f):
                    row[b] -= factor * above[b]
        for a in range(stop, f):  # there are rows below only where the four are complete
            u0, u1, u2, u3 = system[start], system[start + 1], system[start + 2], system[start + 3]
            f0, f1, f2, f3 = u0[a], u1[a], u2[a], u3[a]
            row = system[a]
            for b in range(a, f):
                row[b] -= (f0 * u0[b] + f1 * u1[b]) + (f2 * u2[b] + f3 * u3[b])
    for j in range(f):  # Uᵀ z = right
        right[j] /= system[j, j]
        for a in range(j + 1, f):
            right[a] -= system[j, a] * right[j]
    for j in range(f - 1, -1, -1):  # U x = z
        total = right[j]
        for a in range(j + 1, f):
            total -= system[j, a] * right[a]
        right[j] = total / system[j, j]


@njit(cache=True)
def cell_products(indptr, indices, left, right, products):
    """Put the inner product of row u of `left` and row i of `right` at each cell (u, i)."""
    for u in range(len(indptr) - 1):
        for at in range(indptr[u], indptr[u + 1]):
            total = 0.0
            for a in range(left.shape[1]):
                total += left[u, a] * right[indices[at], a]
            products[at] = total


@njit(cache=True)
def bpr_epoch(users, positives, negatives, user_factors, item_factors, bias, rate, regularization):
    """Take one step of gradient descent for each triple, in turn; return the sum of -ln σ(x)."""
    f = user_factors.shape[1]
    total = 0.0
    for t in range(len(users)):
        u, i, j = users[t], positives[t], negatives[t]
        x = bias[i] - bias[j]
        for a in range(f):
            x += user_factors[u, a] * (item_factors[i, a] - item_factors[j, a])
        total += np.log1p(np.exp(-abs(x))) + max(-x, 0.0)
        pull = 1 / (1 + np.exp(x))
        for a in range(f):
            p, q, r = user_factors[u, a], item_factors[i, a], item_factors[j, a]
            user_factors[u, a] += rate * (pull * (q - r) - regularization * p)
            item_factors[i, a] += rate * (pull * p - regularization * q)
            item_factors[j, a] += rate * (-pull * p - regularization * r)
        bias[i] += rate * (pull - regularization * bias[i])
        bias[j] += rate * (-pull - regularization * bias[j])
    return total
