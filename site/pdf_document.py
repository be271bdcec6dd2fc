"""Write the one page that is printed: cover, contents, joined pages, and what moved to the end."""

from __future__ import annotations

import html
import json
import re
import tomllib
from datetime import datetime
from pathlib import Path

import yaml
from bs4 import Tag
from pdf_pages import Joiner, anchor

SITE = Path(__file__).resolve().parent
_LISTS = {"claims", "glossary", "references"}  # their sections are letters or chapters


def write_document(book: Joiner) -> str:
    """Return the whole document."""
    chapters = [str(body) for _, body in book.bodies]
    ends = [
        _appendix(
            "folded",
            "Code behind the folds",
            "On the site, the code of figures and claims is folded away. Here it is.",
            book.folded,
        ),
        _appendix(
            "solutions",
            "Solutions",
            "What checks an answer, one solution of each exercise, and the answers of the "
            "self-tests. The build ran them all.",
            book.solutions,
        ),
    ]
    title, version, when = read_facts(book)
    return _mend_links(
        [
            "<!DOCTYPE html>",
            '<html lang="en" data-theme="light"><head><meta charset="utf-8">',
            f"<title>{html.escape(full_title(book))}</title>",
            *(
                f'<link rel="stylesheet" href="../html/_static/{name}">'
                for name in ("pygments.css", "katex/katex.min.css", "book.css")
            ),
            f'<link rel="stylesheet" href="{(SITE / "pdf.css").as_uri()}">',
            f"<style>{_running_heads(book)}</style>",
            '</head><body class="bd-main"><div class="bd-content">',
            _cover(book, title, version, when),
            _contents(book, ends),
            *chapters,
            *(body for _, _, body in ends if body),
            "</div></body></html>",
        ]
    )


def read_facts(book: Joiner) -> tuple[str, str, str]:
    """Return title, version, and the time at which the last chapter was run (ISO)."""
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((book.root / "pyproject.toml").read_text(encoding="utf-8"))
    runs = sorted((book.root / "_build" / "run").glob("*.json"))
    names = {page.rsplit("/", 1)[-1] for _, page in book.pages}
    times = [json.loads(p.read_text("utf-8"))["finished"] for p in runs if p.stem in names]
    when = max(times, default="1970-01-01T00:00:00+00:00")
    return config["title"], project["project"].get("version", ""), when


def read_author(book: Joiner) -> str:
    """Return who wrote the book."""
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf-8"))
    return str(config.get("author", ""))


def full_title(book: Joiner) -> str:
    """Return the title of the first page, which says what the book is about."""
    first = book.bodies[0][1] if book.bodies else None
    return first["data-title"] if first is not None else read_facts(book)[0]


def _cover(book: Joiner, title: str, version: str, when: str) -> str:
    day = datetime.fromisoformat(when)
    name, _, rest = full_title(book).partition(":")
    edition = f"Version {html.escape(version)}, run" if version else "Run"
    second = f'<p class="sub">{html.escape(rest.strip())}</p>' if rest.strip() else ""
    home = html.escape(book.base)
    return (
        f'<section class="cover" id="cover"><p class="book">{html.escape(name)}</p>{second}'
        f'<p class="who">{html.escape(read_author(book))}</p>'
        f'<p class="edition">{edition} of {day.day} {day:%B %Y}</p>'
        f'<p class="edition">Every number in this book comes from that run. The same book '
        f'to read, to run and to search: <a href="{home}">{home}</a></p></section>'
    )


def _contents(book: Joiner, ends: list[tuple[str, str, str]]) -> str:
    lines, part_now = [], None
    for part, body in book.bodies:
        if part != part_now and part:
            lines.append(f'<p class="part">{html.escape(part)}</p>')
        part_now = part
        lines.append(_entry(body["id"], body["data-title"], "one"))
        if _LISTS & set(body["class"]):
            continue
        lines += [
            _entry(heading["id"], heading.get_text().strip(), "two")
            for heading in body.select("h2[id]")
        ]
    lines.append('<p class="part">At the end</p>')
    lines += [_entry(name, title, "one") for name, title, body in ends if body]
    return (
        '<nav class="contents" id="contents" aria-labelledby="contents-title">'
        f'<h1 id="contents-title">Contents</h1>{"".join(lines)}</nav>'
    )


def _appendix(
    name: str, title: str, lead: str, parts: list[tuple[str, str, list[Tag]]]
) -> tuple[str, str, str]:
    if not parts:
        return name, title, ""
    body = [f'<article class="bd-article page {name}" id="{name}"><h1>{title}</h1><p>{lead}</p>']
    for page, heading, sections in parts:
        body.append(f'<section><h2 id="{name}-{anchor(page)}">{html.escape(heading)}</h2>')
        body += [str(section) for section in sections]
        body.append("</section>")
    return name, title, "".join([*body, "</article>"])


def _running_heads(book: Joiner) -> str:
    heads = [(body["id"], body["data-title"]) for _, body in book.bodies]
    heads += [("folded", "Code behind the folds"), ("solutions", "Solutions")]
    rules = []
    for number, (name, title) in enumerate(heads):
        words = json.dumps(title.partition(":")[0], ensure_ascii=False)
        rules.append(f"#{name} {{ page: n{number}; }}")
        rules.append(f"@page n{number} {{ @top-left {{ content: {words}; }} }}")
    return "\n".join(rules)


def _mend_links(parts: list[str]) -> str:
    """Join the document; a link to a place that is not printed leads to the page of that place."""
    text = "\n".join(parts)
    known = set(re.findall(r'\bid="([^"]+)"', text))

    def lead(match: re.Match) -> str:
        name, page = match[1], match[1].partition("--")[0]
        return f'href="#{next((n for n in (name, page) if n in known), "contents")}"'

    return re.sub(r'\bhref="#([^"]+)"', lead, text)


def _entry(name: str, title: str, level: str) -> str:
    return (
        f'<p class="entry {level}"><a href="#{name}">{html.escape(title)}</a>'
        f'<span class="page-of" data-of="{name}">000</span></p>'
    )
