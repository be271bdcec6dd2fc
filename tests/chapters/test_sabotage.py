"""Break what a claim rests on, and see that very claim fail.

Each line names a claim and an edit of the chapter's code that takes its subject away: another
model in its place, shuffled groups, a term left out of a formula.
"""

import json
from pathlib import Path

import pytest
from execution import Book, ChapterFailed, run_one

ROOT = Path(__file__).resolve().parents[2]
SABOTAGE = {
    "01_concepts": {
        "01-four-vs-volume-sparse": (
            "events = journey.interactions()",
            "events = journey.interactions(min_households=1200)",
        ),
        "01-toy-raw-sum-follows-the-loud": (
            "raw = 0.6 * popularity + 0.4 * company",
            "raw = 0.0 * popularity + 0.4 * company",
        ),
        "01-toy-scaled-fusion-recall": (
            "fused = 0.6 * scaled_a + 0.4 * scaled_b",
            "fused = 0.6 * popularity + 0.4 * company",
        ),
        "01-scale-is-a-weight": (
            "w_moved = w * c / (w * c + 1 - w)",
            "w_moved = w * c / (w * c + 1)",
        ),
        "01-difference-beats-strength": (
            "weights, error = mixture_errors(rho)",
            "weights, error = mixture_errors(0.5)",
        ),
        "01-same-errors-do-not-help": (
            "variance + 2 * weights * (1 - weights) * spread[0, 1]",
            "variance + weights * (1 - weights) * spread[0, 1]",
        ),
        "01-own-past-beats-the-crowd": (
            '"personal frequency": PersonalFrequency(half_life),',
            '"personal frequency": Popularity(),',
        ),
        "01-discovery-is-hard": (
            'for frame in results["new"].values())',
            'for frame in results["repeat"].values())',
        ),
        "01-borrowed-weights-lose": (
            "evaluate(0.6 * own + 0.4 * crowd, repeat)",
            "evaluate(own, repeat)",
        ),
        "01-short-histories-are-hard": (
            "group = pd.qcut(visits, 5, labels=False)",
            "group = np.random.default_rng(0).permutation(pd.qcut(visits, 5, labels=False))",
        ),
    },
}
CASES = [(chapter, *case) for chapter, cases in SABOTAGE.items() for case in cases.items()]


@pytest.mark.parametrize(("chapter", "claim", "edit"), CASES, ids=[case[1] for case in CASES])
def test_the_claim_fails_when_its_subject_is_broken(tmp_path, chapter, claim, edit):
    before, after = edit
    notebook = json.loads((ROOT / "chapters" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    holding = [cell for cell in code if before in "".join(cell["source"])]
    assert len(holding) == 1, f"{before!r} should stand in one cell, it stands in {len(holding)}"
    holding[0]["source"] = "".join(holding[0]["source"]).replace(before, after)
    path = tmp_path / f"{chapter}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(ChapterFailed, match=f"claim '{claim}' is broken"):
        run_one(Book(tmp_path, ROOT / "recbook"), path, around="")


def test_every_claim_of_the_chapters_listed_is_broken_once():
    for chapter, cases in SABOTAGE.items():
        text = (ROOT / "chapters" / f"{chapter}.ipynb").read_text(encoding="utf-8")
        stated = {
            line.split('\\"')[1] for line in text.splitlines() if f'\\"{chapter[:2]}-' in line
        }
        assert stated == set(cases)
