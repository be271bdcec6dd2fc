"""What can be taken away is listed, and only beside the pages it was made from."""

import json
from pathlib import Path

import downloads
import pytest

LIST = "<p>above</p><!-- recbook:downloads -->\n\n<!-- /recbook:downloads --><p>below</p>"


@pytest.fixture
def built(tmp_path) -> Path:
    """A site that was rendered from inputs called "one", and a PDF and slides made from it."""
    html, made = tmp_path / "_build" / "html", tmp_path / "_build" / "downloads"
    (html / "chapters").mkdir(parents=True)
    (html / "chapters" / "downloads.html").write_text(LIST, encoding="utf-8")
    (tmp_path / "_build" / "render.json").write_text(json.dumps({"inputs": "one"}))
    (made / "slides" / "parts").mkdir(parents=True)
    (made / "slides" / "index.html").write_text("<p>decks</p>", encoding="utf-8")
    (made / "slides" / "parts" / "a.css").write_text("p { margin: 0 }")
    (made / "recbook.pdf").write_bytes(b"%PDF" + bytes(1_500_000))
    downloads.remember(tmp_path, "pdf")
    downloads.remember(tmp_path, "slides")
    return tmp_path


def page(root: Path) -> str:
    return (root / "_build" / "html" / "chapters" / "downloads.html").read_text(encoding="utf-8")


def test_what_was_made_is_published_with_its_size(built):
    assert downloads.publish(built) == ["pdf", "slides"]
    assert '<a href="../downloads/recbook.pdf">' in page(built)
    assert "1.5\u00a0MB" in page(built)
    assert (built / "_build/html/downloads/slides/parts/a.css").is_file()
    assert "<code>make workshop</code>" in page(built)


def test_publishing_twice_changes_nothing(built):
    downloads.publish(built)
    before = page(built)
    assert downloads.publish(built) == ["pdf", "slides"]
    assert page(built) == before
    assert before.startswith("<p>above</p>")
    assert before.endswith("<p>below</p>")


def test_what_was_made_from_other_pages_is_not_handed_out(built):
    downloads.publish(built)
    (built / "_build" / "render.json").write_text(json.dumps({"inputs": "two"}))
    assert downloads.publish(built) == []
    assert not (built / "_build/html/downloads").exists()
    assert "recbook.pdf" not in page(built)
    assert page(built).count("not made with this build") == 3


def test_a_site_without_the_page_is_left_alone(built):
    (built / "_build/html/chapters/downloads.html").unlink()
    assert downloads.publish(built) == []
    assert not (built / "_build/html/downloads").exists()


def test_an_unknown_name_is_refused(capsys):
    assert downloads.main(["pfd"]) == 2
    assert "pdf, slides, workshop" in capsys.readouterr().err
