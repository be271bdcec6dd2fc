"""No result is typed by hand, and the rule that says so is seen to work."""

import json
from pathlib import Path

import pytest
from prose import typed_numbers

CHAPTERS = sorted((Path(__file__).resolve().parents[2] / "chapters").glob("*.ipynb"))


def prose(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_result_is_typed(path):
    typed = [number for text in prose(path) for number in typed_numbers(text)]
    assert typed == [], f"{path.name}: produce these with say(), or give a `typed:` reason: {typed}"


@pytest.mark.parametrize(
    ("text", "heuristic"),
    [
        ("The model reaches 0.41 on the test weeks.", "decimal"),
        ("It gains 12 % over popularity.", "percentage"),
        ("It gains 12.5% over popularity.", "percentage"),
        ("There are 155,848 baskets.", "thousands"),
        ("There are 155848 of them.", "thousands"),
        ("It is 10 times as fast.", "ratio"),
        ("It is 10× faster.", "ratio"),
        ("A 3-fold gain.", "ratio"),
        ("The chapter takes 41 s.", "quantity"),
        ("It needs 300 MB.", "quantity"),
        ("It has 943 users.", "count"),
    ],
)
def test_a_typed_result_is_found(text, heuristic):
    assert heuristic in [name for name, _ in typed_numbers(text)]


@pytest.mark.parametrize(
    "text",
    [
        "A toy of 5×5 cells, with a 95 % interval.",
        "Published in 1994, chapter 3, section 2.1.",
        "MovieLens 100K has `943` users and $0.41$ of nothing: see [the paper](https://x.org/0.41).",
        "```python\nrmse = 0.94\n```",
        "Weights of 0.6 and 0.4 were proposed.",
        "Surprise prints 0.98 for it. <!-- typed: published in Surprise's own table -->",
    ],
)
def test_what_is_no_result_passes(text):
    assert typed_numbers(text) == []
