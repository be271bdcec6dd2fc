"""Search: texts cut into terms, an index that scores them, and searches made of real purchases."""

from recbook.search.analysis import Analyser, chinese_pairs, fold_plural, letter_grams
from recbook.search.candidates import Candidates, gather, lookup
from recbook.search.index import TextIndex
from recbook.search.shopper import shopper_words
from recbook.search.tasks import SearchWindow, journey_searches

__all__ = [
    "Analyser",
    "Candidates",
    "SearchWindow",
    "TextIndex",
    "chinese_pairs",
    "fold_plural",
    "gather",
    "journey_searches",
    "letter_grams",
    "lookup",
    "shopper_words",
]
