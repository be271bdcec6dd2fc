"""Make a data frame's table readable: text to the left, and one header row instead of two."""

import re
from itertools import cycle

_CELL = re.compile(r"<td>(.*?)</td>", re.DOTALL)
_NUMBER = re.compile(
    r"[\s−+-]*(\$|<|>|≤|≥)?\s*\d[\d,.]*(e[+-]?\d+)?\s*(%|s|ms|MB)?\s*|–?|NaN|nan|\[.*\]"
)
_HEAD = re.compile(
    r"<thead>\s*<tr[^>]*>\s*<th>\s*</th>(?P<columns>.*?)</tr>\s*"
    r"<tr>\s*<th>(?P<name>[^<]+)</th>\s*(?:<th>\s*</th>\s*)+</tr>\s*</thead>",
    re.DOTALL,
)


def is_number(text: str) -> bool:
    """Tell whether a cell holds a number, an interval or nothing; such cells stay to the right."""
    return _NUMBER.fullmatch(text.strip()) is not None


def mend_table(html: str) -> str:
    """Return pandas' HTML with its text columns marked and the index's name in the header row."""
    if 'class="dataframe"' not in html or html.count("<thead>") != 1:
        return html
    html = _HEAD.sub(lambda m: f"<thead><tr><th>{m['name']}</th>{m['columns']}</tr></thead>", html)
    head, body = html.split("</thead>")
    rows = [_CELL.findall(row) for row in body.split("</tr>")]
    rows = [row for row in rows if row]
    if len({len(row) for row in rows}) != 1:
        return html
    texts = [not all(is_number(cell) for cell in column) for column in zip(*rows, strict=True)]
    marks = cycle(texts)
    body = re.sub(r"<td>", lambda m: _marked("td", next(marks)), body)
    if head.count("<tr") == 1:
        lead = head.count("<th>") - len(texts)  # the headers of the row labels come first
        columns = iter([False] * lead + texts)
        head = re.sub(r"<th>", lambda m: _marked("th", next(columns)), head)
    return f"{head}</thead>{body}"


def _marked(tag: str, is_text: bool) -> str:
    return f'<{tag} class="text">' if is_text else f"<{tag}>"
