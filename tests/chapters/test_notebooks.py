"""Notebooks as they are committed: clean, in one form, complete by the style guide."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from sync import EXTRAS, address, clean, first_cell, problems, text

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
NUMBERED = [path for path in CHAPTERS if path.stem[0].isdigit()]  # the others are appendices
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
each_numbered = pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)


def cells(path, kind=None):
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def tags(cell):
    return cell["metadata"].get("tags", [])


def test_every_notebook_is_as_sync_writes_it():
    assert problems(ROOT) == []


def test_jupyterlab_folds_what_the_page_folds():
    tagged = {"hide-input": True, "remove-input": True, "exercise": False}
    cells = [{"cell_type": "code", "metadata": {"tags": [tag]}, "source": []} for tag in tagged]
    first = {"cell_type": "code", "metadata": {}, "source": [first_cell("https://example.org")]}
    done = clean({"cells": [first, *cells], "metadata": {}}, "https://example.org")
    folded = [cell["metadata"].get("jupyter") == {"source_hidden": True} for cell in done["cells"]]
    assert folded == [False, *tagged.values()]


def test_a_committed_output_is_found(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project.urls]\nRepository = "https://example.org/book"\n'
    )
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "a",
        "metadata": {},
        "outputs": [],
        "source": [first_cell("https://example.org/book")],
    }
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path = tmp_path / "chapters" / "01.ipynb"
    path.write_text(text(clean(notebook, "https://example.org/book")))
    assert problems(tmp_path) == []
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["0.41\n"]}]
    path.write_text(text(notebook))
    assert "01.ipynb: outputs are committed" in problems(tmp_path)
    cell["outputs"], cell["execution_count"] = [], 3
    path.write_text(text(notebook))
    assert "01.ipynb: outputs are committed" in problems(tmp_path)


def test_a_fork_changes_one_line_and_every_first_cell_follows():
    notebook = json.loads(CHAPTERS[0].read_text(encoding="utf-8"))
    changed = text(clean(notebook, "https://github.com/someone/fork"))
    assert "github.com/someone/fork" in changed
    assert address() not in changed


@each_chapter
def test_the_first_cell_does_nothing_outside_colab(path, monkeypatch):
    from IPython.core.inputtransformer2 import TransformerManager

    source = "".join(cells(path, "code")[0]["source"])
    ran = []
    code = TransformerManager().transform_cell(source)
    exec(code, {"get_ipython": lambda: ran.append("magic")})
    assert ran == []


@each_chapter
def test_the_first_cell_installs_the_package_in_colab_and_nothing_else(path, monkeypatch):
    import sys
    import types

    from IPython.core.inputtransformer2 import TransformerManager

    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    ran = []
    shell = types.SimpleNamespace(run_line_magic=lambda name, line: ran.append((name, line)))
    source = "".join(cells(path, "code")[0]["source"])
    exec(TransformerManager().transform_cell(source), {"get_ipython": lambda: shell})
    extras = ",".join(["chapters", *EXTRAS.get(path.stem, [])])
    assert ran == [("pip", f'install -q "recbook[{extras}] @ git+{address()}"')]


def test_what_a_first_cell_installs_is_an_extra_and_for_a_chapter():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {one for extras in EXTRAS.values() for one in extras} <= {
        *project["optional-dependencies"]
    }
    assert set(EXTRAS) <= {path.stem for path in CHAPTERS}


@each_chapter
def test_cells_are_short_enough_to_read(path):
    shown = [c for c in cells(path, "code") if not {"remove-input", "hide-input"} & set(tags(c))]
    longest = max(len("".join(cell["source"]).splitlines()) for cell in shown)
    assert longest <= 25


@each_chapter
def test_nothing_shows_raw_in_colab(path):
    raw = re.compile(r"\{[a-z:]+\}`|^:::|^```\{", re.M)
    for cell in cells(path, "markdown"):
        assert not raw.search("".join(cell["source"])), "".join(cell["source"])[:200]


@each_chapter
def test_a_sentence_with_numbers_hides_its_code(path):
    for cell in cells(path, "code"):
        source = "".join(cell["source"]).strip()
        if source.startswith("say("):
            assert "remove-input" in tags(cell), source[:80]


@each_numbered
def test_a_chapter_has_its_parts(path):
    prose = "\n".join("".join(cell["source"]) for cell in cells(path, "markdown"))
    code = "\n".join("".join(cell["source"]) for cell in cells(path, "code"))
    assert len(re.findall(r"^# ", prose, re.M)) == 1
    assert len(re.findall(r"Exercise\(\s*\"", code)) >= 3
    assert code.count(".solution(") >= 3
    assert code.count(".check(") >= 3
    assert re.search(r"★★★", prose + code)
    assert "claim(" in code
    for heading in ("By hand", "Exercises", "What to take away"):
        assert re.search(rf"^##+ .*{heading}", prose, re.M), f"no section {heading!r}"
    assert len(prose.split()) >= 1200


@each_chapter
def test_solutions_are_tagged_and_show_wrong_answers_too(path):
    for cell in cells(path, "code"):
        if ".solution(" in "".join(cell["source"]):
            assert "solution" in tags(cell)
            assert "wrong=" in "".join(cell["source"])
