"""Runs that are too long for a build: kept with their script, and no claim's bound is too tight."""

import json
import sys
from pathlib import Path

import pytest
import record

from recbook.book import recorded
from recbook.book.recorded import FOLDER

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
MEASURED = [
    (name, claim, values)
    for name in NAMES
    for claim, values in recorded(name).get("claims", {}).items()
]


@pytest.fixture(scope="module")
def ledger() -> dict[str, dict]:
    """The claims of the last build, by id."""
    claims = json.loads((ROOT / "_build" / "claims.json").read_text(encoding="utf-8"))
    return {claim["id"]: claim for claim in claims}


def test_every_record_has_its_script_and_every_script_its_record():
    scripts = {path.stem for path in (ROOT / "benchmarks" / "recorded").glob("*.py")} - {"record"}
    assert scripts == set(NAMES)


@pytest.mark.parametrize(("name", "claim", "values"), MEASURED, ids=[c for _, c, _ in MEASURED])
def test_a_claim_holds_for_every_seed_that_was_measured(name, claim, values, ledger):
    assert claim in ledger, f"{name}.json measured {claim!r}, which no chapter claims"
    assert len(values) >= 5
    stated = ledger[claim]
    for value in values:
        assert stated["low"] is None or value >= stated["low"]
        assert stated["high"] is None or value <= stated["high"]
        if stated["strict"]:
            assert value not in (stated["low"], stated["high"])


@pytest.mark.parametrize("name", NAMES)
def test_a_longer_run_says_what_it_was_and_what_it_took(name):
    for run, kept in recorded(name).get("longer", {}).items():
        assert set(kept) == {"settings", "values", "seconds", "made"}, run
        assert kept["settings"], run
        assert kept["values"], run
        assert kept["seconds"] > 0


def test_what_is_not_recorded_is_named():
    with pytest.raises(ValueError, match="no run 'tea' is recorded; there is "):
        recorded("tea")


def test_records_are_merged_and_never_half_written(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    # The module, which the package's function of the same name hides.
    monkeypatch.setattr(sys.modules["recbook.book.recorded"], "FOLDER", tmp_path)
    record.record_claims("one", {"08-a": [1, 2, 3, 4, 5]})
    record.record_claims("one", {"08-b": [1 / 3e7] * 5})
    record.record_longer("one", "wide", settings={"n": 2}, values={"ndcg": 0.2}, seconds=61.4)
    kept = recorded("one")
    assert kept["claims"] == {"08-a": [1, 2, 3, 4, 5], "08-b": [3.3333e-8] * 5}
    assert kept["longer"]["wide"]["seconds"] == 61
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]
    with pytest.raises(ValueError, match="08-c has values of 4 seeds; five are needed"):
        record.record_claims("one", {"08-c": [1, 2, 3, 4]})
