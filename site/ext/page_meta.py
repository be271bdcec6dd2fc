"""Give each page its description and the tags from which a shared link makes its card."""

import html
import re

from docutils import nodes
from sphinx.application import Sphinx

CARD = "_static/social-card.png"
LENGTH = 200


def describe(doctree: nodes.document | None) -> str:
    """Return the first paragraph of a page as plain text, cut at a word near 200 characters."""
    if doctree is None:
        return ""
    for paragraph in doctree.findall(nodes.paragraph):
        if paragraph.parent.tagname not in ("section", "document"):
            continue
        text = re.sub(r"\s+", " ", paragraph.astext()).strip()
        if len(text) <= LENGTH:
            return text
        return text[:LENGTH].rsplit(" ", 1)[0].rstrip(",;:") + " …"
    return ""


def _add_tags(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    book, base = app.config.html_title, app.config.html_baseurl
    title = app.env.titles[pagename].astext() if pagename in app.env.titles else book
    description = describe(doctree) or book
    context["page_description"] = description
    tags = {
        "og:type": "article",
        "og:site_name": book,
        "og:title": title,
        "og:description": description,
        "og:url": context.get("pageurl") or base,
        "og:image": base + CARD,
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": f"Title card of {book}",
    }
    lines = [f'<meta name="description" content="{html.escape(description)}" />']
    lines += [f'<meta property="{key}" content="{html.escape(tags[key])}" />' for key in tags]
    lines.append('<meta name="twitter:card" content="summary_large_image" />')
    context["metatags"] = context.get("metatags", "") + "\n    " + "\n    ".join(lines)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    # After the theme (500), whose description runs headings and text together.
    app.connect("html-page-context", _add_tags, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
