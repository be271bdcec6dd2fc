"""Decisions by majority: duels between candidates, and classes."""

from __future__ import annotations

import numpy as np

from recbook.fusion.places import checked_members, checked_weights

_PAIR_CELLS = 4_000_000  # pairs of candidates compared at a time: 8 MB


def condorcet(scores: np.ndarray) -> np.ndarray:
    """Count the duels that each candidate wins by majority of the members: Copeland's score.

    In the duel of two candidates each member votes for the one that it scores higher; one that it
    does not have loses to one that it has. A won duel counts 1, a drawn one 1/2. A candidate that
    wins all its duels (Condorcet's winner) comes first; there may be none, and the candidates of a
    cycle have equal scores. Ties are the rule: add a small multiple of `borda` to part them.

    Parameters
    ----------
    scores : float array (n_members, ..., width)
        -inf means that the member does not have this candidate.

    Returns
    -------
    float array (..., width)
        -inf where no member has the candidate; float32 where `scores` are, else float64.

    Raises
    ------
    ValueError
        If a score is NaN or +inf, there are no members, or more than 32,767.

    Notes
    -----
    Time grows with n_members × rows × width²: at most some hundred candidates a row.

    References
    ----------
    Condorcet: Essai sur l'application de l'analyse à la probabilité des décisions. 1785.
    Copeland: A reasonable social welfare function. University of Michigan, 1951.

    Examples
    --------
    >>> condorcet(np.array([[3.0, 2.0, 1.0], [2.0, 3.0, 1.0], [3.0, 1.0, 2.0]]))
    array([2., 1., 0.])
    """
    scores = checked_members(scores)
    if len(scores) > np.iinfo(np.int16).max:
        raise ValueError(f"there are {len(scores)} members; 32,767 at most can be counted")
    width = scores.shape[-1]
    rows = scores.reshape(len(scores), -1, width) if scores.size else scores.reshape(1, 0, 1)
    wins = np.empty(rows.shape[1:])
    step = max(1, _PAIR_CELLS // max(1, width**2))
    for start in range(0, rows.shape[1], step):
        part = rows[:, start : start + step]
        ahead = np.zeros((part.shape[1], width, width), dtype=np.int16)
        for member in part:
            ahead += member[:, :, None] > member[:, None, :]
        margin = ahead - ahead.transpose(0, 2, 1)
        listed = (part > -np.inf).any(axis=0)
        duels = ((margin > 0) + (margin == 0) / 2) * listed[:, None, :]
        own = listed / 2  # the duel with itself, a draw
        wins[start : start + step] = np.where(listed, duels.sum(axis=2) - own, -np.inf)
    return wins.reshape(scores.shape[1:]).astype(scores.dtype)


def majority_vote(labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the class that most members name.

    Parameters
    ----------
    labels : array (n_members, ...)
        Each member's class for each case: whole numbers, bool or text.
    weights : float array (n_members,), optional
        Votes of each member, 1 where None.

    Returns
    -------
    array (...) of the same dtype
        Where classes have equally many votes, the one among them that the earliest member names:
        put the member that you trust most first.

    Raises
    ------
    ValueError
        If the labels are no classes (fractions), there are no members, or not one finite weight of
        at least 0 for each.

    Examples
    --------
    >>> majority_vote(np.array([[1, 0, 1], [0, 0, 1], [0, 1, 0]]))
    array([0, 0, 1])
    """
    labels = np.asarray(labels)
    if labels.ndim < 1 or len(labels) == 0:
        raise ValueError("labels must have the shape (n_members, ...) with at least one member")
    if labels.dtype.kind == "f" and not (labels == np.floor(labels)).all():
        raise ValueError(
            "majority_vote counts classes, but these labels have fractions; "
            "average scores with comb_sum, or cut them into classes first"
        )
    weights = checked_weights(weights, len(labels))
    if (weights < 0).any():
        raise ValueError("weights of votes must be at least 0")
    votes = np.stack([np.tensordot(weights, labels == own, axes=1) for own in labels])
    first = votes.argmax(axis=0)  # the earliest of those whose class has most votes
    return np.take_along_axis(labels, first[None], axis=0)[0]
