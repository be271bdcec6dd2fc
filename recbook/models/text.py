"""From texts to numbers: words, and TF-IDF from its formula."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Self

import numpy as np
from scipy import sparse

from recbook.models.base import check_at_least, check_choice

_WORD = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?")


def words(text: str) -> list[str]:
    """Return the words of a text in lower case: runs of letters, and numbers.

    Whatever is neither ends a word, and so does the step from a letter to a digit, so that "16OZ"
    and "16 oz" are the same two words. Nothing is stemmed and no abbreviation is spelt out.

    Examples
    --------
    >>> words("SFT DRNK 2.5 LITER BTL/CARB")
    ['sft', 'drnk', '2.5', 'liter', 'btl', 'carb']
    """
    return _WORD.findall(text.lower())


class TfIdf:
    """Turns texts into vectors of word weights of length 1.

    Of N texts, n_t of which hold the word t, a text in which t stands f times gets the weight
    f · idf(t); then its weights are divided by the root of the sum of their squares. With

    - "smooth": idf(t) = ln((1 + N) / (1 + n_t)) + 1, scikit-learn's default: never 0;
    - "plain": idf(t) = ln(N / n_t), the information in nats of the word's standing in a text: 0
      for a word that all texts hold.

    Parameters
    ----------
    tokenizer : callable
        Takes a text and returns its words; `words` where not given.
    idf : {"smooth", "plain"}
    min_texts : int
        A word must stand in at least so many texts to count.

    Attributes
    ----------
    words_ : list of str
        The vocabulary in alphabetical order; a word's place is its column.
    idf_ : float64 array (n_words,)
    n_texts_ : int

    References
    ----------
    Spärck Jones: A statistical interpretation of term specificity and its application in
    retrieval. Journal of Documentation 28(1), 1972.

    Examples
    --------
    >>> TfIdf(idf="plain").fit(["green tea", "black tea"]).transform(["tea tea black"]).toarray()
    array([[1., 0., 0.]])
    """

    def __init__(
        self,
        tokenizer: Callable[[str], Iterable[str]] = words,
        *,
        idf: str = "smooth",
        min_texts: int = 1,
    ) -> None:
        if not callable(tokenizer):
            raise TypeError(f"tokenizer must be a function from text to words, got {tokenizer!r}")
        check_choice("idf", idf, ("smooth", "plain"))
        check_at_least("min_texts", min_texts, 1)
        self.tokenizer = tokenizer
        self.idf = idf
        self.min_texts = min_texts

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn the vocabulary, and in how many texts each word stands."""
        holders: Counter[str] = Counter()
        self.n_texts_ = 0
        for text in _checked(texts):
            holders.update(set(self.tokenizer(text)))
            self.n_texts_ += 1
        self.words_ = sorted(word for word, n in holders.items() if n >= self.min_texts)
        n_holding = np.array([holders[word] for word in self.words_], dtype=float)
        if self.idf == "smooth":
            self.idf_ = np.log((1 + self.n_texts_) / (1 + n_holding)) + 1
        else:
            self.idf_ = np.log(self.n_texts_ / n_holding)
        return self

    def transform(self, texts: Iterable[str]) -> sparse.csr_array:
        """Return the vectors, float64 (n_texts, n_words), with sorted column positions.

        Words that `fit` did not meet are passed over; a text without any known word is a row of
        zeros.
        """
        if not hasattr(self, "words_"):
            raise ValueError("TfIdf is not fitted yet: call fit(texts)")
        counts = count_words(texts, self.words_, tokenizer=self.tokenizer)
        return unit_rows(counts @ sparse.diags_array(self.idf_))

    def fit_transform(self, texts: Iterable[str]) -> sparse.csr_array:
        """Learn from the texts and return their vectors."""
        texts = list(_checked(texts))
        return self.fit(texts).transform(texts)


def count_words(
    texts: Iterable[str],
    vocabulary: list[str],
    *,
    tokenizer: Callable[[str], Iterable[str]] = words,
) -> sparse.csr_array:
    """Return how often each word of the vocabulary stands in each text, float64.

    Examples
    --------
    >>> count_words(["tea and tea"], ["milk", "tea"]).toarray()
    array([[0., 2.]])
    """
    column = {word: place for place, word in enumerate(vocabulary)}
    indices: list[int] = []
    indptr = [0]
    for text in _checked(texts):
        indices += [column[word] for word in tokenizer(text) if word in column]
        indptr.append(len(indices))
    shape = (len(indptr) - 1, len(vocabulary))
    counts = sparse.csr_array((np.ones(len(indices)), indices, indptr), shape=shape)
    counts.sum_duplicates()
    return counts


def unit_rows(matrix: sparse.sparray) -> sparse.csr_array:
    """Return the rows of a sparse matrix divided by their lengths; a row of zeros stays one.

    Examples
    --------
    >>> unit_rows(sparse.csr_array([[3.0, 4.0], [0.0, 0.0]])).toarray()
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    matrix = sparse.csr_array(matrix, copy=True)
    matrix.eliminate_zeros()
    length = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    inverse = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
    matrix.data *= np.repeat(inverse, np.diff(matrix.indptr))
    return matrix


def _checked(texts: Iterable[str]) -> Iterable[str]:
    if isinstance(texts, str):
        raise TypeError("texts must be several texts, not one: put it in a list")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"text {place} is {text!r}, no text; replace what is missing by an empty text"
            )
        yield text
