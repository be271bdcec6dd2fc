"""The finished pages of the sample book, looked at in a browser."""

import json
import shutil

import checks
import pytest
from sample_book import HERE, NAME

PAGES = [
    "404.html",
    "chapters/01_sample.html",
    "chapters/02_words.html",
    "chapters/claims.html",
    "chapters/index.html",
    "chapters/status.html",
    "search.html",
]
CHAPTER = f"chapters/{NAME}.html"
pytestmark = pytest.mark.browser


def read(site, name: str) -> str:
    return (site / name).read_text(encoding="utf-8")


def test_the_site_has_exactly_its_pages(sample_site):
    assert checks.list_pages(sample_site) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_policy_and_links(sample_site, name):
    assert checks.policy_faults(read(sample_site, name)) == []
    assert checks.link_faults(sample_site, name) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("mode", checks.MODES)
def test_page_is_quiet_and_accessible(contexts, sample_base, name, mode):
    page, faults = checks.visit(contexts[f"axe {mode}"], sample_base + name)
    assert faults + checks.axe_violations(page) == []
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_nobody_under_its_policy(contexts, sample_base, name):
    page, faults = checks.visit(contexts["phone"], sample_base + name)
    assert faults + checks.sideways(page) + checks.heading_faults(page) == []
    page.close()


@pytest.mark.parametrize("name", [CHAPTER, "chapters/02_words.html", "chapters/index.html"])
def test_page_works_from_a_file(contexts, sample_site, name):
    page, faults = checks.visit(contexts["light"], (sample_site / name).as_uri())
    assert faults == []
    assert page.evaluate("document.fonts.check('16px \"Source Serif 4\"')")
    page.close()


@pytest.mark.parametrize(
    "ask",
    [
        '<img src="https://elsewhere.example/pixel.png" alt="a pixel">',
        '<script src="https://elsewhere.example/count.js"></script>',
        '<link rel="stylesheet" href="https://elsewhere.example/font.css">',
        "<style>body { background: url(https://elsewhere.example/paper.png) }</style>",
    ],
)
@pytest.mark.parametrize("policy", ["with its policy", "without a policy"])
def test_a_page_that_asks_another_host_is_caught(contexts, sample_site, tmp_path, ask, policy):
    shutil.copytree(sample_site, tmp_path / "site")
    text = read(sample_site, CHAPTER).replace("</body>", f"{ask}</body>")
    if policy == "without a policy":
        text = text.replace("Content-Security-Policy", "X-Nothing")
        assert checks.policy_faults(text) != []
    (tmp_path / "site" / CHAPTER).write_text(text, encoding="utf-8")
    with checks.serve(tmp_path / "site") as base:
        page, faults = checks.visit(contexts["light"], base + CHAPTER)
        assert any("elsewhere.example" in fault for fault in faults)
        page.close()


def test_a_script_the_policy_does_not_name_is_not_run(contexts, sample_site, tmp_path):
    shutil.copytree(sample_site, tmp_path / "site")
    text = read(sample_site, CHAPTER).replace("</body>", "<script>window.ran = 1</script></body>")
    (tmp_path / "site" / CHAPTER).write_text(text, encoding="utf-8")
    with checks.serve(tmp_path / "site") as base:
        page, faults = checks.visit(contexts["light"], base + CHAPTER)
        assert any("script-src" in fault for fault in faults)
        assert page.evaluate("window.ran") is None
        page.close()


@pytest.mark.parametrize(
    ("term", "title"),
    [
        ("factorisation", "Words in two languages"),
        ("curves", "A sample chapter"),  # the text says curve: stemmed on both sides
        ("协同过滤", "Words in two languages"),
        ("对数", "A sample chapter"),
        ("邻", "Words in two languages"),
        ("矩阵 vector", "Words in two languages"),
    ],
)
@pytest.mark.parametrize("opened", ["served", "from a file"])
def test_search_finds(contexts, sample_base, sample_site, term, title, opened):
    base = sample_base if opened == "served" else sample_site.as_uri() + "/"
    assert title in checks.search_titles(contexts["light"], base, term)


@pytest.mark.parametrize("term", ["推荐系统", "滤协", "zeppelin"])
def test_search_finds_nothing_where_there_is_nothing(contexts, sample_base, term):
    assert checks.search_titles(contexts["light"], sample_base, term) == []


@pytest.mark.parametrize("mode", ["light", "phone"])
def test_search_as_one_types(contexts, sample_base, mode):
    page, _ = checks.visit(contexts[mode], sample_base + CHAPTER)
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input[name=q]").press_sequentially("矩阵分解")
    found = page.locator("#pst-search-dialog #search-results a").first
    found.wait_for()
    assert found.inner_text() == "Words in two languages"
    found.click()
    page.wait_for_url("**/chapters/02_words.html*")
    page.close()


def test_an_excerpt_has_no_source_of_formulas_and_the_box_shows_its_first_letter(
    contexts, sample_base
):
    page, _ = checks.visit(contexts["light"], f"{sample_base}search.html?q=neighbour")
    text = page.evaluate(
        "async () => Search.htmlToText(await (await fetch('chapters/02_words.html')).text())"
    )
    assert "no neighbour is found" in text
    assert "\\mathcal" not in text
    form = page.locator("form.bd-search:visible").first
    glass = form.locator(".fa-magnifying-glass").bounding_box()
    field = form.locator("input[name=q]")
    before_text = field.evaluate("(field) => parseFloat(getComputedStyle(field).paddingLeft)")
    assert glass["x"] + glass["width"] <= field.bounding_box()["x"] + before_text
    page.close()


def test_launch_download_and_repository_links(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + CHAPTER)
    links = page.evaluate(
        "[...document.querySelectorAll('.article-header-buttons a')].map((a) => a.href)"
    )
    repository = "https://github.com/Sample-Owner/sample-book"
    assert f"{sample_base}_sources/chapters/{NAME}.ipynb" in links
    assert repository in links
    expected = [
        f"https://colab.research.google.com/github/Sample-Owner/sample-book/blob/main/chapters/{NAME}.ipynb",
        f"https://mybinder.org/v2/gh/Sample-Owner/sample-book/main?urlpath=lab/tree/chapters/{NAME}.ipynb",
    ]
    assert set(expected) <= set(links)
    hub = next(link for link in links if "git-pull" in link)
    assert hub.startswith("https://hub.example.org/hub/user-redirect/git-pull?repo=")
    assert hub.endswith(f"urlpath=lab/tree/sample-book/chapters/{NAME}.ipynb&branch=main")
    page.close()


def test_hub_button_asks_for_the_readers_own_hub(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + CHAPTER)
    page.on("dialog", lambda dialog: dialog.accept("https://hub.school.example/"))
    page.evaluate("window.open = (url) => { window.opened = url; }")
    page.evaluate("document.querySelector('a[href*=git-pull]').click()")
    assert page.evaluate("window.opened").startswith(
        "https://hub.school.example/hub/user-redirect/git-pull?repo="
    )
    page.close()


def test_print_button_works_without_an_inline_handler(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + CHAPTER)
    page.evaluate("window.print = () => { window.printed = true; }")
    page.evaluate("document.querySelector('[data-action=print]').click()")
    assert page.evaluate("window.printed") is True
    assert page.locator("[onclick]").count() == 0
    page.close()


def test_download_gives_the_clean_notebook(sample_site):
    got = json.loads(read(sample_site, f"_sources/chapters/{NAME}.ipynb"))
    source = json.loads((HERE / "sample" / "chapters" / f"{NAME}.ipynb").read_text("utf-8"))
    assert got == source
    assert all(cell["outputs"] == [] for cell in got["cells"] if cell["cell_type"] == "code")


def test_previous_and_next(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + CHAPTER)
    assert page.locator("a.left-prev").get_attribute("href") == "index.html"
    assert page.locator("a.right-next").get_attribute("href") == "02_words.html"
    page.close()


def test_figures_have_words_and_half_their_pixels(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + CHAPTER)
    images = page.locator(".cell_output img")
    assert [image.get_attribute("alt") for image in images.all()] == [
        "A curve that rises ever more slowly from 0 to 3.",
        "The same curve, one event longer.",
        "The same curve, two events longer.",
    ]
    # 6.4 × 3.6 inches at 200 dots an inch, two dots a pixel
    assert images.first.get_attribute("width") == str(round(6.4 * 200 / 2))
    captions = [text.strip().rstrip("#") for text in page.locator("figcaption").all_inner_texts()]
    assert captions == ["Weight of a history.", "Second of two."]
    page.close()


def test_figures_keep_their_shape_on_a_phone_and_lie_on_white_in_the_dark(contexts, sample_base):
    page, _ = checks.visit(contexts["phone"], sample_base + CHAPTER)
    page.locator(".cell_output img").first.scroll_into_view_if_needed()
    box = page.locator(".cell_output img").first.bounding_box()
    assert box["width"] <= 390
    assert box["width"] / box["height"] == pytest.approx(6.4 / 3.6, rel=0.01)
    page.close()
    page, _ = checks.visit(contexts["dark"], sample_base + CHAPTER)
    style = "getComputedStyle(document.querySelector('.cell_output img')).backgroundColor"
    assert page.evaluate(style) == "rgb(255, 255, 255)"
    page.close()


def test_callouts_become_admonitions(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + "chapters/02_words.html")
    titles = page.locator("div.admonition > p.admonition-title").all_inner_texts()
    assert titles == [
        "Note",
        "Exercise 2.1 ★★",
        "注意",
        "Warning",
        "Definition (sparsity)",
        "Tip",
        "Important",
    ]
    assert page.locator("div.admonition.exercise li").count() == 2
    assert page.locator("div.admonition.warning > p").all_inner_texts() == [
        "注意",
        "没有评分的用户没有邻居。",
        "Warning",
        "Scores of different models are not on one scale.",
    ]
    assert page.locator("blockquote").all_inner_texts() == ["An ordinary quotation stays one."]
    page.close()


def test_formulas_are_finished_html_and_mathml(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + "chapters/02_words.html")
    assert page.locator(".katex math annotation").count() == page.locator(".math").count() > 0
    assert page.locator(".eqno").all_inner_texts()[0].startswith("(1)")
    assert page.locator("script[src*=athjax], script[src*=katex]").count() == 0
    assert page.locator("details summary").inner_text() == "Solution"
    page.close()


def test_diagrams_are_inline_and_follow_the_theme(contexts, sample_base):
    names, fills = [], []
    for mode in ("light", "dark"):
        page, _ = checks.visit(contexts[mode], sample_base + "chapters/index.html")
        svgs = page.locator(".diagram svg")
        assert svgs.count() == 3
        names = page.get_by_role("img", name="How a score becomes a list")
        assert names.count() == 2
        fills.append(
            page.evaluate("getComputedStyle(document.querySelector('.diagram .node rect')).fill")
        )
        page.close()
    assert fills[0] != fills[1]


def test_hidden_cells_are_named(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + CHAPTER)
    folds = page.locator("details.hide > summary")
    assert [fold.inner_text().strip() for fold in folds.all()] == [
        "Show the code",
        "Show the content",
    ]
    folds.first.press("Enter")
    assert folds.first.inner_text().strip() == "Hide the code"
    page.close()


def test_run_record_closes_the_page(sample_site):
    text = read(sample_site, CHAPTER)
    assert (
        "This page ran in 41 s and used 812 MB at most (22 November 2025, Python 3.11.7)." in text
    )
    assert 'class="run-record"' in text
    assert "run-record" not in read(sample_site, "chapters/02_words.html")


def test_claims_page(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + "chapters/claims.html")
    first, second = page.locator("table").all()
    rows = checks.table_rows(first)
    assert rows[0] == [
        "sample-ndcg",
        "Item neighbours reach an NDCG@10 above popularity’s | on real data",
        "0.2551, seed 7",
        "0.24 … 0.27",
        "holds",
    ]
    assert [row[3] for row in rows] == ["0.24 … 0.27", "= 0", "≥ 0.01"]
    topics = {row[0]: row[3] for row in checks.table_rows(second)}
    covered = {"D1": "sample-zero", "C1": "sample-ndcg", "C2": "sample-ndcg", "C3": "sample-low"}
    assert {row: ids for row, ids in topics.items() if ids != "not yet"} == covered
    assert len(topics) == 57
    page.locator("a[href='#claim-sample-low']").click()
    assert page.locator("#claim-sample-low").is_visible()
    page.close()


def test_status_page(contexts, sample_base):
    page, _ = checks.visit(contexts["light"], sample_base + "chapters/status.html")
    rows = checks.table_rows(page.locator("table"))
    took, peak = "41.2\u00a0s", "812\u00a0MB"
    assert rows[0] == ["A sample chapter", took, peak, "3", "2025-11-22", "3.11.7"]
    assert rows[1][:4] == ["Together", took, peak, "3"]
    page.close()


@pytest.mark.parametrize("depth", ["nothing.html", "a/b/c/nothing.html"])
def test_a_missing_page_leads_home_from_any_depth(contexts, sample_base, depth):
    page = contexts["light"].new_page()
    page.goto(sample_base + depth)
    assert page.get_by_role("heading").inner_text() == "This page does not exist"
    page.get_by_role("link", name="Begin at the first page").click()
    assert page.url == sample_base + "chapters/index.html"
    page.close()


def test_a_missing_page_knows_the_base_of_github_pages(contexts, sample_site, tmp_path):
    shutil.copytree(sample_site, tmp_path / "site" / "sample-book")
    shutil.copy(sample_site / "404.html", tmp_path / "site")
    with checks.serve(tmp_path / "site") as base:
        page = contexts["light"].new_page()
        page.goto(base + "sample-book/chapters/renamed.html")
        page.get_by_role("link", name="search the book").click()
        assert page.url == base + "sample-book/search.html"
        page.close()


def test_front_door_leads_to_the_first_page(contexts, sample_base):
    page = contexts["light"].new_page()
    page.goto(sample_base)
    page.wait_for_url("**/chapters/index.html")
    page.close()


def test_sitemap_and_card(sample_site):
    base = "https://sample-owner.github.io/sample-book/"
    sitemap = read(sample_site, "sitemap.xml")
    listed = [name for name in PAGES if name not in ("404.html", "search.html")]
    assert sitemap.count("<loc>") == len(listed)
    assert all(f"<loc>{base}{name}</loc>" in sitemap for name in listed)
    assert f"Sitemap: {base}sitemap.xml" in read(sample_site, "robots.txt")
    text = read(sample_site, CHAPTER)
    assert f'<meta property="og:image" content="{base}_static/social-card.png" />' in text
    assert '<meta property="og:title" content="A sample chapter" />' in text
    assert '<meta name="description" content="After this page you can draw a curve,' in text
    assert text.count('name="description"') == text.count('property="og:description"') == 1
    png = (sample_site / "_static" / "social-card.png").read_bytes()
    assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == (1200, 630)


def test_first_view_is_small(browser, sample_base):
    context = browser.new_context()
    assert checks.first_view_size(context, sample_base + CHAPTER) <= 700_000
    context.close()


@pytest.mark.parametrize("name", ["chapters/02_words.html", CHAPTER])
def test_keyboard_starts_with_the_skip_link(contexts, sample_base, name):
    page, _ = checks.visit(contexts["light"], sample_base + name)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    assert page.locator("html").get_attribute("lang") == "en"
    page.close()
