"""Build the book: data, members, chapters, claims, explorer, site. `make book` calls this.

python site/build.py            what has changed
python site/build.py --again    every chapter, whatever is kept
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

from execution import (
    Book,
    ChapterFailed,
    code_cells,
    collect_claims,
    read_record,
    run_all,
    summary,
    write_json,
)
from results import build_tables, collect_results, leaderboard_claims

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Build and return the exit code."""
    parser = argparse.ArgumentParser(description="Build the book into _build/html.")
    parser.add_argument("--again", action="store_true", help="run every chapter again")
    arguments = parser.parse_args()
    started = time.perf_counter()
    book = Book(ROOT, ROOT / "recbook")

    tell("1/5 data")
    if code := subprocess.call([sys.executable, "-m", "recbook.data"], cwd=ROOT):
        return code

    tell("2/5 members of the fusions")
    needed = any("recbook.fusion" in code for path in book.notebooks for code in code_cells(path))
    if needed and (code := subprocess.call([sys.executable, "-m", "recbook.fusion"], cwd=ROOT)):
        return code

    tell("3/5 chapters")
    chapters_started = time.perf_counter()
    try:
        runs = run_all(book, tell, again=arguments.again)
        lay_side_by_side(book, [record for record, _ in runs])
    except ChapterFailed as failure:
        print(f"\nThe book is not built.\n{failure}", file=sys.stderr)
        return 1
    ran = sum(now for _, now in runs)
    tell(f"  {ran} run, {len(runs) - ran} unchanged")
    if runs and ran == len(runs):
        took = time.perf_counter() - chapters_started
        remember_cold(book, chapter_seconds=round(took, 1))

    tell("4/5 explorer")
    if (ROOT / "chapters" / "explorer.md").is_file():
        from explorer import make_explorer

        make_explorer(ROOT)

    tell("5/5 site")
    from render import RenderError, render

    try:
        render(ROOT)
    except RenderError as error:
        print(f"\nThe book is not built.\n{error}", file=sys.stderr)
        return 1
    if runs and ran == len(runs):
        remember_cold(book, cold_seconds=round(time.perf_counter() - started, 1))

    print("\nChapters")
    for record, now in runs:
        print(f"  {summary(record)}{'' if now else ' (unchanged)'}")
    print(f"\nThe book is in {book.build / 'html' / 'index.html'}")
    print(f"It took {time.perf_counter() - started:.0f} s.")
    return 0


def lay_side_by_side(book: Book, records: list[dict]) -> None:
    """Write what all chapters together claim and reach: the ledger and the leaderboard."""
    path = book.build / "leaderboard.json"
    tables = build_tables(collect_results(records), read_record(path))
    claims = collect_claims(records) + leaderboard_claims(tables)
    write_json(path, tables)
    write_json(book.build / "claims.json", claims)


def remember_cold(book: Book, **figures: float) -> None:
    """Keep how long a build took in which every chapter ran."""
    path = book.build / "build.json"
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    write_json(path, {**(read_record(path) or {}), "machine": machine, **figures})


def tell(line: str) -> None:
    """Print a line of progress at once, even into a pipe."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
