"""The one judgement on test: accuracy, and what accuracy does not see."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recbook.evaluation.beyond import coverage, intra_list_diversity_per_user, novelty_per_user
from recbook.evaluation.compare import Comparison, compare
from recbook.evaluation.tasks import TopNTask, leaderboard, metrics_per_user
from recbook.fusion.pooling import make_pool
from recbook.models.base import Recommender
from recbook.project.choosing import FUSION, N_CANDIDATES, Choice, Tell, fit_members
from recbook.project.source import Source

BASELINE = "popularity"
MAX_USERS = 10_000
MAX_DIVERSE = 2_500  # users, spread evenly, whose lists are compared within
AT_ONCE = 250  # users


@dataclass(frozen=True, eq=False)
class Judgement:
    """What test says of every model.

    Attributes
    ----------
    table : pandas.DataFrame
        By model, the best first: ndcg with low and high (95 %), recall, hit_rate, coverage (share
        of the catalogue), diversity (1 − mean similarity within a list; of at most MAX_DIVERSE
        users' lists), novelty (bits), and the verdict against popularity.
    against_single : Comparison or None
        The fusion against the best single model on validation; None where there is no fusion.
    against_popularity : Comparison
        The chosen model against popularity.
    results : dict of str to pandas.DataFrame
        Every metric of every user.
    lists : dict of str to int array (n_users, k)
    """

    table: pd.DataFrame
    against_single: Comparison | None
    against_popularity: Comparison
    results: dict
    lists: dict


def judge(
    choice: Choice,
    members: Mapping[str, Recommender],
    task: TopNTask,
    source: Source,
    *,
    k: int = 10,
    rng: int = 0,
    tell: Tell | None = None,
) -> Judgement:
    """Fit everything on what was known before test, and judge it once.

    Members that are fitted on `task.fit_on("test")` are used as they are.
    """
    fitted = fit_members(members, task.fit_on("test"), tell=tell, what="to judge: ")
    if tell:
        tell("judging on test")
    window = _some_users(task.window("test"), rng)
    pool = make_pool(fitted, window, n_candidates=N_CANDIDATES)
    scores = {name: pool.scores[at] for at, name in enumerate(pool.names)}
    if choice.fusion is not None:
        fusion = copy.copy(choice.fusion)
        scores[FUSION] = fusion.fuse(pool)
    lists = {name: pool.lists(given, k) for name, given in scores.items()}
    users = window.known.users[pool.users]
    relevant = window.relevant[pool.users]
    results = {name: metrics_per_user(one, relevant, users, k) for name, one in lists.items()}
    board = leaderboard(results, baseline=BASELINE, rng=rng)
    features = _features(source, window.known)
    n_items = int(window.candidates.sum())
    table = pd.DataFrame(
        {
            "ndcg": board["mean"],
            "low": board["low"],
            "high": board["high"],
            "recall": {name: frame["recall"].mean() for name, frame in results.items()},
            "hit_rate": {name: frame["hit_rate"].mean() for name, frame in results.items()},
            "coverage": {n: coverage(one, window.known.n_items) for n, one in lists.items()},
            "diversity": {n: _diversity(one, features) for n, one in lists.items()},
            "novelty": {n: _mean(novelty_per_user(one, window.known)) for n, one in lists.items()},
            "verdict": board["verdict"],
        }
    ).loc[board.index]
    table["coverage"] *= window.known.n_items / max(1, n_items)
    against = None
    if choice.fusion is not None:
        against = compare(results[FUSION]["ndcg"], results[choice.single]["ndcg"], rng=rng)
    base = compare(results[choice.name]["ndcg"], results[BASELINE]["ndcg"], rng=rng)
    return Judgement(table.rename_axis("model"), against, base, results, lists)


def rate(source: Source, *, rng: int = 0) -> pd.DataFrame:
    """Return RMSE and MAE of three rating predictors on a fifth of the ratings, held out at random.

    Raises
    ------
    ValueError
        If the source has no ratings.
    """
    from recbook.evaluation.rating import mae, rmse
    from recbook.models.rating_baselines import GlobalMean, UserItemBias
    from recbook.models.rating_factors import SVD

    if not source.explicit:
        raise ValueError(f"{source.name} has no ratings, so there are none to predict")
    events = source.interactions
    held = np.random.default_rng(rng).permutation(len(events)) < len(events) // 5
    train, test = events.select(~held), events.select(held)
    models = {
        "mean of all": GlobalMean(scale=source.scale),
        "user and item bias": UserItemBias(scale=source.scale),
        "SVD": SVD(20, scale=source.scale, rng=rng),
    }
    rows = {}
    for name, model in models.items():
        predicted = model.fit(train).predict(test.user, test.item)
        rows[name] = {"rmse": rmse(test.value, predicted), "mae": mae(test.value, predicted)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _diversity(lists: np.ndarray, features) -> float:
    """Return the mean over users, block by block: pairs of items that many share take much room."""
    some = lists[:: max(1, -(-len(lists) // MAX_DIVERSE))]
    blocks = [some[at : at + AT_ONCE] for at in range(0, max(1, len(some)), AT_ONCE)]
    return _mean(np.concatenate([intra_list_diversity_per_user(b, features) for b in blocks]))


def _mean(values: np.ndarray) -> float:
    """Return the mean over users with a value, NaN where there is none: no list of two items."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")


def _some_users(window, rng: int):
    if len(window.users) <= MAX_USERS:
        return window
    from dataclasses import replace

    drawn = np.random.default_rng(rng).choice(window.users, MAX_USERS, replace=False)
    return replace(window, users=np.sort(drawn))


def _features(source: Source, known):
    """Return what two items may have in common: words, or else users."""
    if not source.has_text:
        return known.matrix("binary").T.tocsr()
    from recbook.models.text import TfIdf

    return TfIdf().fit_transform(source.items["text"].tolist())
