"""Fill the leaderboard page from `_build/leaderboard.json`, which `site/build.py` makes."""

import html

from ledger_pages import chapters_by_name, markdown_table, read_json
from sphinx.application import Sphinx

WIDTH, STEP = 400, 36  # of the picture; a model takes a line of text and a line of marks
MARK = "<!-- recbook:leaderboard -->"
TASKS = {
    "repeat": (
        "Next purchases",
        "Complete Journey, {users:,} households: ten products each, right is what the household "
        "buys in the four test weeks.",
    ),
    "new": (
        "Discovery",
        "Complete Journey, {users:,} households: ten products each that the household never "
        "bought, right is what it buys for the first time.",
    ),
    "movielens": (
        "Films",
        "MovieLens, {users:,} viewers: ten films each that the viewer has not rated, right are "
        "the next five that she rates with four stars or more.",
    ),
    "ratings": (
        "Ratings",
        "MovieLens, {users:,} viewers, five folds: the error in stars of every rating held out "
        "once. Lower is better. Times are for one fold.",
    ),
}


def leaderboard_page(app: Sphinx) -> str:
    """Return the tables of all tasks as Markdown."""
    tables = read_json(app, "_build/leaderboard.json", {})
    chapters = chapters_by_name(app)
    parts = []
    for task, (title, what) in TASKS.items():
        if task not in tables:
            continue
        table = tables[task]
        parts += [
            f"## {title}\n",
            what.format(users=table["users"]) + "\n",
            summarise(table) + "\n",
        ]
        first, second = ("RMSE", "MAE") if task == "ratings" else ("NDCG@10", "Recall@10")
        parts.append(draw(table, first))
        single = best_single(table)
        header = ["Model", f"{first}, 95 % interval", f"Against {table['baseline']}"]
        header += [f"Against {single}"] if single != table["baseline"] else []
        rows = [_row(row, chapters, len(header) == 4) for row in table["rows"]]
        parts.append(markdown_table([*header, second, "Fit + score, holds"], rows))
    return "\n".join(parts)


def summarise(table: dict) -> str:
    """Say in a few sentences what the table shows."""
    rows, baseline = table["rows"], table["baseline"]
    own = next(row for row in rows if row["name"] == baseline)
    verdicts = [row["verdict"] for row in rows if row["name"] != baseline]
    counts = (
        f"Against *{baseline}*, of {len(verdicts)} models: better {verdicts.count('better')}, "
        f"worse {verdicts.count('worse')}, cannot tell {verdicts.count('cannot tell')}."
    )
    gain = rows[0]["mean"] / own["mean"] - 1
    best = f"The best, *{rows[0]['name']}*, reaches {rows[0]['mean']:.3f}"
    if rows[0]["name"] == baseline:
        return f"{counts} None has a better mean."
    said = f"{counts} {best}, {abs(gain):.1%} {'above' if gain > 0 else 'below'} it."
    single = best_single(table)
    fused = [row for row in rows if row["fusion"]]
    if not fused:
        return said
    verdicts = [row["against_single"] for row in fused]
    return (
        f"{said} Against the best single model of this table, *{single}*, of {len(fused)} fusions: "
        f"better {verdicts.count('better')}, worse {verdicts.count('worse')}, cannot tell "
        f"{verdicts.count('cannot tell')}."
    )


def best_single(table: dict) -> str:
    """Return the name of the best model that is no fusion."""
    return next((row["name"] for row in table["rows"] if row.get("single")), table["baseline"])


def draw(table: dict, measure: str) -> str:
    """Return a picture of the means and intervals as SVG, one line a model, for light and dark."""
    rows = table["rows"]
    own = next(row for row in rows if row["name"] == table["baseline"])
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    if measure == "RMSE":  # chance is so far off that nothing else could be told apart
        high = min(high, own["high"] + 2 * (own["high"] - low))
    start = 0.0 if low < high / 3 else low - (high - low) / 10

    def x(value: float) -> float:
        return round(WIDTH * (value - start) / (high - start) * 0.98, 1)

    alt = f"{measure} with 95 % intervals, best first: " + "; ".join(
        f"{row['name']} {row['mean']:.3f}" for row in rows
    )
    height = STEP * len(rows) + 6
    at = x(own["mean"])
    marks = [f'<line class="baseline" x1="{at}" x2="{at}" y1="0" y2="{height}"></line>']
    for number, row in enumerate(rows):
        y = STEP * number + 14
        kind = (row["verdict"] or "baseline itself").replace(" ", "-")
        label = f'{html.escape(row["name"])}<tspan dx="8">{row["mean"]:.3f}</tspan>'
        marks.append(f'<text x="0" y="{y}">{label}</text>')
        if row["high"] > high:
            marks.append(f'<text class="{kind}" x="{WIDTH - 8}" y="{y + 10}">▸</text>')
            continue
        marks += [
            f'<line class="{kind}" x1="{x(row["low"])}" x2="{x(row["high"])}" '
            f'y1="{y + 10}" y2="{y + 10}"></line>',
            f'<circle class="{kind}" cx="{x(row["mean"])}" cy="{y + 10}" r="4"></circle>',
        ]
    return (
        f'<svg class="leaderboard" viewBox="-5 0 {WIDTH + 10} {height}" role="img" '
        f'aria-label="{html.escape(alt)}">{"".join(marks)}</svg>\n\n'
        f'<p class="leaderboard-key">Dashed: {html.escape(table["baseline"])}. '
        '<span class="better">●</span> better than it, <span class="worse">●</span> worse, '
        '<span class="cannot-tell">○</span> cannot tell.</p>\n'
    )


def _row(row: dict, chapters: dict[str, tuple[str, str]], single: bool) -> list[str]:
    links = []
    held = "" if row.get("megabytes") is None else f"<br>{row['megabytes']:.1f}\u00a0MB"
    if row.get("parameters"):
        held += f"<br>{row['parameters'] / 1e6:.2f}\u00a0M weights"
    for name in row["chapters"]:
        page, title = chapters.get(name, ("", name))
        links.append(f"[{title.split()[0]}]({page})" if page else title)
    return [
        f"{row['name']} ({', '.join(links)})",
        f"{row['mean']:.3f}<br>[{row['low']:.3f},\u00a0{row['high']:.3f}]",
        row["verdict"] or "–",
        *([row["against_single"] or "–"] if single else []),
        f"{row['second']:.3f}",
        f"{row['fit_seconds']:.1f}\u00a0+\u00a0{row['score_seconds']:.1f}\u00a0s" + held,
    ]


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0] and docname.endswith("leaderboard"):
        source[0] = source[0].replace(MARK, leaderboard_page(app))


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
