"""Rating factor models on the five folds of MovieLens 100K: SVD and SVD++ beside Surprise's.

Run from the repository: `python benchmarks/rating_factors.py [--repeats 3] [--quick]`. Each row has
a process of its own, in which ours and Surprise's fit every fold, `--repeats` times over with
another seed each time; Surprise's SVD++ is slow and goes over the folds once. A fit's seconds are
medians over all these fits, CPU seconds, so that a busy machine does not decide; the peers' own
set-up of the data is left out. Compilation is left out too: the first fit of the process, which
loads the compiled loops or compiles them, has its own column. RMSE and MAE are means over all
these fits. `--quick` takes the first fold only.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from statistics import mean, median

import numpy as np

from recbook.data import Interactions, load_movielens
from recbook.evaluation.protocols import rating_folds
from recbook.evaluation.rating import mae, rmse
from recbook.models.rating_als import RatingALS
from recbook.models.rating_factors import SVD, SVDpp

Fold = tuple[Interactions, Interactions]
OURS = {"SVD": SVD, "SVD++": SVDpp, "ALS": RatingALS}
THEIRS = {"SVD": "SVD", "SVD++": "SVDpp"}


def ours(name: str, fold: Fold, seed: int) -> tuple[float, np.ndarray]:
    """Return the CPU seconds of our fit, and the predictions of the test part."""
    train, test = fold
    model = OURS[name](rng=seed, scale=(1, 5))
    start = time.process_time()
    model.fit(train)
    return time.process_time() - start, model.predict(test.user, test.item)


def theirs(name: str, fold: Fold, seed: int) -> tuple[float, np.ndarray]:
    """Return the CPU seconds of Surprise's fit, and the predictions of the test part."""
    os.environ.setdefault("SURPRISE_DATA_FOLDER", os.path.join(tempfile.gettempdir(), "surprise"))
    import surprise

    train, test = fold
    frame = train.frame()[["user_id", "item_id", "value"]]
    data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5)))
    whole = data.build_full_trainset()
    model = getattr(surprise, THEIRS[name])(random_state=seed)
    start = time.process_time()
    model.fit(whole)
    seconds = time.process_time() - start
    pairs = zip(test.users[test.user], test.items[test.item], strict=True)
    return seconds, np.array([model.predict(user, item).est for user, item in pairs])


def measured(one: Callable, name: str, folds: list[Fold], repeats: int) -> tuple[float, ...]:
    """Return the median seconds, the mean RMSE and the mean MAE."""
    seconds, errors = [], []
    for seed in range(repeats):
        for fold in folds:
            spent, predicted = one(name, fold, seed)
            seconds.append(spent)
            actual = fold[1].value
            errors.append((rmse(actual, predicted), mae(actual, predicted)))
    return median(seconds), mean(e[0] for e in errors), mean(e[1] for e in errors)


def row(name: str, folds: list[Fold], repeats: int) -> str:
    """Return the table's row of one model."""
    start = time.perf_counter()
    ours(name, folds[0], 0)
    first = time.perf_counter() - start
    fit, *accuracy = measured(ours, name, folds, repeats)
    cells = [name, f"{first:.1f}", f"{fit:.2f}", "{:.4f} / {:.4f}".format(*accuracy)]
    if name in THEIRS:
        their_fit, *accuracy = measured(theirs, name, folds, 1 if name == "SVD++" else repeats)
        cells += [
            f"{their_fit:.2f}",
            "{:.4f} / {:.4f}".format(*accuracy),
            f"{their_fit / fit:.0f}×",
        ]
    else:
        cells += ["–", "–", "–"]
    return "| " + " | ".join(cells) + " |"


def alone(*arguments: object) -> str:
    """Run a row in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(row, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the first fold only")
    options = parser.parse_args()
    folds = list(rating_folds(load_movielens("100k").interactions()))
    folds = folds[:1] if options.quick else folds
    print(f"Ratings: MovieLens 100K, default parameters, {len(folds)} of 5 folds\n")
    print("| model | first fit, wall s | ours: fit, CPU s | RMSE / MAE | Surprise: fit, CPU s "
          "| RMSE / MAE | ratio |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for name in OURS:
        print(alone(name, folds, options.repeats), flush=True)


if __name__ == "__main__":
    main()
