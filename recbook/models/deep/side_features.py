"""What is known of users and items beside their ids, as rows of numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.models.content import ItemFeatures

Features = pd.DataFrame | pd.Series | ItemFeatures


def check_features(name: str, features: Features | None) -> None:
    """Raise a TypeError or ValueError unless `feature_rows` can read these."""
    if features is None:
        return
    if not isinstance(features, pd.DataFrame | pd.Series | ItemFeatures):
        raise TypeError(
            f"{name} must be a DataFrame of categories or a Series of texts, indexed by id, or "
            f"ItemFeatures, got {type(features).__name__}"
        )
    ids = features.ids if isinstance(features, ItemFeatures) else features.index
    if not ids.is_unique:
        raise ValueError(
            f"the ids of {name} repeat {ids[ids.duplicated()].tolist()[0]!r}; keep one"
        )


def told(params: dict) -> str:
    """Return a constructor's parameters as its repr shows them, features by their size alone."""
    short = {}
    for name, value in params.items():
        if isinstance(value, pd.DataFrame):
            value = f"<{len(value)} rows of {', '.join(map(str, value.columns))}>"
        elif isinstance(value, pd.Series):
            value = f"<{len(value)} texts>"
        short[name] = value if name.endswith("_features") else repr(value)
    return ", ".join(f"{name}={value}" for name, value in short.items())


def feature_rows(features: Features, ids: pd.Index) -> sparse.csr_array:
    """Return a row of numbers for each id; an id of which nothing is known has an empty row.

    Parameters
    ----------
    features : pandas.DataFrame, pandas.Series of texts, or ItemFeatures
        Of a DataFrame, indexed by id, each column is a category: a value becomes a column of 0 and
        1, a missing one adds nothing. Texts become TF-IDF vectors. ItemFeatures stay as they are.
    ids : pandas.Index

    Returns
    -------
    scipy.sparse.csr_array, float32 (len(ids), n_features)

    Examples
    --------
    >>> table = pd.DataFrame({"age": ["old", None], "sex": ["F", "M"]}, index=["ann", "bo"])
    >>> feature_rows(table, pd.Index(["bo", "cy", "ann"])).toarray()
    array([[0., 0., 1.],
           [0., 0., 0.],
           [1., 1., 0.]], dtype=float32)
    """
    if isinstance(features, pd.DataFrame):
        columns = [one_hot(features[name]) for name in features.columns]
        matrix, known = sparse.hstack(columns, format="csr"), features.index
    else:
        if isinstance(features, pd.Series):
            features = ItemFeatures.from_texts(features[features.index.isin(ids)])
        matrix, known = sparse.csr_array(features.matrix), features.ids
    place = known.get_indexer(ids)
    # One empty row behind the others, for the ids that are not among the known.
    empty = sparse.csr_array((1, matrix.shape[1]))
    rows = sparse.vstack([matrix, empty], format="csr")[place].astype(np.float32)
    rows.eliminate_zeros()
    return rows


def one_hot(column: pd.Series) -> sparse.csr_array:
    """Return float (n, n_values): 1 where a row has the value; in the order of the values."""
    codes, values = pd.factorize(column, sort=True)
    there = codes >= 0
    cells = (np.ones(there.sum()), (np.flatnonzero(there), codes[there]))
    return sparse.csr_array(cells, shape=(len(codes), len(values)))


def padded(rows: sparse.csr_array, width: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's columns and numbers side by side, padded by column 0 with the number 0.

    Parameters
    ----------
    rows : sparse matrix (n, n_columns)
    width : int, optional
        Keep only so many of each row, the largest, earlier columns first where they tie.

    Returns
    -------
    columns : int32 array (n, length of the longest row, at least 1)
    numbers : float32 array of that shape

    Examples
    --------
    >>> columns, numbers = padded(sparse.csr_array([[0, 2, 1], [0, 0, 4]]))
    >>> columns.tolist(), numbers.tolist()
    ([[1, 2], [2, 0]], [[2.0, 1.0], [4.0, 0.0]])
    """
    n_kept = np.diff(rows.indptr)
    row = np.repeat(np.arange(rows.shape[0]), n_kept)
    order = np.lexsort((rows.indices, -rows.data, row))
    place = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], n_kept)
    longest = max(1, int(n_kept.max(initial=0)))
    width = longest if width is None else max(1, min(width, longest))
    order, row, place = (array[place < width] for array in (order, row, place))
    columns = np.zeros((rows.shape[0], width), dtype=np.int32)
    numbers = np.zeros((rows.shape[0], width), dtype=np.float32)
    columns[row, place], numbers[row, place] = rows.indices[order], rows.data[order]
    return columns, numbers
