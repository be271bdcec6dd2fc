"""What the picture network of chapter 09 gives with other seeds, and with settings for longer runs.

    python benchmarks/recorded/pictures.py seeds   # the chapter's own cells, five seeds: 2 minutes
    python benchmarks/recorded/pictures.py longer  # 5 minutes

The chapter learns from a simulated shop of seed 1 and is judged on the book's shop and on one of
seed 11; "five shops" repeats the judgement on shops of seeds 11 to 15.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
from record import record_claims, record_longer

from recbook.data import load_shop
from recbook.data.shop import simulate_shop
from recbook.models.deep.pictures import PictureClassifier

CHAPTER = Path(__file__).parents[2] / "chapters" / "09_sequences_pictures_graphs.ipynb"
FIRST, LAST = "# 09 Sequences, pictures, graphs", "### Where sight fails"
WHAT = ["category", "style"]
SETTINGS = {"filters": (16, 32, 48), "embedding_size": 32}


def chapter_cells() -> list[str]:
    """Return the code of the chapter from its beginning to the end of what is said of pictures."""
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    code, inside, last = [], False, False
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if last and re.search(r"^##", source, re.M):
                break
            inside, last = inside or FIRST in source, last or LAST in source
            continue
        sentence = "remove-input" in cell["metadata"].get("tags", [])
        if inside and not sentence and "google.colab" not in source:
            code.append(source)
    return code


def run_chapter(seed: int, found: dict[str, list[float]]) -> dict:
    """Run those cells with another seed of the network; collect claims instead of checking them."""

    def collect(name, statement, value, bounds, *, seed=None, **other):
        if seed is not None:
            found.setdefault(name, []).append(float(value))

    names: dict = {}
    for cell in chapter_cells():
        source = cell.replace("epochs=PICTURE_EPOCHS, rng=0", f"epochs=PICTURE_EPOCHS, rng={seed}")
        exec(compile(source, "chapter", "exec"), names)
        names |= {"claim": collect, "show": lambda figure, *a, **k: None}
    return names


def seeds() -> None:
    """Record every claim that depends on the seed of the network."""
    found: dict[str, list[float]] = {}
    for seed in range(5):
        run_chapter(seed, found)
        print(seed, {name: round(values[-1], 3) for name, values in found.items()}, flush=True)
    record_claims("pictures", found)


def trained(n: int, epochs: int, pictures=None) -> tuple[PictureClassifier, float]:
    lender = simulate_shop(20, n + 400, seed=1)
    drawn, labels = lender.pictures(), lender.items[WHAT]
    if pictures is not None:
        drawn = pictures(drawn)
    started = time.perf_counter()
    model = PictureClassifier(**SETTINGS, epochs=epochs, rng=0)
    validation = (drawn[n : n + 400], labels[n : n + 400])
    model.fit(drawn[:n], labels[:n], validation=validation)
    return model, time.perf_counter() - started


def accuracy(model: PictureClassifier, pictures: np.ndarray) -> dict[str, float]:
    named = model.predict(pictures)
    items = load_shop().items
    return {what: round(float((named[what] == items[what]).mean()), 4) for what in WHAT}


def on_another_wall(pictures: np.ndarray, level: np.ndarray | float) -> np.ndarray:
    corners = pictures[:, [0, 0, -1, -1], [0, -1, 0, -1]].astype(float).mean(axis=1)
    product = abs(pictures - corners[:, None, None]).max(axis=3, keepdims=True) > 25
    return np.where(product, pictures, pictures * level).astype(np.uint8)


def augmented(pictures: np.ndarray) -> np.ndarray:
    """Repaint half of the walls and dim half of the lights, each to its own degree."""
    rng = np.random.default_rng(0)
    level = np.where(rng.random(len(pictures)) < 0.5, rng.uniform(0, 1, len(pictures)), 1)
    painted = on_another_wall(pictures, level[:, None, None, None])
    light = np.where(rng.random(len(pictures)) < 0.5, rng.uniform(0.3, 1, len(pictures)), 1)
    return (painted * light[:, None, None, None]).astype(np.uint8)


def longer() -> None:
    own = load_shop().pictures()
    model, seconds = trained(10_000, 10)
    settings = {**SETTINGS, "pictures": 10_000, "epochs": 10}
    record_longer(
        "pictures", "more pictures", settings=settings, values=accuracy(model, own), seconds=seconds
    )

    started, found = time.perf_counter(), {}
    for n in (100, 200, 400, 800):
        lender = simulate_shop(20, 2000, seed=1)
        few = PictureClassifier(**SETTINGS, epochs=6 * 1600 // n, rng=0)
        few.fit(lender.pictures()[:n], lender.items[WHAT][:n])
        found[str(n)] = accuracy(few, own)["category"]
    record_longer(
        "pictures",
        "few pictures",
        settings={**SETTINGS, "steps": 300},
        values=found,
        seconds=time.perf_counter() - started,
    )

    model, seconds = trained(6400, 8, augmented)
    changed = {
        "as drawn": own,
        "in a mirror": own[:, :, ::-1],
        "in half the light": own // 2,
        "before a dark wall": on_another_wall(own, 0.25),
    }
    record_longer(
        "pictures",
        "changed pictures",
        settings={**SETTINGS, "pictures": 6400, "epochs": 8, "changed": "half of walls and lights"},
        values={name: accuracy(model, seen)["category"] for name, seen in changed.items()},
        seconds=seconds,
    )


def five_shops() -> None:
    """Judge the chapter's network on five shops of 2,000 people and 600 products."""
    started, names = time.perf_counter(), run_chapter(0, {})
    found: dict[str, list[float]] = {}
    for seed in range(11, 16):
        shop = simulate_shop(2000, 600, seed=seed)
        bought, useful = names["judge"](shop, names["newcomers"](shop))
        for key, values in (("", {n: v.ndcg for n, v in bought.items()}), (", utility", useful)):
            gains = {
                "picture against random": ("picture: names", "random"),
                "picture against pixels": ("picture: names", "pixels"),
                "picture against text": ("picture: names", "text"),
                "together against text": ("picture and text", "text"),
                "labels against picture": ("true labels", "picture: names"),
            }
            for name, (a, b) in gains.items():
                difference = np.mean(pd.Series(values[a]) - pd.Series(values[b]))
                found.setdefault(name + key, []).append(round(float(difference), 4))
    record_longer(
        "pictures",
        "five shops",
        settings={"people": 2000, "products": 600, "seeds": [11, 12, 13, 14, 15]},
        values=found,
        seconds=time.perf_counter() - started,
    )


if __name__ == "__main__":
    runs = {"seeds": seeds, "longer": longer, "five-shops": five_shops}
    if len(sys.argv) != 2 or sys.argv[1] not in runs:
        sys.exit(f"say which: {', '.join(runs)}")
    runs[sys.argv[1]]()
