"""Render formulas with KaTeX while the book is built; a formula KaTeX cannot read is a build error.

KaTeX runs in process (mini-racer), so a page holds finished HTML and MathML and needs no script.
"""

import atexit
import functools
import html
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

LOGGER = logging.getLogger(__name__)
KATEX = Path(__file__).resolve().parent.parent / "vendor" / "katex" / "katex.min.js"
_NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|equation|gather|multline)\}")


@functools.cache
def _engine():
    from py_mini_racer import MiniRacer

    engine = MiniRacer()
    # Left to the interpreter's own end, closing it waits for a thread that is gone (Python 3.13).
    atexit.register(engine.close)
    engine.eval(KATEX.read_text(encoding="utf-8"))
    engine.eval(
        "function renderFormula(tex, display) {"
        "  try { return JSON.stringify({html: katex.renderToString(tex, {displayMode: display,"
        "    output: 'htmlAndMathml', strict: 'ignore', throwOnError: true})}); }"
        "  catch (error) { return JSON.stringify({error: String(error.message)}); } }"
    )
    return engine


@functools.cache
def render(tex: str, display: bool = False) -> str:
    """Return the HTML of a formula.

    Raises
    ------
    ValueError
        If KaTeX cannot read the formula; the message is KaTeX's.
    """
    answer = json.loads(_engine().call("renderFormula", tex, display))
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["html"]


def _render_or_report(node: nodes.Element, tex: str, display: bool) -> str:
    try:
        return render(tex, display)
    except ValueError as error:
        LOGGER.error("bad formula %r: %s", tex, error, location=node)
        return f"<code>{html.escape(tex)}</code>"


def _visit_inline(self, node: nodes.math) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(_render_or_report(node, node.astext(), False) + "</span>")
    raise nodes.SkipNode


def _visit_display(self, node: nodes.math_block) -> None:
    tex = _NUMBERED.sub(r"\\\1{\2*}", node.astext())  # the page numbers equations, not KaTeX
    tex = tex.replace("{multline*}", "{aligned}")  # which KaTeX does not know
    if "\\begin{" not in tex and ("\\\\" in tex or "&" in tex):
        tex = r"\begin{aligned}" + tex + r"\end{aligned}"
    self.body.append(self.starttag(node, "div", CLASS="math display notranslate nohighlight"))
    if node.get("number"):
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append('<div class="scroll-box" data-scroll-label="Formula, scrolls sideways">')
    self.body.append(_render_or_report(node, tex, True) + "</div></div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.add_html_math_renderer("katex", (_visit_inline, None), (_visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
