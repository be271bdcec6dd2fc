"""The explorer page in a real browser: choose, slide, keys, a phone, and the order of Python."""

import json
import re
import shutil

import checks
import explorer
import explorer_lists
import numpy as np
import pytest
from render import render
from sample_book import ROOT, lay_out

from recbook.fusion import ScoreFusion
from recbook.fusion.members import stored_pool

pytestmark = pytest.mark.browser

HOSTILE = '<img src="x" onerror="document.title = \'broken into\'">'
PAGE = "chapters/explorer.html"
FUSED = ".x-fused-list > li"


@pytest.fixture(scope="module")
def explorer_root(tmp_path_factory):
    """The sample book with the explorer; what the first household is shown has hostile names."""
    root = lay_out(tmp_path_factory.mktemp("explorer"))
    page = (ROOT / "chapters" / "explorer.md").read_text(encoding="utf-8")
    page = re.sub(r"\]\(\d\d_\w+\.ipynb\)", "](01_sample.ipynb)", page)  # the only chapter here
    (root / "chapters" / "explorer.md").write_text(page, encoding="utf-8")
    toc, line = root / "_toc.yml", "      - file: chapters/claims\n"
    text = toc.read_text(encoding="utf-8").replace(line, f"      - file: chapters/explorer\n{line}")
    toc.write_text(text, encoding="utf-8")
    folder = root / "_build" / "explorer"
    shutil.copytree(explorer.make_explorer(ROOT), folder)
    script = folder / "explorer-data.js"
    start, end = script.read_text(encoding="ascii").split("{}, ", 1)
    content = json.loads(end[: end.rindex(");")])
    for place in content["repeat"]["rows"][0]["items"]:
        content["products"][place] = f"{HOSTILE} {place}"
    script.write_text(f"{start}{{}}, {json.dumps(content)});", encoding="ascii")
    render(root)
    return root


@pytest.fixture(scope="module")
def base(explorer_root):
    """The address at which it is served."""
    with checks.serve(explorer_root / "_build" / "html") as address:
        yield address


@pytest.fixture
def page(contexts, base):
    """The page, freshly opened; nothing it does may ask another host or break the policy."""
    opened, faults = checks.visit(contexts["light"], base + PAGE)
    yield opened
    assert faults + opened.evaluate("window.policyViolations") == []
    opened.close()


def items(page) -> list[str]:
    """The products of the fused list."""
    return page.locator(FUSED).evaluate_all("(all) => all.map((one) => one.dataset.item)")


def status(page):
    """Where the page says what changed."""
    return page.locator(".x-status")


def drawn(page, **what) -> None:
    """Wait until the page shows a task or a household.

    Playwright's `wait_for_function` asks again by `eval`, which the page's policy forbids.
    """
    for name, value in what.items():
        page.locator(f'#household-explorer[data-{name}="{value}"]').wait_for()


def load_all(page) -> None:
    """Have both tasks loaded."""
    page.get_by_role("radio", name="Discovery").check()
    drawn(page, task="new")
    page.get_by_role("radio", name="Next purchases").check()
    drawn(page, task="repeat")


def test_a_household_is_chosen_and_its_history_and_lists_follow(page):
    before = items(page)
    assert len(before) == 10
    box = page.get_by_role("combobox", name="Household", exact=True)
    value = box.locator("option").nth(7).get_attribute("value")
    box.select_option(value)
    household = page.evaluate(f"window.recbookExplorer.households[{value}]")
    drawn(page, household=household["id"])
    page.locator(".x-about", has_text=f"Household {household['id']}:").wait_for()
    assert items(page) != before
    baskets = page.locator(".x-basket")
    assert baskets.count() == len(household["baskets"])
    baskets.first.locator("summary").click()
    shown = baskets.first.locator("li").all_inner_texts()
    names = page.evaluate("window.recbookExplorer.products")
    assert shown == [names[place] for place in household["baskets"][0][1]]
    columns = page.locator(".x-column")
    assert columns.count() == 7
    for column in columns.all():
        assert column.locator("li").count() == 10
        assert all(text.strip() for text in column.locator(".x-why").all_inner_texts())
    page.get_by_role("button", name="Next household").click()
    page.locator(".x-about", has_text=f"Household {household['id']}:").wait_for(state="detached")
    page.get_by_role("button", name="Previous household").click()
    page.locator(".x-about", has_text=f"Household {household['id']}:").wait_for()


def test_a_slider_ranks_again_at_once_and_says_what_changed(page):
    before = items(page)
    slider = page.get_by_role("slider", name="Recent popularity")
    slider.fill("20")
    after = items(page)
    assert after != before
    assert "%" in slider.get_attribute("aria-valuetext")
    assert status(page).get_attribute("role") == "status"
    status(page).filter(has_text="In: ").wait_for()
    said = status(page).inner_text()
    names = page.evaluate("window.recbookExplorer.products")
    assert all(names[int(new)] in said for new in set(after) - set(before))
    assert all(names[int(old)] in said for old in set(before) - set(after))
    page.get_by_role("button", name="Learnt weights").click()
    assert items(page) == before
    assert page.get_by_role("button", name="Learnt weights").get_attribute("aria-pressed") == "true"
    page.get_by_role("combobox", name="Only").select_option(label="Pair rules")
    column = page.locator(".x-column[data-model='4'] li")
    assert items(page) == column.evaluate_all("(all) => all.map((one) => one.dataset.item)")
    for one in page.get_by_role("slider").all():
        one.fill("0")
    assert items(page) == []
    page.get_by_text("All weights are 0").wait_for()


def test_the_sum_of_a_product_is_its_fused_score(page):
    page.locator(FUSED).nth(2).locator("summary").click()
    parts = page.locator(FUSED).nth(2).locator(".x-value").all_inner_texts()
    item = int(items(page)[2])
    score = page.evaluate(
        """(item) => {
          const { repeat, rank } = window.recbookExplorer;
          const row = repeat.rows[0];
          rank(row, repeat.weights);
          const c = row.items.indexOf(item), n = row.items.length;
          const total = repeat.weights.reduce((a, b) => a + b);
          return repeat.weights.reduce((s, w, m) => s + w / total * row.decoded[m * n + c], 0);
        }""",
        item,
    )
    rounded = sum(float(part.replace("−", "-")) for part in parts)
    assert rounded == pytest.approx(score, abs=0.005 * len(parts) + 1e-9)
    page.get_by_role("slider", name="EASE").press("ArrowRight")
    still_open = page.locator(f"{FUSED} details[open]")
    assert still_open.count() == 1


def test_everything_is_done_with_keys_alone(page):
    focused = "document.activeElement"
    page.locator("#explorer-household").focus()
    page.keyboard.press("ArrowDown")
    drawn(page, household=page.evaluate("window.recbookExplorer.households[1].id"))
    assert page.locator("#explorer-household").input_value() == "1"
    page.locator(".x-about", has_text="Household").wait_for()
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(f"{focused}.id || {focused}.textContent"))
        outline = page.evaluate(f"getComputedStyle({focused}).outlineStyle")
        assert outline != "none", seen[-1]
        if seen[-1] == "explorer-weight-6":
            break
    else:
        pytest.fail(f"the last slider is not reached: {seen}")
    before = page.evaluate(f"{focused}.value")
    page.keyboard.press("End")
    assert (before, page.evaluate(f"{focused}.value")) != ("20", "0")
    assert page.evaluate(f"{focused}.value") == "20"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(f"{focused}.textContent") == "Show what it bought next":
            break
    page.keyboard.press("Enter")
    page.get_by_role("region", name="What it bought next").wait_for()
    assert page.evaluate(f"{focused}.textContent") == "Hide what it bought next"
    assert page.evaluate(f"{focused}.getAttribute('aria-expanded')") == "true"


def test_what_was_bought_is_shown_on_request_only(page):
    assert page.locator(".x-hit").count() == 0
    page.get_by_role("button", name="Show what it bought next").click()
    page.get_by_role("region", name="What it bought next").wait_for()
    row = page.evaluate("window.recbookExplorer.repeat.rows[0]")
    right = {str(place) for place, *_ in row["held_out"]}
    hits = [place for place, item in enumerate(items(page)) if item in right]
    marked = page.locator(FUSED).evaluate_all(
        "(all) => all.flatMap((one, at) => one.querySelector('.x-hit') ? [at] : [])"
    )
    assert marked == hits
    ideal = sum(1 / np.log2(place + 2) for place in range(min(10, len(right))))
    value = sum(1 / np.log2(place + 2) for place in hits) / ideal
    shown = page.locator(".x-scores dd").all_inner_texts()
    assert shown[0] == f"{value:.3f}"
    assert shown[1] == shown[2]  # the weights are the learnt ones
    assert page.locator(".x-bought li").count() == len(right)
    page.get_by_role("slider", name="Content").fill("20")
    assert page.locator(".x-scores dd").nth(1).inner_text() != shown[1]
    page.get_by_role("button", name="Hide what it bought next").click()
    assert page.locator(".x-hit").count() == 0


def test_the_scores_stand_beside_those_of_more_households(page):
    page.get_by_role("button", name="Show what it bought next").click()
    everyone = page.evaluate("window.recbookExplorer.repeat.all")
    known = page.locator(".x-scores dt", has_text="whose make-up is known")
    assert known.inner_text().startswith(f"{everyone['described']['users']} ")
    value = page.locator(".x-scores dd").nth(3).inner_text()
    assert value == f"{everyone['described']['mean']:.3f}"
    all_of_them = page.locator(".x-scores dd").nth(4).inner_text()
    assert all_of_them.startswith(f"{everyone['learnt']['mean']:.3f} [")


def test_the_sliders_say_to_the_eye_what_a_model_does(page):
    for slider in page.get_by_role("slider").all():
        what = page.locator(f"#{slider.get_attribute('aria-describedby')}")
        box = what.bounding_box()
        assert what.inner_text().strip()
        assert box["width"] > 50


def test_a_slider_makes_no_more_than_the_list(page):
    """The sums are made when they are opened: ten times seven parts would cost half the time."""
    page.get_by_role("slider", name="Recent popularity").fill("20")
    assert page.locator(f"{FUSED} .x-sum li").count() == 0
    page.locator(FUSED).first.locator("summary").click()
    used = page.evaluate("window.recbookExplorer.repeat.weights").count(0)
    parts = page.locator(f"{FUSED} .x-sum li")
    parts.nth(6 - used).wait_for()
    assert parts.count() == 7 - used


def test_the_lists_side_by_side_leave_no_empty_screen(page):
    heights = page.locator(".x-column .x-list").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().height)"
    )
    assert max(heights) < 1.8 * min(heights)


def test_the_address_keeps_the_state(contexts, base, page):
    page.get_by_role("radio", name="Discovery").check()
    drawn(page, task="new")
    page.get_by_role("button", name="Next household").click()
    page.get_by_role("slider", name="User neighbours").fill("13")
    page.get_by_role("button", name="Show what it bought next").click()
    page.get_by_role("region", name="What it bought next").wait_for()
    assert "task=new" in page.url
    again, faults = checks.visit(contexts["light"], page.url)
    again.get_by_role("region", name="What it bought next").wait_for()
    assert (items(again), faults) == (items(page), [])
    assert again.get_by_role("slider", name="User neighbours").input_value() == "13"
    assert again.locator(".x-about").inner_text() == page.locator(".x-about").inner_text()
    again.get_by_role("button", name="Reset all").click()
    assert again.url == base + PAGE
    assert again.get_by_role("radio", name="Next purchases").is_checked()
    assert again.locator("#explorer-household").input_value() == "0"
    again.close()


@pytest.mark.parametrize(
    "address",
    ["#household=nobody&weights=1.2&task=x", "#what-you-see", "#household=&weights=9.9.9.9.9.9.99"],
)
def test_an_address_that_says_nothing_changes_nothing(contexts, base, page, address):
    other, faults = checks.visit(contexts["light"], base + PAGE + address)
    assert (items(other), faults) == (items(page), [])
    other.close()


def test_the_order_is_that_of_the_package_for_all_weights(page):
    load_all(page)
    rng = np.random.default_rng(1)
    vectors = [
        *np.eye(7, dtype=int).tolist(),
        [10] * 7,
        [1, 0, 1, 0, 0, 0, 0],
        [0, 7, 0, 0, 7, 0, 0],
    ]
    vectors += rng.integers(0, 21, (12, 7)).tolist()
    ids = page.evaluate("window.recbookExplorer.households.map((one) => one.id)")
    for task, names in explorer_lists.MODELS.items():
        pool = stored_pool(task).only(names)
        users = pool.known.users[pool.users].get_indexer(ids)
        pool = pool.rows(users)
        own = [page.evaluate(f"window.recbookExplorer.{task}.weights")]
        found = page.evaluate(
            """([task, vectors]) => vectors.map((parts) => {
              const { rank, ndcg } = window.recbookExplorer;
              return window.recbookExplorer[task].rows.map((row) => {
                const ranked = rank(row, parts);
                return [ranked.map((c) => row.items[c]), ndcg(row, ranked)];
              });
            })""",
            [task, own + vectors],
        )
        places = _places(page, task, pool)
        for parts, rows in zip(own + vectors, found, strict=True):
            fused = ScoreFusion(names, weights=np.array(parts) / sum(parts)).fuse(pool)
            lists = [[places.get(int(item)) for item in one] for one in pool.lists(fused)]
            assert [row[0] for row in rows] == lists
            assert [row[1] for row in rows] == pytest.approx(pool.ndcg(fused).tolist(), abs=1e-12)


def _places(page, task: str, pool) -> dict[int, int]:
    """Map a column of the pool to its place among the page's products.

    The page knows no columns: a household's candidates stand there in their order, without those
    that can be in no list.
    """
    from recbook.fusion.normalise import z_score

    rows = page.evaluate(f"window.recbookExplorer.{task}.rows.map((row) => row.items)")
    scaled, places = z_score(pool.scores), {}
    for at, own in enumerate(rows):
        n = int(pool.there[at].sum())
        columns = pool.items[at, :n][explorer_lists.can_be_listed(scaled[:, at, :n])]
        places |= dict(zip(map(int, columns), own, strict=True))
    return places


def test_a_hostile_name_stays_text(page):
    assert page.locator(f"{FUSED} .x-name").first.inner_text().startswith(HOSTILE)
    page.locator(FUSED).first.locator("summary").click()
    page.get_by_role("slider", name="Content").fill("20")
    status(page).filter(has_text=HOSTILE).wait_for()
    page.get_by_role("button", name="Show what it bought next").click()
    page.get_by_role("region", name="What it bought next").wait_for()
    assert page.locator("#household-explorer img").count() == 0
    assert page.title() != "broken into"


@pytest.mark.parametrize("mode", checks.MODES)
def test_it_is_accessible_with_everything_shown(contexts, base, mode):
    page, faults = checks.visit(contexts[f"axe {mode}"], base + PAGE + "#household=x&bought=1")
    page.get_by_role("region", name="What it bought next").wait_for()
    assert faults + checks.axe_violations(page) + checks.heading_faults(page) == []
    page.close()


def test_it_fits_a_phone_and_the_lists_scroll_in_their_box(contexts, base):
    page, faults = checks.visit(contexts["phone"], base + PAGE + "#household=x&task=new&bought=1")
    page.get_by_role("region", name="What it bought next").wait_for()
    page.evaluate(
        """() => document.querySelectorAll('#household-explorer details')
            .forEach((fold) => { fold.open = true; })"""
    )
    assert faults + checks.sideways(page) == []
    box = page.get_by_role("group", name="Each model’s own list")
    assert box.evaluate("(box) => box.scrollWidth > box.clientWidth && box.tabIndex === 0")
    small = page.locator("#household-explorer").locator("button, select, input[type=range]")
    assert all(one.bounding_box()["height"] >= 24 for one in small.all())
    page.close()


def test_it_works_from_a_file(contexts, explorer_root):
    address = (explorer_root / "_build" / "html" / PAGE).as_uri()
    page, faults = checks.visit(contexts["light"], address)
    before = items(page)
    page.get_by_role("radio", name="Discovery").check()
    drawn(page, task="new")
    page.get_by_role("slider", name="PureSVD").fill("20")
    assert (len(before), len(items(page)), faults) == (10, 10, [])
    assert items(page) != before
    assert "task=new" in page.url
    page.close()


def test_without_scripts_the_page_says_so(browser, base):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(base + PAGE)
    page.get_by_text("This part needs JavaScript").wait_for()
    rows = checks.table_rows(page.locator("main table").first)
    assert [row[1] for row in rows if row[0] == "Discovery"][1:] == [
        "learnt weights",
        "equal weights",
    ]
    context.close()


def test_its_scripts_are_loaded_on_its_page_alone(browser, base):
    context = browser.new_context()
    assert checks.first_view_size(context, base + PAGE) <= 600_000
    page = context.new_page()
    page.goto(base + "chapters/02_words.html")
    assert page.locator("script[src*='explorer'], link[href*='explorer.css']").count() == 0
    context.close()


def test_a_book_without_the_page_asks_for_nothing(sample_site):
    assert not list(sample_site.rglob("explorer*.html"))
    assert not list(sample_site.rglob("explorer-*.js"))
