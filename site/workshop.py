"""Make the workshop: student notebooks, package, data and lock file in one zip. `make workshop`.

The chapters need not have run. The same tree gives the same bytes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

from sync import KERNEL, address, text

ROOT = Path(__file__).resolve().parents[1]
FOLDER = "recbook-workshop"
EXTRAS = ("chapters", "deep", "scale", "serve", "lab")
NOT_PASSED_ON = (
    "cache",
)  # of data/: MovieLens may not be given away, should somebody keep it there
DATE = (2020, 1, 1, 0, 0, 0)
HEADER = """\
> **Workshop copy.** Start JupyterLab with `python start.py` in the workshop's folder and run the
> cells from the top (Shift+Enter). Nothing needs a network once `python start.py prepare` has run.
> In an exercise replace the three dots, run that cell and the one below it, which says whether the
> answer is right. The solutions are public: on this chapter's page of the book, folded below each
> exercise.
"""


class WorkshopError(Exception):
    """The zip could not be made; the message says why."""


def make_workshop(
    root: Path, tell: Callable[[str], None] = lambda line: None, *, wheels: bool = False
) -> Path:
    """Write the zip and return where it is.

    Parameters
    ----------
    root : Path
        The repository. Nothing has to be built: notebooks, package and data are taken as they are.
    tell : callable
        Takes a line of progress.
    wheels : bool
        Add the wheels of all packages, about a gigabyte, into a zip of another name: for rooms
        that never had a network.

    Raises
    ------
    WorkshopError
        If the package's wheel or one of the others cannot be built.
    """
    path = root / "_build" / "downloads" / f"{FOLDER}{'-wheels' if wheels else ''}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        files = workshop(root, Path(scratch))
        if wheels:
            tell("gathering the wheels of all packages; this takes minutes")
            files |= wheelhouse(files["requirements.lock"].decode(), Path(scratch))
        write_zip(path, files)
    notebooks = sum(one.startswith("notebooks/") for one in files)
    tell(f"{notebooks} notebooks, {path.stat().st_size / 1e6:.1f} MB")
    return path


def workshop(root: Path, scratch: Path) -> dict[str, bytes]:
    """Return the zip's files: path below the folder → content."""
    chapters = sorted((root / "chapters").glob("*.ipynb"))
    notebooks = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in chapters}
    wheel = build_wheel(root, scratch)
    words = {
        "wheel": wheel.name,
        "repository": address(root),
        "count": str(len(notebooks)),
        "first": next(iter(notebooks)),
        "fused": chapters_with(notebooks, "stored_pool"),
        "without_movielens": chapters_with(notebooks, "movielens", without=True),
    }
    files = {f"notebooks/{n}.ipynb": text(student(b)).encode() for n, b in notebooks.items()}
    for path in sorted((root / "site" / "workshop_files").iterdir()):
        if path.is_file():
            files[path.name] = fill(path.read_text(encoding="utf-8"), words).encode()
    for name in ("setup_check.py", "setup_facts.py"):
        files[name] = (root / "recbook" / "book" / name).read_bytes()
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    files |= {
        "LICENSE": (root / "LICENSE").read_bytes(),
        "requirements.lock": lock_for(lock, project, EXTRAS).encode(),
        wheel.name: wheel.read_bytes(),
    }
    for path in sorted((root / "data").rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not set(NOT_PASSED_ON) & set(parts) and parts[-1][0] != ".":
            files["/".join(parts)] = path.read_bytes()
    return files


def student(notebook: dict) -> dict:
    """Return a notebook without solutions and outputs, that says how to start.

    JupyterLab folds the code that the book's page folds; what checks an answer stays.
    """
    cells = []
    for cell in notebook["cells"]:
        tags = set(cell["metadata"].get("tags", []))
        if "solution" in tags:
            continue
        # The built site's own pages are no notebooks to go to.
        source = re.sub(
            r"\[([^]]+)\]\((?!https?:)[^)\s]+\.md(#[^)]*)?\)", r"\1", "".join(cell["source"])
        )
        cell = {**cell, "source": source.splitlines(keepends=True)}
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
            if tags & {"hide-input", "remove-input"}:
                cell["metadata"] = {**cell["metadata"], "jupyter": {"source_hidden": True}}
        cells.append(cell)
    header = {
        "cell_type": "markdown",
        "id": "workshop-copy",
        "metadata": {},
        "source": HEADER.splitlines(keepends=True),
    }
    cells.insert(1, header)  # below the title
    kept = {"kernelspec": KERNEL, "language_info": {"name": "python"}}  # no text twins
    return {**notebook, "cells": cells, "metadata": kept}


def chapters_with(notebooks: dict[str, dict], word: str, *, without: bool = False) -> str:
    """Return the numbers of the chapters whose code has a word, or has it not."""
    found = []
    for name, notebook in notebooks.items():
        code = [c for c in notebook["cells"] if c["cell_type"] == "code"]
        if name[:2].isdigit() and without != any(word in "".join(c["source"]) for c in code):
            found.append(name[:2])
    return ", ".join(found[:-1]) + f" and {found[-1]}" if len(found) > 1 else "".join(found)


def fill(template: str, words: dict[str, str]) -> str:
    """Put words in the places {that} name them; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda m: words.get(m[1], m[0]), template)


def lock_for(lock: str, project: dict, extras: tuple[str, ...]) -> str:
    """Return the part of a lock file that some extras need, by the reasons it gives itself."""
    extra_lines = [line for extra in extras for line in project["optional-dependencies"][extra]]
    wanted = {normal(line) for line in [*project["dependencies"], *extra_lines]}
    blocks = re.split(r"^(?=[a-zA-Z0-9])", lock, flags=re.M)
    head, blocks = blocks[0], blocks[1:]
    names = {block: normal(block) for block in blocks}
    reasons = {
        block: set(re.findall(r"^    #(?: via|  ) ([\w.-]+)$", block, re.M)) for block in blocks
    }
    before = -1
    while len(wanted) != before:
        before = len(wanted)
        wanted |= {names[block] for block in blocks if {normal(r) for r in reasons[block]} & wanted}
    return head + "".join(block for block in blocks if names[block] in wanted)


def normal(requirement: str) -> str:
    """Return a requirement's package name in its normal form."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()


def build_wheel(root: Path, scratch: Path) -> Path:
    """Build the package's wheel from a copy of the tree, the same bytes every time."""
    copy, made = scratch / "tree", scratch / "made"
    shutil.copytree(
        root / "recbook", copy / "recbook", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, copy / name)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    command += ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", made, copy]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise WorkshopError(
            f"the package's wheel could not be built:\n{done.stderr or done.stdout}"
        )
    (wheel,) = made.glob("recbook-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    write_zip(scratch / wheel.name, content, folder="")
    return scratch / wheel.name


def wheelhouse(lock: str, scratch: Path) -> dict[str, bytes | Path]:
    """Return the wheels of everything in a lock file, for this system and this Python."""
    (scratch / "requirements.lock").write_text(lock, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    command += ["--require-hashes", "-r", scratch / "requirements.lock", "-w", scratch / "wheels"]
    if subprocess.run([*map(str, command)], check=False).returncode:
        raise WorkshopError("not all wheels could be had: this step needs a network")
    found = sorted((scratch / "wheels").glob("*.whl"))
    pins = re.findall(r"^[\w.-]+==\S+(?: ; [^\\\n]+)?", lock, re.M)
    listing = "".join(f"{pin.strip()}\n" for pin in pins)
    return {
        "wheels/requirements.txt": listing.encode(),
        **{f"wheels/{path.name}": path for path in found},
    }


def write_zip(path: Path, files: dict[str, bytes | Path], *, folder: str = f"{FOLDER}/") -> None:
    """Write files sorted by name, with one date and one set of rights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(part, "w") as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(folder + name, DATE)
            member.external_attr = 0o644 << 16
            stored = name.endswith((".whl", ".zip"))
            member.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            one = files[name]
            archive.writestr(member, one if isinstance(one, bytes) else one.read_bytes(), None, 9)
    part.replace(path)
