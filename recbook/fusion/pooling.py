"""Fitted members' scores, gathered into a pool; nothing that a member has seen may be held out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.data.ranking import top_k
from recbook.data.splits import count_shared_events
from recbook.evaluation.tasks import Window
from recbook.fusion.pool import BLOCK_CELLS, Pool
from recbook.models.base import Recommender


def make_pool(
    members: Mapping[str, Recommender], window: Window, *, n_candidates: int = 100
) -> Pool:
    """Return the fitted members' scores of their best candidates for the users of a window.

    A user's candidates are the first `n_candidates` of every member, all that the window allows.

    Raises
    ------
    ValueError
        If a member is not fitted, or learnt from events of the window.
    """
    learnt_from = refuse_leak(members, window.held_out)
    pool = pool_of(
        members,
        window.known,
        window.users,
        n_candidates=n_candidates,
        exclude=window.exclude,
        candidates=window.candidates,
    )
    return replace(pool, window=window, learnt_from=learnt_from)


def pool_of(
    members: Mapping[str, Recommender],
    known: Interactions,
    users: np.ndarray,
    *,
    n_candidates: int | None,
    exclude: sparse.sparray | Interactions | None = None,
    candidates: np.ndarray | None = None,
) -> Pool:
    """Return a pool without a window; every item is a candidate where `n_candidates` is None."""
    blocks, took = [], dict.fromkeys(members, 0.0)
    if isinstance(exclude, Interactions):
        exclude = exclude.matrix("binary")
    step = max(1, BLOCK_CELLS // max(1, known.n_items))
    for start in range(0, max(1, len(users)), step):
        rows = users[start : start + step]
        given = {}
        for name, member in members.items():
            started = time.perf_counter()
            given[name] = member.score(rows)
            took[name] += time.perf_counter() - started
        items = _candidates(given, known.n_items, rows, n_candidates, exclude, candidates)
        columns = np.maximum(items, 0)
        scores = np.stack([np.take_along_axis(s, columns, axis=1) for s in given.values()])
        scores[:, items < 0] = -np.inf
        blocks.append((items, scores.astype(np.float32, copy=False)))
    width = max(items.shape[1] for items, _ in blocks)
    seconds = {
        name: (float(getattr(member, "fit_seconds_", 0.0)), took[name])
        for name, member in members.items()
    }
    return Pool(
        names=tuple(members),
        users=users,
        items=np.concatenate([_widened(items, width, -1) for items, _ in blocks]),
        scores=np.concatenate([_widened(scores, width, -np.inf) for _, scores in blocks], axis=1),
        known=known,
        learnt_from=(known,),
        seconds=seconds,
        megabytes={name: member.held_megabytes() for name, member in members.items()},
    )


def refuse_leak(
    members: Mapping[str, Recommender], held_out: Interactions
) -> tuple[Interactions, ...]:
    """Return everything the members learnt from; raise where it holds a held-out event."""
    learnt: dict[int, Interactions] = {}
    for name, member in members.items():
        if getattr(member, "interactions_", None) is None:
            raise ValueError(f"member {name!r} is not fitted; fit it on what is known first")
        for events in learnt_from(member):
            if id(events) not in learnt and (shared := count_shared_events(events, held_out)):
                raise ValueError(
                    f"member {name!r} was trained on {shared} of the held-out events; a fusion "
                    "learns from events that none of its members has seen: fit the members on "
                    "what was known before them"
                )
            learnt[id(events)] = events
    return tuple(learnt.values())


def learnt_from(model: Recommender) -> tuple[Interactions, ...]:
    """Return the events a fitted model learnt from: more than one set for a fusion."""
    return getattr(model, "learnt_from", None) or (model.interactions_,)


def same_events(a: Interactions, b: Interactions) -> bool:
    """Tell whether two sets hold the same events in the same order, with the same indexes."""
    return a is b or (
        len(a) == len(b)
        and a.users.equals(b.users)
        and a.items.equals(b.items)
        and all(
            np.array_equal(getattr(a, part), getattr(b, part))
            for part in ("user", "item", "value", "time")
        )
    )


def _candidates(given, n_items, rows, n_candidates, exclude, candidates) -> np.ndarray:
    """Return the union of the members' best items, int32 (n, width), padded with -1."""
    if n_candidates is None:
        return np.tile(np.arange(n_items, dtype=np.int32), (len(rows), 1))
    chosen = np.zeros((len(rows), n_items + 1), dtype=bool)  # the last column takes the -1
    for scores in given.values():
        best = top_k(scores, n_candidates, exclude=exclude, rows=rows, candidates=candidates)
        np.put_along_axis(chosen, best.astype(np.int64), True, axis=1)
    at, columns = np.nonzero(chosen[:, :n_items])
    counts = np.bincount(at, minlength=len(rows))
    items = np.full((len(rows), counts.max(initial=1)), -1, dtype=np.int32)
    items[at, np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)] = columns
    return items


def _widened(rows: np.ndarray, width: int, fill: float) -> np.ndarray:
    missing = [(0, 0)] * (rows.ndim - 1) + [(0, width - rows.shape[-1])]
    return np.pad(rows, missing, constant_values=fill)
