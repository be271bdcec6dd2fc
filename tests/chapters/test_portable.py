"""Notebooks that open anywhere: JupyterLab, VS Code, Colab, Binder, with no repository around."""

import ast
import json
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import colab
import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from sync import EXTRAS

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
# What stands in the repository and nowhere else.
FOLDERS = "data|site|tests|benchmarks|chapters|_build|recbook"
PATH = re.compile(rf"\.\.?/|~/|/(home|root|tmp|opt|usr|mnt|content)/|({FOLDERS})/[\w./-]*$")


def code(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    transform = TransformerManager().transform_cell
    return [transform("".join(c["source"])) for c in cells if c["cell_type"] == "code"]


def texts(tree):
    """Yield the string constants of a cell but for those that are only shown."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@each_chapter
def test_no_path_leads_into_the_repository(path):
    for source in code(path):
        for value in texts(ast.parse(source)):
            assert not PATH.match(value), value
        assert "__file__" not in source
        assert "chdir" not in source


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("../data/user_item_data.csv", True),
        ("data/shop/events.csv", True),
        ("~/ratings.csv", True),
        ("/home/somebody/ratings.csv", True),
        ("/recommend/17", False),
        ("data / algorithm", False),
        (".", False),
    ],
)
def test_a_path_into_the_repository_would_be_found(value, found):
    (text,) = texts(ast.parse(f"open({value!r})"))
    assert bool(PATH.match(text)) is found


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def reached(extras):
    """Return the distributions that the package with some extras brings, by their own metadata."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    wanted, seen = [Requirement(f"recbook[{','.join(extras)}]")], set()
    while wanted:
        one = wanted.pop()
        key = normal(one.name), frozenset(one.extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            lines = requires(one.name) or []
        except PackageNotFoundError:  # for another system
            continue
        for line in map(Requirement, lines):
            if any(
                not line.marker or line.marker.evaluate({"extra": e}) for e in ("", *one.extras)
            ):
                wanted.append(line)
    return {name for name, _ in seen}


@pytest.fixture(scope="module")
def owners():
    return {
        module: {normal(n) for n in names} for module, names in packages_distributions().items()
    }


@each_chapter
def test_what_a_notebook_imports_is_what_its_first_cell_installs_or_colab_has(path, owners):
    import sys

    brought = reached(["chapters", *EXTRAS.get(path.stem, []), *colab.BROUGHT])
    for source in code(path):
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in getattr(node, "names", [])]
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module]
            elif not isinstance(node, ast.Import):
                continue
            for module in {name.split(".")[0] for name in names} - sys.stdlib_module_names:
                assert owners.get(module, {module}) & brought, f"{module} comes with no extra"


def test_an_import_that_no_extra_brings_would_be_found(owners):
    assert not owners["playwright"] & reached(["chapters", "deep"])
    assert owners["surprise"] & reached(["chapters"])
    assert not owners["pyspark"] & reached(["chapters"])


@each_chapter
def test_a_notebook_is_valid_and_names_a_kernel_that_everybody_has(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    kernel = notebook.metadata.kernelspec
    assert (kernel.name, kernel.language) == ("python3", "python")
    assert kernel.display_name == "Python 3"
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_binder_gets_the_package_and_a_python_it_takes():
    """Binder builds environment.yml at the root, unless a folder binder/ overrides it."""
    assert not (ROOT / "binder").exists()
    assert not (ROOT / ".binder").exists()
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert "-e ." in pip
    assert f"python{PROJECT['requires-python']}" in environment["dependencies"]
    for name in ("jupyterlab", "ipykernel"):
        assert any(str(entry).startswith(name) for entry in environment["dependencies"])


def test_colab_s_python_is_one_that_the_package_takes():
    from packaging.specifiers import SpecifierSet

    assert SpecifierSet(PROJECT["requires-python"]).contains("{}.{}.0".format(*colab.WANTED))
    for extra in colab.BROUGHT:
        assert extra in PROJECT["optional-dependencies"]


@pytest.mark.parametrize("names", [["01"], ["01", "05"], []])
def test_chapters_are_chosen_by_their_first_letters(names):
    found = [path.stem[:2] for path in colab.chosen(names)]
    assert found == (names or [path.stem[:2] for path in CHAPTERS])


def test_no_such_chapter():
    with pytest.raises(SystemExit, match="no chapter begins with zz"):
        colab.chosen(["zz"])


def test_a_python_that_is_another_one_is_not_taken(monkeypatch, tmp_path):
    import sys

    monkeypatch.setenv("COLAB_PYTHON", sys.executable)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(colab.shutil, "which", lambda name: None)
    monkeypatch.setattr(colab, "WANTED", (3, 99))
    assert colab.find_python() is None
    monkeypatch.setattr(colab, "WANTED", sys.version_info[:2])
    assert colab.find_python() == sys.executable


def test_the_record_keeps_what_ran_with_the_same_versions_only(monkeypatch, tmp_path):
    monkeypatch.setattr(colab, "RECORD", tmp_path / "verified.json")
    one, two = CHAPTERS[0].stem, CHAPTERS[1].stem
    colab.keep({one: {"ok": True, "seconds": 3}}, {"Python": "3.12.1", "numpy": "2.0"})
    colab.keep({two: {"ok": False, "seconds": 4}}, {"Python": "3.12.1", "numpy": "2.0"})
    record = json.loads((tmp_path / "verified.json").read_text())
    assert {n: c["ok"] for n, c in record["chapters"].items()} == {one: True, two: False}
    colab.keep({two: {"ok": True, "seconds": 4}}, {"Python": "3.12.1", "numpy": "2.1"})
    record = json.loads((tmp_path / "verified.json").read_text())
    assert list(record["chapters"]) == [two]
    assert record["versions"]["numpy"] == "2.1"


def test_an_error_is_kept_in_one_line_without_this_machine_s_paths():
    said = "01.ipynb, code cell 3: OSError: no /home/somebody/there/file.csv\nTraceback …"
    assert colab.first_lines(said) == "01.ipynb, code cell 3: OSError: no …"


def test_the_committed_record_names_chapters_that_exist():
    path = ROOT / "site" / "verified.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
    assert record["versions"]["Python"].startswith("{}.{}.".format(*colab.WANTED))
    assert set(record["chapters"]) <= {chapter.stem for chapter in CHAPTERS}
    assert all(isinstance(c["seconds"], int) for c in record["chapters"].values())
