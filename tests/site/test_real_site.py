"""The real book as it stands in `_build/html`; `make test` builds it first."""

from pathlib import Path

import checks
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
PAGES = checks.list_pages(SITE) if SITE.is_dir() else ["(no site)"]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def real_site():
    """The finished pages of the book."""
    if not (SITE / "sitemap.xml").is_file():
        pytest.fail("there is no finished site in _build/html: run `make book` first")
    return SITE


@pytest.fixture(scope="session")
def real_base(real_site):
    """The address at which the book is served."""
    with checks.serve(real_site) as base:
        yield base


def test_the_site_has_exactly_the_pages_of_the_book(real_site):
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    expected = sorted([*(f"{name}.html" for name in listed), "404.html", "search.html"])
    assert checks.list_pages(real_site) == expected


@pytest.mark.parametrize("name", PAGES)
def test_policy_and_links(real_site, name):
    text = (real_site / name).read_text(encoding="utf-8")
    assert checks.policy_faults(text) + checks.link_faults(real_site, name) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("mode", checks.MODES)
def test_page_is_accessible(contexts, real_base, name, mode):
    page, faults = checks.visit(contexts[f"axe {mode}"], real_base + name)
    assert faults + checks.axe_violations(page, colours_only=mode == "dark") == []
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_nobody_and_fits_a_phone(contexts, real_base, name):
    page, faults = checks.visit(contexts["phone"], real_base + name)
    assert faults + checks.sideways(page) + checks.heading_faults(page) == []
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_works_from_a_file(contexts, real_site, name):
    page, faults = checks.visit(contexts["light"], (real_site / name).as_uri())
    assert faults == []
    page.close()


@pytest.mark.parametrize("term", ["neighbours", "协同过滤"])
def test_search_finds_the_chapter_on_neighbours(contexts, real_base, term):
    page = "chapters/03_collaborative_filtering.html"
    view = contexts["light"].new_page()
    view.goto(real_base + page)
    title = view.locator("main h1:visible").inner_text().rstrip("#").strip()
    view.close()
    assert title in checks.search_titles(contexts["light"], real_base, term)


@pytest.mark.parametrize("name", PAGES)
def test_first_view_is_small(browser, real_base, name):
    context = browser.new_context()
    assert checks.first_view_size(context, real_base + name) <= 700_000
    context.close()
