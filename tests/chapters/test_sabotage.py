"""Every claim can fail: each is broken on purpose, and that very claim must name itself.

Here the first chapter is broken claim by claim. `make sabotage`, which runs weekly, does it for
every chapter; that each of their edits still fits the chapter's text is checked here too.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sabotage import ROOT, break_chapter, outcome, read_edits, stated_claims

EDITS = read_edits()
WHOLE = [
    path.stem for path in sorted((ROOT / "chapters").glob("*.ipynb")) if stated_claims(path.stem)
]
# Broken by hand so far, claim by claim; their edits are not written down yet.
BY_HAND = {"02_data_and_features", "03_collaborative_filtering"}
CASES = [(chapter, claim, edit) for chapter in EDITS for claim, edit in EDITS[chapter].items()]


@pytest.fixture(scope="module")
def outcomes():
    """What came of each edit of the first chapter; two run at a time."""
    edits = EDITS["01_concepts"]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(outcome, ["01_concepts"] * len(edits), edits, edits.values())
        return dict(zip(edits, found, strict=True))


@pytest.mark.parametrize("claim", EDITS["01_concepts"])
def test_the_claim_fails_when_its_subject_is_broken(outcomes, claim):
    assert outcomes[claim] == ""


def test_every_chapter_has_its_edits():
    assert set(WHOLE) - BY_HAND == set(EDITS)


@pytest.mark.parametrize("chapter", EDITS)
def test_every_claim_of_a_chapter_has_an_edit(chapter):
    assert sorted(stated_claims(chapter)) == sorted(EDITS[chapter])


@pytest.mark.parametrize(("chapter", "claim", "edit"), CASES, ids=[case[1] for case in CASES])
def test_the_edit_fits_the_chapter(tmp_path, chapter, claim, edit):
    break_chapter(chapter, edit, tmp_path)


def test_an_edit_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="it stands in 0"):
        break_chapter("01_concepts", ("no such text", "x"), tmp_path)
