"""What an event is."""

from __future__ import annotations

import math
from typing import NamedTuple

KINDS = ("view", "cart", "purchase")


class Event(NamedTuple):
    """One thing that a user did; `id` is given by whoever sends it, and sent again on a retry.

    `time` is in seconds since 1970-01-01 UTC, `kind` one of `KINDS`.
    """

    id: str
    kind: str
    user: str
    item: str
    time: int
    quantity: float = 1.0


def checked(event: Event) -> Event:
    """Return the event with a whole time and a float quantity, or say what is wrong with it."""
    if event.kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {event.kind!r}")
    for name in ("id", "user", "item"):
        value = getattr(event, name)
        if not isinstance(value, str) or not value or not _writable(value):
            raise ValueError(f"{name} must be text, got {value!r}")
    if event.time != int(event.time) or abs(event.time) >= 2**53:
        raise ValueError(f"time must be whole seconds since 1970, got {event.time!r}")
    if not math.isfinite(event.quantity):
        raise ValueError(f"quantity must be finite, got {event.quantity!r}")
    return event._replace(time=int(event.time), quantity=float(event.quantity))


def _writable(text: str) -> bool:
    try:  # half of a surrogate pair is text to Python and to nobody else
        return bool(text.encode())
    except UnicodeEncodeError:
        return False
