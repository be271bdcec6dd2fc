"""Put the explorer's data, script and style on its page, and the few numbers into its text.

The data lie in `_build/explorer`, made by `site/explorer.py`. Without them the page has its text,
which then says so, and asks for no script.
"""

from pathlib import Path

from ledger_pages import markdown_table, read_json
from sphinx.application import Sphinx
from sphinx.config import Config

PLACE, RESULTS = "<!-- recbook:explorer -->", "<!-- recbook:explorer-results -->"
DATA = "explorer-data.js"
TASKS = ("repeat", "new")
BOX = """<div id="household-explorer" class="explorer">
<p>This part needs JavaScript, which is off or did not load. The text below does not need it.
Chapter 10 shows the models, their lists and how they are fused without any script.</p>
</div>
"""
NOT_MADE = "The data of the explorer were not made yet: `make book` makes them.\n"


def folder_of(app: Sphinx) -> Path:
    """Return where the data lie, if they do."""
    return Path(app.srcdir) / "_build" / "explorer"


def has_data(app: Sphinx) -> bool:
    """Tell whether the data were made."""
    return (folder_of(app) / DATA).is_file()


def results(app: Sphinx) -> str:
    """Return what the learnt weights reach for everybody, as Markdown."""
    summary = read_json(app, "_build/explorer/explorer.json", None)
    if summary is None:
        return NOT_MADE
    rows = []
    for task in TASKS:
        found = summary[task]
        best = f"best single: {found['models'][found['best']]}"
        rows.append([found["title"], best, f"{found['alone'][found['best']]:.3f}", "–", "–"])
        for kind in ("learnt", "equal"):
            own = found[kind]
            rows.append(
                [
                    found["title"],
                    f"{kind} weights",
                    f"{own['mean']:.3f}",
                    f"[{own['low']:.3f}, {own['high']:.3f}]",
                    f"{own['verdict']}: {own['difference']:+.4f} "
                    f"[{own['difference_low']:+.4f}, {own['difference_high']:+.4f}]",
                ]
            )
    header = ["Task", "List", "NDCG@10", "95 % interval", "Against the best single"]
    return "\n".join([markdown_table(header, rows), *(_sentence(summary[task]) for task in TASKS)])


def _sentence(found: dict) -> str:
    parts = zip(found["models"], found["weights"], strict=True)
    shares = [f"{name} {100 * part / sum(found['weights']):.0f} %" for name, part in parts if part]
    return (
        f"{found['title']}: {found['users']:,} households, {found['candidates']} candidates each. "
        f"The learnt weights are {', '.join(shares)}. For the {found['described']['users']} "
        f"households whose make-up is known they reach {found['described']['mean']:.3f}, "
        f"for all {found['learnt']['mean']:.3f}.\n"
    )


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if PLACE in source[0] and docname.endswith("explorer"):
        source[0] = source[0].replace(PLACE, BOX if has_data(app) else NOT_MADE)
        source[0] = source[0].replace(RESULTS, results(app))
        app.env.note_dependency(str(folder_of(app) / DATA))


def _publish(app: Sphinx, config: Config) -> None:
    if has_data(app):
        config.html_static_path = [*config.html_static_path, str(folder_of(app))]


def _load(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    if pagename.rsplit("/", 1)[-1] == "explorer" and doctree is not None and has_data(app):
        app.add_css_file("explorer.css", priority=950)
        app.add_js_file(DATA, loading_method="defer")
        app.add_js_file("explorer.js", loading_method="defer")


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    # After `repository`, which sets the static folders of the book.
    app.connect("config-inited", _publish, priority=200)
    app.connect("source-read", _fill)
    app.connect("html-page-context", _load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
