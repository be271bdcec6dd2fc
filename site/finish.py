"""Turn what Sphinx wrote into the site that is published.

Each page gets a Content-Security-Policy that forbids any other host and any script it does not
name; what the theme adds and no page needs is dropped; the 404 page, the sitemap and robots.txt
are written. A page that would ask another host, or shows a picture without alternative text, is an
error.
"""

import base64
import hashlib
import html
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

from pictures import small_png

SITE = Path(__file__).resolve().parent
NOT_LISTED = {"404.html", "search.html", "index.html"}
DROPPED = (
    "_static/**/*.map",
    "_static/scripts/fontawesome.js*",
    "_static/vendor/fontawesome/webfonts/*.ttf",
    "_static/vendor/fontawesome/webfonts/fa-brands-400.woff2",
    "_static/webpack-macros.html",
    "_static/sbt-webpack-macros.html",
    "_static/images/logo_deepnote.svg",
    "_static/images/logo_jupyterlite.svg",
    "_static/locales",
    "_static/file.png",
    "_static/minus.png",
    "_static/plus.png",
    "_static/.gitignore",
    ".buildinfo",
    ".buildinfo.bak",
)
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; "
    "script-src 'self'{hashes}; connect-src 'self'; object-src 'none'; frame-src 'none'; "
    "base-uri 'self'; form-action 'self'"
)
_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_ON_CLICK = {"window.print()": "print", "toggleFullScreen()": "fullscreen"}


class SiteError(Exception):
    """The pages cannot be published as they are; the message lists why, a line each."""


_LOADING = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "image": "href",
}
_LOADING_LINKS = {"stylesheet", "preload", "icon", "modulepreload", "prefetch", "preconnect"}


class _Inspector(HTMLParser):
    """Collect what a page must not have."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if (
            tag == "img"
            and not values.get("alt", "").strip()
            and values.get("role") != "presentation"
        ):
            self.faults.append(f"picture without alternative text: {values.get('src', '')[:80]}")
        target = values.get(_LOADING.get(tag, ""), "")
        if tag == "link" and _LOADING_LINKS & set(values.get("rel", "").split()):
            target = values.get("href", "")
        if re.match(r"(https?:)?//", target):
            self.faults.append(f"asks another host: <{tag}> {target[:80]}")
        if re.match(r"\s*javascript:", values.get("href", ""), re.IGNORECASE):
            self.faults.append(f"a javascript: link: {values['href'][:80]}")
        self.faults += [
            f"inline event handler {key} on <{tag}>" for key in values if key.startswith("on")
        ]


def inspect_page(text: str) -> list[str]:
    """Return what in a page forbids publishing it."""
    inspector = _Inspector()
    inspector.feed(text)
    return inspector.faults


def add_policy(text: str) -> str:
    """Put the security policy at the head of a page, with the digests of its inline scripts."""
    digests = {
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _INLINE_SCRIPT.findall(text)
    }
    hashes = "".join(f" 'sha256-{digest}'" for digest in sorted(digests))
    tag = f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(hashes=hashes)}" />'
    return re.sub(r'(<meta charset="[^"]*" ?/?>)', rf"\1\n    {tag}", text, count=1)


def mend_page(text: str) -> str:
    """Return a page without what the theme and pandas do against the rules."""
    for script, action in _ON_CLICK.items():
        text = text.replace(f'onclick="{script}"', f'type="button" data-action="{action}"')
    text = re.sub(r'\s*<script[^>]*src="[^"]*fontawesome\.js[^"]*"[^>]*></script>', "", text)
    # One icon of a brand would load a font of 118 kB.
    text = re.sub(
        r'class="(?:fab|fa-brands) fa-github[^"]*"', 'class="fa-solid fa-code-branch"', text
    )
    # The search index is big and nobody waits for it.
    text = re.sub(
        r'<script src="([^"]*(?:searchtools|language_data|searchindex)\.js[^"]*)"></script>',
        r'<script defer src="\1"></script>',
        text,
    )
    # The words inside already name it, and say whether it opens or closes.
    text = text.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    # pandas writes the corner of a data frame as an empty heading.
    text = re.sub(r"<th([^>]*)></th>", r"<td\1></td>", text)
    # As attributes, the size of a picture gives its shape before it is loaded and while it shrinks.
    text = re.sub(
        r'(<img [^>]*?)style="width: (\d+)px; height: (\d+)px;?"',
        r'\1width="\2" height="\3" loading="lazy"',
        text,
    )
    # What stands beside the text belongs to a landmark too.
    text = text.replace(
        '<div id="pst-primary-sidebar" class="',
        '<div id="pst-primary-sidebar" role="complementary" aria-label="Book" class="',
    )
    return re.sub(r'(<a [^>]*target="_blank")(?![^>]*\brel=)', r'\1 rel="noopener"', text)


def _write_extra_pages(target: Path, first_page: str, base: str, title: str) -> None:
    fill = {"FIRST": first_page, "BASE": base, "TITLE": html.escape(title)}
    fill["BASE_PATH"] = json.dumps("/" + base.split("/", 3)[3])
    for name in ("index.html", "404.html"):
        text = (SITE / "templates" / f"page-{name}").read_text(encoding="utf-8")
        for key, value in fill.items():
            text = text.replace("{{" + key + "}}", value)
        (target / name).write_text(text, encoding="utf-8")


def _write_sitemap(target: Path, base: str) -> None:
    pages = sorted(path.relative_to(target).as_posix() for path in target.rglob("*.html"))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append('<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">')
    lines += [
        f"  <url><loc>{html.escape(base + page)}</loc></url>"
        for page in pages
        if page not in NOT_LISTED and not page.startswith("_")
    ]
    (target / "sitemap.xml").write_text("\n".join([*lines, "</urlset>\n"]), encoding="utf-8")
    robots = f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n"
    (target / "robots.txt").write_text(robots, encoding="utf-8")


def shrink_pictures(folder: Path) -> None:
    """Write the figures anew with few colours, where nobody would see a difference."""

    def shrink(path: Path) -> None:
        path.write_bytes(small_png(path.read_bytes()))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(shrink, sorted(folder.glob("*.png"))))


def finish(built: Path, target: Path, *, first_page: str, base: str, title: str) -> None:
    """Write the publishable site.

    Parameters
    ----------
    built : Path
        What Sphinx wrote; it is not changed.
    target : Path
        A folder that does not exist yet.
    first_page : str
        The page that the front door leads to, as a path inside the site.
    base : str
        The public address of the site, with a slash at the end.
    title : str
        The title of the book.

    Raises
    ------
    SiteError
        If a page asks another host, has an inline event handler, or shows a picture without
        alternative text.
    """
    shutil.copytree(built, target)
    for pattern in DROPPED:
        for path in list(target.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shrink_pictures(target / "_images")
    _write_extra_pages(target, first_page, base, title)
    faults = []
    for path in sorted(target.rglob("*.html")):
        text = add_policy(mend_page(path.read_text(encoding="utf-8")))
        name = path.relative_to(target).as_posix()
        faults += [f"{name}: {fault}" for fault in inspect_page(text)]
        path.write_text(text, encoding="utf-8")
    if faults:
        raise SiteError("\n".join(faults))
    _write_sitemap(target, base)
