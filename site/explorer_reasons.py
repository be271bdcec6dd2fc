"""Why each model puts a candidate where it does: from the fitted models, in numbers.

Every reason is part of an exact sum. What the past products (for user neighbours: the other
households) add to a score is computed for all of them; their sum must be the score that the pool
stores, or `ReasonError` is raised. So no sentence of the page is borrowed from another model.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from recbook.data.interactions import Interactions
from recbook.fusion.members import shop_members
from recbook.models.list_inputs import input_matrix
from recbook.models.pair_counts import basket_matrix

TOLERANCE = 1e-4  # of a sum against a stored float32 score, relative


class ReasonError(Exception):
    """The parts of a reason do not add up to the score they explain."""


class Explainer:
    """The members of the explorer, fitted once, and what speaks for their scores.

    Parameters
    ----------
    names : list of str
        The members to explain.
    known : Interactions
        What the stored pools' members were fitted on.
    items : int array
        Every item that may have to be explained, as column positions.
    """

    def __init__(self, names: list[str], known: Interactions, items: np.ndarray) -> None:
        self.known = known
        self.items = np.unique(items)
        self._at = {int(item): place for place, item in enumerate(self.items)}
        members = shop_members()
        self.members = {
            name: members[name] if name.startswith("EASE") else members[name].fit(known)
            for name in names
        }
        self._ease = {n: self._solve(m) for n, m in self.members.items() if n.startswith("EASE")}
        if "PureSVD" in names:
            days = members["PureSVD"].half_life_days
            self._svd_input = input_matrix(known, members["PureSVD"].values, half_life_days=days)
        if "pair rules" in names:
            baskets = basket_matrix(known)
            self._together = (baskets.T @ baskets[:, self.items]).tocsc()
            self._baskets_with = np.asarray(baskets.sum(axis=0)).ravel()

    def _solve(self, model) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
        """Return X, K⁻¹X for `items`, and their P_ii: EASE's dual solution, for these alone."""
        x = input_matrix(
            self.known, model.values, half_life_days=model.half_life_days, damping=model.damping
        )
        gram = (x @ x.T).toarray()
        gram[np.diag_indices_from(gram)] += model.regularization
        columns = x[:, self.items].toarray()
        solved = cho_solve(cho_factor(gram, overwrite_a=True), columns, overwrite_b=False)
        diagonal = (1 - (columns * solved).sum(axis=0)) / model.regularization
        return x, solved, diagonal

    def parts(self, name: str, user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return who speaks, and what each adds to the scores of `items`: (n,) and (n, n_items).

        Speakers are past products; for user neighbours they are households.
        """
        model = self.members[name]
        at = [self._at[int(item)] for item in items]
        if name.startswith("EASE"):
            x, solved, diagonal = self._ease[name]
            held, value = _row(x, user)
            weights = x[:, held].T @ solved[:, at] / (model.regularization * diagonal[at])
            weights[held[:, None] == items[None, :]] = 0  # no item explains itself
        elif name == "PureSVD":
            held, value = _row(self._svd_input, user)
            weights = model.item_factors_[held] @ model.item_factors_[items].T
        elif name == "pair rules":
            held, value = _row(model.profiles_, user)
            weights = model.rules_[held][:, items].toarray()
        elif name == "content":
            held, value = _row(model.weights_, user)
            summed = model.vectors_[held].T @ value
            weights = (model.vectors_[held] @ model.vectors_[items].T).toarray()
            weights = weights / np.sqrt((summed**2).sum())
        elif name == "user neighbours":
            held, value = _row(model.similarities_, user)
            weights = model.matrix_[held][:, items].toarray()
        else:
            raise ValueError(f"the scores of {name!r} are no sum of parts")
        return held, value[:, None] * np.asarray(weights, dtype=float)

    def explain(self, name: str, user: int, items: np.ndarray, scores: np.ndarray) -> list[list]:
        """Return one reason for each item: numbers that the page makes a sentence of.

        User neighbours: [how many neighbours took it, of how many]. Rules: [product, baskets with
        it, baskets with both, rules in all]. Others: [product, percent, product, percent], percent
        of everything that speaks *for* the item. Products are column positions; the list is empty
        where nothing speaks for the item.

        Raises
        ------
        ReasonError
            If the parts do not sum to `scores`.
        """
        held, parts = self.parts(name, user, items)
        missing = np.abs(parts.sum(axis=0) - scores) / np.maximum(np.abs(scores), 1e-3)
        if len(items) and missing.max() > TOLERANCE:
            at = int(missing.argmax())
            raise ReasonError(
                f"{name}: the parts sum to {parts[:, at].sum():.6g}, the pool stores "
                f"{scores[at]:.6g} for {self.known.items[items[at]]}"
            )
        return [
            self._told(name, held, column, int(item))
            for column, item in zip(parts.T, items, strict=True)
        ]

    def _told(self, name: str, held: np.ndarray, parts: np.ndarray, item: int) -> list:
        speaking = int((parts > 0).sum())
        if name == "user neighbours":
            return [speaking, len(held)]
        if not speaking:
            return []
        order = np.argsort(-parts, kind="stable")[: min(2, speaking)]
        first = int(held[order[0]])
        if name == "pair rules":
            both = int(self._together[first, self._at[item]])
            return [first, int(self._baskets_with[first]), both, speaking]
        share = 100 * parts[order] / parts[parts > 0].sum()
        return [
            number
            for place, percent in zip(order, share, strict=True)
            for number in (int(held[place]), round(float(percent)))
        ]


def _row(matrix: sparse.csr_array, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns and the values of one row."""
    inside = slice(*matrix.indptr[row : row + 2])
    return matrix.indices[inside].astype(int), matrix.data[inside].astype(float)
