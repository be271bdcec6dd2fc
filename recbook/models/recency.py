"""What happened lately counts for more: events weighed by their age in days or in later events."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions

_SECONDS_A_DAY = 86_400


def age_days(interactions: Interactions) -> np.ndarray:
    """Return each event's age in days, measured back from the last event."""
    if not interactions.has_time:
        raise ValueError(
            "these interactions carry no times, so age is unknown; "
            "load them with time=, or leave the window or half-life at None"
        )
    if not len(interactions):
        return np.zeros(0)
    return (interactions.time.max() - interactions.time) / _SECONDS_A_DAY


def weights_by_age(interactions: Interactions, values: str, half_life: float) -> np.ndarray:
    """Return each event's weight, halved with every `half_life` days of age."""
    weight = np.exp2(-age_days(interactions) / half_life)
    if values == "value":
        return weight * interactions.value
    if values == "binary":
        cell = interactions.user.astype(np.int64) * interactions.n_items + interactions.item
        order = np.lexsort((interactions.time, cell))
        last = np.diff(cell[order], append=-1) != 0
        weight[order[~last]] = 0
    return weight


def decayed_by_events(
    interactions: Interactions, values: str, half_life: float
) -> sparse.csr_array:
    """Return the (user, item) values with each event weighed by how many came after it."""
    if not interactions.has_time:
        raise ValueError(
            "these interactions carry no times, so no event is later than another; "
            "load them with time=, or leave half_life_events at None"
        )
    user, time = interactions.user, interactions.time
    order = np.lexsort((-time, user))  # each user's events, the last first
    position = np.arange(len(order))
    new_user = np.diff(user[order], prepend=-1) != 0
    new_moment = new_user | (np.diff(time[order], prepend=0) != 0)
    # Events of one moment, such as a basket, have the same number of later ones.
    first_of_moment = np.maximum.accumulate(np.where(new_moment, position, 0))
    first_of_user = np.maximum.accumulate(np.where(new_user, position, 0))
    weight = np.empty(len(order))
    weight[order] = np.exp2(-(first_of_moment - first_of_user) / half_life)
    if values == "binary":
        cell = user.astype(np.int64) * interactions.n_items + interactions.item
        _, last = np.unique(cell[order], return_index=True)
        last_events = np.zeros(len(order), dtype=bool)
        last_events[order[last]] = True
        weight[~last_events] = 0
    elif values == "value":
        weight *= interactions.value
    return interactions.matrix(weight)
