"""All that the chapters on fusion take from the store, part by part."""

from __future__ import annotations

import time


def parts() -> list[tuple[str, str]]:
    """Return all that is stored, as (kind, which); rankings last, for they read the pools."""
    from recbook.fusion.members import FILM_WINDOWS, SHOP_WINDOWS
    from recbook.fusion.ranked import RANKINGS

    return [
        ("ratings", "all folds"),
        *(("repeat", on) for on in SHOP_WINDOWS),
        *(("movielens", on) for on in FILM_WINDOWS),
        *(("ranking", str(number)) for number in range(len(RANKINGS))),
    ]


def make(kind: str, which: str) -> float:
    """Make one part, or find it made; return the seconds it took."""
    started = time.perf_counter()
    if kind == "ratings":
        from recbook.data.movielens import load_movielens
        from recbook.evaluation.protocols import rating_folds
        from recbook.fusion.rating_members import rating_predictions

        rating_predictions(list(rating_folds(load_movielens("100k").interactions())))
    elif kind == "ranking":
        from recbook.fusion.ranked import RANKINGS, stored_ranking

        asked, more = RANKINGS[int(which)]
        stored_ranking(*asked, **more)
    else:
        from recbook.fusion.members import stored_pool

        stored_pool(kind, which)
    return time.perf_counter() - started
