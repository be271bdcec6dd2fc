"""The lists of the explorer page: candidates, reasons, learnt weights and what they reach.

A household's row, as `candidates_of` and `add_reasons` fill it and `packed` writes it:

- items: column positions of the candidates that can be listed, in the order that breaks ties;
- scaled: their z-scores, float32 (n_models, n), among *all* the household's candidates;
- raw, near: the pool's scores of the same, and for each model which of them are its first 40;
- reasons: for each model a list of [candidate, *numbers]; the numbers are those of
  `explorer_reasons`, and of personal frequency [times bought, days since the last].
"""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd

from recbook.evaluation.compare import compare
from recbook.evaluation.statistics import bootstrap_interval
from recbook.fusion import ScoreFusion, WeightedFusion
from recbook.fusion.members import stored_pool
from recbook.fusion.normalise import z_score

K = 10  # length of a list
N_PARTS = 20  # of a slider
N_ROUNDS = 10  # of the search for the learnt weights, as in chapter 10
REASON_DEPTH = 40  # a model gives a reason for its first so many candidates
ROUNDING = 1e-5  # above what float32 can lose of a fused score below 100
COUNTED = ("personal frequency", "recent popularity")  # no sums of parts: what they count is told
SHARED = ["personal frequency", "recent popularity", "user neighbours", "content", "pair rules"]
MODELS = {
    "repeat": [*SHARED, "PureSVD", "EASE, own past"],
    "new": [*SHARED, "PureSVD", "EASE, discovery"],
}
TITLES = {"repeat": "Next purchases", "new": "Discovery"}


def can_be_listed(scores: np.ndarray, k: int = K) -> np.ndarray:
    """Return which candidates can be among the first k of any weighted sum, bool (n,).

    Parameters
    ----------
    scores : float array (n_members, n)
        On one scale, the candidates in the order in which ties are broken.
    k : int

    Notes
    -----
    With weights of 0 and more that sum to 1, candidate a stands before b whatever they are if no
    member scores it lower and a is the first of the two, or if every member scores it higher by
    more than rounding can take away. Whoever has k candidates certainly before it is in no list.
    """
    n = scores.shape[1]
    no_lower, higher = np.ones((n, n), dtype=bool), np.ones((n, n), dtype=bool)
    for row in scores.astype(np.float64):
        no_lower &= row[:, None] >= row[None, :]
        higher &= row[:, None] > row[None, :] + ROUNDING
    return ((np.triu(no_lower, 1) | higher).sum(axis=0)) < k


def judge(task: str, pool, described: pd.Series) -> tuple[list[int], dict]:
    """Learn the weights on validation; judge them on everybody's test weeks.

    Returns
    -------
    weights : list of int
        Parts of the sliders.
    found : dict
        users, candidates (a household, rounded mean), models, title, weights; best, the place of
        the model that is best on validation; alone, each model's mean NDCG@10; described, the
        users whose make-up is known and the mean of the learnt weights over them; learnt and
        equal, each with mean, low, high (95 %), difference, difference_low, difference_high and
        verdict against the best model.
    """
    validation = stored_pool(task, "validation").only(pool.names)
    fusion = WeightedFusion(pool.names, n_steps=N_ROUNDS).learn(validation)
    weights = as_parts(fusion.weights_)
    before = [validation.ndcg(scores).mean() for scores in validation.scores]
    best = int(np.argmax(before))
    alone = [pool.ndcg(scores) for scores in pool.scores]
    ndcg = {"learnt": pool.ndcg(fusion.fuse(pool))}
    ndcg["equal"] = pool.ndcg(ScoreFusion(pool.names).fuse(pool))
    found = {"users": len(pool.users), "best": best, "title": TITLES[task]}
    found["candidates"] = round(float(pool.there.sum(axis=1).mean()))
    found["models"] = list(pool.names)
    found["alone"] = [float(values.mean()) for values in alone]
    found["weights"] = weights
    own = pool.known.users[pool.users].isin(described.astype(pool.known.users.dtype))
    found["described"] = {"users": int(own.sum()), "mean": float(ndcg["learnt"][own].mean())}
    for name, values in ndcg.items():
        interval = bootstrap_interval(values)
        against = compare(values, alone[best])
        found[name] = {
            "mean": float(interval.mean), "low": float(interval.low), "high": float(interval.high),
            "difference": float(against.difference), "difference_low": float(against.low),
            "difference_high": float(against.high), "verdict": against.verdict,
        }  # fmt: skip
    return weights, found


def as_parts(weights: np.ndarray) -> list[int]:
    """Return weights that sum to 1 as whole parts, as many as a slider can hold.

    Divided by their sum, the parts are the weights to the last bit.
    """
    for total in range(1, N_ROUNDS + 1):
        parts = np.round(weights * total).astype(int)
        if np.array_equal(parts / total, weights):
            return (parts * (N_PARTS // parts.max())).tolist()
    raise ValueError(f"the weights {weights.tolist()} are no parts of {N_ROUNDS} or fewer")


def candidates_of(pool, positions: np.ndarray) -> list[dict]:
    """Return each household's candidates that can be listed, and what each model may explain."""
    rows = []
    for row in [int(np.flatnonzero(pool.users == position)[0]) for position in positions]:
        items = pool.items[row][pool.there[row]].astype(int)
        scores = pool.scores[:, row, : len(items)]
        scaled = z_score(pool.scores[:, [row]])[:, 0, : len(items)]
        listed = can_be_listed(scaled)
        # Each model's first places, of those that can be listed.
        near = np.argsort(-scores, axis=1, kind="stable")[:, :REASON_DEPTH]
        near = [np.sort(places[listed[places]]) for places in near]
        rows.append(
            {
                "user": int(pool.users[row]), "items": items[listed], "scaled": scaled[:, listed],
                "near": [np.flatnonzero(listed).searchsorted(places) for places in near],
                "raw": scores[:, listed],
                "reasoned": np.unique(np.concatenate([items[places] for places in near])),
            }
        )  # fmt: skip
    return rows


def add_reasons(row: dict, task: str, explainer) -> None:
    """Put into a row what each model says for its candidates."""
    row["reasons"] = []
    for number, name in enumerate(MODELS[task]):
        if name in COUNTED:
            row["reasons"].append([])
            continue
        at = row["near"][number]
        told = explainer.explain(name, row["user"], row["items"][at], row["raw"][number, at])
        row["reasons"].append([[int(c), *one] for c, one in zip(at, told, strict=True)])
    if task == "repeat":
        own, cut = explainer.known, explainer.known.time.max()
        at = np.flatnonzero(own.user == row["user"])
        for c, item in enumerate(row["items"]):
            times = own.time[at[own.item[at] == item]]
            if len(times):
                row["reasons"][0].append([c, len(times), int((cut - times.max()) // 86_400)])


def product_slots(name: str, told: list[int]) -> range:
    """Return where in a model's reason, [candidate, *numbers], the products stand."""
    if name in COUNTED or name == "user neighbours":
        return range(0)
    return range(1, min(2, len(told))) if name == "pair rules" else range(1, len(told), 2)


def packed(row: dict, task: str, held_out: list[list[int]], place: dict[int, int]) -> dict:
    """Return a household's row as the page reads it: products as places, scores as base64."""
    reasons = [[list(told) for told in one] for one in row["reasons"]]
    for name, one in zip(MODELS[task], reasons, strict=True):
        for told in one:
            for slot in product_slots(name, told):
                told[slot] = place[told[slot]]
    return {
        "items": [place[int(item)] for item in row["items"]],
        "scores": base64.b64encode(row["scaled"].astype("<f4").tobytes()).decode("ascii"),
        "reasons": reasons,
        "held_out": [[place[item], *more] for item, *more in held_out],
    }
