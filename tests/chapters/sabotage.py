"""Break what each claim rests on, and see that very claim fail. `make sabotage` runs all of it.

`sabotage/CHAPTER.json` holds for every claim of a chapter an edit of one code cell that takes the
claim's subject away: another model in its place, shuffled groups, a term left out of a formula.
A chapter runs once for each of its claims, so the whole takes about an hour.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent / "sabotage"
sys.path.insert(0, str(ROOT / "site"))

from execution import Book, ChapterFailed, run_one  # noqa: E402


def read_edits() -> dict[str, dict[str, tuple[str, str]]]:
    """Return chapter → claim → (text of one code cell, what stands there instead)."""
    return {
        path.stem: {
            claim: tuple(edit) for claim, edit in json.loads(path.read_text("utf-8")).items()
        }
        for path in sorted(FOLDER.glob("*.json"))
    }


def stated_claims(chapter: str) -> list[str]:
    """Return the ids of the claims in a chapter's code."""
    notebook = json.loads((ROOT / "chapters" / f"{chapter}.ipynb").read_text("utf-8"))
    code = "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code")
    prefix = chapter.split("_")[0]
    return re.findall(rf"\bclaim\(\s*\"({prefix}-[a-z0-9-]+)\"", code)


def break_chapter(chapter: str, edit: tuple[str, str], folder: Path) -> Path:
    """Write the chapter with the edit into a folder.

    Raises
    ------
    ValueError
        If the text does not stand in exactly one code cell.
    """
    before, after = edit
    notebook = json.loads((ROOT / "chapters" / f"{chapter}.ipynb").read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    holding = [cell for cell in code if before in "".join(cell["source"])]
    if len(holding) != 1 or before == after:
        raise ValueError(
            f"{chapter}: {before!r} must stand in one code cell and be changed, "
            f"it stands in {len(holding)}"
        )
    holding[0]["source"] = "".join(holding[0]["source"]).replace(before, after)
    path = folder / f"{chapter}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def outcome(chapter: str, claim: str, edit: tuple[str, str]) -> str:
    """Run the broken chapter; return "" where that claim failed, else what happened."""
    with tempfile.TemporaryDirectory() as folder:
        path = break_chapter(chapter, edit, Path(folder))
        try:
            run_one(Book(Path(folder), ROOT / "recbook"), path, around="")
        except ChapterFailed as failure:
            if f"claim '{claim}' is broken" in str(failure):
                return ""
            return str(failure).splitlines()[0]
    return "the chapter ran to its end"


def main() -> int:
    """Run every edit of the chapters named, or of all; return the exit code."""
    wanted = sys.argv[1:]
    cases = [
        (chapter, claim, edit)
        for chapter, edits in read_edits().items()
        for claim, edit in edits.items()
        if not wanted or chapter in wanted or claim in wanted
    ]
    if not cases:
        print(f"no chapter and no claim is called {' or '.join(wanted)}", file=sys.stderr)
        return 2
    survived, started = [], time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        runs = {pool.submit(outcome, *case): case for case in cases}
        for number, run in enumerate(as_completed(runs), start=1):
            chapter, claim, _ = runs[run]
            result = run.result()
            print(f"[{number}/{len(cases)}] {claim}: {result or 'caught'}", flush=True)
            if result:
                survived.append(f"{chapter}: {claim}: {result}")
    took = time.perf_counter() - started
    print(f"{len(cases) - len(survived)} of {len(cases)} breaks caught in {took:.0f} s")
    for line in survived:
        print(f"SURVIVED {line}", file=sys.stderr)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
