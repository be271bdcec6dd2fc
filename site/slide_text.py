"""Markdown of a chapter as slides need it: blocks, first sentences, formulas, diagrams."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from callouts import kind_of
from diagram_svg import ID, diagram_key
from formulas import _NUMBERED, render
from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FOLD = re.compile(r"<details.*?</details>", re.DOTALL)
_MATHML = re.compile(r"<math.*?</math>", re.DOTALL)
_TEX = re.compile(r"<annotation.*?</annotation>", re.DOTALL)
# Where a full stop ends no sentence.
_SHORT = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|etc|al|Fig|No|St|Dr|Mr|Ms|approx)|\b[A-Z])\.$")
_KINDS = {
    "heading_open": "heading",
    "paragraph_open": "text",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "blockquote_open": "quote",
    "table_open": "table",
    "math_block": "formula",
    "math_block_label": "formula",
    "amsmath": "formula",
}


@dataclass
class Block:
    """A piece of a chapter: what it is, its Markdown (or code), its HTML, the tags of its cell."""

    kind: str
    source: str
    html: str = ""
    level: int = 0
    tags: frozenset[str] = frozenset()


def display(tex: str) -> str:
    """Return the HTML of a formula on a line of its own, as the pages of the site have it."""
    tex = _NUMBERED.sub(r"\\\1{\2*}", tex).replace("{multline*}", "{aligned}")
    if "\\begin{" not in tex and ("\\\\" in tex or "&" in tex):
        tex = r"\begin{aligned}" + tex + r"\end{aligned}"
    return render(tex, True)


class Markdown:
    """Reads Markdown as the book writes it.

    Parameters
    ----------
    link : callable
        Gives the address for the target of a link.
    diagrams : Path
        Where the drawn diagrams lie.
    """

    def __init__(self, link: Callable[[str], str], diagrams: Path) -> None:
        self.link, self.diagrams, self._drawn = link, diagrams, 0
        self.parser = self._parser(
            lambda tex, options: display(tex) if options["display_mode"] else render(tex.strip())
        )
        self.notes = self._parser(self._mathml)

    def _parser(self, formula: Callable) -> MarkdownIt:
        parser = MarkdownIt("commonmark", {"html": True}).enable("table")
        dollarmath_plugin(parser, double_inline=True, renderer=formula)
        amsmath_plugin(parser, renderer=lambda tex: formula(tex, {"display_mode": True}))

        def link_open(tokens: list, at: int, options: dict, env: dict) -> str:
            tokens[at].attrSet("href", self.link(tokens[at].attrGet("href") or ""))
            return parser.renderer.renderToken(tokens, at, options, env)

        parser.renderer.rules["link_open"] = link_open
        return parser

    @staticmethod
    def _mathml(tex: str, options: dict) -> str:
        full = display(tex) if options["display_mode"] else render(tex.strip())
        return _TEX.sub("", _MATHML.search(full)[0])

    def blocks(self, text: str, tags: frozenset[str] = frozenset()) -> list[Block]:
        """Return the top-level pieces of a text; comments and what is folded away are left out."""
        text = _FOLD.sub("", _COMMENT.sub("", text))
        lines, found = text.split("\n"), []
        for token in self.parser.parse(text):
            if token.level or token.nesting < 0 or not token.map:
                continue
            source = "\n".join(lines[slice(*token.map)]).strip()
            if token.type == "fence":
                is_diagram = token.info.strip().strip("{}") == "mermaid"
                kind = "diagram" if is_diagram else "code"
                source = token.content
            elif token.type in _KINDS:
                kind = _KINDS[token.type]
            else:
                continue
            level = int(token.tag[1]) if kind == "heading" else 0
            if kind == "heading":
                source = source.lstrip("#").strip()
            if kind == "text" and re.fullmatch(r"\$\$.*\$\$[.,]?", source, re.DOTALL):
                kind = "formula"
            found.append(Block(kind, source, level=level, tags=tags))
        return found

    def html(self, text: str) -> str:
        """Return the HTML of a text."""
        return self.parser.render(text).strip()

    def inline(self, text: str) -> str:
        """Return the HTML of a line."""
        return self.parser.renderInline(" ".join(text.split())).strip()

    def note(self, text: str) -> str:
        """Return the HTML of a text for the speaker."""
        return self.notes.render(_FOLD.sub("", _COMMENT.sub("", text))).strip()

    def diagram(self, text: str) -> str:
        """Return the drawn picture of a diagram; raises FileNotFoundError where it is missing."""
        path = self.diagrams / f"{diagram_key(text)}.svg"
        self._drawn += 1
        return path.read_text(encoding="utf-8").strip().replace(ID, f"diagram-{self._drawn}")


def sentences(text: str) -> list[str]:
    """Split a paragraph of Markdown into sentences; formulas and code stay whole."""
    text = " ".join(text.split())
    kept: list[str] = []

    def keep(match: re.Match) -> str:
        kept.append(match[0])
        return f"\x00{len(kept) - 1}\x01"

    plain = re.sub(r"\$\$.*?\$\$|\$[^$]+\$|`[^`]+`|\]\([^)]*\)", keep, text)
    found, start = [], 0
    for end in re.finditer(r"[.!?…][\"”’)*_]*(?=\s+[\"“(*_`\x00]*[A-Z0-9\x00])", plain):
        piece = plain[start : end.end()]
        if _SHORT.search(plain[start : end.start() + 1]) or piece.count("**") % 2:
            continue
        found.append(piece.strip())
        start = end.end()
    found.append(plain[start:].strip())
    return [re.sub("\x00(\\d+)\x01", lambda m: kept[int(m[1])], s) for s in found if s]


def first_sentences(text: str, count: int = 1) -> str:
    """Return the first sentences of a paragraph."""
    return " ".join(sentences(text)[:count])


def items(text: str) -> list[str]:
    """Return the entries of a list, each as one line of Markdown."""
    found: list[str] = []
    for line in text.split("\n"):
        start = re.match(r"(?:[-*+]|\d+[.)])\s+(.*)", line)
        if start:
            found.append(start[1])
        elif found and line.strip():
            found[-1] += " " + line.strip()
    return found


def callout(text: str) -> tuple[str, str] | None:
    """Return title and body of a quotation that is a call-out, or None."""
    body = " ".join(re.sub(r"^>\s?", "", line) for line in text.split("\n")).strip()
    found = re.match(r"\*\*(.+?)\*\*[.:：]?\s*(.*)", body, re.DOTALL)
    if not found or kind_of(found[1].strip().rstrip(".:：。")) is None:
        return None
    return found[1].strip().rstrip(".:：。"), found[2].strip()


def plain(text: str) -> str:
    """Return a line of Markdown without its marks, for a title or a file's head."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return html.unescape(re.sub(r"[*_`$]", "", text)).strip()
