"""Print the whole book into one PDF: `python site/pdf.py` (or `make pdf`).

The finished site is joined into one page (`pdf_pages.py`, `pdf_document.py`), Chromium prints that
page twice (once to learn where each heading falls, once with the page numbers filled in), and the
file is made smaller (`pdf_file.py`). It is tagged, has an outline, and is dated with the run whose
numbers it shows. An unchanged book is not printed again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SITE = Path(__file__).resolve().parent
sys.path[:0] = [str(SITE), str(SITE / "ext")]

from browser import COMMAND, FLAGS, find_browser  # noqa: E402
from pdf_document import read_author, read_facts, write_document  # noqa: E402
from pdf_file import PdfError, PdfFile  # noqa: E402
from pdf_pages import NOT_PRINTED, Joiner, page_names  # noqa: E402

NAME = "recbook.pdf"
WIDTH = 642  # what the page's 170 mm are in the pixels of a style sheet
OLDEST = 131  # the first Chromium that prints headers and footers from a style sheet
_SOURCES = ("pdf*.py", "pictures.py", "pdf.css", "ext/repository.py")
# Runs in the page: what is wider than the paper is set smaller, so that nothing is cut off.
_FIT = """() => {
  const shrink = (box, wide) => {
    const room = box.parentElement.clientWidth;
    if (wide > room + 1) box.style.zoom = Math.max(0.45, room / wide);
  };
  for (const table of document.querySelectorAll('table')) {
    const room = table.parentElement.clientWidth;
    if (table.matches('.dataframe') && table.offsetWidth > room) table.classList.add('wide');
    shrink(table, table.offsetWidth);
  }
  for (const box of document.querySelectorAll('.katex-display')) shrink(box, box.scrollWidth);
}"""
_NUMBER = """(places) => {
  for (const node of document.querySelectorAll('.page-of')) {
    const page = places[node.dataset.of];
    if (page === undefined) throw new Error(`no page is known for ${node.dataset.of}`);
    node.textContent = page;
  }
}"""
_HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
  .map((heading) => heading.textContent.replace(/\\s+/g, ' ').trim())"""


def make_pdf(root: Path, tell: Callable[[str], None] = lambda line: None) -> Path:
    """Print the book in `root/_build/html` and return the path of the PDF.

    Parameters
    ----------
    root : Path
        The folder of `_config.yml`.
    tell : callable
        Gets a line for each step.

    Raises
    ------
    PdfError
        If the book is not built, or there is no browser that can print it.
    """
    root = Path(root).resolve()
    target, work = root / "_build" / "downloads" / NAME, root / "_build" / "pdf"
    digest = _digest_inputs(root)
    if _is_current(work / "made.json", target, digest):
        tell(f"{target} is up to date")
        return target
    browser = find_browser()
    if browser is None:
        raise PdfError(f"printing needs a Chromium: run `{COMMAND}`")
    joiner = Joiner(root)
    tell(f"1/4 joining {len(joiner.pages)} pages")
    for part, page in joiner.pages:
        joiner.add(part, page)
    work.mkdir(parents=True, exist_ok=True)
    source = work / "book.html"
    source.write_text(write_document(joiner), encoding="utf-8")
    with ThreadPoolExecutor(1) as own:  # Playwright wants a thread without a loop of another's
        content, headings = own.submit(_print, browser, source, tell).result()
    tell("4/4 writing")
    book, (_, _, when) = PdfFile(content), read_facts(joiner)
    book.name_outline(headings)
    book.tag_formulas()
    book.simplify_tags()
    book.shrink_pictures()
    book.date(when, Author=read_author(joiner), Creator="recbook")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(book.packed())
    os.replace(part, target)
    made = {"inputs": digest, "output": hashlib.sha256(target.read_bytes()).hexdigest()}
    (work / "made.json").write_text(json.dumps(made), encoding="utf-8")
    tell(f"{target}: {book.page_count()} pages, {target.stat().st_size / 1e6:.1f} MB")
    return target


def _print(browser: str, source: Path, tell: Callable[[str], None]) -> tuple[bytes, list[str]]:
    """Return the printed document and the words of its headings, in order."""
    from playwright.sync_api import Error, sync_playwright

    paper = {"prefer_css_page_size": True, "print_background": True}
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=browser, args=list(FLAGS))
            if int(chromium.version.split(".")[0]) < OLDEST:
                raise PdfError(
                    f"{browser} is Chromium {chromium.version}; printing needs {OLDEST} or later: "
                    "update it, or set RECBOOK_BROWSER to another"
                )
            page = chromium.new_page(viewport={"width": WIDTH, "height": 900})
            page.set_default_timeout(600_000)
            page.emulate_media(media="print")
            page.goto(source.as_uri())
            page.evaluate("document.fonts.ready.then(() => true)")
            page.evaluate(_FIT)
            tell("2/4 printing, to learn the page numbers")
            places = PdfFile(page.pdf(**paper, tagged=False, outline=False)).places()
            page.evaluate(_NUMBER, places)
            tell("3/4 printing, with page numbers, tags and outline")
            content = page.pdf(**paper, tagged=True, outline=True)
            headings = page.evaluate(_HEADINGS)
            chromium.close()
        except Error as error:
            first = str(error).strip().splitlines()[0]
            raise PdfError(f"{browser} could not print the book: {first}") from None
    if PdfFile(content).places() != places:
        raise PdfError("the page numbers moved while they were filled in; this is a fault of ours")
    return content, headings


def _digest_inputs(root: Path) -> str:
    html = root / "_build" / "html"
    pages = [html / f"{name}.html" for _, name in page_names(root)]
    missing = [path.name for path in pages if not path.is_file()]
    if missing:
        raise PdfError(f"the book is not built ({', '.join(missing[:3])} missing): run `make book`")
    digest = hashlib.sha256()
    # The page of downloads tells the size of this very file.
    printed = [path for path in pages if path.stem not in NOT_PRINTED]
    kept = [
        *printed,
        *html.glob("_static/*.css"),
        *(p for name in _SOURCES for p in SITE.glob(name)),
    ]
    kept += [root / "pyproject.toml", root / "_config.yml"]
    kept += [*root.glob("_build/run/*.json"), *(SITE / "vendor").glob("source-serif/print/*")]
    for path in sorted(kept):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    for path in sorted(html.glob("_images/*")):
        digest.update(f"{path.name} {path.stat().st_size}".encode())
    return digest.hexdigest()


def _is_current(made: Path, target: Path, digest: str) -> bool:
    try:
        known = json.loads(made.read_text(encoding="utf-8"))
        output = hashlib.sha256(target.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return False
    return known == {"inputs": digest, "output": output}


def main() -> None:
    """Print the book."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=SITE.parent, help="the folder of _config.yml")
    options = parser.parse_args()
    started = time.perf_counter()
    try:
        make_pdf(options.root, lambda line: print(line, flush=True))
    except PdfError as error:
        sys.exit(f"There is no PDF: {error}")
    print(f"It took {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
