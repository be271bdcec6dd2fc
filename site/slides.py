"""Make a reveal deck of each chapter: `python site/slides.py` (or `make slides`).

The decks come from the notebooks and the records of their last run, by the rule that
`slide_deck.py` states; no browser is needed. `_build/downloads/slides` works as it stands, from a
web server or opened as a file, with the network off: figures, formulas, fonts and reveal.js (from
npm, in `site/vendor/reveal`) lie in its `assets` folder, once for all decks.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import re
import shutil
import struct
import sys
import time
import tomllib
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import yaml

SITE = Path(__file__).resolve().parent
sys.path[:0] = [str(SITE), str(SITE / "ext")]

from finish import add_policy, inspect_page  # noqa: E402
from pictures import small_png  # noqa: E402
from pygments.formatters import HtmlFormatter  # noqa: E402
from repository import public_address, read_address  # noqa: E402
from slide_deck import Deck, DeckMaker, read  # noqa: E402
from slide_text import Markdown, plain  # noqa: E402

REVEAL = "6.0.2"  # of npm's reveal.js: reveal.js, reveal.css and reset.css of its folder dist
DENSITY = 2  # pixels of a figure per pixel of the page
_SOURCES = ("slides.py", "slide_deck.py", "slide_text.py", "slides.css", "slides.js", "pictures.py")
_STYLES = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}
_KEYS = (
    ("→ or space", "next slide"),
    ("←", "slide before"),
    ("Esc", "overview of the deck"),
    ("F", "full screen"),
    ("M", "notes on this screen"),
    ("S", "notes in a second window, which keeps step"),
    ("D", "light or dark"),
    ("?", "all keys"),
)


class SlidesError(Exception):
    """The slides could not be made; the message says why and what to do."""


def make_slides(root: Path, tell: Callable[[str], None] = lambda line: None) -> Path:
    """Make a deck of each chapter that has run, and return the folder of the slides.

    Parameters
    ----------
    root : Path
        The folder of `_config.yml`.
    tell : callable
        Gets a line for each step.

    Raises
    ------
    SlidesError
        If a chapter has not run, or a slide shows what may not be published.
    """
    root = Path(root).resolve()
    target, work = root / "_build" / "downloads" / "slides", root / "_build" / "slides"
    parts = _notebooks(root)
    digest = _digest_inputs(root, parts)
    if _is_current(work / "made.json", target, digest):
        tell(f"{target} is up to date")
        return target
    staging = work / "new"
    shutil.rmtree(staging, ignore_errors=True)
    _lay_out_assets(staging)
    cache, listed = work / "figures", []
    cache.mkdir(parents=True, exist_ok=True)
    total = sum(len(notebooks) for _, notebooks in parts)
    for part, notebooks in parts:
        for notebook in notebooks:
            deck = _make_deck(root, notebook, cache, parts)
            for name, content in deck.figures.items():
                (staging / "assets" / "figures" / name).write_bytes(content)
            _write(staging / f"{deck.name}.html", _deck_page(deck))
            listed.append((part, deck))
            tell(f"  [{len(listed)}/{total}] {deck.name}: {deck.count} slides")
    _write(staging / "index.html", _index_page(root, listed))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    staging.rename(target)
    made = {"inputs": digest, "output": _digest_output(target)}
    (work / "made.json").write_text(json.dumps(made), encoding="utf-8")
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    slides = sum(deck.count for _, deck in listed)
    tell(f"{target}: {len(listed)} decks, {slides} slides, {size / 1e6:.1f} MB")
    return target


# ---- what goes in --------------------------------------------------------------------------------
def _notebooks(root: Path) -> list[tuple[str, list[Path]]]:
    """Return the notebooks of each part of the book; raises SlidesError where one has not run."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = []
    for part in toc.get("parts", [toc]):
        paths = [root / f"{entry['file']}.ipynb" for entry in part.get("chapters", [])]
        parts.append((part.get("caption", "Chapters"), [p for p in paths if p.is_file()]))
    missing = [p.stem for _, paths in parts for p in paths if not _record(root, p).is_file()]
    if missing:
        raise SlidesError(
            f"the book is not built ({', '.join(missing[:3])} not run): run `make book`"
        )
    return [(part, paths) for part, paths in parts if paths]


def _record(root: Path, notebook: Path) -> Path:
    return root / "_build" / "run" / f"{notebook.stem}.json"


def _digest_inputs(root: Path, parts: list[tuple[str, list[Path]]]) -> str:
    paths = [path for _, notebooks in parts for path in notebooks]
    paths += [_record(root, path) for path in paths]
    paths += [root / name for name in ("_toc.yml", "_config.yml", "pyproject.toml")]
    paths += [SITE / name for name in _SOURCES] + sorted((SITE / "ext").glob("*.py"))
    paths += [path for path in sorted((SITE / "vendor").rglob("*")) if path.is_file()]
    paths += [*sorted((SITE / "static").glob("*")), *sorted((root / "site/diagrams").glob("*"))]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _digest_output(target: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(target.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(target).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _is_current(made: Path, target: Path, digest: str) -> bool:
    try:
        known = json.loads(made.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return known == {"inputs": digest, "output": _digest_output(target)}


# ---- decks ---------------------------------------------------------------------------------------
def _make_deck(root: Path, notebook: Path, cache: Path, parts: list) -> Deck:
    decks = {path.stem for _, notebooks in parts for path in notebooks}
    base = public_address(read_address(root)) + "chapters/"

    def link(target: str) -> str:
        if re.match(r"[a-z]+:", target):
            return target
        path, _, fragment = target.partition("#")
        stem = re.sub(r"\.(ipynb|md|html)$", "", path.rsplit("/", 1)[-1]) or notebook.stem
        if stem in decks and not fragment:
            return f"{stem}.html"
        return f"{base}{stem}.html" + (f"#{fragment}" if fragment else "")

    def picture(data: str) -> tuple[str, int, int, bytes]:
        content = b64decode(data)
        name = hashlib.sha256(content).hexdigest()[:20] + ".png"
        kept = cache / name
        if not kept.is_file():
            kept.write_bytes(small_png(content))
        width, height = struct.unpack(">II", content[16:24])
        return name, round(width / DENSITY), round(height / DENSITY), kept.read_bytes()

    record = read(_record(root, notebook))
    when = datetime.fromisoformat(record["finished"])
    foot = f"The numbers are those of the run of {when.day} {when:%B %Y}."
    maker = DeckMaker(notebook.stem, Markdown(link, root / "site" / "diagrams"), picture)
    try:
        return maker.make(read(notebook), record, foot)
    except FileNotFoundError as error:
        raise SlidesError(f"{notebook.name}: {error}; run `make diagrams`") from error


def _deck_page(deck: Deck) -> str:
    heading = plain(deck.title)
    stacks = []
    number = 0
    for stack in deck.stacks:
        slides = []
        for slide in stack:
            number += 1
            title = f"<h2>{_inline(slide.title)}</h2>" if slide.title else ""
            notes = f'<aside class="notes">{slide.notes}</aside>' if slide.notes else ""
            slides.append(
                f'<section class="slide {slide.kind}" id="s{number}"><div class="fit">{title}'
                f'<div class="body">{slide.body}</div></div>{notes}</section>'
            )
        stacks.append("<section>" + "\n".join(slides) + "</section>")
    body = (
        '<main><div class="reveal" aria-label="Slides"><div class="slides">'
        + "\n".join(stacks)
        + "</div></div></main>"
        '<script src="assets/reveal.js"></script><script src="assets/slides.js"></script>'
    )
    styles = ("reset.css", "reveal.css")
    return _page(f"Slides: {heading}", body, styles, "deck")


def _inline(title: str) -> str:
    return Markdown(lambda target: target, SITE).inline(title)


def _index_page(root: Path, listed: list[tuple[str, Deck]]) -> str:
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    title = html.escape(config["title"])
    base = public_address(read_address(root))
    version = f", version {html.escape(project['version'])}" if "version" in project else ""
    lists, part_now = "", None
    for part, deck in listed:
        if part != part_now:
            lists += ("</ol>" if part_now else "") + f"<h2>{html.escape(part)}</h2><ol>"
            part_now = part
        name, _, rest = plain(deck.title).partition(":")
        about = f'<span class="about">{html.escape(rest.strip())}</span>' if rest else ""
        lists += (
            f'<li><a href="{deck.name}.html">{html.escape(name)}</a> {about} '
            f'<span class="about">{deck.count} slides</span></li>'
        )
    keys = "".join(
        f"<tr><th scope='row'><kbd>{html.escape(key)}</kbd></th><td>{what}</td></tr>"
        for key, what in _KEYS
    )
    home = html.escape(base)
    body = (
        f"<main><h1>Slides of {title}{version}</h1>"
        "<p>A deck for each chapter, made from the same notebooks and the same run as the pages of "
        "the book. The full text of a section stands in the notes of its first slide. Everything "
        "works with the network off; copy the folder as it is.</p>"
        f"{lists}</ol><h2>Keys</h2><table><thead><tr><th scope='col'>Key</th>"
        f"<th scope='col'>What it does</th></tr></thead><tbody>{keys}</tbody></table>"
        "<h2>On paper</h2><p>Open a deck with <code>?print-pdf</code> after its address and print "
        "it: a page for each slide.</p>"
        f'<p>The book: <a href="{home}">{home}</a></p></main>'
    )
    return _page(f"Slides of {config['title']}", body, (), "list")


def _page(title: str, body: str, styles: tuple[str, ...], kind: str) -> str:
    sheets = [*styles, "katex/katex.min.css", "book.css", "code.css", "slides.css"]
    links = "".join(f'<link rel="stylesheet" href="assets/{name}">' for name in sheets)
    text = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>"
        '<link rel="icon" href="assets/favicon.svg">'
        f'<script src="assets/theme-first.js"></script>{links}</head>'
        f'<body class="{kind}">{body}</body></html>\n'
    )
    return add_policy(text)


def _write(path: Path, text: str) -> None:
    faults = inspect_page(text)
    if faults:
        raise SlidesError(f"{path.name}: " + "; ".join(faults[:5]))
    path.write_text(text, encoding="utf-8")


# ---- what all decks share ------------------------------------------------------------------------
def _lay_out_assets(folder: Path) -> None:
    assets = folder / "assets"
    (assets / "figures").mkdir(parents=True)
    vendor = SITE / "vendor"
    for name in ("reveal.js", "reveal.css", "reset.css"):
        shutil.copy(vendor / "reveal" / name, assets)
    shutil.copy(vendor / "reveal" / "LICENSE", assets / "reveal-LICENSE")
    for name in ("book.css", "theme-first.js", "favicon.svg"):
        shutil.copy(SITE / "static" / name, assets)
    for name in ("slides.css", "slides.js"):
        shutil.copy(SITE / name, assets)
    shutil.copytree(vendor / "katex" / "static" / "katex", assets / "katex")
    shutil.copytree(vendor / "source-serif" / "static" / "source-serif", assets / "source-serif")
    rules = [
        HtmlFormatter(style=style).get_style_defs(f'html[data-theme="{mode}"] .highlight')
        for mode, style in _STYLES.items()
    ]
    (assets / "code.css").write_text("\n".join(rules) + "\n", encoding="utf-8")


def main() -> None:
    """Make the slides."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=SITE.parent, help="the folder of _config.yml")
    options = parser.parse_args()
    started = time.perf_counter()
    try:
        folder = make_slides(options.root, lambda line: print(line, flush=True))
    except SlidesError as error:
        sys.exit(f"There are no slides: {error}")
    print(f"Begin at {folder / 'index.html'}. It took {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
