"""The audit rests on claims of other chapters: each exists, holds, and is linked rightly."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = json.loads((ROOT / "chapters" / "audit.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
PROSE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "markdown"]
LINKED = sorted(set(re.findall(r"\b(?:pro|con)\(\"([a-z0-9-]+)\"", "\n".join(CODE))))
SECTIONS = sorted(
    {found for cell in CODE for found in re.findall(r"\brun\(.*?, \"([a-z0-9-]+)\"\)", cell)}
)


@pytest.fixture(scope="module")
def ledger():
    """The claims of the last build, by id."""
    claims = json.loads((ROOT / "_build" / "claims.json").read_text(encoding="utf-8"))
    return {claim["id"]: claim for claim in claims}


def slug(heading):
    """Return the anchor that MyST and GitHub make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def outputs():
    """The tables as the last run showed them."""
    record = json.loads((ROOT / "_build" / "run" / "audit.json").read_text(encoding="utf-8"))
    shown = [
        output["data"].get("text/markdown", "")
        for cell in record["outputs"]
        for output in cell
        if "data" in output
    ]
    return ["".join(text) for text in shown if "| Verdict |" in "".join(text)]


def test_the_evidence_is_found_at_all():
    assert len(LINKED) >= 100
    assert len(SECTIONS) >= 15


@pytest.mark.parametrize("claim", LINKED)
def test_a_linked_claim_exists_and_holds(claim, ledger):
    assert claim in ledger, f"the audit links {claim!r}, which no chapter claims"
    assert ledger[claim]["passed"]
    assert not claim.startswith("audit-")


def test_every_link_within_the_page_meets_a_heading():
    headings = {slug(h) for text in PROSE for h in re.findall(r"^##+ (.+)$", text, re.M)}
    assert set(SECTIONS) <= headings


def test_the_verdicts_on_the_page_follow_from_the_evidence_beside_them():
    rows = [line for table in outputs() for line in table.splitlines()[2:]]
    assert len(rows) >= 100
    for row in rows:
        verdict = re.search(r"\| \*\*(.+?)\*\* \|$", row)[1]
        sides = ("*for:*" in row, "*against:*" in row)
        expected = {
            (True, False): "holds",
            (False, True): "fails",
            (True, True): "depends",
            (False, False): "cannot be checked",
        }
        assert verdict == expected[sides], row


def test_each_verdict_is_given_to_some_statement():
    text = "\n".join(outputs())
    for verdict in ("holds", "fails", "depends", "cannot be checked"):
        assert f"**{verdict}** |" in text


def test_the_page_opens_with_the_counts_of_its_tables():
    record = json.loads((ROOT / "_build" / "run" / "audit.json").read_text(encoding="utf-8"))
    shown = [
        "".join(output["data"]["text/markdown"])
        for cell in record["outputs"]
        for output in cell
        if "text/markdown" in output.get("data", {})
    ]
    rows = [line for table in outputs() for line in table.splitlines()[2:]]
    found = Counter(re.search(r"\| \*\*(.+?)\*\* \|$", row)[1] for row in rows)
    said = re.findall(r"\d+ hold|\d+ depend|\d+ fail|\d+ cannot be checked", shown[0])
    assert said == [
        f"{found['holds']} hold",
        f"{found['depends']} depend",
        f"{found['fails']} fail",
        f"{found['cannot be checked']} cannot be checked",
    ]
