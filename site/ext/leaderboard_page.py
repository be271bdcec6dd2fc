"""Fill the leaderboard page from `_build/leaderboard.json`, which `site/build.py` makes."""

from ledger_pages import chapters_by_name, markdown_table, read_json
from sphinx.application import Sphinx

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
        header = ["Model", first, "95 % interval", f"Against {table['baseline']}", second]
        rows = [_row(row, chapters) for row in table["rows"]]
        parts.append(markdown_table([*header, "Fit", "Score"], rows))
    return "\n".join(parts)


def summarise(table: dict) -> str:
    """Say in two sentences what the table shows."""
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
    return f"{counts} {best}, {abs(gain):.1%} {'above' if gain > 0 else 'below'} it."


def _row(row: dict, chapters: dict[str, tuple[str, str]]) -> list[str]:
    links = []
    for name in row["chapters"]:
        page, title = chapters.get(name, ("", name))
        links.append(f"[{title.split()[0]}]({page})" if page else title)
    return [
        f"{row['name']} ({', '.join(links)})",
        f"{row['mean']:.3f}",
        f"[{row['low']:.3f}, {row['high']:.3f}]",
        row["verdict"] or "–",
        f"{row['second']:.3f}",
        _seconds(row["fit_seconds"]),
        _seconds(row["score_seconds"]),
    ]


def _seconds(value: float) -> str:
    return f"{value:.0f}\u00a0s" if value >= 10 else f"{value:.2g}\u00a0s"


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0] and docname.endswith("leaderboard"):
        source[0] = source[0].replace(MARK, leaderboard_page(app))


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
