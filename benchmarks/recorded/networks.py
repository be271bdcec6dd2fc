"""Chapter 08's claims about networks themselves, for five seeds: its own cells, run again.

python benchmarks/recorded/networks.py seeds
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from record import record_claims

CHAPTER = Path(__file__).resolve().parents[2] / "chapters" / "08_deep_models.ipynb"
LAST = "On real data"  # everything up to here, its first cells included
MORE = ("Stopping in time",)
SEEDED = ("default_rng(0)", "default_rng({seed})"), ("rng=0", "rng={seed}")
SHUFFLES = "for seed in (0, 1, 2)"


def wanted_cells() -> list[str]:
    """Return the code of the chapter's sections that this script answers for."""
    cells, wanted, heading, passed = [], True, "", False
    for cell in json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            headings = [line for line in source.splitlines() if line.startswith("#")]
            if headings:
                heading = headings[-1].lstrip("# ")
                wanted = not passed or heading in MORE
                passed = passed or heading == LAST
        elif wanted and "google.colab" not in source:
            cells.append(source)
    return cells


def run(seed: int) -> dict[str, float]:
    """Return the value of every claim that depends on the chapter's seed 0, with another seed."""
    values: dict[str, float] = {}

    def note(id, statement, value, bounds, *, seed=None, **_):
        if seed == 0:
            values[id] = float(value)

    space: dict = {}
    for source in wanted_cells():
        for written, other in SEEDED:
            source = source.replace(written, other.format(seed=seed))
        shuffles = tuple(range(3 * seed, 3 * seed + 3))
        exec(source.replace(SHUFFLES, f"for seed in {shuffles}"), space)
        space |= {"claim": note, "say": lambda text: None, "show": lambda *_, **__: plt.close()}
    return values


def main() -> int:
    """Run the command and return its exit code."""
    if sys.argv[1:] != ["seeds"]:
        print(__doc__, file=sys.stderr)
        return 2
    found = [run(seed) for seed in range(5)]
    claims = {claim: [values[claim] for values in found] for claim in found[0]}
    record_claims("networks", claims)
    for claim, values in claims.items():
        print(claim, *(f"{value:.4g}" for value in values))
    return 0


if __name__ == "__main__":
    sys.exit(main())
