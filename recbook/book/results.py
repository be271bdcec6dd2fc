"""Test results: judged once, shown in the chapter, entered in the book's leaderboard."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recbook.book.claims import CHAPTER
from recbook.data.interactions import Interactions
from recbook.evaluation.rating_board import user_errors
from recbook.evaluation.tasks import TopNTask, evaluate, leaderboard

RESULTS = "RECBOOK_RESULTS"  # environment: the file a build collects a chapter's results in
_REPORTED = (
    "_reported"  # on a model: the parameters it was fitted with here, and how long that took
)
KEPT = ["ndcg", "recall"]  # what the leaderboard page shows of a list


def report(name: str, model, task: TopNTask) -> pd.DataFrame:
    """Fit a model on everything before the test window, judge it there, and enter the result.

    Lists have ten places, in the whole book. It is for the final run only: what there is to choose
    is chosen before, on validation.

    Parameters
    ----------
    name : str
        The name in tables, one for a model with its parameters throughout the book.
    model : Recommender
        It is fitted on `task.fit_on("test")`; not again where this function fitted it on the very
        same events before, as the shop's two tasks share theirs.
    task : TopNTask

    Returns
    -------
    pandas.DataFrame
        What `recbook.evaluation.protocols.evaluate` gives, with `fit_seconds` and `score_seconds`
        in its `attrs`.
    """
    known = task.fit_on("test")
    params, fit_seconds = getattr(model, _REPORTED, ("", 0.0))
    if getattr(model, "interactions_", None) is not known or params != repr(model):
        started = time.perf_counter()
        model.fit(known)
        fit_seconds = time.perf_counter() - started
        setattr(model, _REPORTED, (repr(model), fit_seconds))
    started = time.perf_counter()
    values = evaluate(model, task, on="test", k=10)
    score_seconds = time.perf_counter() - started
    # What was made before and kept, such as a fusion's members, brings its own times.
    values.attrs["fit_seconds"] = getattr(model, "fit_seconds_", 0.0) + fit_seconds
    values.attrs["score_seconds"] = getattr(model, "score_seconds_", 0.0) + score_seconds
    _enter(
        {
            "task": task.name,
            "name": name,
            "model": repr(model),
            **values.attrs,
            "megabytes": _megabytes(model),
            "parameters": getattr(model, "n_parameters_", None),  # where a network is trained
            "values": {metric: values[metric].round(6).tolist() for metric in KEPT},
        }
    )
    return values


def report_ratings(
    name: str, model, folds: Sequence[tuple[Interactions, Interactions]]
) -> np.ndarray:
    """Fit a rating predictor on each fold, predict what is held out, and enter the result.

    Parameters
    ----------
    name : str
        The name in tables, one for a model with its parameters throughout the book.
    model : RatingPredictor, or one for each fold
        One for each fold where something was tuned inside the fold's training part.
    folds : list of (train, test)

    Returns
    -------
    float64 array (n,)
        The predictions for the test parts, one fold after the other.

    Raises
    ------
    ValueError
        If there is neither one model nor one for each fold.
    """
    models = list(model) if isinstance(model, Sequence) else [model] * len(folds)
    if len(models) != len(folds):
        raise ValueError(
            f"{name!r}: give one model or one for each of {len(folds)} folds, got {len(models)}"
        )
    parts, fit_seconds, score_seconds = [], 0.0, 0.0
    for one, (train, test) in zip(models, folds, strict=True):
        started = time.perf_counter()
        one.fit(train)
        fitted = time.perf_counter()
        parts.append(one.predict(test.user, test.item))
        fit_seconds += fitted - started + getattr(one, "fit_seconds_", 0.0)
        score_seconds += time.perf_counter() - fitted
    predicted = np.concatenate(parts)
    errors = user_errors(predicted, folds)
    _enter(
        {
            "task": "ratings",
            "name": name,
            "model": "one for each fold" if isinstance(model, Sequence) else repr(model),
            "fit_seconds": fit_seconds / len(folds),
            "score_seconds": score_seconds / len(folds),
            "megabytes": _megabytes(models[-1]),
            "values": {column: errors[column].round(6).tolist() for column in errors},
        }
    )
    return predicted


def board(
    results: Mapping[str, pd.DataFrame], baseline: str, *, metric: str = "ndcg", digits: int = 3
) -> pd.DataFrame:
    """Return a leaderboard to be shown: the mean, its interval, the verdict against a baseline.

    Parameters
    ----------
    results : mapping of name to what `report` or `evaluate` gave
    baseline : str
        The name that the others are compared with.
    metric : str
    digits : int
        Decimal places.

    Returns
    -------
    pandas.DataFrame of strings, best first
    """
    table = leaderboard(results, metric, baseline=baseline)
    title = {"ndcg": "NDCG@10", "recall": "recall@10"}.get(metric, metric.replace("_", " "))
    rows = zip(table.low, table.high, strict=True)
    return pd.DataFrame(
        {
            title: table["mean"].map(f"{{:.{digits}f}}".format),
            "95 % interval": [f"[{low:.{digits}f}, {high:.{digits}f}]" for low, high in rows],
            f"against {baseline}": table["verdict"].fillna("–"),
        }
    )


def _megabytes(model) -> float | None:
    held = getattr(model, "held_megabytes", None)
    return held() if held else None


def _enter(result: dict) -> None:
    if ledger := os.environ.get(RESULTS):
        line = {"chapter": os.environ.get(CHAPTER, "interactive"), **result}
        with Path(ledger).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
