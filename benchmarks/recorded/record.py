"""Keep what the scripts of this folder measured, where `recbook.book.recorded` finds it."""

from __future__ import annotations

import json
import os
import platform
from datetime import date

from recbook.book.recorded import FOLDER
from recbook.data.download import write_atomically
from recbook.models.deep.backend import device


def record_claims(name: str, values: dict[str, list[float]]) -> None:
    """Keep the values that claims had, one for each of five seeds or more.

    Raises
    ------
    ValueError
        If a claim has fewer than five.
    """
    for claim, found in values.items():
        if len(found) < 5:
            raise ValueError(f"{claim} has values of {len(found)} seeds; five are needed")
    kept = {claim: [float(f"{one:.5g}") for one in found] for claim, found in values.items()}
    _merge(name, "claims", kept)


def record_longer(name: str, run: str, *, settings: dict, values: dict, seconds: float) -> None:
    """Keep one longer run.

    Parameters
    ----------
    name : str
        Of the file and of the script.
    run : str
        What was run, as a reader would call it.
    settings, values : dict
        What it was run with and what came out; only what JSON knows.
    seconds : float
        Wall time, on the machine that this is called on.
    """
    made = f"{date.today():%Y-%m-%d}, {os.cpu_count()} cores, {device()}, {platform.system()}"
    kept = {"settings": settings, "values": values, "seconds": round(seconds), "made": made}
    _merge(name, "longer", {run: kept})


def _merge(name: str, part: str, values: dict) -> None:
    """Write `values` over what the file held of the same names; whole or not at all."""
    path = FOLDER / f"{name}.json"
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    content[part] = {**content.get(part, {}), **values}
    FOLDER.mkdir(exist_ok=True)
    write_atomically(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())
