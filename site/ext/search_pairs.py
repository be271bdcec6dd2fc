"""Search in English and Chinese: words are stemmed, Chinese runs split into character pairs.

Both sides split alike: the index here, the reader's query in the JavaScript below. The index also
holds every single character, so that a query of one character finds something; a longer query asks
for all its pairs.
"""

import re
from itertools import pairwise

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

# Han ideographs: the basic block, extension A, and the compatibility block.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(f"[{HAN}]+|[^\\W{HAN}]+")
_HAN_RUN = re.compile(f"[{HAN}]+")

_JS_SPLITTER = """
var splitQuery = (query) => {
  const terms = [];
  for (const [run] of query.matchAll(/[HAN]+|[\\p{Letter}\\p{Number}_]+/gu)) {
    for (const part of run.match(/[HAN]+|[^HAN]+/gu)) {
      const characters = [...part];
      if (!/^[HAN]/u.test(part) || characters.length === 1) terms.push(part);
      else characters.slice(1).forEach((c, i) => terms.push(characters[i] + c));
    }
  }
  return terms;
};
""".replace("HAN", r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff")


def split_words(text: str) -> list[str]:
    """Split text into what the index holds: words, Chinese characters and their pairs."""
    words: list[str] = []
    for run in _RUN.findall(text):
        if _HAN_RUN.fullmatch(run):
            words.extend(run)
            words.extend(a + b for a, b in pairwise(run))
        else:
            words.append(run)
    return words


class SearchPairs(SearchEnglish):
    """English search that also knows Chinese."""

    js_splitter_code = _JS_SPLITTER

    def split(self, input: str) -> list[str]:
        """Split text into words (see `split_words`)."""
        return split_words(input)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.add_search_language(SearchPairs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
