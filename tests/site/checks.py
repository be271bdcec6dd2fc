"""What a published page must keep, as functions that say what is wrong: an empty list is a pass.

They work on any folder of finished pages: the sample book's, and the real `_build/html`.
"""

import functools
import gzip
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import BrowserContext, Locator, Page

MODES = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
_DONE = re.compile("found .* page|did not match")
_WATCH = """
window.policyViolations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.policyViolations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def list_pages(site: Path) -> list[str]:
    """Return the pages of a site but the front door, which only leads to the first page.

    Decks of slides lie among the downloads: they are no pages of the book and have their own tests.
    """
    names = (path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return sorted(name for name in names if name.split("/")[0] not in ("index.html", "downloads"))


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass

    def send_error(self, code: int, *args: object) -> None:
        """Answer what is missing with the site's own 404 page, as GitHub Pages does."""
        page = Path(self.directory) / "404.html"
        if code != 404 or not page.is_file():
            super().send_error(code, *args)
            return
        content = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serve(site: Path) -> Iterator[str]:
    """Serve a folder on this machine; yield its address, with a slash at the end."""
    handler = functools.partial(_Handler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def visit(context: BrowserContext, url: str) -> tuple[Page, list[str]]:
    """Open a page; return it with its faults: asks of other hosts, policy violations, errors.

    Nothing leaves the machine: a request to another host is recorded and stopped.
    """
    faults: list[str] = []
    home = urlsplit(url)
    page = context.new_page()
    page.add_init_script(_WATCH)

    def judge(route) -> None:
        target = urlsplit(route.request.url)
        if target.scheme in ("data", "blob") or (target.scheme, target.netloc) == home[:2]:
            route.continue_()
        else:
            faults.append(f"asks another host: {route.request.url}")
            route.abort()

    page.route("**/*", judge)
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on(
        "console",
        lambda message: (
            faults.append(f"console: {message.text}") if message.type == "error" else None
        ),
    )
    page.goto(url, wait_until="load")
    page.wait_for_load_state("networkidle")
    faults += [f"policy: {what}" for what in page.evaluate("window.policyViolations")]
    return page, faults


def policy_faults(text: str) -> list[str]:
    """Return what is wrong with a page's Content-Security-Policy."""
    found = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    if len(found) != 1:
        return [f"{len(found)} policies instead of one"]
    before = text.split("Content-Security-Policy", 1)[0]
    faults = [f"{tag} before the policy" for tag in ("<script", "<link", "<style") if tag in before]
    rules = dict(part.strip().split(" ", 1) for part in found[0].split(";"))
    if rules.get("default-src") != "'self'":
        faults.append(f"default-src is {rules.get('default-src')}")
    if rules.get("object-src") != "'none'":
        faults.append("object-src is not 'none'")
    scripts = rules.get("script-src", "").split()
    allowed = [s for s in scripts if s != "'self'" and not s.startswith("'sha256-")]
    faults += [f"script-src allows {source}" for source in allowed]
    for name, value in rules.items():
        open_ended = [source for source in value.split() if "//" in source or source == "*"]
        # A digest in base64 may well hold two slashes.
        faults += [f"{name} allows {s}" for s in open_ended if not s.startswith("'sha256-")]
    return faults


def axe_violations(page: Page, *, colours_only: bool = False) -> list[str]:
    """Return what axe-core finds on a page, with everything that folds opened.

    `colours_only` asks only the rules that a change of colours can break: for a dark page of which
    the light one is asked everything. Of the words in code, which are thousands, one of each colour
    is kept to be looked at.
    """
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    page.evaluate(
        """() => {
          const seen = new Set();
          for (const word of document.querySelectorAll('.highlight pre span[class]')) {
            if (seen.has(word.className)) word.replaceWith(...word.childNodes);
            else seen.add(word.className);
          }
        }"""
    )
    # Without preload: axe would ask again for style sheets, and resolve their imports wrongly.
    options = {"resultTypes": ["violations"], "preload": False}
    if colours_only:
        rules = ["color-contrast", "link-in-text-block"]  # those of level A and AA
        options["runOnly"] = {"type": "rule", "values": rules}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'][:200]})"
        for rule in found
        for node in rule["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    """Return by how much a page is wider than the window, and which boxes scroll unnamed."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    faults = [f"the page is {wide} pixels wider than the window"] if wide > 0 else []
    faults += page.evaluate(
        """() => [...document.querySelectorAll(
              '.scroll-box, .pst-scrollable-table-container, .text_html, pre')]
            .filter((box) => box.scrollWidth > box.clientWidth + 1)
            .filter((box) => box.tabIndex !== 0 || !box.getAttribute('aria-label'))
            .map((box) => `scrolls without tab stop and label: ${box.outerHTML.slice(0, 99)}`)"""
    )
    return faults


def heading_faults(page: Page) -> list[str]:
    """Return where the headings skip a level, and whether there is not exactly one h1."""
    levels = page.evaluate(
        """() => [...document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6)')]
            .filter((h) => h.offsetParent !== null).map((h) => Number(h.tagName[1]))"""
    )
    faults = [] if levels.count(1) == 1 else [f"{levels.count(1)} first-level headings"]
    return faults + [f"h{a} is followed by h{b}" for a, b in pairwise(levels) if b > a + 1]


def table_rows(table: Locator) -> list[list[str]]:
    """Return the words in the body of a table, cell by cell."""
    return table.evaluate(
        """(table) => [...table.tBodies[0].rows].map((row) =>
            [...row.cells].map((cell) => cell.textContent.trim()))"""
    )


def search_titles(context: BrowserContext, base: str, term: str) -> list[str]:
    """Search a site as a reader does and return the titles found."""
    page, faults = visit(context, f"{base}search.html?q={term}")
    try:
        if faults:
            raise AssertionError(f"the search page of {base}: {faults}")
        page.locator("#search-results .search-summary", has_text=_DONE).wait_for()
        return page.locator("#search-results ul.search > li > a").all_inner_texts()
    finally:
        page.close()


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()
        self.repeated: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if "id" in values:
            if values["id"] in self.ids:
                self.repeated.append(values["id"])
            self.ids.add(values["id"])
        # `use` and marker references are checked by the browser.
        if tag in ("a", "link", "script", "img") and values.get("rel") != "canonical":
            self.targets += [values[key] for key in ("href", "src") if values.get(key)]


@functools.cache
def _read_links(path: Path) -> _Links:
    links = _Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def link_faults(site: Path, name: str) -> list[str]:
    """Return links of a page that lead nowhere inside the site, and ids that stand twice."""
    links = _read_links(site / name)
    faults = [f"id {what!r} stands twice" for what in links.repeated]
    for target in links.targets:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        path = (site / name).parent / unquote(parts.path) if parts.path else site / name
        if not path.exists():
            faults.append(f"link to {target}, which is not there")
        elif (
            path.suffix == ".html"
            and parts.fragment
            and unquote(parts.fragment) not in _read_links(path.resolve()).ids
        ):
            faults.append(f"link to {target}: no such place on the page")
    return faults


def first_view_size(context: BrowserContext, url: str) -> int:
    """Return what a first visit to a page loads, in bytes, compressed as servers do."""
    page = context.new_page()
    bodies: dict[str, bytes] = {}
    page.on(
        "requestfinished", lambda request: bodies.setdefault(request.url, request.response().body())
    )
    page.goto(url, wait_until="load")
    page.wait_for_load_state("networkidle")
    page.close()
    return sum(
        len(body) if link.split("?")[0].endswith((".woff2", ".png")) else len(gzip.compress(body))
        for link, body in bodies.items()
    )
