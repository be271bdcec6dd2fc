"""The glossary: complete, sorted, true to the pages it points to, and readable."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import checks
import glossary_page
import pytest
from glossary_page import chinese_part, english_part, read_glossary, section_titles, slug
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
ROWS = read_glossary(ROOT / "site" / "glossary.csv")
CHAPTERS = sorted((ROOT / "chapters").glob("[0-9][0-9]_*.ipynb"))
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
HAN = "\u3400-\u4dbf\u4e00-\u9fff"


def terms_beside(text):
    """Return the Chinese terms of a text that stand in brackets behind an English one."""
    inside = re.findall(rf"[\w*’'–-]\s*\(([^()\"\[\]]*[{HAN}][^()\"\[\]]*)\)", text)
    parts = [part.strip(" *`\n") for found in inside for part in re.split("[,;，；]", found)]
    return [part for part in parts if re.search(f"[{HAN}]", part)]


def introduced(path):
    """Return the Chinese terms that a chapter's Markdown and its `say` cells introduce."""
    found = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" or "say(" in source or "caption=" in source:
            found += terms_beside(source)
    return found


def html_ids(page):
    if not (SITE / page).is_file():
        pytest.fail(f"there is no {page} in _build/html: run `make book` first")
    return re.findall(r'\bid="([^"]+)"', (SITE / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("**Collaborative filtering** (协同过滤) answers", ["协同过滤"]),
        ("the interquartile range (IQR, 四分位距).", ["四分位距"]),
        ("rows (隐因子, latent\nbecause nobody", []),
        ("**latent factors** (隐因子, latent\nbecause nobody saw them)", ["隐因子"]),
        ("**Privacy** (差分隐私; Dwork 2006)", ["差分隐私"]),
        ("an A/B test (A/B 测试)", ["A/B 测试"]),
        ('pairs = [("taideng", "台灯")]', []),
        ("A shopper types 台灯.", []),
    ],
)
def test_a_chinese_term_in_a_text_is_found(text, terms):
    assert terms_beside(text) == terms


@each_chapter
def test_every_term_of_the_chapter_stands_in_the_glossary(path):
    known = {name for row in ROWS for name in row["chinese"]}
    missing = [name for name in introduced(path) if name not in known]
    assert missing == [], f"{path.stem}: add these to site/glossary.csv: {missing}"


def test_the_chapters_do_introduce_terms():
    assert len({name for path in CHAPTERS for name in introduced(path)}) >= 300


def test_the_glossary_is_sorted_and_has_no_doubles():
    ids = [row["id"] for row in ROWS]
    assert ids == sorted(set(ids))
    assert len(ROWS) >= 350


def test_every_definition_is_a_sentence():
    short = [
        row["term"]
        for row in ROWS
        if not re.fullmatch(r"[A-Zε“].{20,}[^.]\.", row["definition"])
        or len(row["definition"].split()) < 6
        or len(re.findall(r"[.!?] [A-Z]", row["definition"])) > 0
    ]
    assert short == []


def test_every_chinese_name_is_chinese_and_has_its_pinyin():
    for row in ROWS:
        assert all(re.search(f"[{HAN}]", name) for name in row["chinese"]), row["term"]
        assert len(row["chinese"]) == len(row["pinyin"]), row["term"]
        assert not re.search(f"[{HAN}]", "".join(row["pinyin"])), row["term"]
        for name, pinyin in zip(row["chinese"], row["pinyin"], strict=True):
            syllables = [part for part in pinyin.split() if part.isalpha() and part.islower()]
            assert len(syllables) >= len(re.findall(f"[{HAN}]", name)), (name, pinyin)


def test_every_term_points_to_a_heading_of_its_notebook():
    pages = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in CHAPTERS}
    titles = {page: section_titles(notebook["cells"]) for page, notebook in pages.items()}
    assert [row["term"] for row in ROWS if row["anchor"] not in titles[row["page"]]] == []


def test_every_anchor_exists_in_the_built_page():
    ids = {page: set(html_ids(f"chapters/{page}.html")) for page in {r["page"] for r in ROWS}}
    assert [row["term"] for row in ROWS if row["anchor"] not in ids[row["page"]]] == []


def test_the_built_page_has_every_entry_once_in_both_orders():
    ids = html_ids("chapters/glossary.html")
    assert [row["id"] for row in ROWS] == [name for name in ids if name.startswith("term-")]
    text = (SITE / "chapters" / "glossary.html").read_text(encoding="utf-8")
    behind = re.findall(r'<a href="#(term-[^"]+)" lang="zh-Hans">', text)
    assert sorted(behind) == sorted(row["id"] for row in ROWS for _ in row["chinese"])


@pytest.mark.browser
@pytest.mark.parametrize("query", ["shrinkage", "收缩", "困惑度", "LambdaRank"])
def test_the_search_finds_the_glossary(contexts, query):
    html_ids("chapters/glossary.html")
    with checks.serve(SITE) as base:
        titles = checks.search_titles(contexts["light"], base, query)
    assert any(title.startswith("Glossary") for title in titles)


ENTRY = {
    "term": "log loss & more",
    "id": "term-log-loss-and-more",
    "chinese": ["对数损失", "啊"],
    "pinyin": ["dui shu sun shi", "a"],
    "definition": "It is what < it is.",
    "page": "99_none",
    "anchor": "here",
}


def test_an_entry_is_written_with_id_language_and_link():
    text = english_part([ENTRY], {"99_none": {"here": "Here & now"}})
    assert '<h3 id="letter-l">L</h3>' in text
    assert '<dt id="term-log-loss-and-more">log loss &amp; more <span lang="zh-Hans">' in text
    assert '<a href="99_none.html#here">99\u00a0Here &amp; now</a></dd>' in text
    assert "what &lt; it" in text
    assert "\n\n" not in text.strip()


def test_the_chinese_index_goes_by_pinyin():
    text = chinese_part([ENTRY])
    assert text.index(">啊</a>") < text.index(">对数损失</a>")
    assert '<h3 id="pinyin-a">A</h3>' in text
    assert '<a href="#pinyin-d">D</a>' in text


def test_ids_are_plain():
    assert slug("SVD++") == "svd-plus-plus"
    assert slug("user–item matrix (Ω)") == "user-item-matrix"
    assert slug("ε-greedy") == "epsilon-greedy"


def test_a_term_without_its_section_stops_the_build(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "chapters").mkdir()
    table = tmp_path / "site" / "glossary.csv"
    head = "term,chinese,pinyin,definition,page,anchor\n"
    cell = {"cell_type": "markdown", "source": ["# One\n", "## The *two*\n"]}
    (tmp_path / "chapters" / "01_a.ipynb").write_text(json.dumps({"cells": [cell]}))
    app = SimpleNamespace(srcdir=tmp_path, env=SimpleNamespace(note_dependency=lambda path: None))
    table.write_text(head + "word,词,ci,A word is a unit of a text.,01_a,the-two\n", "utf-8")
    assert 'href="01_a.html#the-two">01\u00a0The two</a>' in glossary_page.glossary_page(app)
    table.write_text(head + "word,词,ci,A word is a unit of a text.,01_a,the-three\n", "utf-8")
    with pytest.raises(ExtensionError, match="mend the anchor of: word"):
        glossary_page.glossary_page(app)
