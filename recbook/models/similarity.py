"""Weights and nearest neighbours of sparse rows, for models that make lists.

A missing cell is a 0 here: not to have bought a product is information. Where cells are ratings
and a missing one is unknown, see `recbook.models.rating_similarity`.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sparse_dot_topn import sp_matmul_topn

from recbook.models.base import check_at_least, check_choice

SIMILARITIES = ("cosine", "adjusted cosine", "pearson")
WEIGHTINGS = (None, "tfidf", "bm25")
BM25_K1 = 1.2
BM25_B = 0.75
_BLOCK_CELLS = 4_000_000  # similarities of a block at most: 50 MB each, sparse, in float64
_CHUNK_CELLS = 4_000_000  # scores made at a time; as a sparse product they take up to 12 bytes each


def weigh(matrix: sparse.sparray, weighting: str | None) -> sparse.csr_array:
    """Weigh the cells as a search engine weighs words: rows are documents, columns are terms.

    For N rows, of which n_y hold column y, a cell t becomes

    - "tfidf": t · ln(N / n_y);
    - "bm25": t (k1 + 1) / (t + k1 (1 - b + b L / mean L)) · ln(1 + (N - n_y + 0.5) / (n_y + 0.5)),
      with L the sum of the cell's row, the mean over rows that hold anything, k1 = 1.2, b = 0.75.

    So for item neighbours (a row is an item, a column a user) a user who takes everything says
    little about any item. N counts the rows that hold anything.

    Parameters
    ----------
    matrix : sparse array (n_x, n_y), no cell below 0
    weighting : {None, "tfidf", "bm25"}

    Returns
    -------
    scipy.sparse.csr_array, float64 (n_x, n_y), without stored zeros.

    References
    ----------
    Robertson, Zaragoza: The probabilistic relevance framework: BM25 and beyond. 2009. The ln(1 + …)
    keeps weights above 0, as in Lucene.

    Examples
    --------
    >>> weigh(sparse.csr_array([[2.0, 1.0], [0.0, 1.0]]), "tfidf").toarray().round(3)
    array([[1.386, 0.   ],
           [0.   , 0.   ]])
    """
    check_choice("weighting", weighting, WEIGHTINGS)
    weighed = sparse.csr_array(matrix, dtype=np.float64, copy=True)
    weighed.eliminate_zeros()
    if weighting is None or not weighed.nnz:
        return weighed
    n_rows = np.count_nonzero(np.diff(weighed.indptr))
    holders = np.bincount(weighed.indices, minlength=weighed.shape[1])[weighed.indices]
    if weighting == "tfidf":
        weighed.data *= np.log(n_rows / holders)
        weighed.eliminate_zeros()  # a column that every row holds tells nothing
    else:
        row_sums = weighed.sum(axis=1)
        length = _spread(row_sums / (row_sums.sum() / n_rows), weighed)
        norm = BM25_K1 * (1 - BM25_B + BM25_B * length)
        weighed.data *= (BM25_K1 + 1) / (weighed.data + norm)
        weighed.data *= np.log1p((n_rows - holders + 0.5) / (holders + 0.5))
    return weighed


def nearest_rows(
    matrix: sparse.sparray, k: int, *, similarity: str = "cosine", shrinkage: float = 0.0
) -> sparse.csr_array:
    """Return each row's `k` most similar other rows, as far as the similarity is above 0.

    With x a row, missing cells as 0, and all sums and norms over all columns:

    - "cosine": sum_y a_y b_y / (|a| |b|);
    - "adjusted cosine": the cosine after each stored cell has its column's mean over the stored
      cells subtracted (items by users: the user's mean); a missing cell stays 0, the mean;
    - "pearson": the correlation of the two full rows, missing cells included as 0: the cosine after
      each row's mean over all columns is subtracted. Of a binary matrix it is the phi coefficient.

    Shrinkage multiplies each by n / (n + shrinkage), n the number of columns that both rows hold.

    Memory: 12 bytes for each neighbour kept and for each cell of `matrix`, copied twice. Without
    shrinkage no full matrix of similarities ever exists; with it one block of rows at a time does
    (about 0.2 GB), and it takes about five times as long.

    Parameters
    ----------
    matrix : sparse array (n_x, n_y)
    k : int
    similarity : {"cosine", "adjusted cosine", "pearson"}
    shrinkage : float
        In columns held by both; 0 means none.

    Returns
    -------
    scipy.sparse.csr_array, float32 (n_x, n_x), at most `k` a row, the diagonal empty.

    References
    ----------
    Sarwar, Karypis, Konstan, Riedl: Item-based collaborative filtering recommendation algorithms.
    WWW 2001.

    Examples
    --------
    >>> nearest_rows(sparse.csr_array([[3.0, 4.0], [3.0, 0.0]]), 1).toarray().round(2)
    array([[0. , 0.6],
           [0.6, 0. ]], dtype=float32)
    """
    check_choice("similarity", similarity, SIMILARITIES)
    check_at_least("k", k, 1)
    check_at_least("shrinkage", shrinkage, 0)
    held = sparse.csr_array(matrix, dtype=np.float64, copy=True)
    held.eliminate_zeros()
    rows = held
    if similarity == "adjusted cosine":
        rows = _centre_columns(held)
    left, right = _unit_factors(rows, pearson=similarity == "pearson")
    if shrinkage:
        found = _shrunk_topn(left, right, held, k, shrinkage)
    else:
        # One more than k: a row's nearest is itself, which is dropped afterwards.
        found = sp_matmul_topn(
            sparse.csr_matrix(left), sparse.csr_matrix(right.T), k + 1, threshold=0.0, sort=True
        )
    return _drop_self(found, k)


def _centre_columns(held: sparse.csr_array) -> sparse.csr_array:
    """Subtract from each stored cell its column's mean over the stored cells."""
    counts = np.bincount(held.indices, minlength=held.shape[1])
    sums = np.bincount(held.indices, weights=held.data, minlength=held.shape[1])
    means = sums / np.maximum(counts, 1)
    centred = held.copy()
    centred.data -= means[centred.indices]
    # A cell at the mean, to rounding, counts as at the mean: noise must not pass for a direction.
    scale = np.abs(held.data).max(initial=0)
    centred.data[np.abs(centred.data) < 1e-12 * scale] = 0
    centred.eliminate_zeros()
    return centred


def _unit_factors(
    rows: sparse.csr_array, *, pearson: bool
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return two matrices whose rows' inner products are the similarities."""
    squares = rows.multiply(rows).sum(axis=1)
    sums, n = rows.sum(axis=1), rows.shape[1]
    if not pearson:
        unit = _scale_rows(rows, np.sqrt(squares))
        return unit, unit
    # Centring all cells would fill the matrix. sum (a - mean a)(b - mean b) is sum ab - A B / n,
    # with A and B the row sums: one more column on each side, of opposite sign, does the same.
    variation = squares - sums**2 / n
    variation[variation <= 1e-12 * squares] = 0  # a row constant to rounding varies with nothing
    spread = np.sqrt(variation)
    extra = sparse.csr_array((sums / np.sqrt(n))[:, None])
    left = _scale_rows(sparse.hstack([rows, -extra], format="csr"), spread)
    right = _scale_rows(sparse.hstack([rows, extra], format="csr"), spread)
    return left, right


def _scale_rows(matrix: sparse.csr_array, norms: np.ndarray) -> sparse.csr_array:
    inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    scaled = sparse.csr_array(matrix, copy=True)
    scaled.data *= _spread(inverse, scaled)
    scaled.eliminate_zeros()
    return scaled


def _spread(per_row: np.ndarray, matrix: sparse.csr_array) -> np.ndarray:
    """Repeat one number a row for each cell the row stores."""
    return np.repeat(per_row, np.diff(matrix.indptr))


def _shrunk_topn(
    left: sparse.csr_array,
    right: sparse.csr_array,
    held: sparse.csr_array,
    k: int,
    shrinkage: float,
) -> sparse.csr_array:
    """Weigh each similarity by its overlap before the best are taken, a block of rows at a time."""
    n = left.shape[0]
    pattern = sparse.csr_array((np.ones_like(held.data), held.indices, held.indptr), held.shape)
    step = max(1, _BLOCK_CELLS // max(1, n))
    blocks = []
    for start in range(0, n, step):
        stop = min(n, start + step)
        overlap = pattern[start:stop] @ pattern.T
        overlap.data /= overlap.data + shrinkage
        block = sparse.csr_array((left[start:stop] @ right.T).multiply(overlap))
        block.data[block.data <= 0] = 0
        block.eliminate_zeros()
        # Times the identity nothing changes but that only the best of each row are kept.
        blocks.append(
            sp_matmul_topn(sparse.csr_matrix(block), sparse.eye(n, format="csr"), k + 1, sort=True)
        )
    return sparse.vstack(blocks, format="csr") if blocks else sparse.csr_array((0, 0))


def _drop_self(found: sparse.csr_matrix, k: int) -> sparse.csr_array:
    """Empty the diagonal and keep the first `k` of each row, which come sorted."""
    n = found.shape[0]
    row = np.repeat(np.arange(n), np.diff(found.indptr))
    other = found.indices != row
    row, column, data = row[other], found.indices[other], found.data[other]
    starts = np.searchsorted(row, np.arange(n))
    keep = np.arange(len(row)) - starts[row] < k
    kept = sparse.coo_array((data[keep], (row[keep], column[keep])), shape=(n, n)).tocsr()
    kept.sort_indices()
    return kept.astype(np.float32)


def dense_product(left: sparse.csr_array, right: sparse.csr_array, rows: np.ndarray) -> np.ndarray:
    """Return left[rows] @ right as a dense array, a chunk of rows at a time."""
    result = np.empty((len(rows), right.shape[1]), dtype=np.float32)
    step = max(1, _CHUNK_CELLS // max(1, right.shape[1]))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        (left[part] @ right).toarray(out=result[start : start + step])
    return result
