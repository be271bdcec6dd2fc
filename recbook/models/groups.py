"""What people of one's age, sex or trade take more than others do."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least

_BLOCK_USERS = 256


class GroupPreference(Recommender):
    """Scores an item by how much more the user's groups take it than everybody does.

    With n_gi the users of group g who took i, n_g their sum over all items, p_i the share of i
    among all that was taken, and s the shrinkage,

        score(u, i) = Σ over u's groups g of ln( (n_gi + s p_i) / ((n_g + s) p_i) ).

    An item that is equally popular everywhere scores 0, however popular it is: by themselves such
    lists are nearly worthless. In a fusion they say what no other member says.

    Parameters
    ----------
    groups : pandas.DataFrame
        Index: user ids as in the `users` of the Interactions; each column cuts the users into
        groups by its values. A user who is missing has no group.
    shrinkage : float
        s, above 0, in events.

    Attributes
    ----------
    preferences_ : float64 array (n_groups, n_items)
        The logarithms above.
    members_ : scipy.sparse.csr_array, float64 (n_users, n_groups)
        1 where the user is in the group.

    Notes
    -----
    Memory: fit at most ``200 * n_events + 60 * n_users
    + 2000 * n_items + 2e6`` bytes, score at most ``4 * n_rows * n_items + 3000 * n_items + 1e6``
    bytes, with up to 50 groups.

    References
    ----------
    Pazzani: A framework for collaborative, content-based and demographic filtering. Artificial
    Intelligence Review 13, 1999.

    Examples
    --------
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": ["a", "b", "a"]})
    >>> ages = pd.DataFrame({"age": ["old", "young"]}, index=[1, 2])
    >>> GroupPreference(ages, 1).fit(Interactions.from_frame(frame)).score().round(2)
    array([[-0.17,  0.26],
           [ 0.23, -0.69]], dtype=float32)
    """

    def __init__(self, groups: pd.DataFrame, shrinkage: float = 200.0) -> None:
        if not isinstance(groups, pd.DataFrame) or not groups.index.is_unique:
            raise ValueError("groups must be a DataFrame with one row for each user id")
        check_at_least("shrinkage", shrinkage, 0)
        if shrinkage == 0:
            raise ValueError("shrinkage must be above 0, or a group's gap is minus infinity")
        self.groups = groups
        self.shrinkage = shrinkage

    def __repr__(self) -> str:
        columns = ", ".join(map(str, self.groups.columns))
        return f"GroupPreference(groups=<{columns}>, shrinkage={self.shrinkage!r})"

    def fit(self, interactions: Interactions) -> Self:
        """Count what each group took."""
        self.members_ = self._memberships(interactions.users)
        taken = interactions.matrix("binary").astype(np.float64)
        share = taken.sum(axis=0)
        share = (share + 0.1) / (share + 0.1).sum()  # what nobody took has a share too
        counts = (self.members_.T @ taken).toarray()
        total = counts.sum(axis=1, keepdims=True)
        smoothed = counts + self.shrinkage * share
        self.preferences_ = np.log(smoothed / ((total + self.shrinkage) * share))
        untaken = np.bincount(taken.indices, minlength=taken.shape[1]) == 0
        if not untaken.all():  # nothing is known of these: they come last
            self.preferences_[:, untaken] = self.preferences_.min(axis=1, initial=0, keepdims=True)
        self.interactions_ = interactions
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return float32 scores (len(users), n_items); 0 for a user of no group."""
        rows = self._rows(users)
        scores = np.empty((len(rows), self.interactions_.n_items), dtype=np.float32)
        for start in range(0, len(rows), _BLOCK_USERS):
            part = slice(start, start + _BLOCK_USERS)
            # A sparse product sums in one order, whichever users are asked for together.
            scores[part] = self.members_[rows[part]] @ self.preferences_
        return scores

    def _memberships(self, users: pd.Index) -> sparse.csr_array:
        at = self.groups.index.get_indexer(users)
        columns = []
        for name in self.groups.columns:
            code, values = pd.factorize(self.groups[name].to_numpy(), sort=True)
            code = np.where(at >= 0, code[at], -1)
            inside = np.flatnonzero(code >= 0)
            shape = (len(users), len(values))
            ones = np.ones(len(inside))
            columns.append(sparse.csr_array((ones, (inside, code[inside])), shape=shape))
        if not columns:
            return sparse.csr_array((len(users), 0))
        return sparse.csr_array(sparse.hstack(columns, format="csr"))
