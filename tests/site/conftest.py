"""A browser, and the sample book rendered once."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "site"), str(ROOT / "site" / "ext")]

from browser import COMMAND, FLAGS, find_browser  # noqa: E402
from checks import MODES, serve  # noqa: E402
from render import render  # noqa: E402
from sample_book import lay_out  # noqa: E402


@pytest.fixture(scope="session")
def browser():
    """A Chromium; a missing one is a failure that names the remedy."""
    from playwright.sync_api import sync_playwright

    path = find_browser()
    if path is None:
        pytest.fail(f"the browser tests need a Chromium: run `{COMMAND}`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def contexts(browser):
    """A browser window for each mode; "axe" ones let the checker's own script in."""
    opened = {mode: browser.new_context(**options) for mode, options in MODES.items()}
    for mode, options in MODES.items():
        opened[f"axe {mode}"] = browser.new_context(**options, bypass_csp=True)
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory) -> Path:
    """The folder of the sample book, rendered."""
    root = lay_out(tmp_path_factory.mktemp("book"))
    render(root)
    return root


@pytest.fixture(scope="session")
def sample_site(sample_root) -> Path:
    """The finished pages of the sample book."""
    return sample_root / "_build" / "html"


@pytest.fixture(scope="session")
def sample_base(sample_site):
    """The address at which the sample book is served."""
    with serve(sample_site) as base:
        yield base
