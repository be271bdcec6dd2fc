"""The driver: what runs again, what stops a build and what it says then."""

import json

import pytest
from execution import ChapterFailed, collect_claims, run_all

CLAIM = "from recbook.book import claim\nclaim({id!r}, 'Two is two.', {value}, (2, 2), covers='C1')"
USES_TOY = "import sys; sys.path.insert(0, '..')\nfrom toy import two\nprint('two is', two())"


def ran(book):
    """Run the book; return the chapters that were run now."""
    return [record["chapter"] for record, now in run_all(book, lambda line: None) if now]


def test_a_run_keeps_outputs_claims_time_and_memory(make_book):
    book = make_book(one=["print('a')", CLAIM.format(id="01-two", value=2)])
    ((record, now),) = run_all(book, lambda line: None)
    assert now
    assert record["outputs"][0][0]["text"] == "a\n"
    assert [claim["id"] for claim in record["claims"]] == ["01-two"]
    assert record["claims"][0]["chapter"] == "one"
    assert record["seconds"] > 0
    assert record["peak_mb"] > 10
    assert json.loads(book.record(book.notebooks[0]).read_text(encoding="utf-8")) == record


def test_a_broken_claim_ends_the_build_with_chapter_cell_and_claim(make_book):
    book = make_book(one=["x = 1", CLAIM.format(id="01-broken", value=3)])
    with pytest.raises(ChapterFailed) as failure:
        run_all(book, lambda line: None)
    for part in ("one.ipynb", "code cell 2", "BrokenClaim", "'01-broken'", "measured 3"):
        assert part in str(failure.value)
    assert not book.record(book.notebooks[0]).exists()


def test_a_failing_cell_ends_the_build_and_other_chapters_are_kept(make_book):
    book = make_book(bad=["1 / 0"], good=["print(1)"])
    with pytest.raises(ChapterFailed, match=r"bad\.ipynb, code cell 1 \(`1 / 0`\): ZeroDivision"):
        run_all(book, lambda line: None)
    bad, good = book.notebooks
    assert not book.record(bad).exists()
    assert book.record(good).exists()


def test_nothing_runs_twice_until_something_it_depends_on_changes(make_book, tmp_path):
    book = make_book(one=[USES_TOY], two=["print(2)"])
    assert ran(book) == ["one", "two"]
    assert ran(book) == []
    # The chapter's own code.
    make_book(one=[USES_TOY], two=["print(3)"])
    assert ran(book) == ["two"]
    # The lock file, the committed data.
    (tmp_path / "requirements.lock").write_text("numpy==2.1\n")
    assert ran(book) == ["one", "two"]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ratings.csv").write_text("1,2,3\n")
    assert ran(book) == ["one", "two"]
    # What the package carries, such as recorded runs.
    (book.package / "recorded.json").write_text("{}")
    assert ran(book) == ["one", "two"]


def test_a_function_edited_in_the_package_is_never_served_from_an_old_run(make_book):
    book = make_book(one=[USES_TOY])
    run_all(book, lambda line: None)
    (book.package / "__init__.py").write_text("def two():\n    return 22\n")
    ((record, now),) = run_all(book, lambda line: None)
    assert now
    assert record["outputs"][0][0]["text"] == "two is 22\n"


def test_prose_and_tags_do_not_run_a_chapter_again(make_book):
    import nbformat

    book = make_book(one=["print(1)"])
    assert ran(book) == ["one"]
    path = book.notebooks[0]
    node = nbformat.read(path, as_version=4)
    node.cells[0].metadata["tags"] = ["hide-input"]
    node.cells.insert(0, nbformat.v4.new_markdown_cell("# A title"))
    nbformat.write(node, path)
    assert ran(book) == []


def test_a_half_written_record_is_run_again(make_book):
    book = make_book(one=["print(1)"])
    assert ran(book) == ["one"]
    book.record(book.notebooks[0]).write_text('{"key": ')
    assert ran(book) == ["one"]


@pytest.mark.parametrize(
    "ask",
    [
        "import urllib.request; urllib.request.urlopen('http://example.org')",
        "import socket; socket.create_connection(('93.184.216.34', 80), timeout=1)",
        "import subprocess, sys\n"
        "code = \"import socket; socket.create_connection(('93.184.216.34', 80), timeout=1)\"\n"
        "result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)\n"
        "if result.returncode: raise OSError(result.stderr)",
    ],
)
def test_a_chapter_that_asks_the_network_fails(make_book, ask):
    book = make_book(one=[ask])
    with pytest.raises(ChapterFailed, match="chapters run without a network"):
        run_all(book, lambda line: None)


def test_this_machine_itself_may_be_asked(make_book):
    book = make_book(
        one=[
            "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
            "socket.create_connection(server.getsockname()).close(); server.close()"
        ]
    )
    assert ran(book) == ["one"]


def test_a_claim_id_used_twice_ends_the_build():
    records = [{"claims": [{"id": "01-a", "chapter": chapter}]} for chapter in ("one", "two")]
    with pytest.raises(ChapterFailed, match="'01-a' stands in one and again in two"):
        collect_claims(records)


def test_a_kernel_that_dies_is_named(make_book):
    book = make_book(one=["import os; os._exit(3)"])
    with pytest.raises(ChapterFailed, match=r"one\.ipynb, code cell 1"):
        run_all(book, lambda line: None)
