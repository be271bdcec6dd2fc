"""Random numbers that are the same on every machine and with every version of NumPy."""

from __future__ import annotations

import zlib

import numpy as np
from scipy.special import ndtri


class Stream:
    """A named stream of random numbers, made only from the raw output of PCG64.

    NumPy promises that the raw bits of a bit generator never change; it makes no such promise for
    the methods of `Generator`. Every part of the shop has a stream of its own, so a change in one
    part leaves the others as they are.

    Parameters
    ----------
    seed : int
        The seed of the shop, 0 or more.
    name : str
        The part of the shop that draws.

    Examples
    --------
    >>> bool(Stream(1, "tastes").uniform(3)[0] == Stream(1, "tastes").uniform(3)[0])
    True
    """

    def __init__(self, seed: int, name: str) -> None:
        entropy = np.random.SeedSequence([seed, zlib.crc32(name.encode())])
        self._bits = np.random.PCG64(entropy)

    def uniform(self, *shape: int) -> np.ndarray:
        """Return float64 numbers in [0, 1), multiples of 2**-53."""
        return self._raw(shape) * 2.0**-53

    def normal(self, *shape: int) -> np.ndarray:
        """Return float64 standard normal numbers, by the inverse of the distribution function."""
        return ndtri((self._raw(shape) + 0.5) * 2.0**-53)

    def integers(self, n: int, *shape: int) -> np.ndarray:
        """Return int64 numbers in 0 … n - 1, all equally likely."""
        return np.floor(self.uniform(*shape) * n).astype(np.int64)

    def permutation(self, n: int) -> np.ndarray:
        """Return 0 … n - 1 in random order, int64 (n,)."""
        return np.argsort(self.uniform(n), kind="stable")

    def pick(self, weights: np.ndarray, *shape: int) -> np.ndarray:
        """Return positions drawn in proportion to `weights`, float (n,); int64."""
        table = RowSampler(np.asarray(weights, dtype=float)[None, :])
        drawn = self.uniform(*shape)
        return table.draw(np.zeros(drawn.shape, dtype=np.int64), drawn)

    def poisson(self, mean: np.ndarray) -> np.ndarray:
        """Return one Poisson number for each mean (below 500), int64, by inverting its sum."""
        drawn = self.uniform(*mean.shape)
        count = np.zeros(mean.shape, dtype=np.int64)
        term = np.exp(-mean)
        total = term.copy()
        limit = int(mean.max() + 12 * np.sqrt(mean.max()) + 20) if mean.size else 0
        for k in range(1, limit):  # as many steps as the largest count, each over all cells
            above = drawn >= total
            if not above.any():
                break
            count[above] = k
            term = term * (mean / k)
            total = total + term
        return count

    def _raw(self, shape: tuple[int, ...]) -> np.ndarray:
        raw = self._bits.random_raw(int(np.prod(shape)))
        return (np.asarray(raw, dtype=np.uint64) >> np.uint64(11)).astype(float).reshape(shape)


class RowSampler:
    """Draws columns from the rows of a table of weights, float (n_rows, n_columns).

    The weights are turned into integers of about six digits, so their running sums are exact and
    no draw can depend on the order in which a machine adds.
    """

    def __init__(self, weights: np.ndarray) -> None:
        scaled = np.rint(weights / weights.max(axis=1, keepdims=True) * 1e6).astype(np.int64)
        self._width = weights.shape[1]
        self._total = scaled.sum(axis=1)
        self._start = np.concatenate([[0], np.cumsum(self._total)])
        self._running = np.cumsum(scaled.ravel())

    def draw(self, rows: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Return one column, int64, for each of the `rows` and numbers in [0, 1), same shape."""
        ticket = np.floor(uniform * self._total[rows]).astype(np.int64) + self._start[rows]
        return np.searchsorted(self._running, ticket, side="right") - rows * self._width
