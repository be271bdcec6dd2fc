"""Show a fenced `mermaid` block as the inline SVG that was rendered for it beforehand.

The pictures lie in `site/diagrams/`, named after the digest of the diagram's text; `make diagrams`
renders missing ones. So building the book needs no browser, and a page needs no script.
"""

import hashlib
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)
COMMAND = "python site/diagrams.py"
ID = "recbook-diagram"  # stands in the stored SVG wherever the page's own id goes


def normalise(text: str) -> str:
    """Return a diagram's text without what cannot change the picture."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def diagram_key(text: str) -> str:
    """Return the digest that names the picture of a diagram."""
    return hashlib.sha256(normalise(text).encode()).hexdigest()


def missing_words(text: str) -> list[str]:
    """Return which of the two lines that describe a diagram are missing."""
    return [
        word
        for word in ("accTitle", "accDescr")
        if not re.search(rf"^\s*{word}\s*(:\s*\S|\{{)", text, flags=re.MULTILINE)
    ]


class Mermaid(SphinxDirective):
    """The `mermaid` fence."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the picture, or report what is missing."""
        text = "\n".join(self.content)
        location = self.get_location()
        missing = missing_words(text)
        if missing:
            LOGGER.error(
                "a diagram has no %s line; it is read aloud to those who cannot see the picture",
                " and no ".join(missing),
                location=location,
            )
        path = Path(self.env.srcdir) / "site" / "diagrams" / f"{diagram_key(text)}.svg"
        self.env.note_dependency(str(path))
        if not path.is_file():
            LOGGER.error(
                "a diagram was not rendered yet; run `%s` and commit site/diagrams",
                COMMAND,
                location=location,
            )
            return [nodes.literal_block(text, text)]
        svg = path.read_text(encoding="utf-8")
        # The style sheet keeps a picture from shrinking until its words cannot be read.
        svg = re.sub(r'(<svg[^>]*? width="([\d.]+)")', r'\1 style="--width: \2"', svg, count=1)
        own = f"diagram-{self.env.new_serialno('diagram')}"
        box = (
            '<div class="diagram scroll-box" data-scroll-label="Diagram, scrolls sideways">'
            f"{svg.strip().replace(ID, own)}</div>"
        )
        return [nodes.raw("", box, format="html")]


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
