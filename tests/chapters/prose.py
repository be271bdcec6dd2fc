"""Heuristics that find a result typed into prose where `say` belongs.

What counts as a typed result, outside code, formulas, links, HTML tags and quoted file names:

1. a decimal number with two or more digits after the point (0.41);
2. a percentage (12 %, 12.5%), but for 95 %, the level of every interval in the book;
3. a number with thousands separators (155,848) or with five or more digits;
4. a ratio in digits (3 times, 10x, 2-fold), but not a shape such as 5×5;
5. a measured quantity: digits followed by a unit of time or memory (41 s, 300 MB);
6. a count of ten or more of what the data hold (943 users, 25 films).

A cell whose number is no result (a definition, a published figure with its source) says so in a
comment: `<!-- typed: why this number is no result -->`.
"""

import re

NOUNS = (
    "households?|products?|baskets?|users?|items?|ratings?|films?|movies?|viewers?|purchases?|rows?"
    "|events?|customers?|shoppers?|faults?|duplicates?|outliers?|neighbours?"
)
PATTERNS = {
    "decimal": r"(?<![\w./:#-])\d+\.\d{2,}(?![\w./-])",
    "percentage": r"(?<![\w.])(?!95\s?%)\d+(?:\.\d+)?\s?(?:%|percent|per cent)",
    "thousands": r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d{5,})(?![\w.])",
    "ratio": r"(?<![\w.×])\d+(?:\.\d+)?(?:\s?times\b|-fold\b|\s?[x×](?![\w\s]*\d))",
    "quantity": r"(?<![\w.])\d+(?:\.\d+)?\s?(?:s|ms|µs|seconds?|minutes?|[KMG]B|[KMG]iB)\b",
    "count": rf"(?<![\w.×/])\d{{2,}}\s(?:{NOUNS})\b",
}
IGNORED = [
    r"```.*?```",
    r"\$\$.*?\$\$",
    r"\$[^$\n]+\$",
    r"`[^`]*`",
    r"\]\([^)]*\)",
    r"<[^>]+>",
    r"https?://\S+",
]


def typed_numbers(markdown):
    """Return the typed results of a Markdown text as (heuristic, text found)."""
    if re.search(r"<!--\s*typed:\s*\S", markdown):
        return []
    for pattern in IGNORED:
        markdown = re.sub(pattern, " ", markdown, flags=re.S)
    return [
        (name, found.group().strip())
        for name, pattern in PATTERNS.items()
        for found in re.finditer(pattern, markdown)
    ]
