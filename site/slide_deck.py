"""Choose from a chapter and the record of its run what goes on slides.

The rule, section by section: the first two sentences, the first sentence of each call-out and of
each sentence with numbers, and short lists; then every figure, every diagram, every formula that
stands on a line of its own, one table and one piece of code of at most twelve lines. Exercises come
without checks and solutions, the take-away comes whole, further reading stays in the book. What the
section says in full stands in the speaker notes of its first slide.

An author overrules this with a cell's tag: `slide` puts a cell on a slide in any case, `skip-slide`
leaves it out.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from data_frames import mend_table
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from run_record import without_scripts
from slide_text import Block, Markdown, callout, first_sentences, items, plain, sentences

CODE_LINES = 12
TABLE_ROWS, TABLE_COLUMNS = 8, 7
LINES, LETTERS, POINTS = 10, 68, 6  # what fits on a slide: lines, letters a line, points
GOALS = ("list", "quote")
LEFT_OUT = ("further reading",)
_FORMAT = HtmlFormatter(nowrap=False)


@dataclass
class Slide:
    """One slide: its heading, what it shows, what the speaker reads."""

    title: str
    body: str
    notes: str = ""
    kind: str = "points"


@dataclass
class Section:
    """A section of a chapter: its heading and its pieces."""

    title: str
    level: int
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Deck:
    """The slides of a chapter, in stacks: one for each section."""

    name: str
    title: str
    stacks: list[list[Slide]]
    figures: dict[str, bytes]

    @property
    def count(self) -> int:
        return sum(map(len, self.stacks))


def _join(data: str | list[str]) -> str:
    return data if isinstance(data, str) else "".join(data)


def read_sections(notebook: dict, record: dict, markdown: Markdown) -> list[Section]:
    """Return the sections of a chapter with what the run showed in them."""
    sections, number = [Section("", 1)], 0
    for cell in notebook["cells"]:
        tags = frozenset(cell["metadata"].get("tags", []))
        source = _join(cell["source"])
        if cell["cell_type"] == "code":
            outputs = record["outputs"][number]
            number += 1
            if "skip-slide" not in tags:
                sections[-1].blocks += _code_blocks(source, outputs, tags)
            continue
        if cell["cell_type"] != "markdown":
            continue
        for block in markdown.blocks(source, tags):
            if block.kind == "heading":
                sections.append(Section(block.source, block.level))
            elif "skip-slide" not in tags:
                sections[-1].blocks.append(block)
    return sections


def _code_blocks(source: str, outputs: list[dict], tags: frozenset[str]) -> list[Block]:
    if tags & {"check", "solution"}:
        return []
    found = []
    hidden = tags & {"hide-input", "remove-input", "hide-cell", "remove-cell"}
    only_imports = all(
        re.match(r"(import|from|use_style|pd\.set_option|\s|\)|$)", line)
        for line in source.splitlines()
    )
    if "slide" in tags or not (hidden or only_imports):
        found.append(Block("code", source.strip(), tags=tags))
    if re.search(r"^claim\(", source, re.MULTILINE):
        return found
    for output in outputs:
        data = without_scripts(output).get("data", {})
        picture = data.get("image/png")
        if picture:
            words = output.get("metadata", {}).get("recbook", {})
            found.append(Block("figure", _join(picture), json.dumps(words), tags=tags))
        elif "text/html" in data and "<table" in _join(data["text/html"]):
            found.append(Block("frame", mend_table(_join(data["text/html"])), tags=tags))
        elif "text/markdown" in data:
            found.append(Block("say", _join(data["text/markdown"]), tags=tags))
    return found


class DeckMaker:
    """Makes the slides of one chapter."""

    def __init__(self, name: str, markdown: Markdown, picture) -> None:
        self.name, self.markdown, self.picture = name, markdown, picture
        self.figures: dict[str, bytes] = {}

    def make(self, notebook: dict, record: dict, foot: str) -> Deck:
        """Return the deck."""
        sections = read_sections(notebook, record, self.markdown)
        head = next(s for s in sections if s.level == 1 and s.title)
        stacks = [[self._title(head, foot)]]
        listed = [re.sub(r"(?m)^>\s?", "", b.source) for b in head.blocks if b.kind in GOALS]
        goals = next(filter(None, map(items, listed)), [])
        stacks[0] += self._points("You will be able to", goals, "")
        left_out = False
        for section in sections[sections.index(head) + 1 :]:
            if section.level <= 2:
                left_out = plain(section.title).lower() in LEFT_OUT
            slides = [] if left_out else self._section(section)
            if not slides:
                continue
            if section.level <= 2 or plain(section.title).lower().startswith("exercise"):
                stacks.append(slides)
            else:
                stacks[-1] += slides
        return Deck(self.name, plain(head.title), stacks, self.figures)

    def _title(self, head: Section, foot: str) -> Slide:
        first, _, rest = head.title.partition(":")
        lead = next((b.source for b in head.blocks if b.kind == "text"), "")
        body = f"<h1>{self.markdown.inline(first)}</h1>"
        if rest.strip():
            body += f'<p class="subtitle">{self.markdown.inline(rest.strip().capitalize())}</p>'
        body += f'<p class="lead">{self.markdown.inline(lead)}</p><p class="foot">{foot}</p>'
        return Slide("", body, self._notes(head), "title")

    # ---- a section -------------------------------------------------------------------------------
    def _section(self, section: Section) -> list[Slide]:
        title = section.title
        low = plain(title).lower()
        if low.startswith(("exercise ", "self-test")):
            return self._exercise(section)
        whole = low.startswith("what to take away")
        slides = self._points(title, self._key_points(section, whole=whole), self._notes(section))
        shown = self._visuals(section)
        if not slides and shown:
            shown[0].notes = self._notes(section)
        return slides + shown

    def _key_points(self, section: Section, *, whole: bool) -> list[str]:
        points: list[str] = []
        opened = False
        for block in section.blocks:
            if block.kind == "text":
                if "slide" in block.tags or whole:
                    points += sentences(block.source)
                elif not opened:
                    points += sentences(block.source)[:2]
                opened = True
            elif block.kind == "say":
                first = first_sentences(block.source.split("\n\n")[0])
                points += [] if first.startswith(("|", "-", "#")) else [first]
            elif block.kind == "quote":
                found = callout(block.source)
                if found:
                    points.append(f"**{found[0]}.** {first_sentences(found[1])}")
            elif block.kind == "list":
                lines = items(block.source)
                if whole or "slide" in block.tags:
                    points += lines
                elif len(lines) <= POINTS:
                    points += [first_sentences(line) for line in lines]
        return [point.rstrip(":").strip() for point in points if point.strip()]

    def _points(self, title: str, points: list[str], notes: str) -> list[Slide]:
        """Return points on as many slides as they need."""
        slides, now, used = [], [], 0.0
        for point in points:
            lines = -(-len(plain(point)) // LETTERS) + 0.4
            if now and (used + lines > LINES or len(now) == POINTS):
                slides.append(now)
                now, used = [], 0.0
            now.append(point)
            used += lines
        slides += [now] if now else []
        return [
            Slide(
                title,
                "<ul>" + "".join(f"<li>{self.markdown.inline(p)}</li>" for p in group) + "</ul>",
                notes if number == 0 else "",
            )
            for number, group in enumerate(slides)
        ]

    def _visuals(self, section: Section) -> list[Slide]:
        slides: list[Slide] = []
        title, formulas = section.title, []
        wanted = [b for b in section.blocks if b.kind == "code" and "slide" in b.tags]
        short = [
            b for b in section.blocks
            if b.kind == "code" and b.source.count("\n") < CODE_LINES
        ]  # fmt: skip
        wanted += [] if wanted else short[:1]
        tables = [b for b in section.blocks if b.kind in ("frame", "table") and self._narrow(b)]
        chosen = [b for b in tables if "slide" in b.tags] or tables[-1:]

        def close() -> None:
            for pair in (formulas[i : i + 2] for i in range(0, len(formulas), 2)):
                slides.append(Slide(title, "".join(pair), kind="formula"))
            formulas.clear()

        for block in section.blocks:
            if block.kind == "formula":
                formulas.append(f'<div class="formula">{self.markdown.html(block.source)}</div>')
                continue
            close()
            if block.kind == "figure":
                slides.append(Slide(title, self._figure(block), kind="figure"))
            elif block.kind == "diagram":
                picture = self.markdown.diagram(block.source)
                slides.append(Slide(title, f'<div class="diagram">{picture}</div>', kind="diagram"))
            elif any(block is one for one in wanted):
                code = highlight(block.source, PythonLexer(), _FORMAT)
                slides.append(Slide(title, code, kind="code"))
            elif any(block is one for one in chosen):
                slides.append(Slide(title, self._table(block), kind="table"))
        close()
        return slides

    def _exercise(self, section: Section) -> list[Slide]:
        questions = [b.source for b in section.blocks if re.match(r"\*\*\d+\.?\*\*", b.source)]
        if questions:  # a self-test
            return self._points(section.title, questions, self._notes(section))
        parts, used = [], 0
        for block in section.blocks:
            if block.kind == "text":
                for sentence in sentences(block.source):
                    if used + len(sentence) > LETTERS * LINES:
                        break
                    used += len(sentence)
                    parts.append(("text", sentence))
            elif block.kind == "list":
                parts += [("item", line) for line in items(block.source)]
            elif "exercise" in block.tags and block.source.count("\n") < CODE_LINES:
                parts.append(("code", block.source))
        if not parts:
            return []
        body, now = "", []
        for kind, text in [*parts, ("end", "")]:
            if kind != "text" and now:
                body += f"<p>{self.markdown.inline(' '.join(now))}</p>"
                now = []
            if kind == "text":
                now.append(text)
            elif kind == "item":
                body += f'<p class="question">{self.markdown.inline(text)}</p>'
            elif kind == "code":
                body += highlight(text, PythonLexer(), _FORMAT)
        return [Slide(section.title, body, self._notes(section), "exercise")]

    # ---- pieces ----------------------------------------------------------------------------------
    def _notes(self, section: Section) -> str:
        kinds = ("text", "list", "quote", "say", "formula")
        return "".join(
            self.markdown.note(block.source) for block in section.blocks if block.kind in kinds
        )

    def _figure(self, block: Block) -> str:
        words = json.loads(block.html)
        name, width, height, content = self.picture(block.source)
        self.figures[name] = content
        caption = words.get("caption", "")
        below = f"<figcaption>{self.markdown.inline(caption)}</figcaption>" if caption else ""
        alt = html.escape(str(words.get("alt", "")), quote=True)
        return (
            f'<figure><img src="assets/figures/{name}" alt="{alt}" width="{width}" '
            f'height="{height}" loading="lazy">{below}</figure>'
        )

    def _narrow(self, block: Block) -> bool:
        if block.kind == "table":
            return block.source.split("\n")[0].count("|") - 1 <= TABLE_COLUMNS
        row = re.search(r"<tr.*?</tr>", block.source, re.DOTALL)
        return bool(row) and len(re.findall(r"<t[hd]", row[0])) <= TABLE_COLUMNS

    def _table(self, block: Block) -> str:
        table = self.markdown.html(block.source) if block.kind == "table" else block.source
        table = re.sub(
            r"<style.*?</style>|<p>\d+ rows × \d+ columns</p>", "", table, flags=re.DOTALL
        )
        head, opening, body = table.partition("<tbody>")
        rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
        more = ""
        if len(rows) > TABLE_ROWS:
            more = f'<p class="more">The first {TABLE_ROWS} of {len(rows)} rows.</p>'
            tail = body[body.rindex("</tr>") + 5 :]
            table = head + opening + "".join(rows[:TABLE_ROWS]) + tail
        table = re.sub(r"<th([^>]*)>\s*</th>", r"<td\1></td>", table)
        return f'<div class="table">{table}</div>{more}'


def read(path: Path) -> dict:
    """Return a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
