"""Embeddings by skip-gram with negative sampling: of words, and of items (item2vec)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice
from recbook.models.recency import decayed_by_events

NEGATIVES_EXPONENT = 0.75  # negatives are drawn by count ** 0.75, as in the reference below
_LONGEST = 10_000  # gensim passes over what a sentence has beyond this
_CHUNK_CELLS = 1_000_000  # scores made at a time


class WordVectors(NamedTuple):
    """Two vectors a word: as the centre of a window, and as a neighbour in it.

    words : list of str, the most frequent first
    vectors, contexts : float32 arrays (n_words, n_factors)
    """

    words: list[str]
    vectors: np.ndarray
    contexts: np.ndarray


def skip_gram(
    sentences: Iterable[list[str]],
    n_factors: int = 32,
    *,
    window: int = 5,
    epochs: int = 5,
    negatives: int = 5,
    subsample: float = 1e-3,
    min_count: int = 1,
    rng: int | np.random.Generator = 0,
) -> WordVectors:
    """Return the vectors of gensim's skip-gram with negative sampling, the same every time.

    For each word c and each neighbour o of it within the window, and `negatives` words n drawn at
    random, it raises ln σ(v_c · u_o) + Σ_n ln σ(−v_c · u_n), v the vectors and u the contexts.

    Parameters
    ----------
    sentences : iterable of lists of words
    n_factors : int
        Length of a vector.
    window : int
        How far a neighbour may be; for each centre a distance up to it is drawn.
    epochs : int
        Passes over the sentences.
    negatives : int
        Random words for each neighbour.
    subsample : float
        A word whose share p of all words is above this is passed over at random: it is kept with
        probability √(s / p) + s / p. 0 keeps all.
    min_count : int
        Words that are rarer are left out.
    rng : int or numpy.random.Generator

    References
    ----------
    Mikolov, Sutskever, Chen, Corrado, Dean: Distributed representations of words and phrases and
    their compositionality. NeurIPS 2013.

    Examples
    --------
    >>> skip_gram([["tea", "milk"], ["tea", "milk", "tea"]], 4).vectors.shape
    (2, 4)
    """
    from gensim.models import Word2Vec

    sentences = [
        sentence[start : start + _LONGEST]
        for sentence in map(list, sentences)
        for start in range(0, len(sentence), _LONGEST)
    ]
    seed = int(np.random.default_rng(rng).integers(2**31))
    # One worker: with more, who updates a vector first is up to the operating system.
    model = Word2Vec(
        vector_size=n_factors, window=window, negative=negatives, min_count=min_count, sg=1,
        ns_exponent=NEGATIVES_EXPONENT, sample=subsample, seed=seed, workers=1,
    )  # fmt: skip
    model.build_vocab(sentences)
    if not len(model.wv):
        return WordVectors([], *np.zeros((2, 0, n_factors), dtype=np.float32))
    model.train(sentences, total_examples=len(sentences), epochs=epochs)
    return WordVectors(list(model.wv.index_to_key), model.wv.vectors, model.syn1neg)


class ItemToVec(Recommender):
    """item2vec: skip-gram with items as words, and baskets or histories as sentences.

    With v the vectors and c the contexts that skip-gram learns, and w(u, j) the weight of what the
    user took, the profile is the weighted mean of v_j, and

        score(u, i) = profile_u · c_i + popularity · ln p_i,

    where p_i is the item's share of the events. At its optimum v_j · c_i is ln(p(i | j) / q_i) up
    to a constant, q_i ∝ p_i ** 0.75 the distribution of the negatives: the popularity is divided
    out, and `popularity` = 0.75 multiplies it in again, so that the score estimates ln p(i | j).

    Parameters
    ----------
    n_factors : int
    window : int
        How far apart two items of a sentence may be to count as neighbours.
    sentences : {"histories", "baskets"}
        A user's events in the order of their times, or each moment's events by themselves. Events
        of one moment stand in the order of their columns.
    epochs, negatives, subsample
        As in `skip_gram`.
    popularity : float
    values, half_life_events
        The weights of the profile, as in `ContentProfile`.
    rng : int or numpy.random.Generator

    Attributes
    ----------
    vectors_, contexts_ : float32 arrays (n_items, n_factors)
        Zeros for an item that stands in no sentence of two events or more.
    popularity_ : float32 array (n_items,)
        What is added for popularity.
    known_ : bool array (n_items,)
        The items that have vectors; the others score below them.
    profiles_ : float32 array (n_users, n_factors)

    Notes
    -----
    Memory: fit at most ``(50 if half_life_events is None else 130) * n_events + 300 * n_items + 4 *
    n_factors * (5 * n_items + 3 * n_users) + 1e6`` bytes, score at most ``4 * n_rows * n_items + 20
    * n_items * n_factors + 12e6`` bytes, with what gensim takes outside NumPy not counted.

    References
    ----------
    Barkan, Koenigstein: Item2Vec: neural item embedding for collaborative filtering. MLSP 2016.
    Levy, Goldberg: Neural word embedding as implicit matrix factorization. NeurIPS 2014.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2], "item_id": ["a", "b", "a", "b"]})
    >>> ItemToVec(4).fit(Interactions.from_frame(frame)).score().shape
    (2, 2)
    """

    def __init__(
        self,
        n_factors: int = 32,
        *,
        window: int = 5,
        sentences: str = "histories",
        epochs: int = 5,
        negatives: int = 5,
        subsample: float = 1e-3,
        popularity: float = NEGATIVES_EXPONENT,
        values: str = "binary",
        half_life_events: float | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        for name, number in (
            ("n_factors", n_factors), ("window", window), ("epochs", epochs),
            ("negatives", negatives),
        ):  # fmt: skip
            check_at_least(name, number, 1)
        check_at_least("subsample", subsample, 0)
        check_choice("sentences", sentences, ("histories", "baskets"))
        check_choice("values", values, ("binary", "count", "value"))
        check_at_least("popularity", popularity, 0)
        if half_life_events is not None and not half_life_events > 0:
            raise ValueError(f"half_life_events must be above 0 or None, got {half_life_events!r}")
        self.n_factors = n_factors
        self.window = window
        self.sentences = sentences
        self.epochs = epochs
        self.negatives = negatives
        self.subsample = subsample
        self.popularity = popularity
        self.values = values
        self.half_life_events = half_life_events
        self.rng = rng

    def fit(self, interactions: Interactions) -> Self:
        """Train the vectors, and average those of what each user took."""
        trained = skip_gram(
            _sentences(interactions, self.sentences), self.n_factors, window=self.window,
            epochs=self.epochs, negatives=self.negatives, subsample=self.subsample, rng=self.rng,
        )  # fmt: skip
        at = np.array([int(word) for word in trained.words], dtype=np.int64)
        shape = (interactions.n_items, self.n_factors)
        self.vectors_, self.contexts_ = np.zeros((2, *shape), dtype=np.float32)
        self.vectors_[at], self.contexts_[at] = trained.vectors, trained.contexts
        self.known_ = np.zeros(interactions.n_items, dtype=bool)
        self.known_[at] = True
        counts = np.bincount(interactions.item, minlength=interactions.n_items)
        share = np.maximum(counts, 1) / max(1, counts.sum())
        self.popularity_ = (self.popularity * np.log(share)).astype(np.float32)
        self.profiles_ = self._profiles(interactions)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items)."""
        rows = self._rows(users)
        scores = np.empty((len(rows), len(self.known_)), dtype=np.float32)
        contexts = np.ascontiguousarray(self.contexts_.T)
        step = max(1, _CHUNK_CELLS // max(1, scores.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            # A sparse product sums in one order, whichever users are asked for together.
            scores[part] = sparse.csr_array(self.profiles_[rows[part]]) @ contexts
            scores[part] += self.popularity_
            if not self.known_.all():
                lowest = scores[part].min(axis=1, keepdims=True, initial=0) - 1
                scores[part][:, ~self.known_] = lowest
        return scores

    def _profiles(self, interactions: Interactions) -> np.ndarray:
        if self.half_life_events is None:
            weights = interactions.matrix(self.values)
        else:
            weights = decayed_by_events(interactions, self.values, self.half_life_events)
        weights = sparse.csr_array(weights @ sparse.diags_array(self.known_.astype(np.float32)))
        total = weights.sum(axis=1)[:, None]
        summed = weights @ self.vectors_
        mean = np.divide(summed, total, out=np.zeros_like(summed), where=total > 0)
        return mean.astype(np.float32)


def _sentences(interactions: Interactions, kind: str) -> list[list[str]]:
    """Return the items of each user, or of each user's moment, as words: their columns."""
    user, item, time = interactions.user, interactions.item, interactions.time
    order = np.lexsort((item, time, user))
    begins = np.diff(user[order], prepend=-1) != 0
    if kind == "baskets":
        begins |= np.diff(time[order], prepend=0) != 0
    names = [str(column) for column in range(interactions.n_items)]
    columns = item[order].tolist()
    starts = [*np.flatnonzero(begins).tolist(), len(order)]
    return [
        [names[column] for column in columns[start:stop]]
        for start, stop in pairwise(starts)
        if stop - start > 1  # an item alone has no neighbour
    ]
