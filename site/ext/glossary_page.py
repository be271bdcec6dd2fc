"""Fill the glossary page from `site/glossary.csv`, English first and then by Chinese term.

The columns are `term`, `chinese` (several names are parted by semicolons; empty where Chinese
writes the name in Latin letters too), `pinyin` (as many parts), `definition`, `page` (the name of
a chapter) and `anchor` (the id of the section that teaches the term).
"""

import csv
import html
import re
import unicodedata
from itertools import groupby
from pathlib import Path

from docutils.nodes import make_id
from ledger_pages import read_json
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

MARK = "<!-- recbook:glossary -->"
_LETTERS = {"ε": "epsilon", "τ": "tau", "ü": "v", "++": "-plus-plus", "&": "and"}


def slug(term: str) -> str:
    """Return a term as an id, which also sorts it."""
    for sign, name in _LETTERS.items():
        term = term.replace(sign, name)
    dashed = re.sub("[–—]", "-", term.casefold())
    plain = unicodedata.normalize("NFKD", dashed).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def read_glossary(path: Path) -> list[dict[str, str]]:
    """Return the rows of the glossary, with an `id` each and Chinese and pinyin as lists."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["id"] = "term-" + slug(row["term"])
        for column in ("chinese", "pinyin"):
            row[column] = [part.strip() for part in row[column].split(";") if part.strip()]
    return rows


def section_titles(cells: list[dict]) -> dict[str, str]:
    """Map the ids of a notebook's sections to their titles."""
    titles = {}
    for cell in cells:
        if cell["cell_type"] != "markdown":
            continue
        text = re.sub(r"^```.*?^```$", "", "".join(cell["source"]), flags=re.M | re.S)
        for title in re.findall(r"^#{1,4} (.+)$", text, flags=re.M):
            titles.setdefault(make_id(re.sub(r"[*`$]", "", title)), re.sub(r"[*`]", "", title))
    return titles


def _text(text: str) -> str:
    return html.escape(text, quote=False).replace("'", "’")


def _letters(prefix: str, letters: list[str]) -> str:
    links = " ".join(f'<a href="#{prefix}-{x.lower()}">{x}</a>' for x in letters)
    return f'<p class="glossary-letters">{links}</p>'


def _chinese(names: list[str]) -> str:
    return "; ".join(f'<span lang="zh-Hans">{_text(name)}</span>' for name in names)


def english_part(rows: list[dict], titles: dict[str, dict[str, str]]) -> str:
    """Return the terms with their definitions, letter by letter, as one block of HTML."""
    groups = {
        letter.upper(): list(group)
        for letter, group in groupby(sorted(rows, key=lambda row: row["id"]), lambda r: r["id"][5])
    }
    lines = ['<div class="glossary">', _letters("letter", list(groups))]
    for letter, group in groups.items():
        lines += [f'<h3 id="letter-{letter.lower()}">{letter}</h3>', "<dl>"]
        for row in group:
            where = f"{row['page'][:2]}\u00a0{titles[row['page']][row['anchor']]}"
            link = f'<a href="{row["page"]}.html#{row["anchor"]}">{_text(where)}</a>'
            names = f" {_chinese(row['chinese'])}" if row["chinese"] else ""
            lines.append(f'<dt id="{row["id"]}">{_text(row["term"])}{names}</dt>')
            lines.append(f"<dd>{_text(row['definition'])} {link}</dd>")
        lines.append("</dl>")
    return "\n".join([*lines, "</div>"]) + "\n"


def chinese_part(rows: list[dict]) -> str:
    """Return an index of the Chinese terms in the order of pinyin as one block of HTML."""
    entries = sorted(
        (slug(pinyin), name, row["term"], row["id"])
        for row in rows
        for name, pinyin in zip(row["chinese"], row["pinyin"], strict=True)
    )
    groups = {x.upper(): list(group) for x, group in groupby(entries, lambda entry: entry[0][0])}
    lines = ['<div class="glossary">', _letters("pinyin", list(groups))]
    for letter, group in groups.items():
        lines += [f'<h3 id="pinyin-{letter.lower()}">{letter}</h3>', "<ul>"]
        for _, name, term, target in group:
            link = f'<a href="#{target}" lang="zh-Hans">{_text(name)}</a>'
            lines.append(f"<li>{link} {_text(term)}</li>")
        lines.append("</ul>")
    return "\n".join([*lines, "</div>"]) + "\n"


def glossary_page(app: Sphinx) -> str:
    """Return the glossary as Markdown; raise if a term points to a section that is not there."""
    path = Path(app.srcdir) / "site" / "glossary.csv"
    app.env.note_dependency(str(path))
    rows = read_glossary(path)
    titles = {
        page: section_titles(read_json(app, f"chapters/{page}.ipynb", {"cells": []})["cells"])
        for page in {row["page"] for row in rows}
    }
    lost = [r["term"] for r in rows if r["anchor"] not in titles[r["page"]]]
    if lost:
        raise ExtensionError(
            "site/glossary.csv: the section that teaches a term must be a heading of its page; "
            f"mend the anchor of: {', '.join(lost)}"
        )
    return "\n".join(
        [
            f"There are {len(rows)} terms.\n",
            "## By English term\n",
            english_part(rows, titles),
            "## By Chinese term (中文索引)\n",
            "In the order of pinyin; each leads to its entry above.\n",
            chinese_part(rows),
        ]
    )


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0] and docname.endswith("glossary"):
        source[0] = source[0].replace(MARK, glossary_page(app))


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
