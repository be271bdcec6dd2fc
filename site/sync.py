"""Keep notebooks as they are committed: twins in step, no outputs, one address. `make sync`.

    python site/sync.py            mend what is out of step
    python site/sync.py --check    only say what is, exit 1 if anything

A chapter is edited through its text twin, chapters/text/NAME.md, or in JupyterLab; the newer of the
two wins. The first code cell installs the package in Colab, from the repository address in
pyproject.toml, and does nothing elsewhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What a chapter needs in Colab beside the extra "chapters"; TensorFlow is there already.
EXTRAS = {"16_scale_and_real_time": ["scale", "serve"]}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def address(root: Path = ROOT) -> str:
    """Return the repository's address from the one place where it stands."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].rstrip("/")


def first_cell(repository: str, chapter: str = "") -> str:
    """Return the source of a chapter's first code cell."""
    extras = ",".join(["chapters", *EXTRAS.get(chapter, [])])
    return (
        "import sys\n\n"
        'if "google.colab" in sys.modules:\n'
        f'    %pip install -q "recbook[{extras}] @ git+{repository}"'
    )


def clean(notebook: dict, repository: str, chapter: str = "") -> dict:
    """Return the notebook as it is committed; raises ValueError if its first cell is another."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if not code or "google.colab" not in "".join(code[0]["source"]):
        raise ValueError("the first code cell must be the one that installs the package in Colab")
    code[0]["source"] = first_cell(repository, chapter).splitlines(keepends=True)
    for cell in code:
        cell["outputs"], cell["execution_count"] = [], None
        fold(cell)
    notebook["metadata"] = {
        key: value for key, value in notebook["metadata"].items() if key in ("jupytext", "title")
    } | {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return notebook


def fold(cell: dict) -> None:
    """Fold in JupyterLab the code that the book's page folds: checks, claims, solutions."""
    if {"hide-input", "remove-input"} & set(cell["metadata"].get("tags", [])):
        cell["metadata"]["jupyter"] = {"source_hidden": True}
    else:
        cell["metadata"].pop("jupyter", None)


def text(notebook: dict) -> str:
    """Return a notebook's file, always written in the same way."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def problems(root: Path = ROOT, *, mend: bool = False) -> list[str]:
    """Return what is out of step, having mended it if asked to."""
    found = []
    for path in sorted((root / "chapters").glob("*.ipynb")):
        before = path.read_text(encoding="utf-8")
        if '"outputs": [\n' in before or '"execution_count": ' in before.replace(
            '"execution_count": null', ""
        ):
            found.append(f"{path.name}: outputs are committed")
        try:
            after = text(clean(json.loads(before), address(root), path.stem))
        except ValueError as error:
            raise SystemExit(f"{path.name}: {error}") from error
        if after != before:
            found.append(f"{path.name}: not as `make sync` writes it")
            if mend:
                path.write_text(after, encoding="utf-8", newline="\n")
    return found


def main() -> int:
    """Run the command and return its exit code."""
    mend = "--check" not in sys.argv[1:]
    if mend:
        notebooks = sorted((ROOT / "chapters").glob("*.ipynb"))
        command = [sys.executable, "-m", "jupytext", "--sync", "--quiet"]
        if notebooks:
            subprocess.run([*command, *map(str, notebooks)], check=True)
    found = problems(mend=mend)
    for problem in found:
        print(problem + (", mended" if mend else "; run `make sync`"))
    if mend and found:  # the twins follow what was mended
        subprocess.run([*command, *map(str, notebooks)], check=True)
    return 1 if found and not mend else 0


if __name__ == "__main__":
    sys.exit(main())
