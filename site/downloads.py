"""Make what can be taken away from the site, and list it there: PDF, slides, student notebooks.

    python site/downloads.py pdf slides workshop
    python site/downloads.py workshop --wheels      with the wheels of all packages, not published

Each lies in `_build/downloads` and is published into `_build/html/downloads`, but only beside the
very pages it was made from: after another build the page says how to make it again, so that nobody
is handed yesterday's numbers.
"""

from __future__ import annotations

import html
import importlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PAGE = "chapters/downloads.html"
FOLDER = "downloads"
# name: what is made, the address in the folder, what the page says
KINDS = {
    "pdf": ("recbook.pdf", "recbook.pdf", "The whole book as one PDF, solutions at the end"),
    "slides": ("slides", "slides/index.html", "Slides of every chapter, for the browser"),
    "workshop": (
        "recbook-workshop.zip",
        "recbook-workshop.zip",
        "Student notebooks without solutions, with the package, the lock file and the data",
    ),
}
_LIST = re.compile(r"<!-- recbook:downloads -->.*?(?=<!-- /recbook:downloads -->)", re.DOTALL)


def main(arguments: Sequence[str]) -> int:
    """Make what is named, publish it, and return the exit code."""
    root = Path(__file__).resolve().parents[1]
    if list(arguments) == ["workshop", "--wheels"]:
        from workshop import WorkshopError, make_workshop

        try:
            print(make_workshop(root, tell, wheels=True))
        except WorkshopError as error:
            print(f"workshop is not made: {error}", file=sys.stderr)
            return 1
        return 0
    unknown = [name for name in arguments if name not in KINDS]
    if unknown or not arguments:
        print(f"say what to make, one or more of {', '.join(KINDS)}", file=sys.stderr)
        return 2
    built = (root / "_build" / "render.json").is_file()
    if not built and set(arguments) - {"workshop"}:  # student notebooks come from the sources alone
        print("there is no finished site in _build/html: run `make book` first", file=sys.stderr)
        return 1
    for name in arguments:
        started = time.perf_counter()
        module = importlib.import_module(name)
        try:
            path = getattr(module, f"make_{name}")(
                root, lambda line: print(f"  {line}", flush=True)
            )
        except getattr(module, f"{name.capitalize()}Error") as error:
            print(f"{name} is not made: {error}", file=sys.stderr)
            return 1
        remember(root, name)
        took = time.perf_counter() - started
        print(f"{path} ({_megabytes(path)}, {took:.0f} s)", flush=True)
    publish(root)
    return 0


def tell(line: str) -> None:
    """Print a line of progress at once."""
    print(f"  {line}", flush=True)


def remember(root: Path, name: str) -> None:
    """Write down which pages something was made from."""
    path = root / "_build" / FOLDER / "made.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = _read(path)
    known[name] = _read(root / "_build" / "render.json").get("inputs")
    path.write_text(json.dumps(known, indent=1), encoding="utf-8")


def publish(root: Path) -> list[str]:
    """Put into the site what was made from its pages, and list it; return the names.

    A site without the page of downloads is left as it is.
    """
    made, site = root / "_build" / FOLDER, root / "_build" / "html"
    page = site / PAGE
    if not page.is_file():
        return []
    shutil.rmtree(site / FOLDER, ignore_errors=True)
    now, known = _read(root / "_build" / "render.json").get("inputs"), _read(made / "made.json")
    lines, published = [], []
    for name, (file, address, what) in KINDS.items():
        if now and known.get(name) == now and (made / file).exists():
            _copy(made / file, site / FOLDER / file)
            size = _megabytes(made / file)
            published.append(name)
            lines.append(
                f'<li><a href="../{FOLDER}/{address}">{html.escape(what)}</a> ({size})</li>'
            )
        else:
            said = (
                f"{html.escape(what)}: not made with this build. <code>make {name}</code> does it."
            )
            lines.append(f"<li>{said}</li>")
    text = page.read_text(encoding="utf-8")
    listed = "<!-- recbook:downloads -->\n<ul>\n" + "\n".join(lines) + "\n</ul>\n"
    page.write_text(_LIST.sub(lambda _: listed, text, count=1), encoding="utf-8")
    return published


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a folder by links where the disk can, since nothing changes them in place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link)
    else:
        _link(source, target)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _megabytes(path: Path) -> str:
    files = path.rglob("*") if path.is_dir() else [path]
    return f"{sum(one.stat().st_size for one in files if one.is_file()) / 1e6:.1f}\u00a0MB"


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
