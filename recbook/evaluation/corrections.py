"""Corrections for several comparisons: among twenty useless models, one looks better by chance."""

from __future__ import annotations

import numpy as np


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return Holm's adjusted p-values: reject where ≤ α and no true null is rejected but with α.

    The i-th smallest of m becomes the largest (m − j + 1) p_j over j ≤ i, at most 1.

    References
    ----------
    Holm: A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).

    Examples
    --------
    >>> holm([0.01, 0.04])  # 2 · 0.01, 1 · 0.04
    array([0.02, 0.04])
    """
    p_values, order = _ordered(p_values)
    m = len(p_values)
    stepped = np.maximum.accumulate(p_values[order] * np.arange(m, 0, -1))
    return _undo(np.minimum(stepped, 1), order)


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """Return Benjamini and Hochberg's adjusted p-values: those ≤ q have a false share of at most q.

    The i-th smallest of m becomes the smallest m p_j / j over j ≥ i, at most 1.

    References
    ----------
    Benjamini and Hochberg: Controlling the false discovery rate, JRSS B 57 (1995).

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.5])  # 2 · 0.01 / 1, 2 · 0.5 / 2
    array([0.02, 0.5 ])
    """
    p_values, order = _ordered(p_values)
    m = len(p_values)
    stepped = p_values[order] * m / np.arange(1, m + 1)
    return _undo(np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1), order)


def _ordered(p_values) -> tuple[np.ndarray, np.ndarray]:
    p_values = np.asarray(p_values, dtype=float)
    if p_values.ndim != 1 or not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError("p_values must be a list of numbers between 0 and 1")
    return p_values, np.argsort(p_values, kind="stable")


def _undo(adjusted: np.ndarray, order: np.ndarray) -> np.ndarray:
    answer = np.empty_like(adjusted)
    answer[order] = adjusted
    return answer
