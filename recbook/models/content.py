"""Content: what a thing is, instead of who took it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least, check_choice
from recbook.models.recency import decayed_by_events
from recbook.models.text import TfIdf, unit_rows

_CHUNK_CELLS = 1_000_000  # scores, or numbers of profiles, made at a time
WITHOUT_FEATURES = -1.0  # the score of an item of which nothing is known: the lowest cosine


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """Item ids, and a row of numbers for each: words, a picture's measures, or an embedding.

    Parameters
    ----------
    ids : pandas.Index (n,)
        As in the `items` of the Interactions; unique.
    matrix : float array or sparse matrix (n, n_features)
        A row of zeros says that nothing is known of the item.

    Raises
    ------
    ValueError
        If an id repeats, the lengths differ, or a number is missing or infinite.

    Examples
    --------
    >>> ItemFeatures(pd.Index(["tea", "soap"]), np.eye(2))
    ItemFeatures(2 items × 2 features)
    """

    ids: pd.Index
    matrix: np.ndarray | sparse.csr_array

    def __post_init__(self) -> None:
        ids = pd.Index(self.ids)
        matrix = self.matrix
        if sparse.issparse(matrix):
            matrix = sparse.csr_array(matrix)
            numbers = matrix.data
        else:
            matrix = numbers = np.asarray(matrix, dtype=float)
        if matrix.ndim != 2 or matrix.shape[0] != len(ids):
            raise ValueError(
                f"features need one row for each of the {len(ids)} ids, got the shape "
                f"{matrix.shape}"
            )
        _refuse_repeated(ids)
        if not np.isfinite(numbers).all():
            raise ValueError("features must be finite numbers; fill or drop what is missing")
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def from_texts(cls, texts: pd.Series, tfidf: TfIdf | None = None) -> ItemFeatures:
        """Return the TF-IDF vectors of texts indexed by item id; a missing text is an empty one.

        Examples
        --------
        >>> ItemFeatures.from_texts(pd.Series({"tea": "green tea", "soap": None}))
        ItemFeatures(2 items × 2 features)
        """
        filled = [text if isinstance(text, str) else _empty(text) for text in texts]
        return cls(texts.index, (tfidf or TfIdf()).fit_transform(filled))

    @property
    def size(self) -> int:
        """How many numbers are stored."""
        return self.matrix.nnz if sparse.issparse(self.matrix) else self.matrix.size

    def rows_for(self, items: pd.Index) -> np.ndarray | sparse.csr_array:
        """Return the features of these items in their order, or say which are missing."""
        return self.matrix[_places(self.ids, items)]

    def __repr__(self) -> str:
        n, width = self.matrix.shape
        return f"ItemFeatures({n} items × {width} features)"


class ContentProfile(Recommender):
    """Scores an item by how well its description fits what the user took.

    With x_i the item's features at length 1 and w(u, i) the weight of what she took, the profile is
    p_u = Σ_i w(u, i) x_i, and the score

        score(u, i) = cos(p_u, x_i) + popularity · ln(1 + users who took i).

    An item without features scores −1, below every other. A user without a profile has the cosine 0
    with everything.

    Parameters
    ----------
    features : pandas.Series of texts indexed by item id, or ItemFeatures
        Texts become TF-IDF vectors; their idf is counted over the items of the Interactions.
    values : {"binary", "count", "value"}
        w(u, i): 1, the number of events, or the sum of their values.
    half_life_events : float, optional
        An event counts for half when the user had this many later ones, as in `ItemNeighbours`; all
        events count alike where None.
    popularity : float
        Content does not know what is in demand; this adds it. 0 is content alone.

    Attributes
    ----------
    vectors_ : float32 array or scipy.sparse.csr_array (n_items, n_features)
        The features at length 1.
    weights_ : scipy.sparse.csr_array, float32 (n_users, n_items)
    popularity_ : float32 array (n_items,)
        What is added for popularity.
    unknown_ : bool array (n_items,)
        Items without features.

    Notes
    -----
    Memory: fit at most ``(45 if half_life_events is None else 130) * n_events + 50 * features.size
    + 30 * n_items + 5e5`` bytes, score at most ``4 * n_rows * n_items + 60 * features.size + 20e6``
    bytes. Texts take about 50 bytes a word besides.

    References
    ----------
    Pazzani, Billsus: Content-based recommendation systems. In: The Adaptive Web, 2007.
    Rocchio: Relevance feedback in information retrieval. In: The SMART Retrieval System, 1971.

    Examples
    --------
    >>> texts = pd.Series({"a": "green tea", "b": "black tea", "c": "soap"})
    >>> events = Interactions.from_frame(pd.DataFrame({"user_id": [1], "item_id": ["a"]}),
    ...                                  items=texts.index)
    >>> ContentProfile(texts).fit(events).recommend(exclude=events, k=2)
    array([[1, 2]], dtype=int32)
    """

    def __init__(
        self,
        features: pd.Series | ItemFeatures,
        *,
        values: str = "binary",
        half_life_events: float | None = None,
        popularity: float = 0.0,
    ) -> None:
        if not isinstance(features, pd.Series | ItemFeatures):
            raise TypeError(
                "features must be a pandas Series of texts indexed by item id, or ItemFeatures, "
                f"got {type(features).__name__}"
            )
        check_choice("values", values, ("binary", "count", "value"))
        if half_life_events is not None and not half_life_events > 0:
            raise ValueError(f"half_life_events must be above 0 or None, got {half_life_events!r}")
        check_at_least("popularity", popularity, 0)
        self.features = features
        self.values = values
        self.half_life_events = half_life_events
        self.popularity = popularity

    def fit(self, interactions: Interactions) -> Self:
        """Set the features beside the items, and weigh what each user took."""
        self.vectors_ = self._vectors(interactions.items)
        self.unknown_ = ~(abs(self.vectors_).sum(axis=1) > 0)
        if self.half_life_events is None:
            self.weights_ = interactions.matrix(self.values)
        else:
            self.weights_ = decayed_by_events(interactions, self.values, self.half_life_events)
        takers = np.bincount(interactions.matrix("binary").indices, minlength=len(self.unknown_))
        self.popularity_ = (self.popularity * np.log1p(takers)).astype(np.float32)
        self.interactions_ = interactions
        return self

    def profiles(self, users: np.ndarray | None = None) -> np.ndarray | sparse.csr_array:
        """Return the profiles at length 1, float32 (len(users), n_features), sparse like features.

        A user who took nothing that has features has a row of zeros.
        """
        summed = self.weights_[self._rows(users)] @ self.vectors_
        return _unit(summed)

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items)."""
        rows = self._rows(users)
        n_items = self.interactions_.n_items
        scores = np.empty((len(rows), n_items), dtype=np.float32)
        # Sparse times anything is summed row by row in one order, so that a user's scores do not
        # depend on who else is asked for; a dense product would differ in the last digits.
        dense = not sparse.issparse(self.vectors_)
        items = np.ascontiguousarray(self.vectors_.T) if dense else self.vectors_.T.tocsr()
        step = max(1, _CHUNK_CELLS // max(1, *self.vectors_.shape))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            cosines = sparse.csr_array(self.profiles(rows[part])) @ items
            scores[part] = cosines if dense else cosines.toarray()
        np.clip(scores, -1, 1, out=scores)
        scores += self.popularity_
        scores[:, self.unknown_] = WITHOUT_FEATURES
        return scores

    def _vectors(self, items: pd.Index) -> np.ndarray | sparse.csr_array:
        if isinstance(self.features, ItemFeatures):
            return _unit(self.features.rows_for(items))
        texts = self.features.iloc[_places(self.features.index, items)]
        return _unit(ItemFeatures.from_texts(texts).matrix)

    def __repr__(self) -> str:
        told = self.get_params()
        if isinstance(self.features, pd.Series):
            told["features"] = f"<{len(self.features)} texts>"
        return f"ContentProfile({', '.join(f'{name}={value}' for name, value in told.items())})"


def _places(ids: pd.Index, items: pd.Index) -> np.ndarray:
    _refuse_repeated(ids)
    place = ids.get_indexer(items)
    missing = np.flatnonzero(place < 0)
    if len(missing):
        raise ValueError(
            f"features miss {len(missing)} of the {len(items)} items, such as "
            f"{items[missing[0]]!r}; give every item a row, of zeros (or an empty text) where "
            "nothing is known"
        )
    return place


def _refuse_repeated(ids: pd.Index) -> None:
    if not ids.is_unique:
        raise ValueError(f"the ids of the features repeat {ids[ids.duplicated()][0]!r}; keep one")


def _unit(matrix: np.ndarray | sparse.sparray) -> np.ndarray | sparse.csr_array:
    """Return rows of length 1 in float32, zeros where there is no direction."""
    if sparse.issparse(matrix):
        return unit_rows(matrix).astype(np.float32)
    length = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))[:, None]
    unit = np.divide(matrix, length, out=np.zeros(matrix.shape), where=length > 0)
    return unit.astype(np.float32)


def _empty(text: object) -> str:
    if text is None or text is pd.NA or (isinstance(text, float) and np.isnan(text)):
        return ""
    raise TypeError(f"a text is {text!r}, no text; turn it into one with str()")
