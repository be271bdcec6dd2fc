"""From a text to the terms that an index holds: the same for products and for queries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from recbook.models.text import words

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_CHINESE = ("pairs", "characters", "runs")


class Analyser:
    """Cuts a text into terms: lower-case words, plurals folded, Chinese in pairs of characters.

    Parameters
    ----------
    plurals : bool
        Whether "cookies" and "cookie" become one term, see `fold_plural`.
    chinese : {"pairs", "characters", "runs"}
        Chinese has no blanks between words. "pairs" takes each two neighbouring characters (and a
        character that stands alone), "characters" each by itself, "runs" all up to the next blank
        or mark as one term.
    expansions : mapping of str to sequence of str, optional
        What a word stands for, such as {"frzn": ["frozen"]}. The word stays, and the terms of what
        it stands for are added.

    Raises
    ------
    ValueError
        If `chinese` is none of the three.
    TypeError
        If a text, or what a word stands for, is not what it should be.

    Examples
    --------
    >>> Analyser()("CHIPS/SNACKS 16OZ")
    ['chip', 'snack', '16', 'oz']
    >>> Analyser(expansions={"frzn": ["frozen"]})("FRZN PEAS")
    ['frzn', 'frozen', 'pea']
    >>> Analyser()("简约茶叶")
    ['简约', '约茶', '茶叶']
    """

    def __init__(
        self,
        *,
        plurals: bool = True,
        chinese: str = "pairs",
        expansions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if chinese not in _CHINESE:
            raise ValueError(f"chinese must be one of {', '.join(_CHINESE)}, got {chinese!r}")
        for word, meant in (expansions or {}).items():
            if isinstance(meant, str):
                raise TypeError(f"{word!r} must stand for a list of words, got the text {meant!r}")
        self.plurals = plurals
        self.chinese = chinese
        self.expansions = dict(expansions or {})

    def __call__(self, text: str) -> list[str]:
        """Return the terms of one text, in its order, with repetitions."""
        if not isinstance(text, str):
            raise TypeError(f"a text is needed, got {text!r}; replace what is missing by ''")
        terms: list[str] = []
        for word in words(text):
            terms += self._terms(word)
            for meant in self.expansions.get(word, ()):
                terms += self._terms(meant.lower())
        return terms

    def _terms(self, word: str) -> list[str]:
        if not _HAN.search(word):
            return [fold_plural(word) if self.plurals else word]
        terms, end = [], 0
        for run in _HAN.finditer(word):  # "T恤" is a letter and a character
            terms += [word[end : run.start()]] if run.start() > end else []
            terms += self._chinese_terms(run[0])
            end = run.end()
        return terms + ([word[end:]] if end < len(word) else [])

    def _chinese_terms(self, run: str) -> list[str]:
        if self.chinese == "runs":
            return [run]
        return list(run) if self.chinese == "characters" else chinese_pairs(run)


def chinese_pairs(run: str) -> list[str]:
    """Return each two neighbouring characters; a single character as it is.

    Examples
    --------
    >>> chinese_pairs("瑜伽垫")
    ['瑜伽', '伽垫']
    """
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def fold_plural(word: str) -> str:
    """Return a key that an English word shares with its regular plural. The key is no word.

    "…ies", "…ie" and "…y" all end in "i"; "es" goes after ss, x, zz, ch and sh, and so does "e" in
    the singular ("quiche"); "oes" and "oe" become "o"; a last "s" goes, but not that of "ss", "us"
    and "is", nor that of a word of three letters ("gas"). Words of one or two letters stay.

    References
    ----------
    Harman: How effective is suffixing? Journal of the American Society for Information Science
    42(1), 1991, whose S stemmer is the pattern.

    Examples
    --------
    >>> [fold_plural(word) for word in ("cookies", "cookie", "boxes", "potatoes", "asparagus")]
    ['cooki', 'cooki', 'box', 'potato', 'asparagus']
    """
    if len(word) < 3 or not word.isascii():
        return word
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-2] if re.search(r"(ss|x|zz|ch|sh)es$", word) else word[:-1]
    if re.search(r"(ie|oe|sse|xe|zze|che|she)$", word):
        return word[:-1]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "i"
    return word


def letter_grams(text: str, n: int = 3) -> list[str]:
    """Return the runs of `n` letters of each word, with "^" and "$" for its ends.

    Two spellings of a word share most of them, which makes them terms that forgive a slip.

    Raises
    ------
    ValueError
        If `n` is below 2.

    Examples
    --------
    >>> letter_grams("tea cup", 3)
    ['^te', 'tea', 'ea$', '^cu', 'cup', 'up$']
    """
    if n < 2:
        raise ValueError(f"n must be at least 2 letters, got {n}")
    marked = [f"^{word}$" for word in words(text)]
    return [word[i : i + n] for word in marked for i in range(max(1, len(word) - n + 1))]
