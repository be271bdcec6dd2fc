"""Turn a blockquote that begins with a bold keyword into an admonition.

    > **Note** Everything after the bold words is the body.

The same text stays a readable blockquote in JupyterLab, in Colab and on GitHub. The bold words
become the title: it may say more than the keyword (`**Exercise 3.1 ★★**`, `**定义 (Definition)**`).
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

# keyword -> class of the admonition: what the theme knows, or what book.css adds
KINDS = {
    "note": ("note", "remark", "background", "注", "说明", "备注"),
    "tip": ("tip", "hint", "提示", "技巧"),
    "important": ("important", "remember", "key idea", "重要", "要点"),
    "warning": ("warning", "caution", "attention", "danger", "警告", "注意"),
    "definition": ("definition", "term", "定义", "术语"),
    "exercise": ("exercise", "question", "task", "练习", "习题", "问题"),
    "example": ("example", "case", "例", "例子", "示例"),
    "theorem": ("theorem", "proposition", "lemma", "identity", "定理", "引理"),
    "surprise": ("surprise", "finding", "result", "发现", "结果"),
    "objectives": ("objectives", "you will be able to", "目标"),
}
_KEYWORDS = sorted(
    ((word, kind) for kind, words in KINDS.items() for word in words),
    key=lambda pair: -len(pair[0]),
)


def kind_of(title: str) -> str | None:
    """Return the class of the admonition that a bold title asks for, or None."""
    lowered = title.strip().lower()
    for word, kind in _KEYWORDS:
        ends = r"\b" if word.isascii() else r"(?![\u3400-\u9fff])"
        if re.match(re.escape(word) + ends, lowered):
            return kind
    return None


def _trim(inline: list[nodes.Node], end: int) -> list[nodes.Node]:
    """Take the punctuation between title and body off one end of a run of inline nodes."""
    if inline and isinstance(inline[end], nodes.Text):
        text = inline[end].astext()
        strip = text.rstrip if end else text.lstrip
        inline[end] = nodes.Text(strip(" \n.:：。"))
    return inline


class CalloutTransform(SphinxTransform):
    """Replace call-out blockquotes by admonitions."""

    default_priority = 205

    def apply(self, **kwargs) -> None:
        """Replace each blockquote whose first words are a bold keyword."""
        for quote in list(self.document.findall(nodes.block_quote)):
            first = quote[0] if len(quote) else None
            if not isinstance(first, nodes.paragraph):
                continue
            strong = next((child for child in first if child.astext()), None)
            if not isinstance(strong, nodes.strong):
                continue
            title = strong.astext().strip().rstrip(".:：。")
            kind = kind_of(title)
            if kind is None:
                continue
            heading = nodes.title("", "", *_trim([child.deepcopy() for child in strong], -1))
            rest = [child for child in first if child is not strong and child.astext()]
            first.children = []
            first += _trim(rest, 0)
            body = [child for child in quote if child is not first or len(first)]
            admonition = nodes.admonition("", heading, *body, classes=["callout", kind])
            admonition.source, admonition.line = quote.source, quote.line
            quote.replace_self(admonition)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.add_transform(CalloutTransform)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
