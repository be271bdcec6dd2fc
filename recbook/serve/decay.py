"""Exponential decay without touching what is stored."""

from __future__ import annotations

import math

_REACH = 512  # half-lives; float64 holds 2^±1022


class ForwardDecay:
    """Weights of events that halve with every half-life of age, given once and never changed.

    An event of time t counts w · 2^(−(now − t) / h) at a moment now. That is 2^(−now / h) · w ·
    2^(t / h): the first factor is the same for every event, so that it changes no ranking and no
    share, and the second never changes. So the stored sums grow by 2^(t / h) an event, in any
    order, and are never decayed. To keep them within float64 they are relative to an origin, a
    whole number of half-lives; when the newest event is 512 half-lives past it, `advance` moves it,
    and the sums are multiplied by a power of two, which is exact.

    Parameters
    ----------
    half_life_days : float
        Above 0.

    Attributes
    ----------
    newest : float
        Time of the newest event, in half-lives since 1970; minus infinity before the first.

    References
    ----------
    Cormode, Shkapenyuk, Srivastava, Xu: Forward decay: a practical time decay model for streaming
    systems. ICDE 2009.

    Examples
    --------
    >>> decay = ForwardDecay(1)
    >>> decay.advance(86_400), decay.weight(86_400), decay.weight(0)
    (0, 1.0, 0.5)
    """

    def __init__(self, half_life_days: float) -> None:
        if not 0 < half_life_days < math.inf:
            raise ValueError(f"half_life_days must be above 0, got {half_life_days!r}")
        self.seconds = half_life_days * 86_400
        self.origin: int | None = None
        self.newest = -math.inf

    def advance(self, time: float) -> int:
        """Take note of an event's time; return by how many half-lives the origin has moved.

        Where it is not 0, every stored sum must be multiplied by 2 to the power of minus it.
        """
        age = time / self.seconds
        if age <= self.newest:
            return 0
        self.newest = age
        whole = math.floor(age)
        if self.origin is None:
            self.origin = whole
        moved = whole - self.origin
        if moved <= _REACH:
            return 0
        self.origin = whole
        return moved

    def weight(self, time: float) -> float:
        """Return 2^(time / h), relative to the origin; 0 where that is too small a number."""
        age = time / self.seconds
        whole = math.floor(age)
        return math.ldexp(2.0 ** (age - whole), whole - self.origin)

    @property
    def negligible(self) -> float:
        """A sum at or below it is at least 512 half-lives older than the newest event: nothing."""
        if self.origin is None:
            return 0.0
        return math.ldexp(1.0, math.floor(self.newest) - _REACH - self.origin)
