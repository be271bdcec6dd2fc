"""The running leaderboard: made from the chapters' results, checked, and never mixed up."""

import copy
import json
import types

import numpy as np
import pytest
import results as results_module
from execution import ChapterFailed
from leaderboard_page import draw, leaderboard_page, summarise
from results import build_tables, collect_results, leaderboard_claims

RNG = np.random.default_rng(0)
LOW = (RNG.random(60) / 10).tolist()
HIGH = (np.array(LOW) + 0.02).tolist()


def entry(name, values=LOW, *, task="repeat", chapter="03_x", seconds=1.0):
    return {
        "chapter": chapter,
        "task": task,
        "name": name,
        "model": f"Model({name!r})",
        "fit_seconds": seconds,
        "score_seconds": 0.25,
        "megabytes": 2.0,
        "parameters": 250_000 if name == "other" else None,
        "values": {"ndcg": values, "recall": values},
    }


def records(*entries):
    return [{"results": [one]} for one in entries]


def test_a_chapter_enters_its_results_while_it_runs(make_book):
    from execution import run_all

    cell = (
        "from recbook.book import results\n"
        "results._enter({'task': 'new', 'name': 'x', 'values': {'ndcg': [1/2]}})"
    )
    ((record, _),) = run_all(make_book(one=[cell]), tell=lambda line: None)
    assert record["results"] == [
        {"chapter": "one", "task": "new", "name": "x", "values": {"ndcg": [1 / 2]}}
    ]


def test_one_model_of_two_chapters_is_one_row_with_the_times_of_the_first():
    found = collect_results(
        records(entry("own"), entry("own", chapter="04_y", seconds=9.0), entry("other", HIGH))
    )
    assert [(r["name"], r["chapters"]) for r in found] == [
        ("own", ["03_x", "04_y"]),
        ("other", ["03_x"]),
    ]
    assert found[0]["fit_seconds"] == 1.0


def test_one_name_for_two_results_is_refused():
    with pytest.raises(ChapterFailed, match=r"04_y and 03_x both report 'own' on 'repeat'"):
        collect_results(records(entry("own"), entry("own", HIGH, chapter="04_y")))


def test_tables_are_sorted_and_judged_against_the_baseline():
    entries = records(
        entry("personal frequency"), entry("better one", HIGH), entry("x", task="new")
    )
    tables = build_tables(collect_results(entries))
    assert tables.keys() == {"repeat"}  # the other task has no baseline yet
    first, second = tables["repeat"]["rows"]
    assert (first["name"], first["verdict"], first["chapters"]) == (
        "better one",
        "better",
        ["03_x"],
    )
    assert first["mean"] == pytest.approx(np.mean(HIGH))
    assert first["difference"] == pytest.approx(0.02)
    assert (second["name"], second["verdict"]) == ("personal frequency", None)
    assert json.loads(json.dumps(tables)) == tables


def test_fusions_are_judged_against_the_best_single_model_too():
    best = (np.array(HIGH) + 0.02).tolist()
    entries = records(
        entry("personal frequency"), entry("fusion: sum", best), entry("single", HIGH),
        entry("student: small", HIGH),
    )  # fmt: skip
    table = build_tables(collect_results(entries))["repeat"]
    rows = {row["name"]: row for row in table["rows"]}
    assert [name for name, row in rows.items() if row["single"]] == ["single"]
    assert rows["fusion: sum"]["against_single"] == "better"
    assert rows["personal frequency"]["against_single"] == "worse"
    assert rows["student: small"]["against_single"] == "cannot tell"
    assert rows["single"]["against_single"] is None
    assert rows["single"]["megabytes"] == 2.0
    assert [row["fusion"] for row in rows.values()] == [
        name.startswith(("fusion", "student")) for name in rows
    ]
    assert summarise(table).endswith(
        "Against the best single model of this table, *single*, of 2 fusions: better 1, worse 0, "
        "cannot tell 1."
    )


def test_statistics_are_made_again_only_where_results_changed(monkeypatch):
    entries = records(entry("personal frequency"), entry("other", HIGH))
    tables = build_tables(collect_results(entries))
    monkeypatch.setattr(results_module, "ProcessPoolExecutor", None)  # would fail if called
    entries[1]["results"][0]["fit_seconds"] = 5.0
    again = build_tables(collect_results(entries), tables)
    assert [row["fit_seconds"] for row in again["repeat"]["rows"]] == [5.0, 1.0]
    entries[1]["results"][0]["values"]["ndcg"] = LOW
    with pytest.raises(TypeError):
        build_tables(collect_results(entries), tables)


def tables_with(best: float, own: float, task: str = "repeat") -> dict:
    baseline = {"repeat": "personal frequency", "new": "recent popularity"}[task]
    rows = [
        {"name": "best", "mean": best, "verdict": "better"},
        {"name": baseline, "mean": own, "verdict": None},
    ]
    return {task: {"baseline": baseline, "rows": sorted(rows, key=lambda row: -row["mean"])}}


def test_claims_on_the_whole_hold_and_break():
    made = leaderboard_claims(tables_with(0.41, 0.40) | tables_with(0.06, 0.05, "new"))
    assert [c["id"] for c in made] == [
        "leaderboard-own-past-is-hard-to-beat",
        "leaderboard-discovery-is-small",
    ]
    assert {c["chapter"] for c in made} == {"leaderboard"}
    for broken in (tables_with(0.45, 0.40), tables_with(0.12, 0.05, "new")):
        with pytest.raises(ChapterFailed, match="leaderboard: claim 'leaderboard-"):
            leaderboard_claims(broken)


def test_the_sentence_counts_the_verdicts():
    table = {
        "baseline": "b",
        "rows": [
            {"name": "a", "mean": 0.3, "verdict": "better", "fusion": False},
            {"name": "b", "mean": 0.2, "verdict": None, "fusion": False},
            {"name": "c", "mean": 0.19, "verdict": "cannot tell", "fusion": False},
        ],
    }
    assert summarise(table) == (
        "Against *b*, of 2 models: better 1, worse 0, cannot tell 1. "
        "The best, *a*, reaches 0.300, 50.0% above it."
    )
    table["rows"] = table["rows"][1:]
    assert summarise(table).endswith("None has a better mean.")


def test_the_page_lists_every_row_of_every_task(tmp_path):
    entries = records(entry("personal frequency"), entry("other", HIGH, chapter="04_y"))
    (tmp_path / "_build").mkdir()
    tables = build_tables(collect_results(copy.deepcopy(entries)))
    (tmp_path / "_build" / "leaderboard.json").write_text(json.dumps(tables), encoding="utf-8")
    app = types.SimpleNamespace(
        srcdir=str(tmp_path),
        env=types.SimpleNamespace(note_dependency=lambda path: None),
        config=types.SimpleNamespace(external_site_map=[]),
    )
    page = leaderboard_page(app)
    assert "## Next purchases" in page
    assert "Complete Journey, 60 households" in page
    assert f"| other (04_y) | {np.mean(HIGH):.3f}<br>[" in page
    assert "| better |" in page
    assert "| Against personal frequency | Against other |" in page
    assert "1.0\u00a0+\u00a00.2\u00a0s<br>2.0\u00a0MB |" in page
    assert "1.0\u00a0+\u00a00.2\u00a0s<br>2.0\u00a0MB<br>0.25\u00a0M weights |" in page


def test_the_picture_marks_what_is_off_its_scale():
    def row(name, mean, verdict):
        return {
            "name": name,
            "mean": mean,
            "low": mean - 0.1,
            "high": mean + 0.1,
            "verdict": verdict,
        }

    rows = [row("a & b", 0.8, "better"), row("own", 0.9, None), row("random", 9.0, "worse")]
    picture = draw({"baseline": "own", "rows": rows}, "RMSE")
    assert picture.count("<circle") == 2
    assert picture.count("▸") == 1
    assert "a &amp; b 0.800; own 0.900; random 9.000" in picture
    assert draw({"baseline": "own", "rows": rows}, "NDCG@10").count("<circle") == 3
