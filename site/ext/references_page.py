"""Fill the references page from `site/references.bib`, with links to the pages that cite each work.

Who cites what is not written down anywhere: it is found in the chapters and in the docstrings, by
identifier, by title, or by the words in the entry's field `cited`.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from sphinx.application import Sphinx

MARK = "<!-- recbook:references -->"
VENUES = ("journal", "booktitle", "publisher", "institution", "howpublished")
ENTRY = re.compile(r"^@(\w+)\{(\w+),\n(.*?)^\}$", re.M | re.S)
FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.M)
DOI = re.compile(r"\b10\.\d{4,9}/[^\s\]}`\"'|]+")
ARXIV = re.compile(r"(?i)arxiv(?:\.org/abs/|[: ]\s*)(\d{4}\.\d{4,5})")


@dataclass(frozen=True)
class Entry:
    """One work of the bibliography."""

    kind: str
    key: str
    fields: dict[str, str]

    def get(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def venue(self) -> str:
        return next((self.get(name) for name in VENUES if self.get(name)), "")

    @cached_property
    def names(self) -> list[str]:
        """What a text may call it, as it is compared: the title, the part before a colon, more."""
        title, agreed = plain(self.get("title")), self.get("cited")
        short = plain(re.split(r"[:?]", self.get("title"))[0])
        names = [title] if len(title.split()) > 2 or not title.isascii() else []
        names += [short] if len(short.split()) > 3 else []
        return names + ([plain(agreed)] if agreed else [])

    @property
    def people(self) -> list[str]:
        return self.get("author").split(" and ")


def read_bibliography(path: Path) -> list[Entry]:
    """Return the entries of a bibliography written one field a line.

    Raises
    ------
    ValueError
        If part of the file is not in that form, or a key stands twice.
    """
    text = re.sub(r"^%.*\n", "", path.read_text(encoding="utf-8"), flags=re.M)
    entries, rest = [], ENTRY.sub("", text).strip()
    if rest:
        raise ValueError(f"{path.name}: not in the form of an entry: {rest[:80]!r}")
    for kind, key, body in ENTRY.findall(text):
        if left := FIELD.sub("", body).strip():
            raise ValueError(f"{path.name}: {key}: not in the form of a field: {left[:80]!r}")
        entries.append(Entry(kind, key, dict(FIELD.findall(body))))
    keys = [entry.key for entry in entries]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise ValueError(f"{path.name}: keys that stand twice: {sorted(twice)}")
    return entries


def plain(text: str) -> str:
    """Return a text as it is compared: lower case, letters and digits, single blanks."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in folded if not unicodedata.combining(c))
    return " " + " ".join(re.findall(r"\w+", letters)) + " "


def find_dois(text: str) -> set[str]:
    """Return the DOIs of a text, lower case, without the punctuation that follows them."""
    found = set()
    for doi in DOI.findall(unquote(text)):
        if ">" in doi and doi.count(">") > doi.count("<"):  # the end of <https://doi.org/…>
            doi = doi[: doi.rindex(">")]
        doi = doi.rstrip(".,;:*_")
        while doi.endswith(")") and doi.count("(") < doi.count(")"):
            doi = doi[: doi.rindex(")")].rstrip(".,;:*_")
        found.add(doi.lower())
    return found


def find_arxiv(text: str) -> set[str]:
    """Return the arXiv identifiers of a text."""
    return set(ARXIV.findall(text))


class Source:
    """A text that may cite, prepared once for many questions."""

    def __init__(self, text: str) -> None:
        joined = re.sub(r"-\n\s*", "-", text)
        self.text = joined
        self.plain = plain(joined)
        self.dois, self.arxiv = find_dois(joined), find_arxiv(joined)

    def cites(self, entry: Entry) -> bool:
        if entry.get("doi").lower() in self.dois or entry.get("eprint") in self.arxiv:
            return True
        return any(name in self.plain for name in entry.names)


def notebook_text(path: Path) -> str:
    """Return everything a notebook says, code included."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def read_sources(root: Path) -> dict[str, Source]:
    """Return what may cite: "chapters/NAME.ipynb", "chapters/resources.md", "recbook/….py"."""
    paths = [*sorted((root / "chapters").glob("*.ipynb")), root / "chapters" / "resources.md"]
    paths += sorted((root / "recbook").rglob("*.py"))
    read = {".ipynb": notebook_text}
    return {
        path.relative_to(root).as_posix(): Source(
            read.get(path.suffix, lambda p: p.read_text(encoding="utf-8"))(path)
        )
        for path in paths
        if path.is_file()
    }


def links(entry: Entry) -> list[str]:
    """Return the identifiers as Markdown links; long ones may break at a slash."""
    found = []
    if doi := entry.get("doi"):
        address = doi.replace("<", "%3C").replace(">", "%3E").replace("(", "%28")
        found.append(f"[doi:{_breaking(doi)}](https://doi.org/{address.replace(')', '%29')})")
    if number := entry.get("eprint"):
        found.append(f"[arXiv:{number}](https://arxiv.org/abs/{number})")
    if isbn := entry.get("isbn"):
        found.append(f"ISBN\u00a0{isbn}")
    if url := entry.get("url"):
        found.append(f"[{url.split('/')[2].removeprefix('www.')}]({url})")
    return found


def _breaking(text: str) -> str:
    safe = html.escape(text).replace("_", "\\_").replace("[", "\\[").replace("]", "\\]")
    return safe.replace("/", "/<wbr>").replace("::", "::<wbr>")


def write_entry(entry: Entry, cited_by: list[str]) -> str:
    """Return one line of the list."""
    people = entry.people
    if people[-1] == "others":
        names = ", ".join(people[:-1]) + " and others"
    else:
        names = " and ".join(filter(None, [", ".join(people[:-1]), people[-1]]))
    where = ", ".join(filter(None, [entry.venue, *map(entry.get, ("volume", "number", "pages"))]))
    stop = "" if entry.get("title").endswith("?") else "."
    said = f"{names} ({entry.get('year')}). *{entry.get('title')}*{stop} {where}."
    parts = [said.replace("FAT*", "FAT\\*")]
    if found := links(entry):
        parts.append(", ".join(found) + ".")
    chapters = [name for name in cited_by if name.startswith("chapters/")]
    modules = [name for name in cited_by if name.startswith("recbook/")]
    places = [f"[{_short(name)}]({name.removeprefix('chapters/')})" for name in chapters]
    places += [f"`{name.removesuffix('.py').replace('/', '.')}`" for name in modules]
    parts.append("Cited in " + ", ".join(places) + ".")
    return f'- <span id="ref-{entry.key}"></span>' + " ".join(parts)


def _short(name: str) -> str:
    stem = Path(name).stem
    return stem[:2] if stem[:2].isdigit() else stem


def references_page(root: Path) -> str:
    """Return the list as Markdown, by first letter."""
    entries, sources = read_bibliography(root / "site" / "references.bib"), read_sources(root)
    lines, letter = [f"There are {len(entries)} works.\n"], ""
    order = sorted(entries, key=lambda e: (plain(_family(e.people[0])), e.get("year"), e.key))
    for entry in order:
        first = plain(_family(entry.people[0])).strip()[0].upper()
        if first != letter:
            letter = first
            lines.append(f"\n## {letter}\n")
        cited_by = [name for name, source in sources.items() if source.cites(entry)]
        lines.append(write_entry(entry, cited_by))
    return "\n".join(lines) + "\n"


def _family(person: str) -> str:
    words = re.sub(r"\(.*?\)|\bJr\.", "", person).split()
    while len(words) > 1 and re.fullmatch(r"(\w\.-?)+|\w+\.|de", words[0]):
        words.pop(0)
    return " ".join(words)


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    if MARK in source[0] and docname.endswith("references"):
        root = Path(app.srcdir)
        app.env.note_dependency(str(root / "site" / "references.bib"))
        for path in (root / "chapters").glob("*.ipynb"):
            app.env.note_dependency(str(path))
        source[0] = source[0].replace(MARK, references_page(root))


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
