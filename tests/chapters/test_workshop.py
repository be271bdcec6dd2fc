"""The workshop's zip: what is in it, what is not, and that a notebook of it runs alone."""

import ast
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
import workshop
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The zip as an attendee unpacks it."""
    folder = tmp_path_factory.mktemp("workshop")
    files = workshop.workshop(ROOT, tmp_path_factory.mktemp("scratch"))
    workshop.write_zip(folder / "workshop.zip", files)
    with zipfile.ZipFile(folder / "workshop.zip") as archive:
        archive.extractall(folder)
    return folder / "recbook-workshop"


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def code_of(notebook, *tags):
    return [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        and (not tags or set(tags) & set(cell["metadata"].get("tags", [])))
    ]


def test_the_zip_holds_what_a_class_needs(unpacked):
    names = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")}
    assert {path.name for path in CHAPTERS} == {
        path.name for path in (unpacked / "notebooks").iterdir()
    }
    assert {"README.md", "start.py", "setup_check.py", "requirements.lock", "LICENSE"} <= names
    shop = {path.name for path in (ROOT / "data" / "shop").iterdir() if path.name[0] != "."}
    assert {f"data/shop/{name}" for name in shop} <= names
    assert (ROOT / "data" / "user_item_data.csv").exists() == ("data/user_item_data.csv" in names)
    assert len([name for name in names if re.fullmatch(r"recbook-[\w.-]+\.whl", name)]) == 1


def test_movielens_is_not_passed_on_and_the_reader_is_told(unpacked):
    for path in unpacked.rglob("*"):
        assert "movielens" not in path.name.lower()
        assert path.is_dir() or b"Toy Story|" not in path.read_bytes()
    readme = (unpacked / "README.md").read_text(encoding="utf-8")
    assert "its licence forbids passing it on" in " ".join(readme.split())
    assert "start.py prepare" in readme


def test_nothing_is_left_to_fill_in(unpacked):
    for name in ("README.md", "start.py"):
        text = (unpacked / name).read_text(encoding="utf-8")
        assert not re.search(r"\{(wheel|repository|count|first|fused|without_movielens)\}", text)
    compile((unpacked / "start.py").read_text(encoding="utf-8"), "start.py", "exec")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_student_notebook_keeps_its_checks_and_no_solution(path):
    whole = read(path)
    made = workshop.student(whole)
    nbformat.validate(nbformat.from_dict(json.loads(workshop.text(made))))
    assert code_of(made, "exercise") == code_of(whole, "exercise")
    assert code_of(made, "check") == code_of(whole, "check")
    written = json.dumps(made, ensure_ascii=False)
    assert ".solution(" not in written
    for solution in code_of(whole, "solution"):
        assert json.dumps(solution, ensure_ascii=False)[1:-1] not in written
    assert all(not c.get("outputs") for c in made["cells"])
    assert "jupytext" not in made["metadata"]
    assert "start.py" in "".join(made["cells"][1]["source"])
    assert "".join(made["cells"][0]["source"]).startswith("# ")
    assert not re.search(r"\]\([^)]*\.md[)#]", written)


def names_in(source):
    """Return the names that a cell binds at its top level and those that it reads anywhere."""
    tree = ast.parse(TransformerManager().transform_cell(source))
    bound, inner = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            inner.add(node.arg)
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id not in inner}
    return bound, read


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_later_cell_needs_what_only_a_solution_makes(path):
    known, of_solutions = set(), set()
    for cell in read(path)["cells"]:
        if cell["cell_type"] != "code":
            continue
        bound, used = names_in("".join(cell["source"]))
        if "solution" in cell["metadata"].get("tags", []):
            of_solutions |= bound - known
        else:
            missing = (used - bound - known) & of_solutions
            assert not missing, f"{sorted(missing)} in {''.join(cell['source'])[:80]!r}"
            known |= bound


def test_the_lock_file_is_a_part_of_the_book_s_and_covers_what_notebooks_need(unpacked):
    whole = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    part = (unpacked / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", part, flags=re.M)
    assert all(block in whole for block in blocks)
    pinned = {workshop.normal(block) for block in blocks if block[:1].isalnum()}
    wanted = [line for e in workshop.EXTRAS for line in PROJECT["optional-dependencies"][e]]
    assert {workshop.normal(line) for line in [*PROJECT["dependencies"], *wanted]} <= pinned
    assert {"ipykernel", "jupyter-server", "llvmlite", "keras", "py4j", "starlette"} <= pinned
    assert not {"playwright", "sphinx", "pytest"} & pinned


def test_a_package_is_kept_for_what_asks_for_it():
    lock = (
        "a==1 \\\n    --hash=sha256:0\n    # via recbook (pyproject.toml)\n"
        "b-b==2 \\\n    --hash=sha256:0\n    # via\n    #   a\n    #   z\n"
        "c==3 \\\n    --hash=sha256:0\n    # via b-b\n"
        "d==4 \\\n    --hash=sha256:0\n    # via z\n"
        "z==5 \\\n    --hash=sha256:0\n    # via recbook (pyproject.toml)\n"
    )
    project = {"dependencies": ["A>=1"], "optional-dependencies": {"x": [], "y": ["z"]}}
    part = workshop.lock_for(lock, project, ("x",))
    assert re.findall(r"^[\w-]+", part, re.M) == ["a", "b-b", "c"]
    assert workshop.lock_for(lock, project, ("x", "y")) == lock


def test_the_same_files_give_the_same_bytes(unpacked, tmp_path):
    again = workshop.build_wheel(ROOT, tmp_path)
    first = next(unpacked.glob("*.whl"))
    assert (
        hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(first.read_bytes()).digest()
    )
    workshop.write_zip(tmp_path / "one.zip", {"b": b"2", "a": b"1"})
    workshop.write_zip(tmp_path / "two.zip", {"a": b"1", "b": b"2"})
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO((tmp_path / "one.zip").read_bytes())) as archive:
        assert archive.namelist() == ["recbook-workshop/a", "recbook-workshop/b"]


def test_start_says_what_is_wrong_with_its_arguments(unpacked):
    done = subprocess.run(
        [sys.executable, "-I", unpacked / "start.py", "open"], capture_output=True, text=True
    )
    assert done.returncode
    assert "start.py prepare" in done.stderr


@pytest.fixture(scope="module")
def alone(unpacked, tmp_path_factory):
    """An environment in which the package comes from the workshop's wheel, without a network."""
    target = tmp_path_factory.mktemp("target")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    wheel = next(unpacked.glob("*.whl"))
    subprocess.run([*command, "--target", target, wheel], check=True, capture_output=True)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(target), str(ROOT / "site" / "kernel")]),
        "RECBOOK_CACHE": str(tmp_path_factory.mktemp("cache")),  # nothing was prepared
        "RECBOOK_CHAPTER": "01_concepts",
        "RECBOOK_LEDGER": str(target / "claims.jsonl"),
        "RECBOOK_RESULTS": str(target / "results.jsonl"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def answered(chapter):
    """Return cells that answer each exercise of a chapter wrongly, then as its solution does."""
    cells = []
    for source in code_of(read(ROOT / "chapters" / f"{chapter}.ipynb"), "solution"):
        call = re.search(r"^(\w+)\.solution\(", source, re.M)[1]
        wrong = f"class Try:\n    @staticmethod\n    def solution(answer, **_):\n        {call}"
        cells.append(f"{call}.check('no such thing')")
        cells.append(
            f"{wrong}.check(answer)\n"
            + re.sub(rf"^{call}\.solution", "Try.solution", source, flags=re.M)
        )
    return cells


def test_a_student_notebook_runs_alone_and_takes_the_right_answers(unpacked, alone):
    path = unpacked / "notebooks" / "01_concepts.ipynb"
    notebook = nbformat.read(path, as_version=4)
    where = "import recbook\nprint(recbook.__file__)"
    more = [where, *answered("01_concepts")]
    exercises = len(code_of(read(path), "exercise"))
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in more]
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    )
    client.execute(env=alone)
    outputs = [json.dumps(cell.get("outputs", []), ensure_ascii=False) for cell in notebook.cells]
    given, tried = outputs[: -len(more)], outputs[-len(more) + 1 :]
    assert alone["PYTHONPATH"].split(os.pathsep)[0] in outputs[-len(more)]
    assert sum("not answered yet" in output for output in given) == exercises >= 3
    assert ["not yet" in output for output in tried[::2]] == [True] * exercises
    assert ["right. ✓" in output for output in tried[1::2]] == [True] * exercises
