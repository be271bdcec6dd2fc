"""The bibliography: complete, well formed, and held against what chapters and docstrings cite."""

import ast
import re
from pathlib import Path

import pytest
from references_page import (
    Entry,
    Source,
    find_arxiv,
    find_dois,
    notebook_text,
    read_bibliography,
    read_sources,
    references_page,
    write_entry,
)

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = read_bibliography(ROOT / "site" / "references.bib")
SOURCES = read_sources(ROOT)
VENUE = {
    "article": "journal",
    "inproceedings": "booktitle",
    "incollection": "booktitle",
    "book": "publisher",
    "techreport": "institution",
    "misc": "howpublished",
}
IDENTIFIERS = ("doi", "eprint", "isbn", "url")
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)


def missing_identifiers(sources, entries):
    """Return (place, identifier) for each that is cited and stands in no entry."""
    dois = {entry.get("doi").lower() for entry in entries}
    numbers = {entry.get("eprint") for entry in entries}
    return [
        (place, one)
        for place, source in sources.items()
        for one in sorted((source.dois - dois) | (source.arxiv - numbers))
    ]


def further_reading(text):
    """Return the items of the lists under "Further reading"."""
    part = re.split(r"^#+ Further reading$", text, flags=re.M)
    listed = re.split(r"^#|^\*\*Next", part[1], flags=re.M)[0] if len(part) > 1 else ""
    return re.findall(r"^- (.*?)(?=^- |\Z)", listed, flags=re.M | re.S)


def references_sections(code):
    """Return the References section of each docstring of a module."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = [ast.get_docstring(n) for n in ast.walk(ast.parse(code)) if isinstance(n, kinds)]
    section = re.compile(r"^References\n-+\n(.*?)(?=\n\w[\w ]*\n-{3,}|\Z)", re.S | re.M)
    return [found for doc in docs if doc for found in section.findall(doc)]


def unknown(texts, entries):
    """Return the texts in which no entry is cited."""
    return [text for text in texts if not any(Source(text).cites(entry) for entry in entries)]


def test_every_identifier_that_is_cited_stands_in_the_bibliography():
    extra = {
        name: Source((ROOT / name).read_text(encoding="utf-8"))
        for name in ("README.md", "data/README.md")
    }
    assert missing_identifiers(SOURCES | extra, ENTRIES) == []


def test_a_missing_identifier_is_found():
    places = {"a.md": Source("[x](https://doi.org/10.1000/no.such), arXiv:9901.00001")}
    assert missing_identifiers(places, ENTRIES) == [
        ("a.md", "10.1000/no.such"),
        ("a.md", "9901.00001"),
    ]


@each_entry
def test_every_entry_is_cited(entry):
    cited = any(source.cites(entry) for source in SOURCES.values())
    assert cited or entry.get("further"), f"nobody cites {entry.key}: mark it `further`, or drop it"


@pytest.mark.parametrize("name", [n for n in SOURCES if n.endswith(".ipynb")])
def test_everything_under_further_reading_has_an_entry(name):
    items = further_reading(notebook_text(ROOT / name))
    assert unknown(items, ENTRIES) == []


def test_most_chapters_have_further_reading():
    texts = [notebook_text(ROOT / name) for name in SOURCES if re.search(r"/\d\d_", name)]
    assert sum(bool(further_reading(text)) for text in texts) >= 17


def test_everything_under_references_in_docstrings_has_an_entry():
    paths = [ROOT / name for name in SOURCES if name.endswith(".py")]
    sections = [s for path in paths for s in references_sections(path.read_text("utf-8"))]
    assert len(sections) > 50
    assert unknown(sections, ENTRIES) == []


def test_a_work_without_an_entry_is_found():
    items = further_reading(
        "## Further reading\n\n- A. Nobody, *A title that nobody wrote*, 2031.\n"
    )
    assert unknown(items, ENTRIES) == items != []
    code = '"""One.\n\nReferences\n----------\nNobody: A title that nobody wrote. 2031.\n"""\n'
    assert unknown(references_sections(code), ENTRIES) == [
        "Nobody: A title that nobody wrote. 2031."
    ]


@each_entry
def test_every_entry_has_what_its_kind_needs(entry):
    needed = {"author", "title", "year", VENUE[entry.kind]}
    assert needed <= {name for name, value in entry.fields.items() if value.strip()}
    assert re.fullmatch(r"1[789]\d\d|20\d\d", entry.get("year"))
    assert any(entry.get(name) for name in IDENTIFIERS) or entry.get("note") == "no identifier"


@each_entry
def test_identifiers_are_well_formed(entry):
    if doi := entry.get("doi"):
        assert find_dois(f"see {doi}, and") == {doi.lower()}
    if number := entry.get("eprint"):
        assert find_arxiv(f"arXiv:{number}") == {number}
    if isbn := entry.get("isbn"):
        assert is_isbn(isbn)
    if url := entry.get("url"):
        assert re.fullmatch(r"https?://[\w.-]+/\S*", url)


def is_isbn(isbn):
    digits = [int(c) for c in isbn if c.isdigit()]
    return len(digits) == 13 and sum(d * (1, 3)[i % 2] for i, d in enumerate(digits)) % 10 == 0


def test_a_wrong_isbn_is_found():
    assert is_isbn("978-0-262-03561-3")
    assert not is_isbn("978-0-262-03561-4")


def test_no_work_stands_twice():
    for names in (("doi",), ("eprint",), ("isbn",), ("title", "year")):
        values = [tuple(e.get(n).lower() for n in names) for e in ENTRIES if e.get(names[0])]
        assert sorted(values) == sorted(set(values))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "[doi:10.1145/245108.245121](https://doi.org/10.1145/245108.245121): the",
            "10.1145/245108.245121",
        ),
        ("[doi](https://doi.org/10.1023/A:1021240730564): weighted", "10.1023/a:1021240730564"),
        ("`doi:10.1007/978-3-662-53641-4_24`.", "10.1007/978-3-662-53641-4_24"),
        ("<https://doi.org/10.1145/2827872>.", "10.1145/2827872"),
        ("https://doi.org/10.1002/a%3C1::b%3E3.0-x", "10.1002/a<1::b>3.0-x"),
        ("Methods 40 (2011), doi:10.1177/0049124111404820.", "10.1177/0049124111404820"),
        ("(https://doi.org/10.1016/S0378-8733(03)00009-1)", "10.1016/s0378-8733(03)00009-1"),
    ],
)
def test_a_doi_is_read_without_what_follows_it(text, found):
    assert find_dois(text) == {found}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@book{a,\n  title = {One},\n}\n@book{a,\n  title = {Two},\n}\n", "stand twice"),
        ("@book{a,\n  title = {One}\n}\n", "form of a field"),
        ("@book{a, title = {One}}\n", "form of an entry"),
    ],
)
def test_a_bibliography_in_another_form_is_refused(tmp_path, text, message):
    path = tmp_path / "references.bib"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_bibliography(path)


def test_a_citation_is_found_by_title_part_of_it_or_agreed_words():
    fields = {"title": "Delving deep into rectifiers: surpassing human level", "cited": "He 2015b"}
    entry = Entry("article", "he", fields)
    assert Source("*Delving Deep\n  into Rectifiers*, ICCV").cites(entry)
    assert Source("as He (2015b) has it").cites(entry)
    assert not Source("Delving deep into something").cites(entry)
    assert not Source("One word").cites(Entry("book", "x", {"title": "Words"}))


def test_the_page_lists_every_work_once_with_links_that_exist():
    page = references_page(ROOT)
    keys = re.findall(r'<span id="ref-(\w+)">', page)
    assert sorted(keys) == sorted(entry.key for entry in ENTRIES)
    targets = set(re.findall(r"\]\(([\w.]+\.(?:ipynb|md))\)", page))
    assert targets
    assert all((ROOT / "chapters" / target).is_file() for target in targets)
    letters = re.findall(r"^## (.+)$", page, re.M)
    assert letters == sorted(letters)


def test_an_entry_is_written_with_its_links():
    fields = {
        "author": "A. One and B. Two and C. Three",
        "title": "Is it so?",
        "year": "2001",
        "journal": "A Journal",
        "volume": "1(2), 3–4",
        "doi": "10.1000/a(b)c_d",
    }
    line = write_entry(Entry("article", "one", fields), ["chapters/03_x.ipynb", "recbook/a/b.py"])
    assert "A. One, B. Two and C. Three (2001). *Is it so?* A Journal, 1(2), 3–4." in line
    assert "[doi:10.1000/<wbr>a(b)c\\_d](https://doi.org/10.1000/a%28b%29c_d)" in line
    assert line.endswith("Cited in [03](03_x.ipynb), `recbook.a.b`.")
