"""A top-N task: what may be known, what is to be recommended, to whom, and how it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.data.ranking import top_k
from recbook.data.splits import Split, count_shared_events
from recbook.evaluation import ranking
from recbook.evaluation.compare import compare_all
from recbook.evaluation.statistics import bootstrap_interval

METRICS = {
    "ndcg": ranking.ndcg_per_user,
    "recall": ranking.recall_per_user,
    "precision": ranking.precision_per_user,
    "f1": ranking.f1_per_user,
    "hit_rate": ranking.hit_rate_per_user,
    "average_precision": ranking.average_precision_per_user,
    "reciprocal_rank": ranking.reciprocal_rank_per_user,
}


@dataclass(frozen=True, eq=False)
class Window:
    """One stretch of held-out events, with everything that may be known before it.

    Parameters
    ----------
    known : Interactions
        What a model may be fitted on.
    held_out : Interactions
        The events of the window, with the indexes of `known`.
    relevant : scipy.sparse.csr_array (n_users, n_items)
        1 for what a good list holds.
    candidates : bool array (n_items,)
        What may be recommended.
    exclude : scipy.sparse.csr_array (n_users, n_items), optional
        Cells that may not be recommended, such as what the user had before.
    users : int array
        The rows judged, by default those with a relevant item and at least one known event.
    """

    known: Interactions
    held_out: Interactions
    relevant: sparse.csr_array
    candidates: np.ndarray
    exclude: sparse.csr_array | None = None
    users: np.ndarray = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.users is None:
            met = np.bincount(self.known.user, minlength=self.known.n_users) > 0
            object.__setattr__(self, "users", np.flatnonzero(met & (_row_sizes(self.relevant) > 0)))


@dataclass(frozen=True, eq=False)
class TopNTask:
    """A task with a "validation" and a "test" window, and earlier ones to train stackers on.

    Choices (parameters, members, weights of a fusion) are made on "validation" with models fitted
    on `fit_on("validation")`. For the report the chosen models are fitted again on
    `fit_on("test")`, which holds the validation events too, and judged once on "test". Stackers
    learn from "earlier_1" (just before validation), "earlier_2" and so on, each with models fitted
    on its own `fit_on`.

    Parameters
    ----------
    name : str
    windows : mapping of str to Window
        "test", "validation", and any earlier ones, latest first.

    Raises
    ------
    ValueError
        If "validation" or "test" is missing, a window judges nobody, the indexes differ, two
        windows share a held-out event, or a window is known to its own or an earlier model.
    """

    name: str
    windows: Mapping[str, Window]

    def __post_init__(self) -> None:
        for needed in ("validation", "test"):
            if needed not in self.windows:
                raise ValueError(f"task {self.name!r} has no {needed!r} window")
        catalogue = self.windows["test"].known
        for on, window in self.windows.items():
            for part in (window.known, window.held_out):
                if not (part.users.equals(catalogue.users) and part.items.equals(catalogue.items)):
                    raise ValueError(f"window {on!r} of task {self.name!r} has other indexes")
            if len(window.users) == 0:
                raise ValueError(
                    f"window {on!r} of task {self.name!r} has no user to judge: nobody with known "
                    "events has a relevant item"
                )
            _refuse_shared(window.known, window.held_out, f"what is known before {on!r}", repr(on))
        # Latest first: no earlier window may hold, or know, anything of a later one.
        for (later, a), (earlier, b) in combinations(self.windows.items(), 2):
            _refuse_shared(b.held_out, a.held_out, repr(earlier), repr(later))
            _refuse_shared(b.known, a.held_out, f"what is known before {earlier!r}", repr(later))

    def window(self, on: str) -> Window:
        """Return a window by name."""
        if on not in self.windows:
            raise ValueError(f"task {self.name!r} has no window {on!r}; it has {[*self.windows]}")
        return self.windows[on]

    def fit_on(self, on: str = "test") -> Interactions:
        """Return the events that a model judged on this window may be fitted on."""
        return self.window(on).known

    def relevant(self, on: str = "test") -> sparse.csr_array:
        """Return what counts as relevant, (n_users, n_items)."""
        return self.window(on).relevant

    def users(self, on: str = "test") -> np.ndarray:
        """Return the row positions of the users judged."""
        return self.window(on).users

    def candidates(self, on: str = "test") -> np.ndarray:
        """Return which items may be recommended, bool (n_items,)."""
        return self.window(on).candidates

    def exclude(self, on: str = "test") -> sparse.csr_array | None:
        """Return the cells that may not be recommended, None for none."""
        return self.window(on).exclude

    @property
    def split(self) -> Split:
        """Train (known before validation), validation and test events."""
        validation, test = self.windows["validation"], self.windows["test"]
        return Split(validation.known, validation.held_out, test.held_out)


def evaluate(model_or_scores, task: TopNTask, *, on: str = "test", k: int = 10) -> pd.DataFrame:
    """Return every ranking metric of every user judged.

    Parameters
    ----------
    model_or_scores : fitted recommender, or float array
        A recommender fitted on `task.fit_on(on)`; or scores, with a row for every user or for each
        of `task.users(on)`.
    task : TopNTask
    on : str
        The window.
    k : int
        Length of the lists.

    Returns
    -------
    pandas.DataFrame
        Users' ids as index; ndcg, recall, precision, f1, hit_rate, average_precision and
        reciprocal_rank as columns.

    Raises
    ------
    ValueError
        If the recommender was fitted on held-out events, or its lists or scores do not fit.
    """
    window = task.window(on)
    if isinstance(model_or_scores, np.ndarray):
        scores = model_or_scores
        if len(scores) == window.known.n_users:
            scores = scores[window.users]
        elif len(scores) != len(window.users):
            raise ValueError(
                f"scores have {len(scores)} rows; give one for each of the {window.known.n_users} "
                f"users, or of the {len(window.users)} of task.users({on!r})"
            )
        lists = top_k(
            scores, k, exclude=window.exclude, rows=window.users, candidates=window.candidates
        )
    else:
        fitted = getattr(model_or_scores, "interactions_", None)
        # A fusion has also learnt from what it was given to weigh its members by.
        sources = getattr(model_or_scores, "learnt_from", (fitted,) if fitted is not None else ())
        for events in sources:
            _refuse_shared(events, window.held_out, "what the model was fitted on", repr(on))
        lists = model_or_scores.recommend(
            window.users, k, exclude=window.exclude, candidates=window.candidates
        )
    users = window.known.users[window.users]
    return metrics_per_user(lists, window.relevant[window.users], users, k)


def metrics_per_user(
    lists: np.ndarray, relevant: sparse.csr_array, users: pd.Index, k: int = 10
) -> pd.DataFrame:
    """Return the METRICS of each user's list: a row each, the users' ids as index.

    Parameters
    ----------
    lists : int array (n, k)
        Column positions, best first, -1 where a list ends early.
    relevant : sparse matrix (n, n_items)
    users : pandas.Index (n,)
    """
    columns = {name: metric(lists, relevant, k) for name, metric in METRICS.items()}
    return pd.DataFrame(columns, index=users.rename("user_id"))


def leaderboard(
    results: Mapping[str, pd.DataFrame],
    metric: str = "ndcg",
    *,
    baseline: str,
    level: float = 0.95,
    rng: int | np.random.Generator | None = 0,
) -> pd.DataFrame:
    """Return one row per model: mean, interval, and verdict against the baseline; best first.

    Parameters
    ----------
    results : mapping of name to what `evaluate` gave, all for the same users
    metric : str
        The column to take; a higher value is better.
    baseline : str
        The name that the others are compared with.

    Returns
    -------
    pandas.DataFrame
        mean, low, high, then difference, difference_low, difference_high, p_holm and verdict from
        `compare_all`; the baseline's own are missing.
    """
    for name, frame in results.items():
        if metric not in frame.columns:
            raise ValueError(f"the results of {name!r} have no column {metric!r}")
    values = {name: frame[metric] for name, frame in results.items()}
    against = compare_all(values, baseline, level=level, rng=rng)
    against = against.rename(columns={"low": "difference_low", "high": "difference_high"})
    rows = {}
    for name, column in values.items():
        interval = bootstrap_interval(column, level=level, rng=rng)
        rows[name] = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    columns = ["difference", "difference_low", "difference_high", "p_holm", "verdict"]
    return table.join(against[columns]).sort_values("mean", ascending=False, kind="stable")


def _refuse_shared(first: Interactions, second: Interactions, one: str, other: str) -> None:
    shared = count_shared_events(first, second)
    if shared:
        raise ValueError(f"{shared} events of {other} are in {one} as well; that gives them away")


def _row_sizes(matrix: sparse.csr_array) -> np.ndarray:
    return np.diff(matrix.indptr)
