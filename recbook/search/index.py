"""An index of texts: for each term the texts that hold it, and what it is worth there."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.ranking import top_k
from recbook.search.analysis import Analyser


class TextIndex:
    """Finds texts by BM25, with the library bm25s beneath.

    For a query q and a text d in which the term t stands f times,

        score(q, d) = Σ over t in q of idf(t) · f / (f + k1 · (1 − b + b · |d| / mean |d|)),
        idf(t) = ln(1 + (N − n_t + ½) / (n_t + ½)),

    with N texts, n_t of them with t, and |d| terms in d. A term that stands twice in the query
    counts twice. That is Lucene's form; the one that multiplies by k1 + 1 gives the same order.

    Parameters
    ----------
    k1 : float
        How slowly repetition stops to count: at 0 once is as good as often.
    b : float
        Between 0 and 1: how far a long text is held against its terms.
    analyser : callable
        Takes a text and returns its terms; used for texts and queries alike, `Analyser()` where
        not given.

    Attributes
    ----------
    terms_ : dict of str to int
        The vocabulary, each term with its row of `postings_`.
    postings_ : scipy.sparse.csr_array, float32 (n_terms, n_texts)
        The inverted index: what each term is worth in each text that holds it.
    n_texts_ : int

    References
    ----------
    Robertson, Zaragoza: The probabilistic relevance framework: BM25 and beyond. Foundations and
    Trends in Information Retrieval 3(4), 2009. Lù: BM25S: orders of magnitude faster lexical search
    via eager sparse scoring. arXiv 2407.03618, 2024.

    Examples
    --------
    >>> TextIndex().fit(["green tea", "black tea", "rice"]).search(["black tea"], 2)[0]
    array([[1, 0]], dtype=int32)
    """

    def __init__(
        self,
        k1: float = 1.2,
        b: float = 0.75,
        *,
        analyser: Callable[[str], Iterable[str]] | None = None,
    ) -> None:
        if not k1 >= 0:
            raise ValueError(f"k1 must be at least 0, got {k1!r}")
        if not 0 <= b <= 1:
            raise ValueError(f"b must be between 0 and 1, got {b!r}")
        if analyser is not None and not callable(analyser):
            raise TypeError(f"analyser must be a function from text to terms, got {analyser!r}")
        self.k1 = k1
        self.b = b
        self.analyser = Analyser() if analyser is None else analyser

    def fit(self, texts: Iterable[str]) -> Self:
        """Build the index of the texts, a list or a Series; the positions in it are the items.

        Raises
        ------
        TypeError
            If it is a single text, or holds something that is no text.
        ValueError
            If no text has any term.
        """
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "IProgress not found")  # of a progress bar, unused
            import bm25s

        several = _several(texts, "texts")
        self.terms_ = {}
        # Products of one kind share their text: each is cut into terms once.
        ids_of = {
            text: [self.terms_.setdefault(t, len(self.terms_)) for t in self.analyser(text)]
            for text in dict.fromkeys(several)
        }
        ids = [ids_of[text] for text in several]
        if not self.terms_:
            raise ValueError("none of these texts has a term, so there is nothing to index")
        self.n_texts_ = len(ids)
        engine = bm25s.BM25(k1=self.k1, b=self.b, method="lucene", dtype="float32")
        engine.index((ids, self.terms_), create_empty_token=False, show_progress=False)
        columns = engine.scores
        self.postings_ = sparse.csr_array(
            (columns["data"], columns["indices"], columns["indptr"]),
            shape=(len(self.terms_), self.n_texts_),
        )
        self.postings_.sort_indices()
        return self

    def matches(self, queries: Iterable[str]) -> sparse.csr_array:
        """Return the scores above 0, float32 (n_queries, n_texts), sparse.

        Cells are stored for the texts that share a term with the query. A query without a known
        term is an empty row.
        """
        if not hasattr(self, "postings_"):
            raise ValueError("TextIndex is not fitted yet: call fit(texts)")
        indices: list[int] = []
        indptr = [0]
        for query in _several(queries, "queries"):
            indices += [self.terms_[t] for t in self.analyser(query) if t in self.terms_]
            indptr.append(len(indices))
        shape = (len(indptr) - 1, len(self.terms_))
        ones = np.ones(len(indices), dtype=np.float32)
        asked = sparse.csr_array((ones, indices, indptr), shape=shape)
        asked.sum_duplicates()
        found = sparse.csr_array(asked @ self.postings_, dtype=np.float32)
        found.sort_indices()
        return found

    def score(self, queries: Iterable[str]) -> np.ndarray:
        """Return float32 scores (n_queries, n_texts), 0 where no term is shared.

        For many queries over many texts `matches` takes far less memory.
        """
        return self.matches(queries).toarray()

    def search(self, queries: Iterable[str], k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Return the `k` best texts of each query, and their scores.

        Returns
        -------
        positions : int32 array (n_queries, k)
            Best first, equal scores in the order of the texts; -1 where no more texts match.
        scores : float32 array (n_queries, k)
            0 where there is no text.
        """
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
        found = self.matches(queries)
        positions = np.full((found.shape[0], k), -1, dtype=np.int32)
        scores = np.zeros((found.shape[0], k), dtype=np.float32)
        for row in range(found.shape[0]):  # each query has its own few texts
            inside = slice(*found.indptr[row : row + 2])
            if not (n_found := min(k, inside.stop - inside.start)):
                continue
            best = top_k(found.data[inside][None], n_found)[0]
            positions[row, :n_found] = found.indices[inside][best]
            scores[row, :n_found] = found.data[inside][best]
        return positions, scores


def _several(texts: Iterable[str], name: str) -> list[str]:
    if isinstance(texts, str):
        raise TypeError(f"{name} must be several texts, not one: put it in a list")
    several = list(texts)
    for place, text in enumerate(several):
        if not isinstance(text, str):
            raise TypeError(
                f"{name} hold {text!r} at place {place}, no text; replace what is missing by ''"
            )
    return several
