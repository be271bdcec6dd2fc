"""The PDF: how pages are joined, how the file is packed, and what a reader finds in it."""

import functools
import io
import json
import os
import random
import re
import shutil
import zlib
from pathlib import Path

import pdf
import pikepdf
import pypdf
import pytest
from bs4 import BeautifulSoup
from pdf_document import write_document
from pdf_file import PdfFile
from pdf_pages import Joiner, anchor, page_names
from pdf_speech import speak
from pictures import few_colours
from pikepdf import Array, Dictionary, Name, String
from PIL import Image

# ruff: noqa: E501 (pages as Sphinx writes them)
ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT / "_build" / "downloads" / "recbook.pdf"
FORMULA = (
    '<span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML">'
    "<semantics><mrow><msub><mi>x</mi><mi>i</mi></msub><mo>≤</mo><mfrac><mn>1</mn><mn>2</mn></mfrac>"
    '</mrow><annotation encoding="application/x-tex">x_i \\le 1/2</annotation></semantics></math></span>'
    '<span class="katex-html" aria-hidden="true"><span class="base">x</span></span></span>'
)
CHAPTER = f"""
<section id="chapter"><h1>01 First: a chapter<a class="headerlink" href="#chapter">#</a></h1>
<p>Text with {FORMULA} and <a href="claims.html#claim-a">a claim</a>,
<a href="../_sources/chapters/01_first.ipynb">a file</a>, <a href="https://example.org/">a host</a>,
<a href="claims.html#not-printed">a place that is not printed</a>.</p>
<img alt="A line." src="../_images/a.png" loading="lazy"/>
<div class="cell tag_hide-input"><details class="hide"><summary>Show the code</summary>
<div class="cell_input"><pre>if "google.colab" in sys.modules: pass</pre></div></details></div>
<div class="cell tag_hide-input tag_claim"><details class="hide"><summary>Show the check</summary>
<div class="cell_input"><pre>claim("a")</pre></div></details>
<div class="cell_output"><p>✓ <strong>Checked:</strong> It holds.</p></div></div>
<section id="exercises"><h2>Exercises</h2><section id="exercise-1-1"><h3>Exercise 1.1 ★ Count</h3><p>Count.</p>
<div class="cell tag_exercise"><div class="cell_input"><pre>answer = ...</pre></div></div>
<div class="cell tag_hide-input tag_check"><details class="hide"><summary>Show the check</summary>
<div class="cell_input"><pre>THE_CHECK = 42</pre></div></details><div class="cell_output"><p>not answered yet</p></div></div>
<div class="cell tag_hide-cell tag_solution"><details class="hide"><summary>Show the solution</summary>
<div class="cell_input"><pre>THE_SOLUTION = 42</pre></div><div class="cell_output"><p>was checked ✓</p></div></details></div>
</section></section>
<section id="self-test"><h2>Self-test</h2><p>Why is it so?</p>
<details><summary>Answer</summary><p>THE_ANSWER</p></details></section>
<section id="more"><h2>More</h2><details><summary>Aside</summary><p>An aside.</p></details></section>
</section>"""
CLAIMS = '<section id="claims"><h1>Claims</h1><p><span id="claim-a">a</span></p></section>'


def page(article: str) -> str:
    return f'<html><body><article class="bd-article">{article}</article></body></html>'


@pytest.fixture
def joined(tmp_path) -> BeautifulSoup:
    """The document that a book of three pages becomes."""
    pages = {
        "index": '<section id="book"><h1>Book: of three pages</h1><p>Hello.</p></section>',
        "01_first": CHAPTER,
        "claims": CLAIMS,
    }
    folder = tmp_path / "_build" / "html" / "chapters"
    folder.mkdir(parents=True)
    for name, article in pages.items():
        (folder / f"{name}.html").write_text(page(article), encoding="utf-8")
    (tmp_path / "_build" / "run").mkdir()
    run = {"finished": "2025-03-04T05:06:07+00:00"}
    (tmp_path / "_build" / "run" / "01_first.json").write_text(json.dumps(run), encoding="utf-8")
    (tmp_path / "_config.yml").write_text("title: book\nauthor: We\n", encoding="utf-8")
    (tmp_path / "_toc.yml").write_text(
        "root: chapters/index\nparts:\n- caption: Chapters\n  chapters:\n"
        "  - file: chapters/01_first\n- caption: Appendices\n  chapters:\n  - file: chapters/claims\n",
        encoding="utf-8",
    )
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "b"\nversion = "1.2.3"\n[project.urls]\nRepository = "https://github.com/o/b"\n',
        encoding="utf-8",
    )
    joiner = Joiner(tmp_path)
    for part, name in joiner.pages:
        joiner.add(part, name)
    return BeautifulSoup(write_document(joiner), "html.parser")


# ---- joining -------------------------------------------------------------------------------------
def test_pages_come_in_order_with_the_solutions_at_the_very_end(joined):
    assert [h.get_text() for h in joined.select("h1")] == [
        "Contents",
        "Book: of three pages",
        "01 First: a chapter",
        "Claims",
        "Code behind the folds",
        "Solutions",
    ]
    cover = joined.select_one("#cover").get_text(" ")
    assert "Version 1.2.3, run of 4 March 2025" in cover
    assert "We" in cover


def test_ids_are_unique_and_every_link_inside_leads_somewhere(joined):
    ids = [node["id"] for node in joined.select("[id]")]
    assert len(ids) == len(set(ids))
    links = [link["href"] for link in joined.select("a[href]")]
    inside = [link[1:] for link in links if link.startswith("#")]
    assert set(inside) <= set(ids)
    assert {node["data-of"] for node in joined.select(".page-of")} <= set(ids)
    assert "#" + anchor("chapters/claims", "claim-a") in links
    lost = joined.find("a", string="a place that is not printed")
    assert lost["href"] == "#" + anchor("chapters/claims")
    outside = {link for link in links if not link.startswith("#")}
    assert outside == {
        "https://o.github.io/b/",
        "https://o.github.io/b/_sources/chapters/01_first.ipynb",
        "https://example.org/",
    }


def test_exercises_give_nothing_away_and_solutions_link_there_and_back(joined):
    chapter, end = joined.select_one("article.first"), joined.select_one("#solutions")
    for word in ("THE_CHECK", "THE_SOLUTION", "THE_ANSWER", "not answered yet"):
        assert word not in chapter.get_text()
    for word in ("THE_CHECK", "THE_SOLUTION", "THE_ANSWER", "was checked", "Why is it so?"):
        assert word in end.get_text()
    exercise = chapter.find("h3")
    there = exercise.find_next("a", string="Solution")["href"]
    heading = joined.select_one(there)
    assert heading.get_text() == "Exercise 1.1 ★ Count"
    assert heading.find_next("a")["href"] == "#" + exercise["id"]
    assert chapter.find("a", string="Answers") is not None


def test_folded_code_moves_and_other_folds_are_opened(joined):
    chapter, folded = joined.select_one("article.first"), joined.select_one("#folded")
    assert "google.colab" not in joined.get_text()
    assert 'claim("a")' not in chapter.get_text()
    assert 'claim("a")' in folded.get_text()
    assert "Checked: It holds. code p. 000" in chapter.get_text()
    assert joined.select("details") == []
    assert chapter.select_one(".opened").get_text(" ", strip=True) == "Aside An aside."


def test_a_formula_is_named_in_words(joined):
    formula = joined.select_one(".katex-html")
    assert formula["role"] == "img"
    assert formula["aria-label"] == "formula: x sub i at most 1 over 2"
    assert joined.select("math") == []


@pytest.mark.parametrize(
    ("mathml", "words"),
    [
        ("<msup><mi>x</mi><mn>2</mn></msup>", "x to the 2"),
        ("<msqrt><mi>a</mi><mo>+</mo><mi>b</mi></msqrt>", "root of (a plus b)"),
        (
            "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>",
            "sum from (i equals 1) to n",
        ),
        ("<mover><mi>r</mi><mo>^</mo></mover>", "r hat"),
    ],
)
def test_speaking(mathml, words):
    assert speak(f"<math><semantics>{mathml}</semantics></math>") == words


# ---- packing -------------------------------------------------------------------------------------
def test_few_colours_keeps_a_drawing_and_refuses_what_would_be_seen():
    drawing = Image.new("RGB", (200, 200), "white")
    drawing.paste((0, 90, 160), (20, 20, 120, 60))
    reduced = few_colours(drawing)
    assert reduced.convert("RGB").tobytes() == drawing.tobytes()
    noise = Image.frombytes("RGB", (200, 200), os.urandom(200 * 200 * 3))
    assert few_colours(noise) is None


def test_what_is_no_pdf_is_refused():
    with pytest.raises(pdf.PdfError, match=r"no PDF that can be read"):
        PdfFile(b"%PDF-1.4\nsomething else\n%%EOF")


def tagged_pdf() -> bytes:
    """Two pages with tags as Chromium writes them: pieces of text in tags without meaning."""
    file = pikepdf.new()
    for _ in range(2):
        file.add_blank_page()
    one, two = (sheet.obj for sheet in file.pages)
    new = file.make_indirect

    def tag(kind: str, up: Dictionary, **more: object) -> Dictionary:
        return new(Dictionary(Type=Name.StructElem, S=Name(f"/{kind}"), P=up, **more))

    tree = new(Dictionary(Type=Name.StructTreeRoot))
    text = tag("P", tree)
    outer = tag("NonStruct", text)
    pieces = [tag("NonStruct", outer, Pg=one, K=0), tag("NonStruct", outer, Pg=two, K=Array([0]))]
    said = tag("NonStruct", text, Pg=two, K=1, Lang=String("zh"))
    picture = tag("Figure", outer, Pg=two, K=2, Alt=String("formula: x 对"))
    outer.K, text.K, tree.K = Array([*pieces, picture]), Array([outer, said]), text
    lists = [new(Array([pieces[0]])), new(Array([pieces[1], said, picture]))]
    tree.ParentTree = new(Dictionary(Nums=Array([0, lists[0], 1, lists[1]])))
    file.Root.StructTreeRoot = tree
    buffer = io.BytesIO()
    file.save(buffer, static_id=True)
    return buffer.getvalue()


def test_text_of_tags_without_meaning_goes_to_the_tag_around_them():
    file = PdfFile(tagged_pdf())
    assert file.tag_formulas() == 1
    assert file.simplify_tags() == 3
    file.date("2025-03-04T05:06:07+00:00", Author="对")
    content = file.packed()
    kept = pikepdf.open(io.BytesIO(content))
    one, two = (sheet.obj.objgen for sheet in kept.pages)
    text = kept.Root.StructTreeRoot.K
    first, second, formula, said = text.K
    assert (first, text.Pg.objgen) == (0, one)
    assert (second.Type, second.MCID, second.Pg.objgen) == (Name.MCR, 0, two)
    assert (formula.S, str(formula.Alt), formula.P.objgen) == (Name.Formula, "x 对", text.objgen)
    assert (said.S, said.Lang, said.P.objgen) == (Name.NonStruct, "zh", text.objgen)
    lists = [
        [tag.objgen for tag in marks] for marks in kept.Root.StructTreeRoot.ParentTree.Nums[1::2]
    ]
    assert lists == [[text.objgen], [text.objgen, said.objgen, formula.objgen]]
    assert str(kept.docinfo["/Author"]) == "对"
    assert str(kept.docinfo["/CreationDate"]) == "D:20250304050607+00'00'"


def test_the_same_print_gives_the_same_bytes():
    def pack() -> bytes:
        file = PdfFile(tagged_pdf())
        file.simplify_tags()
        file.date("2025-03-04T05:06:07+00:00")
        return file.packed()

    assert pack() == pack()


def test_an_outline_that_is_not_that_of_the_document_is_refused():
    with pytest.raises(pdf.PdfError, match=r"0 entries and the document 1 headings"):
        PdfFile(tagged_pdf()).name_outline(["A heading"])


def test_a_drawing_gets_a_palette_and_looks_the_same():
    drawing = Image.new("RGB", (200, 200), "white")
    drawing.paste((0, 90, 160), (20, 20, 120, 60))
    noise = Image.frombytes("RGB", (200, 200), random.Random(1).randbytes(200 * 200 * 3))
    file = pikepdf.new()
    for picture in (drawing, noise):
        stream = pikepdf.Stream(file, zlib.compress(picture.tobytes()))
        stream.stream_dict = Dictionary(
            Type=Name.XObject, Subtype=Name.Image, Width=200, Height=200, BitsPerComponent=8,
            ColorSpace=Name.DeviceRGB, Filter=Name.FlateDecode,
        )  # fmt: skip
        sheet = file.add_blank_page()
        sheet.Resources = Dictionary(XObject=Dictionary(X=file.make_indirect(stream)))
    buffer = io.BytesIO()
    file.save(buffer)
    mended = PdfFile(buffer.getvalue())
    assert mended.shrink_pictures() == 1
    kept = pikepdf.open(io.BytesIO(mended.packed()))
    shown = [pikepdf.PdfImage(sheet.Resources.XObject.X) for sheet in kept.pages]
    assert [picture.indexed for picture in shown] == [True, False]
    for picture, before in zip(shown, (drawing, noise), strict=True):
        assert picture.as_pil_image().convert("RGB").tobytes() == before.tobytes()


# ---- the sample book -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def sample_pdf(sample_root) -> Path:
    return pdf.make_pdf(sample_root)


def tags(reader: pypdf.PdfReader) -> list[tuple[str, str, int]]:
    """Return each tag of a document: its kind, its words, how many pieces of text it holds itself."""
    found = []

    def walk(node, number: int | None) -> None:
        node = node.get_object()
        kids = node.get("/K", [])
        kids = kids if isinstance(kids, list) else [kids]
        own = [k for k in kids if isinstance(k, int)]
        found.append((str(node.get("/S", "")), str(node.get("/Alt", "")), len(own)))
        assert not own or "/Pg" in node
        for kid in kids:
            inner = kid.get_object()
            if not isinstance(inner, int) and inner.get("/Type") not in ("/OBJR", "/MCR"):
                walk(kid, number)

    walk(reader.trailer["/Root"]["/StructTreeRoot"], None)
    return found


def headings(reader: pypdf.PdfReader) -> list[tuple[int, str, int]]:
    """Return the entries of the outline: level, words, page (from 1)."""
    found = []

    def walk(entries: list, level: int) -> None:
        for entry in entries:
            if isinstance(entry, list):
                walk(entry, level + 1)
            else:
                number = reader.get_destination_page_number(entry) + 1
                found.append((level, str(entry.title), number))

    walk(reader.outline, 1)
    return found


def link_faults(reader: pypdf.PdfReader) -> tuple[list[str], int, int]:
    """Return faulty links, and how many lead inside and outside."""
    names, faults, inside, outside = reader.trailer["/Root"].get("/Dests", {}), [], 0, 0
    for number, sheet in enumerate(reader.pages, start=1):
        for note in sheet.get("/Annots") or []:
            note = note.get_object()
            if "/Dest" in note:
                inside += 1
                if note["/Dest"] not in names:
                    faults.append(f"page {number}: link to {note['/Dest']}")
            elif "/A" in note:
                outside += 1
                address = str(note["/A"].get("/URI", ""))
                if not re.match(r"https?://", address):
                    faults.append(f"page {number}: link to {address!r}")
    return faults, inside, outside


def font_faults(reader: pypdf.PdfReader) -> list[str]:
    """Return fonts that are not embedded."""
    faults, seen = set(), set()
    for sheet in reader.pages:
        for font in (sheet["/Resources"].get("/Font") or {}).values():
            number = font.indirect_reference.idnum if font.indirect_reference else id(font)
            if number in seen:
                continue
            seen.add(number)
            font = font.get_object()
            if font["/Subtype"] == "/Type3":  # its letters are drawn in the file itself
                continue
            inner = font["/DescendantFonts"][0] if "/DescendantFonts" in font else font
            descriptor = inner.get_object().get("/FontDescriptor", {})
            if not any(f"/FontFile{kind}" in descriptor for kind in ("", "2", "3")):
                faults.add(str(font.get("/BaseFont")))
    return sorted(faults)


@pytest.mark.browser
def test_sample_is_tagged_dated_and_not_printed_twice(sample_pdf, sample_root):
    reader = pypdf.PdfReader(sample_pdf)
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"].value
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value
    words = reader.metadata
    assert (words["/Author"], words["/Creator"]) == ("The recbook authors", "recbook")
    assert words["/CreationDate"] == words["/ModDate"] == "D:20251122014000+00'00'"
    lines: list[str] = []
    before = sample_pdf.stat().st_mtime_ns
    assert pdf.make_pdf(sample_root, lines.append) == sample_pdf
    assert sample_pdf.stat().st_mtime_ns == before
    assert lines == [f"{sample_pdf} is up to date"]


@pytest.mark.browser
def test_sample_has_outline_links_fonts_and_the_words_of_its_pages(sample_pdf):
    reader = pypdf.PdfReader(sample_pdf)
    assert link_faults(reader)[0] == font_faults(reader) == []
    entries = headings(reader)
    top = [title for level, title, _ in entries if level == 1]
    assert top[0] == "Contents"
    assert top[2:4] == ["A sample chapter", "Words in two languages"]
    assert (2, "A table", next(p for _, t, p in entries if t == "A table")) in entries
    for _, title, number in entries[1:]:
        text = re.sub(r"\W+", "", reader.pages[number - 1].extract_text())
        assert re.sub(r"\W+", "", title)[:30] in text
    text = "\n".join(sheet.extract_text() for sheet in reader.pages)
    assert "协同过滤" in text
    assert "a stream of text" in text
    contents = reader.pages[1].extract_text()
    shown = dict(re.findall(r"^(.+?) ?(\d+)$", contents, re.MULTILINE))
    assert int(shown["A table"]) == next(p for _, t, p in entries if t == "A table")
    assert "000" not in shown.values()


@pytest.mark.browser
def test_sample_tags_say_what_is_what(sample_pdf):
    found = tags(pypdf.PdfReader(sample_pdf))
    kinds = {kind for kind, _, _ in found}
    assert {"/Document", "/H1", "/H2", "/P", "/Table", "/TH", "/TD", "/Figure", "/Formula"} <= kinds
    words = {alt for kind, alt, _ in found if kind == "/Figure"}
    assert "A curve that rises ever more slowly from 0 to 3." in words
    formulas = [alt for kind, alt, _ in found if kind == "/Formula"]
    assert "r hat sub (u i) equals μ plus b sub u plus b sub i" in formulas
    assert all(formulas)


def test_a_book_that_is_not_built_and_a_missing_browser_are_named(
    sample_root, tmp_path, monkeypatch
):
    for name in ("_toc.yml", "_config.yml", "pyproject.toml"):
        shutil.copy(sample_root / name, tmp_path)
    with pytest.raises(pdf.PdfError, match=r"not built.*run `make book`"):
        pdf.make_pdf(tmp_path)
    (tmp_path / "_build").mkdir()
    shutil.copytree(sample_root / "_build" / "html", tmp_path / "_build" / "html")
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    with pytest.raises(pdf.PdfError, match=r"Chromium.*site/browser.py"):
        pdf.make_pdf(tmp_path)


# ---- the real book -------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def book() -> pypdf.PdfReader:
    made = ROOT / "_build" / "pdf" / "made.json"
    if not pdf._is_current(made, REAL, pdf._digest_inputs(ROOT)):
        pytest.fail("the PDF is not that of this book: run `make pdf` first")
    return pypdf.PdfReader(REAL)


@functools.cache
def site_headings(name: str) -> list[str]:
    """Return the words of a page's first-level and second-level headings."""
    text = (ROOT / "_build" / "html" / f"{name}.html").read_text(encoding="utf-8")
    text = text[text.index('<article class="bd-article">') :].partition("</article>")[0]
    found = re.findall(r"<h([12])>(.*?)<a class=\"headerlink\"", text, re.DOTALL)
    soups = [BeautifulSoup(words, "html.parser") for _, words in found]
    for soup in soups:
        for twice in soup.select(".katex-mathml"):
            twice.decompose()
    return [" ".join(soup.get_text().split()) for soup in soups]


def test_the_book_is_tagged_and_of_a_size_to_send(book):
    root = book.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"].value
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == "en"
    assert book.metadata["/Title"] == site_headings("chapters/index")[0]
    runs = (ROOT / "_build" / "run").glob("*.json")
    names = {Path(name).name for _, name in page_names(ROOT)}
    last = max(json.loads(p.read_text("utf-8"))["finished"] for p in runs if p.stem in names)
    assert book.metadata["/CreationDate"].startswith("D:" + re.sub(r"\D", "", last[:19]))
    assert 12 * len(names) < len(book.pages) < 30 * len(names)  # 24 when this was written
    assert REAL.stat().st_size < 13_700_000  # and 11 MB


def test_the_outline_has_each_page_with_its_sections_and_the_solutions_last(book):
    entries = headings(book)
    tops = [title for level, title, _ in entries if level == 1]
    pages = [name for _, name in page_names(ROOT)]
    assert tops == [
        "Contents",
        *(site_headings(name)[0] for name in pages),
        "Code behind the folds",
        "Solutions",
    ]
    numbers = [number for _, _, number in entries]
    assert numbers == sorted(numbers)
    for name in pages:
        if name.rsplit("/", 1)[-1] in ("explorer", "downloads"):
            continue
        at = entries.index(next(e for e in entries if e[:2] == (1, site_headings(name)[0])))
        following = next((i for i, e in enumerate(entries) if i > at and e[0] == 1), len(entries))
        sections = [title for level, title, _ in entries[at:following] if level == 2]
        assert sections == site_headings(name)[1:]


def test_each_chapter_begins_where_the_outline_says(book):
    for level, title, number in headings(book):
        if level == 1:
            text = re.sub(r"\W+", "", book.pages[number - 1].extract_text())
            assert re.sub(r"\W+", "", title) in text


def test_every_link_of_the_book_leads_somewhere_and_every_font_is_there(book):
    faults, inside, outside = link_faults(book)
    assert faults + font_faults(book) == []
    assert inside > 1000
    assert outside > 100
