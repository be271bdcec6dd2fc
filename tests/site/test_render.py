"""What fails the build, what a second build does, and the parts of the rendering on their own."""

import json
import shutil

import pytest
from browser import COMMAND, find_browser
from callouts import kind_of
from diagram_svg import diagram_key, missing_words
from diagrams import colour_by_variables, find_diagrams, update
from finish import add_policy, inspect_page, mend_page
from formulas import render as render_formula
from ledger_pages import covered_rows, format_bounds, format_value
from render import RenderError, render
from render import _is_current as is_current
from repository import public_address
from run_record import without_scripts
from sample_book import HERE, NAME, ROOT, lay_out, record, write_record
from search_pairs import split_words

DIAGRAM = "flowchart LR\n    accTitle: A\n    accDescr: A leads to B.\n    a --> b\n"


def append(path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def read_stamp(root) -> str:
    return (root / "_build" / "render.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def broken_root(tmp_path_factory):
    """A book with one fault of each kind."""
    root = lay_out(tmp_path_factory.mktemp("broken"))
    words = root / "chapters" / "02_words.md"
    append(words, f"\n```mermaid\n{DIAGRAM}```\n\n```mermaid\nflowchart LR\n    a --> c\n```\n")
    append(words, "\nA formula $\\frac{1}{$ and a [link](nowhere.md).\n")
    run = record()
    del run["outputs"][1][0]["metadata"]["recbook"]["alt"]
    write_record(root, run)
    notebook = root / "chapters" / f"{NAME}.ipynb"
    toc = root / "_toc.yml"
    for name in ("03_never_run", "04_edited"):
        shutil.copy(notebook, notebook.with_stem(name))
        line = "      - file: chapters/02_words\n"
        text = toc.read_text(encoding="utf-8")
        toc.write_text(
            text.replace(line, f"{line}      - file: chapters/{name}\n"), encoding="utf-8"
        )
    run["outputs"].pop()
    (root / "_build" / "run" / "04_edited.json").write_text(json.dumps(run), encoding="utf-8")
    (root / "_build" / "html").mkdir()
    (root / "_build" / "html" / "stale.html").write_text("the last site")
    return root


@pytest.fixture(scope="module")
def complaint(broken_root) -> str:
    """What rendering the broken book says."""
    with pytest.raises(RenderError) as caught:
        render(broken_root)
    return str(caught.value)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (NAME, "code cell 2 shows a figure without alternative text"),
        ("02_words", "a diagram was not rendered yet; run `python site/diagrams.py`"),
        ("02_words", "a diagram has no accTitle and no accDescr line"),
        ("02_words", "bad formula '\\\\frac{1}{'"),
        ("02_words", "nowhere.md"),
        ("03_never_run", "no record of a run of this chapter"),
        ("04_edited", "holds 5 code cells, the chapter has 6"),
    ],
)
def test_fault_fails_the_build_and_is_named(complaint, page, words):
    assert any(page in line and words in line for line in complaint.splitlines())


def test_failed_build_leaves_no_site(complaint, broken_root):
    assert not (broken_root / "_build" / "html").exists()
    assert not (broken_root / "_build" / "html.new").exists()


def test_failed_build_fails_again_and_a_mended_one_passes(complaint, broken_root):
    with pytest.raises(RenderError, match="bad formula"):
        render(broken_root)
    for name in ("03_never_run", "04_edited"):
        (broken_root / "chapters" / f"{name}.ipynb").unlink()
    lay_out(broken_root)
    render(broken_root)
    assert (broken_root / "_build" / "html" / "chapters" / f"{NAME}.html").is_file()


def test_second_render_does_nothing_and_a_new_run_is_shown(tmp_path):
    root = lay_out(tmp_path)
    render(root)
    page = root / "_build" / "html" / "chapters" / f"{NAME}.html"
    first = page.stat().st_mtime_ns
    render(root)
    assert page.stat().st_mtime_ns == first
    run = record()
    run["outputs"][4][0]["text"] = "another stream\n"
    run["claims"][0]["value"] = 0.2661
    write_record(root, run)
    render(root)
    assert "another stream" in page.read_text(encoding="utf-8")
    assert "0.2661" in (page.parent / "claims.html").read_text(encoding="utf-8")
    stamp, digest = root / "_build" / "render.json", json.loads(read_stamp(root))["inputs"]
    assert is_current(stamp, page.parent.parent, digest)
    page.unlink()
    assert not is_current(stamp, page.parent.parent, digest)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<img src="a.png">', "picture without alternative text"),
        ('<img src="a.png" alt=" ">', "picture without alternative text"),
        ('<script src="https://elsewhere.example/a.js"></script>', "asks another host"),
        ('<link rel="stylesheet" href="//elsewhere.example/a.css">', "asks another host"),
        ('<iframe src="https://elsewhere.example/"></iframe>', "asks another host"),
        ('<p onmouseover="x()">', "inline event handler"),
        ('<a href="javascript:x()">', "javascript: link"),
    ],
)
def test_page_that_must_not_be_published(text, fault):
    assert [fault in found for found in inspect_page(text)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://elsewhere.example/">a link is no request</a>',
        '<link rel="canonical" href="https://elsewhere.example/">',
        '<img src="data:image/png;base64,AA" alt="a dot">',
    ],
)
def test_page_that_may_be_published(text):
    assert inspect_page(text) == []


def test_policy_names_each_inline_script_and_no_other():
    text = add_policy('<meta charset="utf-8" /><script>a</script><script src="b.js"></script>')
    # sha256("a") in base64
    assert "script-src 'self' 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=';" in text


def test_mended_page_has_no_handler_and_no_empty_heading():
    text = mend_page('<button onclick="window.print()"><th></th><th style="x"></th><th>a</th>')
    assert 'data-action="print"' in text
    assert "onclick" not in text
    assert text.endswith('<td></td><td style="x"></td><th>a</th>')


def test_output_with_a_script_is_shown_as_text():
    data = {"text/html": ["<p>", "<b onclick='x()'>a</b>"], "text/plain": "a"}
    assert without_scripts({"data": data}) == {"data": {"text/plain": "a"}}
    for harmless in ({"text/html": "<b>on a = b</b>", "text/plain": "a"}, {"text/plain": "a"}):
        assert without_scripts({"data": harmless}) == {"data": harmless}
    assert without_scripts({"output_type": "stream"}) == {"output_type": "stream"}


def test_formulas():
    assert "<math" in render_formula(r"\hat r_{ui} = \mu")
    assert "katex-display" in render_formula(r"\begin{align*} a &= b \end{align*}", True)
    with pytest.raises(ValueError, match="KaTeX parse error"):
        render_formula(r"\frac{1}{")
    with pytest.raises(ValueError, match="Undefined control sequence"):
        render_formula(r"\nosuchcommand")


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Note", "note"),
        ("Notes", None),
        ("Exercise 3.1 ★★", "exercise"),
        ("KEY IDEA", "important"),
        ("定义 (Definition)", "definition"),
        ("定义域", None),
        ("Household 17", None),
    ],
)
def test_kind_of_callout(title, kind):
    assert kind_of(title) == kind


def test_words_of_both_languages():
    assert split_words("SVD 矩阵分解, k=10") == [
        "SVD",
        *("矩", "阵", "分", "解"),
        *("矩阵", "阵分", "分解"),
        "k",
        "10",
    ]


def test_numbers_of_the_ledger():
    assert [format_value(v) for v in (0.2551234, 3, 12345.6, 0.00001234, True, "x")] == [
        "0.2551",
        "3",
        "12,346",
        "1.234e-05",
        "True",
        "x",
    ]
    assert format_bounds(None, 2) == "≤ 2"
    assert format_bounds(None, 2, strict=True) == "< 2"
    assert (
        covered_rows({"covers": "C1, C2"}) == covered_rows({"covers": ["C1", "C2"]}) == ["C1", "C2"]
    )
    assert covered_rows({}) == []


def test_public_address():
    assert public_address("https://github.com/Owner/book") == "https://owner.github.io/book/"
    assert public_address("https://github.com/a/a.github.io") == "https://a.github.io/"


def test_diagram_key_ignores_what_does_not_show():
    assert diagram_key(DIAGRAM) == diagram_key("\n" + DIAGRAM.replace("\n", "  \n") + "\n")
    assert diagram_key(DIAGRAM) != diagram_key(DIAGRAM.replace("b", "c"))
    assert missing_words(DIAGRAM) == []
    assert missing_words("flowchart LR\n a --> b") == ["accTitle", "accDescr"]


def test_diagram_with_a_colour_of_its_own_is_refused():
    assert colour_by_variables('<g fill="#a10b01"/>') == '<g fill="var(--diagram-node)"/>'
    with pytest.raises(ValueError, match="#ff0000"):
        colour_by_variables('<g fill="#ff0000"/>')


def test_diagrams_are_found_in_notebooks_and_unused_pictures_removed(tmp_path):
    chapters, pictures = tmp_path / "chapters", tmp_path / "site" / "diagrams"
    chapters.mkdir()
    pictures.mkdir(parents=True)
    cell = {"cell_type": "markdown", "source": ["```mermaid\n", DIAGRAM, "```\n"]}
    (chapters / "a.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    assert list(find_diagrams(tmp_path)) == [diagram_key(DIAGRAM)]
    for key in (diagram_key(DIAGRAM), "0" * 64):
        (pictures / f"{key}.svg").write_text("<svg/>", encoding="utf-8")
    assert update(tmp_path) == (0, 1)
    assert [path.stem for path in pictures.glob("*.svg")] == [diagram_key(DIAGRAM)]


def test_every_diagram_of_the_book_is_drawn():
    for root in (ROOT, HERE / "sample"):
        drawn = {path.stem for path in (root / "site" / "diagrams").glob("*.svg")}
        assert drawn == set(find_diagrams(root))


def test_wanted_browser_that_is_not_there_is_not_replaced(monkeypatch):
    monkeypatch.setenv("RECBOOK_BROWSER", "no-such-browser")
    assert find_browser() is None
    assert COMMAND == "python site/browser.py"


def test_repository_address_stands_in_one_place():
    address = "github.com/recbook"
    files = [ROOT / "_config.yml", ROOT / "_toc.yml", *(ROOT / "site").glob("**/*.py")]
    assert [path for path in files if address in path.read_text(encoding="utf-8")] == []
