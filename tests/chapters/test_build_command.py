"""The build command: what it prints, and that a failure cannot be overlooked."""

import json
import types

import build
import pytest

CLAIM = "from recbook.book import claim\nclaim('01-two', 'Two is two.', {value}, (2, 2))"


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Return a function that runs the build on the book in tmp_path; rendering is not its part."""
    rendered = []
    monkeypatch.setattr("sys.argv", ["build.py"])
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setitem(
        build.sys.modules,
        "render",
        types.SimpleNamespace(render=rendered.append, RenderError=ValueError),
    )

    def run():
        return build.main(), rendered

    return run


def test_a_build_ends_with_a_line_for_each_chapter_and_where_to_look(make_book, command, capsys):
    book = make_book(one=[CLAIM.format(value=2)], two=["print(1)"])
    code, rendered = command()
    assert code == 0
    assert rendered == [book.root]
    out = capsys.readouterr().out
    for part in ("one: ", "1 claim holds", "two: ", "0 claims hold", "html/index.html", "It took"):
        assert part in out
    claims = json.loads((book.build / "claims.json").read_text(encoding="utf-8"))
    assert [(c["id"], c["chapter"], c["passed"]) for c in claims] == [("01-two", "one", True)]
    assert json.loads((book.build / "build.json").read_text())["cold_seconds"] > 0
    assert command()[0] == 0
    assert capsys.readouterr().out.count("(unchanged)") == 2


def test_a_broken_claim_fails_the_command_and_nothing_is_rendered(make_book, command, capsys):
    make_book(one=[CLAIM.format(value=3)])
    code, rendered = command()
    assert code != 0
    assert rendered == []
    err = capsys.readouterr().err
    for part in ("The book is not built", "one.ipynb", "code cell 1", "'01-two' is broken"):
        assert part in err


def test_a_claim_id_used_by_two_chapters_fails_the_command(make_book, command, capsys):
    make_book(one=[CLAIM.format(value=2)], two=[CLAIM.format(value=2)])
    code, rendered = command()
    assert code != 0
    assert rendered == []
    assert "stands in one and again in two" in capsys.readouterr().err


def test_members_are_made_only_where_a_chapter_fuses(make_book, command, monkeypatch):
    called = []
    monkeypatch.setattr(build.subprocess, "call", lambda line, cwd: called.append(line[-1]) or 0)
    make_book(one=["print(1)"])
    assert command()[0] == 0
    assert called == ["recbook.data"]
    make_book(one=["# from recbook.fusion import Pool"])
    assert command()[0] == 0
    assert called == ["recbook.data", "recbook.data", "recbook.fusion"]


def test_nothing_is_run_where_the_members_cannot_be_made(make_book, command, monkeypatch):
    monkeypatch.setattr(build.subprocess, "call", lambda line, cwd: 7 * line[-1].endswith("fusion"))
    book = make_book(one=["# from recbook.fusion import Pool"])
    assert command() == (7, [])
    assert not (book.build / "run").exists()
