"""Make all that the chapters on fusion take from the store: `python -m recbook.fusion`."""

from __future__ import annotations

import os

# A sum's order decides its last digits, and two processes share the machine: one thread each. Set
# before NumPy is loaded.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import sys  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ProcessPoolExecutor, as_completed  # noqa: E402
from multiprocessing import get_context  # noqa: E402

from recbook.fusion.parts import make, parts  # noqa: E402

AT_ONCE = 2


def main() -> int:
    """Make all parts, two at a time, and say how far it is; return the exit code."""
    started, waiting = time.perf_counter(), parts()
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn")) as pool:
        runs = {pool.submit(make, *part): part for part in waiting}
        for number, run in enumerate(as_completed(runs), start=1):
            kind, which = runs[run]
            print(f"  [{number}/{len(waiting)}] {kind} {which}: {run.result():.0f} s", flush=True)
    print(f"  members ready after {time.perf_counter() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
