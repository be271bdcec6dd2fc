"""What the models for lists from factors and closed forms share: the matrix in, the scores out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import check_choice
from recbook.models.recency import decayed_by_events, weights_by_age

VALUES = ("binary", "count", "value")
DAMPINGS = (None, "sqrt", "log")
#: Users scored at a time, always the same ones together: users 0 to 127, 128 to 255 and so on.
BLOCK_USERS = 128


def check_input(
    values: str,
    half_life_days: float | None,
    half_life_events: float | None,
    damping: str | None,
) -> None:
    """Raise a ValueError unless these make an `input_matrix`."""
    check_choice("values", values, VALUES)
    check_choice("damping", damping, DAMPINGS)
    for name, value in (
        ("half_life_days", half_life_days), ("half_life_events", half_life_events),
    ):  # fmt: skip
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be above 0 or None, got {value!r}")
    if half_life_days is not None and half_life_events is not None:
        raise ValueError("give half_life_days or half_life_events, not both")


def input_matrix(
    interactions: Interactions,
    values: str = "binary",
    *,
    half_life_days: float | None = None,
    half_life_events: float | None = None,
    damping: str | None = None,
) -> sparse.csr_array:
    """Return what each user holds of each item, as a model is to see it.

    Parameters
    ----------
    interactions : Interactions
    values : {"binary", "count", "value"}
        What a cell holds: 1, the number of events, or the sum of their values.
    half_life_days : float, optional
        An event of age a days counts 2^(-a / half_life_days), age measured back from the last event
        of anyone. Where `values` is "binary", the last event of a cell decides.
    half_life_events : float, optional
        The same with the number of the user's own later events in place of days.
    damping : {None, "sqrt", "log"}
        Takes each cell x to √x or ln(1 + x), after the decay.

    Returns
    -------
    scipy.sparse.csr_array, float64 (n_users, n_items), without stored zeros.

    Raises
    ------
    ValueError
        If a cell is below 0 or not finite, or a half-life is asked for and there are no times.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 1], "item_id": ["a", "a", "b"],
    ...                       "second": [0, 86_400, 86_400]})
    >>> events = Interactions.from_frame(frame, time="second")
    >>> input_matrix(events, "count", half_life_days=1).toarray()
    array([[1.5, 1. ]])
    """
    check_input(values, half_life_days, half_life_events, damping)
    if half_life_events is not None:
        matrix = decayed_by_events(interactions, values, half_life_events)
    elif half_life_days is not None:
        matrix = interactions.matrix(weights_by_age(interactions, values, half_life_days))
    else:
        matrix = interactions.matrix(values)
    matrix = matrix.astype(np.float64)
    if not (np.isfinite(matrix.data) & (matrix.data >= 0)).all():
        raise ValueError(
            "a missing cell counts as 0 here, so values must be finite and at least 0; "
            'shift them, or pass values="binary"'
        )
    if damping is not None:
        matrix.data = np.sqrt(matrix.data) if damping == "sqrt" else np.log1p(matrix.data)
    matrix.eliminate_zeros()
    return matrix


def block_scores(
    product_of: Callable[[int, int], np.ndarray], rows: np.ndarray, n_items: int, known: np.ndarray
) -> np.ndarray:
    """Return float32 scores (len(rows), n_items) of `rows`, a block of users at a time.

    BLAS gives the same row other last digits when it stands in a matrix of another shape. Here a
    user is always multiplied together with the same neighbours in the index, so that her scores do
    not depend on who else is asked for.

    Parameters
    ----------
    product_of : callable
        Given the first and the last position (excluded) of a block, returns its scores.
    rows : int array
        Positions of the users asked for.
    n_items : int
    known : bool array (n_items,)
        Items with events; the others get the lowest of each user's scores.
    """
    scores = np.empty((len(rows), n_items), dtype=np.float32)
    if not known.any():
        scores[:] = 0
        return scores
    block = rows // BLOCK_USERS
    for number in np.unique(block):
        places = np.flatnonzero(block == number)
        start = number * BLOCK_USERS
        part = product_of(start, start + BLOCK_USERS)
        scores[places] = part[rows[places] - start]
    if not known.all():
        for row in scores:  # all at once would copy the whole matrix
            row[~known] = row[known].min()
    return scores


def has_events(matrix: sparse.csr_array) -> np.ndarray:
    """Return which columns hold anything, bool (n_items,)."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]) > 0
