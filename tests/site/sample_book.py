"""Lay out the sample book: its committed sources, the real `site/` folder, and the record of a run
that never was."""

import base64
import io
import json
import shutil
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAME = "01_sample"


def picture(seed: int = 0) -> str:
    """Return a drawn curve as base64, at two pixels for each of the page's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(range(10 + seed), [x**0.5 for x in range(10 + seed)], lw=2)
    axes.set_xlabel("events of a user")
    axes.set_ylabel("weight")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200)
    return base64.b64encode(buffer.getvalue()).decode()


def shown(seed: int, **words: str) -> dict:
    """Return the output of a figure, with its words."""
    return {
        "output_type": "display_data",
        "data": {"image/png": picture(seed), "text/plain": "<Figure>"},
        "metadata": {"recbook": words},
    }


def record() -> dict:
    """Return what the execution driver leaves for the sample chapter."""
    import pandas as pd

    frame = pd.DataFrame(
        {
            "product": ["Sparkling water, 6 × 1 l", "Wholemeal bread", "Peaches, tinned"],
            "department": ["Beverages", "Bakery", "Grocery"],
            "households": [1204, 988, 377],
            "share of baskets": [0.1212, 0.0981, 0.0231],
            "mean price": [2.49, 1.99, 0.89],
            "recency in days": [3, 5, 21],
        }
    )
    sentence = "Of 2,469 households, **1,204** bought water: $1204/2469 = 0.488$."
    outputs = [
        [],
        [
            shown(
                0,
                alt="A curve that rises ever more slowly from 0 to 3.",
                caption="Weight of a history.",
            )
        ],
        [
            shown(1, alt="The same curve, one event longer."),
            shown(2, alt="The same curve, two events longer.", caption="Second of two."),
            {
                "output_type": "execute_result",
                "data": {"text/html": frame.to_html(), "text/plain": frame.to_string()},
                "metadata": {},
                "execution_count": 3,
            },
        ],
        [
            {
                "output_type": "display_data",
                "data": {"text/markdown": sentence, "text/plain": sentence},
                "metadata": {},
            }
        ],
        [{"output_type": "stream", "name": "stdout", "text": "a stream of text\n"}],
        [
            {
                "output_type": "execute_result",
                "data": {"text/plain": "42"},
                "metadata": {},
                "execution_count": 6,
            }
        ],
    ]
    return {
        "chapter": NAME,
        "key": "0" * 64,
        "seconds": 41.2,
        "peak_mb": 812.4,
        "finished": "2025-11-22T01:40:00+00:00",
        "python": "3.11.7",
        "outputs": outputs,
        "claims": claims(),
    }


def claims() -> list[dict]:
    """Return the claims of the sample chapter."""
    common = {"chapter": NAME, "passed": True, "seed": None}
    return [
        common
        | {
            "id": "sample-ndcg",
            "statement": "Item neighbours reach an NDCG@10 above popularity's | on real data",
            "value": 0.2551234,
            "low": 0.24,
            "high": 0.27,
            "covers": "C1 C2",
            "seed": 7,
        },
        common
        | {
            "id": "sample-zero",
            "statement": "No duplicate is left",
            "value": 0,
            "low": 0,
            "high": 0,
            "covers": "D1",
        },
        common
        | {
            "id": "sample-low",
            "statement": "Gain of $\\Delta \\ge 0.01$ over the baseline",
            "value": 0.0132,
            "low": 0.01,
            "high": None,
            "covers": ["C3"],
        },
    ]


def lay_out(root: Path) -> Path:
    """Write the sample book into an empty folder and return it."""
    shutil.copytree(HERE / "sample", root, dirs_exist_ok=True)
    shutil.copy(ROOT / "_config.yml", root)
    for name in ("claims.md", "status.md"):
        shutil.copy(ROOT / "chapters" / name, root / "chapters")
    skip = shutil.ignore_patterns("diagrams", "__pycache__", "measured_times.json")
    shutil.copytree(ROOT / "site", root / "site", ignore=skip, dirs_exist_ok=True)
    write_record(root, record())
    return root


def write_record(root: Path, run: dict) -> None:
    """Write the record of a run and the ledger."""
    (root / "_build" / "run").mkdir(parents=True, exist_ok=True)
    (root / "_build" / "run" / f"{NAME}.json").write_text(json.dumps(run), encoding="utf-8")
    (root / "_build" / "claims.json").write_text(json.dumps(run["claims"]), encoding="utf-8")
