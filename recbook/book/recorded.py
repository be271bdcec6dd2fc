"""Results of runs too long for a build: made by a script, kept beside the package, shown as such.

A file `recorded/NAME.json` is written by `benchmarks/recorded/NAME.py`, with two parts:

- "claims": for each claim whose value depends on chance, that value for five seeds or more; a test
  holds the claim's bounds to them;
- "longer": runs with settings that a chapter has no time for: settings, values, seconds, device.
"""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "recorded"


def recorded(name: str) -> dict:
    """Return what `benchmarks/recorded/NAME.py` recorded.

    Returns
    -------
    dict
        "claims": id to a list of values, one a seed. "longer": name to a dict with "settings",
        "values", "seconds" and "made", where and when.

    Raises
    ------
    ValueError
        If nothing of that name is recorded.
    """
    path = FOLDER / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(one.stem for one in FOLDER.glob("*.json"))) or "nothing"
        raise ValueError(f"no run {name!r} is recorded; there is {known}")
    return json.loads(path.read_text(encoding="utf-8"))
