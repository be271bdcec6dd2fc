"""The lists themselves: what each user has not had yet, best first, with names and reasons."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from recbook.data.ranking import top_k
from recbook.models.base import Recommender
from recbook.project.explaining import Explainer, candidate_pool
from recbook.project.findings import ProjectError
from recbook.project.source import Source
from recbook.project.task import candidates_of

AT_ONCE = 1_000  # users


def recommend(
    model: Recommender,
    source: Source,
    users: Sequence | None = None,
    k: int = 10,
    *,
    explain: bool = False,
) -> pd.DataFrame:
    """Return lists as a table: one row for each user and place.

    Parameters
    ----------
    model : Recommender
        Fitted on `source.liked`.
    source : Source
    users : sequence of ids, optional
        Everyone where None.
    k : int
        Length of each list; shorter where a user has had nearly everything.
    explain : bool
        Whether to add member, because (a tuple of item ids) and reason: see `Reason`.

    Returns
    -------
    pandas.DataFrame
        user_id, rank (from 1), item_id, name, score. The fusion's score is the weighted sum of the
        members' standardised scores: 0 is the user's average candidate. A user without likes gets
        what is popular.
    """
    events = source.interactions
    if users is None:
        rows = np.arange(events.n_users)
    else:
        rows = events.users.get_indexer(list(users))
        if (rows < 0).any():
            unknown = list(users)[int(np.flatnonzero(rows < 0)[0])]
            raise ValueError(f"user {unknown!r} is not in the data")
    explainer = Explainer(model, source) if explain else None
    parts = [
        _table(model, source, rows[start : start + AT_ONCE], k, explainer)
        for start in range(0, max(1, len(rows)), AT_ONCE)
    ]
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def find_user(source: Source, given: str) -> object:
    """Return the id in the data that is written as `given`.

    Raises
    ------
    ProjectError
        If there is none; names those that look like it.
    """
    users = source.interactions.users
    written = users.astype(str)
    found = (written == given.strip()).nonzero()[0]
    if len(found):
        return users[found[0]]
    near = difflib.get_close_matches(given, list(written[:20_000]), n=3, cutoff=0.5)
    near = near or [str(one) for one in written[:3]]
    raise ProjectError(
        f"{source.name} has no user {given!r}; near it are {', '.join(map(repr, near))} "
        f"({len(users):,} users in all)"
    )


def _table(model, source: Source, rows: np.ndarray, k: int, explainer) -> pd.DataFrame:
    lists, scores = _lists(model, source, rows, k)
    at, place = np.nonzero(lists >= 0)
    items = lists[at, place]
    table = pd.DataFrame(
        {
            "user_id": source.interactions.users[rows[at]],
            "rank": place + 1,
            "item_id": source.interactions.items[items],
            "name": source.items["name"].to_numpy()[items],
            "score": scores[at, place].astype(float).round(4),
        }
    )
    if explainer is not None:
        found = [reason for one in explainer.reasons(rows, lists) for reason in one]
        table["member"] = [one.member for one in found]
        table["because"] = [one.because for one in found]
        table["reason"] = [one.text for one in found]
    return table


def _lists(model: Recommender, source: Source, rows: np.ndarray, k: int):
    """Return items (n, k), -1 where there is none, and their scores."""
    likes, had = model.interactions_, source.interactions.matrix("binary")
    candidates = candidates_of(likes)
    if hasattr(model, "members_"):
        pool = candidate_pool(model, source, rows, k)
        fused = model.fuse(pool) - np.float32(model.model_.intercept_[0])
        order = pool.order(fused, k)
        lists = np.take_along_axis(pool.items, order, axis=1)
        scores = np.take_along_axis(fused, order, axis=1)
    else:
        given = model.score(rows)
        lists = top_k(given, k, exclude=had, rows=rows, candidates=candidates)
        scores = np.take_along_axis(given, np.maximum(lists, 0), axis=1)
    counts = np.bincount(likes.matrix("binary").indices, minlength=likes.n_items)
    new = ~np.isin(rows, likes.user)
    if new.any():  # nothing is known of their taste
        popular = np.tile(counts.astype(np.float32), (int(new.sum()), 1))
        common = top_k(popular, lists.shape[1], exclude=had, rows=rows[new], candidates=candidates)
        lists[new] = common
        scores[new] = np.where(common >= 0, counts[np.maximum(common, 0)] / max(1, counts.max()), 0)
    return lists, scores
