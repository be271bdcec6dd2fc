"""Fill the claims page and the status page from the records of the last run.

Sources: `_build/run/NAME.json` (one per chapter), `_build/claims.json`, `site/seed_map.csv` (row,
title, chapter) and, where present, `_build/build.json` (`cold_seconds`, `machine`), the
committed `site/measured_times.json`: a list of objects with `what`, `seconds`, `machine` and
`date`, and the committed `site/verified.json`, which `make colab` writes.
"""

import csv
import html
import json
from pathlib import Path

from run_record import record_path
from sphinx.application import Sphinx

CLAIMS_MARK = "<!-- recbook:claims -->"
STATUS_MARK = "<!-- recbook:status -->"


def read_json(app: Sphinx, name: str, default):
    path = Path(app.srcdir) / name
    app.env.note_dependency(str(path))
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else default


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def markdown_table(header: list[str], rows: list[list[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def format_value(value: object) -> str:
    """Write a measured number with four significant digits, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def format_bounds(low: object, high: object, strict: bool = False) -> str:
    """Write the bounds a claim must keep; strict ones fail themselves."""
    if low is not None and high is not None:
        if low == high:
            return f"= {format_value(low)}"
        return f"{format_value(low)} … {format_value(high)}"
    if low is not None:
        return f"{'>' if strict else '≥'} {format_value(low)}"
    return f"{'<' if strict else '≤'} {format_value(high)}"


def covered_rows(claim: dict) -> list[str]:
    """Return the seed-map rows a claim covers."""
    covers = claim.get("covers") or ""
    return covers.replace(",", " ").split() if isinstance(covers, str) else list(covers)


def chapters_by_name(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Map a chapter's name to its page and its title, in the order of the book."""
    chapters = {}
    for docname in app.config.external_site_map:
        stem = docname.removesuffix(".ipynb").removesuffix(".md")
        path = Path(app.srcdir) / f"{stem}.ipynb"
        if not path.is_file():
            continue
        app.env.note_dependency(str(path))
        title = stem
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            first = "".join(cell["source"]).lstrip()
            if cell["cell_type"] == "markdown" and first.startswith("# "):
                title = first.splitlines()[0][2:].strip()
                break
        chapters[stem.rsplit("/", 1)[-1]] = (f"{stem.rsplit('/', 1)[-1]}.ipynb", title)
    return chapters


def _claim_link(claim_id: str) -> str:
    safe = html.escape(claim_id)
    return f'<a href="#claim-{safe}">{safe}</a>'


def claims_page(app: Sphinx) -> str:
    """Return the ledger as Markdown: by chapter, then by row of the seed map."""
    claims = read_json(app, "_build/claims.json", [])
    chapters = chapters_by_name(app)
    parts = [f"There are {len(claims)} claims, {sum(bool(c['passed']) for c in claims)} hold.\n"]
    parts.append("## By chapter\n")
    for name in [*chapters, *sorted({c["chapter"] for c in claims} - set(chapters))]:
        own = [claim for claim in claims if claim["chapter"] == name]
        if not own:
            continue
        page, title = chapters.get(name, ("", name.capitalize()))
        parts.append(f"### {title}\n")
        if page:
            parts.append(f"[Open the chapter]({page})\n")
        rows = []
        for claim in own:
            safe = html.escape(str(claim["id"]))
            seed = "" if claim.get("seed") is None else f", seed {claim['seed']}"
            rows.append(
                [
                    f'<span id="claim-{safe}" class="claim-id">{safe}</span>',
                    claim["statement"],
                    format_value(claim["value"]) + seed,
                    format_bounds(claim.get("low"), claim.get("high"), claim.get("strict", False)),
                    "holds" if claim["passed"] else "**broken**",
                ]
            )
        parts.append(markdown_table(["Claim", "Statement", "Measured", "Bounds", "Verdict"], rows))
    parts.append("## By topic of the source articles\n")
    parts.append(
        "The book mirrors what its two source articles name. A topic counts as shown once a claim "
        "checks its result.\n"
    )
    path = Path(app.srcdir) / "site" / "seed_map.csv"
    app.env.note_dependency(str(path))
    by_row: dict[str, list[str]] = {}
    for claim in claims:
        for row in covered_rows(claim):
            by_row.setdefault(row, []).append(str(claim["id"]))
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            ids = by_row.get(line["row"], [])
            links = ", ".join(map(_claim_link, ids)) if ids else "not yet"
            rows.append([line["row"], line["title"], line["chapter"], links])
    parts.append(markdown_table(["Row", "Topic", "Chapter", "Claims"], rows))
    return "\n".join(parts)


def status_page(app: Sphinx) -> str:
    """Return what the last run cost as Markdown."""
    rows, total, peak = [], 0.0, 0.0
    chapters = chapters_by_name(app)
    for name, (page, title) in chapters.items():
        path = record_path(app, name)
        app.env.note_dependency(str(path))
        if not path.is_file():
            continue
        record = json.loads(path.read_text(encoding="utf-8"))
        total, peak = total + record["seconds"], max(peak, record["peak_mb"])
        rows.append(
            [
                f"[{title}]({page})",
                f"{record['seconds']:.1f}\u00a0s",
                f"{record['peak_mb']:,.0f}\u00a0MB",
                len(record["claims"]),
                record["finished"][:10],
                record["python"],
            ]
        )
    verified = read_json(app, "site/verified.json", {})
    count = sum(row[3] for row in rows)
    rows.append(["**Together**", f"{total:.1f}\u00a0s", f"{peak:,.0f}\u00a0MB", count, "", ""])
    header = ["Chapter", "Run time", "Peak memory", "Claims", "Run on", "Python"]
    parts = ["## Chapters\n", markdown_table(header, rows)]
    build = read_json(app, "_build/build.json", None)
    measured = read_json(app, "site/measured_times.json", [])
    times = []
    if build and build.get("cold_seconds") is not None:
        what = "This build, from nothing (installation not counted)"
        date = str(build.get("date", ""))[:10]
        times.append([what, f"{build['cold_seconds']:.0f}\u00a0s", build.get("machine", ""), date])
    times += [
        [row["what"], f"{row['seconds']:.0f}\u00a0s", row.get("machine", ""), row.get("date", "")]
        for row in measured
    ]
    if times:
        parts.append("## Whole commands\n")
        parts.append(markdown_table(["What", "Time", "Machine", "Date"], times))
    if verified and set(verified["chapters"]) & set(chapters):
        parts += ["## Last verified with the newest versions\n", verified_part(verified, chapters)]
    return "\n".join(parts)


def verified_part(verified: dict, chapters: dict[str, tuple[str, str]]) -> str:
    """Return when and with what each chapter last ran as Colab runs it (`make colab`)."""
    runs = verified["chapters"]
    passed = [name for name in runs if runs[name]["ok"]]
    missing = [title for name, (_, title) in chapters.items() if name not in passed]
    said = (
        f"In a fresh environment on Python {verified['versions']['Python']}, with nothing but the "
        f"package, its own choice of versions, and one notebook, {len(passed)} of "
        f"{len(chapters)} notebooks ran to their end ({verified['machine']}). "
    )
    said += f"Not run so, or not to the end: {', '.join(missing)}." if missing else "That is all."
    rows = [
        [
            f"[{title}]({page})",
            "all claims held" if runs[name]["ok"] else "**stopped**",
            runs[name]["date"],
        ]
        for name, (page, title) in chapters.items()
        if name in runs
    ]
    versions = ", ".join(f"{name} {version}" for name, version in verified["versions"].items())
    table = markdown_table(["Notebook", "Outcome", "Date"], rows)
    return f"{said}\n\n{table}\nThe versions: {versions}.\n"


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if CLAIMS_MARK in source[0] and docname.endswith("claims"):
        source[0] = source[0].replace(CLAIMS_MARK, claims_page(app))
    if STATUS_MARK in source[0] and docname.endswith("status"):
        source[0] = source[0].replace(STATUS_MARK, status_page(app))


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
