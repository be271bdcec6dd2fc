"""Say formulas in words, from their MathML, for readers who hear the PDF."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from functools import cache

from pdf_file import FORMULA

_MATHML = re.compile(
    r'<span class="katex-mathml">(<math.*?</math>)</span><span class="katex-html" '
    r'aria-hidden="true">',
    re.DOTALL,
)
_WORDS = {
    "−": "minus", "-": "minus", "+": "plus", "=": "equals", "≤": "at most", "≥": "at least",
    "<": "less than", ">": "greater than", "∑": "sum", "∏": "product", "∈": "in", "≠": "is not",
    "≈": "about", "∝": "is proportional to", "→": "to", "×": "times", "⋅": "times", "/": "over",
    "∣": "given", "∞": "infinity", "∂": "d", "∇": "gradient of", "√": "root of", "⊤": "transposed",
    "^": "hat", "ˉ": "bar", "¯": "bar", "‾": "bar", "~": "tilde", "⊙": "elementwise times",
    "…": "and so on", "⋯": "and so on", "∪": "union", "∩": "intersection", "\u2061": "",
}  # fmt: skip
_BETWEEN = {
    "mfrac": ("", "over", ""),
    "msub": ("", "sub", ""),
    "msup": ("", "to the", ""),
    "munder": ("", "over", ""),
    "mover": ("", "", ""),
    "mroot": ("root of", "of order", ""),
}


def speak(mathml: str) -> str:
    """Say a formula in words: `x_i^2` becomes `x sub i to the 2`."""
    tree = ET.fromstring(re.sub(r"&(?!#|amp;|lt;|gt;|quot;)", "&amp;", mathml))
    return re.sub(r"\s+", " ", _say(tree)).strip()


def _say(node: ET.Element) -> str:
    name = node.tag.rsplit("}", 1)[-1]
    if name == "annotation":
        return ""
    if name in ("mi", "mo", "mn", "mtext", "ms"):
        text = (node.text or "").strip()
        return _WORDS.get(text, text)
    parts = [_say(child) for child in node]
    if name == "mfrac" and len(parts) == 2:
        return f"{_group(parts[0])} over {_group(parts[1])}"
    if name == "msqrt":
        return f"root of {_group(' '.join(parts))}"
    if name in ("msubsup", "munderover") and len(parts) == 3:
        low, high = ("sub", "to the") if name == "msubsup" else ("from", "to")
        return f"{parts[0]} {low} {_group(parts[1])} {high} {_group(parts[2])}"
    if name in _BETWEEN and len(parts) == 2:
        before, between, after = _BETWEEN[name]
        return f"{before} {parts[0]} {between} {_group(parts[1])} {after}"
    if name == "mtr":
        return " , ".join(parts) + ";"
    return " ".join(parts)


def _group(words: str) -> str:
    words = words.strip()
    return f"({words})" if " " in words else words


def name_formulas(page: str) -> str:
    """Take the MathML out of a page and give what is seen of each formula its words as a name."""
    return _MATHML.sub(
        lambda m: f'<span class="katex-html" role="img" aria-label="{_name(m[1])}">', page
    )


@cache
def _name(mathml: str) -> str:
    return html.escape(FORMULA + speak(mathml), quote=True)
