"""The slides: what the rule chooses, and decks that fit, ask nobody and answer the keyboard."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import checks
import pytest
import slides
import yaml
from pdf_pages import page_names
from slide_deck import DeckMaker
from slide_text import Markdown, callout, first_sentences, items, sentences

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT / "_build" / "downloads" / "slides"
NOTEBOOKS = [Path(name).name for _, name in page_names(ROOT) if (ROOT / f"{name}.ipynb").is_file()]
# What sticks out of its slide, and what was set too small to be read from the last row.
OVERFLOW = """() => [...document.querySelectorAll('section.slide')].flatMap((slide) => {
  const chain = [slide, slide.parentElement];
  const before = chain.map((box) => [box.style.cssText, box.hidden]);
  chain.forEach((box) => {
    box.hidden = false;
    box.style.cssText =
      'display:block;position:absolute;top:0;left:0;transform:none;width:1280px;height:720px';
  });
  const faults = [];
  const inside = slide.getBoundingClientRect();
  const scale = inside.width / 1280;
  for (const part of slide.querySelectorAll('.fit, .body > *, .body svg, .katex-display .base')) {
    const box = part.getBoundingClientRect();
    if (box.bottom > inside.top + 720 * scale + 1 || box.right > inside.right + 1)
      faults.push(`${slide.id}: ${part.tagName}.${part.className} sticks out: ` +
        `${Math.round(box.right - inside.left)} × ${Math.round(box.bottom - inside.top)}`);
  }
  if (Number(slide.dataset.fit) < 0.6) faults.push(`${slide.id}: set at ${slide.dataset.fit}`);
  chain.forEach((box, at) => {
    box.style.cssText = before[at][0];
    box.hidden = before[at][1];
  });
  return faults;
})"""


def plain_markdown() -> Markdown:
    return Markdown(lambda target: target, ROOT / "site" / "diagrams")


def ready(page) -> None:
    """Wait until a deck has fitted its slides and reveal runs (the policy forbids polling)."""
    page.locator("html[data-ready=yes]").wait_for(state="attached", timeout=120_000)


def text_cell(source: str, *tags: str) -> dict:
    return {"cell_type": "markdown", "metadata": {"tags": list(tags)}, "source": source}


def code_cell(source: str, *tags: str) -> dict:
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source}


def said(words: str) -> list[dict]:
    return [{"output_type": "display_data", "data": {"text/markdown": words}, "metadata": {}}]


def make(cells: list[dict], outputs: list[list[dict]] | None = None):
    count = sum(cell["cell_type"] == "code" for cell in cells)
    maker = DeckMaker("x", plain_markdown(), lambda data: ("f.png", 4, 3, b""))
    head = text_cell("# 01 Title: the rest\n\nLead. More.\n\n- one;\n- two.")
    return maker.make({"cells": [head, *cells]}, {"outputs": outputs or [[]] * count}, "foot")


def body(deck) -> str:
    return "\n".join(f"{s.title}\n{s.body}" for stack in deck.stacks for s in stack)


# ---- what is chosen ------------------------------------------------------------------------------
def test_sentences_keep_formulas_abbreviations_and_bold_whole():
    text = "Take $x = 1. Y$ of them. See e.g. Figure 2. **Bold. Words** end. Is it? `A. B` is code."
    assert sentences(text) == [
        "Take $x = 1. Y$ of them.",
        "See e.g. Figure 2.",
        "**Bold. Words** end.",
        "Is it?",
        "`A. B` is code.",
    ]
    assert first_sentences("One 1.5 of it. Two.") == "One 1.5 of it."


def test_items_and_callouts():
    assert items("- one\n  goes on\n- two") == ["one goes on", "two"]
    assert callout("> **Definition (gap)** What is missing. More.") == (
        "Definition (gap)",
        "What is missing. More.",
    )
    assert callout("> Only a quotation.") is None


def test_a_section_gives_its_first_sentences_and_its_numbers_and_keeps_the_rest_for_the_speaker():
    deck = make(
        [
            text_cell("## A section\n\nFirst. Second. Third.\n\nA further paragraph."),
            code_cell("say(f'…')", "remove-input"),
        ],
        [said("Of 3, **2** hold. The rest does not.")],
    )
    assert [s.title for stack in deck.stacks for s in stack] == [
        "",
        "You will be able to",
        "A section",
    ]
    slide = deck.stacks[1][0]
    assert (
        slide.body
        == "<ul><li>First.</li><li>Second.</li><li>Of 3, <strong>2</strong> hold.</li></ul>"
    )
    for words in ("Third.", "A further paragraph.", "The rest does not."):
        assert words in slide.notes


def test_code_is_shown_where_it_is_short_and_not_folded():
    long = "\n".join(f"a{i} = {i}" for i in range(13))
    cells = [
        text_cell("## S\n\nText."),
        code_cell("import numpy as np"),
        code_cell(long),
        code_cell("hidden = 1", "hide-input"),
        code_cell("shown = 1"),
        code_cell("second = 2"),
    ]
    text = re.sub("<[^>]+>", "", body(make(cells)))
    assert "shown = 1" in text
    assert not any(word in text for word in ("import", "a12", "hidden", "second"))


def test_an_author_can_overrule_the_rule():
    cells = [
        text_cell("## S\n\nLeft out.", "skip-slide"),
        text_cell("Whole. Paragraph. Kept.", "slide"),
        code_cell("first = 1"),
        code_cell("wanted = 2", "slide"),
    ]
    text = re.sub("<[^>]+>", "", body(make(cells)))
    assert "Left out" not in text
    assert all(word in text for word in ("Whole.", "Paragraph.", "Kept.", "wanted = 2"))
    assert "first = 1" not in text


def test_exercises_come_without_check_and_solution_and_reading_stays_in_the_book():
    cells = [
        text_cell("## Exercises\n\n### Exercise 1.1 ★ Count\n\nCount them."),
        code_cell("answer = ...  # a number", "exercise"),
        code_cell("CHECK = 41 + 1", "check", "hide-input"),
        code_cell("SOLUTION = 42", "solution", "hide-input"),
        text_cell(
            "## Self-test\n\nAnswer.\n\n**1.** Why? And how?\n\n"
            "<details><summary>Answer</summary>\n\nSecret.\n\n</details>"
        ),
        text_cell("## What to take away\n\n- Whole sentence. And its second."),
        text_cell("## Further reading\n\n- A book."),
    ]
    deck = make(cells, [[], said("not answered"), said("SOLVED")])
    text = re.sub("<[^>]+>", "", body(deck))
    assert "Count them." in text and "answer = ..." in text  # noqa: PT018
    assert "1. Why? And how?" in text and "And its second." in text  # noqa: PT018
    everything = text + "".join(s.notes for stack in deck.stacks for s in stack)
    for word in ("CHECK", "SOLUTION", "SOLVED", "Secret", "A book", "not answered"):
        assert word not in everything


def test_a_long_list_is_dealt_over_slides_and_a_long_table_is_cut():
    points = "\n".join(f"- Point {i} with some words." for i in range(8))
    rows = "".join(f"<tr><th>{i}</th><td>{i}</td></tr>" for i in range(12))
    head = "<thead><tr><th></th><th>n</th></tr></thead>"
    table = f'<table class="dataframe">{head}<tbody>{rows}</tbody></table>'
    output = [{"output_type": "execute_result", "data": {"text/html": table}, "metadata": {}}]
    deck = make([text_cell(f"## What to take away\n\n{points}"), code_cell("frame")], [output])
    slides_of = deck.stacks[1]
    assert [s.body.count("<li>") for s in slides_of if s.kind == "points"] == [6, 2]
    shown = next(s.body for s in slides_of if s.kind == "table")
    assert shown.count("<tr>") == 1 + 8
    assert "The first 8 of 12 rows." in shown


def test_formulas_and_diagrams_are_drawn():
    diagram = next((ROOT / "site" / "diagrams").glob("*.svg")).stem
    text = next(
        found
        for path in sorted((ROOT / "chapters").glob("*.ipynb"))
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        for found in re.findall(r"```mermaid\n.*?```", "".join(cell["source"]), re.DOTALL)
    )
    assert diagram
    deck = make([text_cell(f"## S\n\nText.\n\n$$\nx^2\n$$\n\n{text}")])
    kinds = [s.kind for s in deck.stacks[1]]
    assert kinds == ["points", "formula", "diagram"]
    assert 'class="katex-display"' in deck.stacks[1][1].body
    assert "<svg" in deck.stacks[1][2].body


# ---- the sample book -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def made(sample_root) -> Path:
    return slides.make_slides(sample_root)


def test_an_unchanged_book_is_not_made_again(made, sample_root):
    lines: list[str] = []
    before = (made / "index.html").stat().st_mtime_ns
    slides.make_slides(sample_root, lines.append)
    assert (made / "index.html").stat().st_mtime_ns == before
    assert lines == [f"{made} is up to date"]


def test_a_book_that_has_not_run_is_named(sample_root, tmp_path):
    for name in ("_toc.yml", "_config.yml", "pyproject.toml"):
        shutil.copy(sample_root / name, tmp_path)
    shutil.copytree(sample_root / "chapters", tmp_path / "chapters")
    with pytest.raises(slides.SlidesError, match=r"01_sample not run.*make book"):
        slides.make_slides(tmp_path)


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "01_sample.html"])
def test_sample_slides_are_accessible_and_ask_nobody(contexts, made, name, mode):
    assert checks.policy_faults((made / name).read_text(encoding="utf-8")) == []
    with checks.serve(made) as base:
        page, faults = checks.visit(contexts[f"axe {mode}"], base + name)
        if name != "index.html":
            ready(page)
        assert faults + checks.axe_violations(page) == []
        assert page.locator("html").get_attribute("data-theme") == mode
        page.close()


@pytest.mark.browser
def test_keyboard_alone_goes_through_a_deck(contexts, made):
    page, faults = checks.visit(contexts["light"], (made / "01_sample.html").as_uri())
    ready(page)
    total = page.locator("section.slide").count()
    seen = []
    for _ in range(total):
        seen.append(page.evaluate("Reveal.getCurrentSlide().id"))
        page.keyboard.press("ArrowRight")
    assert seen == [f"s{number}" for number in range(1, total + 1)]
    assert page.evaluate("Reveal.isLastSlide()")
    page.keyboard.press("Home")
    assert page.evaluate("Reveal.getCurrentSlide().id") == "s1"
    page.keyboard.press("d")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.keyboard.press("m")
    page.locator(".speaker-notes").wait_for()
    page.keyboard.press("m")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog", name="Keys").is_hidden()
    page.evaluate("localStorage.clear()")
    assert faults == []
    page.close()


@pytest.mark.browser
def test_notes_in_a_second_window_keep_step(browser, made):
    context = browser.new_context()
    page = context.new_page()
    page.goto((made / "01_sample.html").as_uri())
    ready(page)
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value
    ready(notes)
    notes.locator(".speaker-notes").wait_for()
    page.bring_to_front()
    page.keyboard.press("ArrowRight")
    notes.locator("section.present#s2").wait_for()
    notes.bring_to_front()
    notes.keyboard.press("ArrowRight")
    page.locator("section.present#s3").wait_for()
    context.close()


@pytest.mark.browser
def test_a_deck_prints_a_page_for_each_slide(contexts, made):
    page, faults = checks.visit(
        contexts["light"], (made / "01_sample.html").as_uri() + "?print-pdf"
    )
    ready(page)
    page.locator(".pdf-page").first.wait_for()
    assert page.locator(".pdf-page").count() == page.locator("section.slide").count()
    assert faults == []
    page.close()


@pytest.mark.browser
def test_what_is_too_big_is_set_smaller_until_it_fits(browser, made, tmp_path):
    shutil.copytree(made, tmp_path / "slides")
    path = tmp_path / "slides" / "01_sample.html"
    text = path.read_text(encoding="utf-8")
    crowd = "<p>" + "A sentence that takes its room on the slide. " * 24 + "</p>"
    before, opening, after = text.partition('id="s2"')
    after = after.replace('<div class="body">', f'<div class="body">{crowd}', 1)
    path.write_text(before + opening + after, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(path.as_uri())
    ready(page)
    assert 0.6 <= float(page.locator("#s2").get_attribute("data-fit")) < 1
    assert page.evaluate(OVERFLOW) == []
    page.add_style_tag(content=".fit { --fit: 1 !important; }")
    assert any(fault.startswith("s2:") for fault in page.evaluate(OVERFLOW))
    page.close()


# ---- the real book -------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def real() -> Path:
    parts = slides._notebooks(ROOT)
    made = ROOT / "_build" / "slides" / "made.json"
    if not slides._is_current(made, REAL, slides._digest_inputs(ROOT, parts)):
        pytest.fail("the slides are not those of this book: run `make slides` first")
    return REAL


def test_there_is_a_deck_for_each_notebook_and_the_index_lists_it(real):
    index = (real / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<a href="(\w+)\.html">', index) == NOTEBOOKS
    assert sorted(path.stem for path in real.glob("*.html")) == sorted([*NOTEBOOKS, "index"])
    captions = [
        part["caption"]
        for part in yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))["parts"]
        if any((ROOT / f"{page['file']}.ipynb").is_file() for page in part["chapters"])
    ]
    assert [h for h in re.findall(r"<h2>(.*?)</h2>", index) if h in captions] == captions


def test_the_folder_is_whole_and_small(real):
    wanted = set()
    for path in real.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert checks.policy_faults(text) == []
        links = re.findall(r'(?:src|href)="([^"#?]+)"', text)
        local = {unquote(link) for link in links if not re.match(r"[a-z]+:", link)}
        assert [link for link in local if not (real / link).is_file()] == []
        wanted |= local
    kept = {p.relative_to(real).as_posix() for p in (real / "assets" / "figures").glob("*")}
    assert kept == {link for link in wanted if link.startswith("assets/figures/")}
    size = sum(path.stat().st_size for path in real.rglob("*") if path.is_file())
    assert size < 12_000_000


@pytest.mark.browser
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_slide_overflows_and_none_asks_another_host(browser, real, name):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page, faults = checks.visit(context, (real / f"{name}.html").as_uri())
    ready(page)
    assert faults + page.evaluate(OVERFLOW) == []
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_real_slides_are_accessible(contexts, real, mode):
    for name in ("index.html", f"{NOTEBOOKS[0]}.html"):
        page, faults = checks.visit(contexts[f"axe {mode}"], (real / name).as_uri())
        if name != "index.html":
            ready(page)
        assert faults + checks.axe_violations(page) == []
        page.close()
