"""Why an item stands in a list: which member put it there, and what in the user's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recbook.fusion.blends import normalised
from recbook.fusion.pool import Pool
from recbook.fusion.pooling import pool_of
from recbook.models.base import Recommender
from recbook.project.evidence import Evidence
from recbook.project.source import Source
from recbook.project.task import candidates_of

N_CAUSES = 2  # items of her own named for a member
N_MEMBERS = 2  # named for an item
LEAST_SHARE = 0.2  # of what is added: what the second member must reach
NEAR = 0.5  # of the strongest cause: what another must reach to be named too


@dataclass(frozen=True)
class Reason:
    """Why one item is recommended to one user.

    Attributes
    ----------
    item_id : id
    member : str
        The model that adds most to the item's score, of those with a weight above 0.
    share : float
        Its part of all that is added, between 0 and 1.
    because : tuple of ids
        The items of her own that raised the member's score most, the strongest first; none where
        the member gives everyone the same.
    text : str
        The reason in words; of the second member too, where that adds a fifth or more.
    parts : dict of str to float
        What each member adds to the fused score: weight × standardised score. They sum to it.
    """

    item_id: object
    member: str
    share: float
    because: tuple
    text: str
    parts: dict = field(repr=False, default_factory=dict)


def reasons(
    model: Recommender, source: Source, user_id: object, item_ids: Sequence
) -> list[Reason]:
    """Return a reason for each item in a user's list; see `Explainer`."""
    row = int(source.interactions.users.get_indexer([user_id])[0])
    if row < 0:
        raise ValueError(f"user {user_id!r} is not in the data")
    items = source.interactions.items.get_indexer(list(item_ids))
    if (items < 0).any():
        raise ValueError(f"item {list(item_ids)[int(np.argmin(items))]!r} is not in the data")
    return Explainer(model, source).reasons(np.array([row]), items[None])[0]


class Explainer:
    """Finds reasons, and keeps what several users' reasons need.

    Parameters
    ----------
    model : Recommender
        Fitted on `source.liked`: a fusion by weights, or a single member.
    source : Source
    """

    def __init__(self, model: Recommender, source: Source) -> None:
        self.model, self.source = model, source
        self.members = getattr(model, "members_", None) or {_name_of(model): model}
        fused = hasattr(model, "members_")
        weights = model.model_.coef_[0] if fused else [1.0]
        self.weights = dict(zip(self.members, weights, strict=True))
        self.events = model.interactions_
        self.likes = self.events.matrix("binary")
        self._counts = np.bincount(self.likes.indices, minlength=self.likes.shape[1])
        self._n_users = int(np.count_nonzero(np.diff(self.likes.indptr)))
        self._names, self._categories, self._texts = (
            source.items[column].tolist() for column in ("name", "category", "text")
        )
        self._evidence = {name: Evidence(member) for name, member in self.members.items()}

    def reasons(self, rows: np.ndarray, lists: np.ndarray) -> list[list[Reason]]:
        """Return the reasons of each list.

        Parameters
        ----------
        rows : int array (n,)
            Row positions of users.
        lists : int array (n, k)
            Column positions of items, -1 where there is none.
        """
        parts = self._parts(rows, lists)
        found = []
        for row, listed, added in zip(rows, lists, parts, strict=True):
            history = self.likes.indices[slice(*self.likes.indptr[row : row + 2])]
            items = listed[listed >= 0].tolist()
            found.append(
                [self._reason(int(row), item, history, added.get(item, {})) for item in items]
            )
        return found

    def _parts(self, rows: np.ndarray, lists: np.ndarray) -> list[dict[int, dict[str, float]]]:
        """Return for each user what each member adds to the fused score of each listed item."""
        known = [self.likes.indptr[row] < self.likes.indptr[row + 1] for row in rows]
        if not hasattr(self.model, "members_"):
            alone = dict.fromkeys(self.members, 1.0)
            return [
                dict.fromkeys(listed.tolist(), alone) if met else {}
                for met, listed in zip(known, lists, strict=True)
            ]
        pool = candidate_pool(self.model, self.source, rows, lists.shape[1])
        weights = np.array([self.weights[name] for name in pool.names])
        added = weights[:, None, None] * normalised(pool, self.model.normalise)
        found = []
        for at, met in enumerate(known):
            listed = np.flatnonzero(np.isin(pool.items[at], lists[at][lists[at] >= 0]))
            one = {
                int(pool.items[at, place]): dict(
                    zip(pool.names, added[:, at, place].tolist(), strict=True)
                )
                for place in listed
            }
            found.append(one if met else {})
        return found

    def _reason(self, row: int, item: int, history: np.ndarray, parts: dict) -> Reason:
        positive = sum(part for part in parts.values() if part > 0)
        told = []  # (member, share, causes), the members that add most
        for name in sorted(parts, key=lambda name: -parts[name]):
            if self.weights[name] <= 0:  # it corrects the others, and speaks for nothing
                continue
            share = parts[name] / positive if positive else 0.0
            if parts[name] <= 0 or len(told) == N_MEMBERS or (told and share < LEAST_SHARE):
                break
            causes = self._causes(name, row, item, history)
            if causes or _is_popularity(self.members[name]):
                told.append((name, share, causes))
        if not told:
            told = [("popularity", 1.0, [])]
        text = "; ".join(self._text(name, item, causes) for name, _, causes in told)
        name, share, causes = told[0]
        ids = tuple(self.events.items[causes].tolist()) if causes else ()
        return Reason(self.events.items[item], name, float(share), ids, text, parts)

    def _causes(self, name: str, row: int, item: int, history: np.ndarray) -> list[int]:
        added = self._evidence[name].of(row, item, history)
        if not len(added) or added.max() <= 0:
            return []
        order = np.argsort(-added, kind="stable")[:N_CAUSES]
        return [int(history[at]) for at in order if added[at] >= NEAR * added[order[0]]]

    def _text(self, name: str, item: int, causes: list[int]) -> str:
        names = self._names
        own = " and ".join(f"“{names[cause]}”" for cause in causes)
        verb = "liked" if self.source.explicit else "took"
        kind = type(self.members[name]).__name__ if name in self.members else "Popularity"
        if kind == "Popularity" or not causes:
            return f"popular: {self._counts[item]:,} of {self._n_users:,} users {verb} it"
        if kind == "PairRules":
            sure = float(self.members[name].rules_[causes[0], item])
            return f"goes with “{names[causes[0]]}”: {sure:.0%} of those who {verb} that {verb} it"
        if kind == "ContentProfile":
            same = self._in_common(item, causes[0])
            return f"same kind as {own}" + (f" ({same})" if same else "")
        them = "them" if len(causes) > 1 else "it"
        texts = {
            "ItemNeighbours": f"you {verb} {own}, and so did many who {verb} this (neighbours)",
            "EASE": f"goes with {own}, given all else you {verb} (linear model)",
            "ImplicitALS": f"fits the taste that shows in {own} (factors)",
            "MultVAE": f"the network expects it of someone who {verb} {own}",
        }
        return texts.get(kind, f"you {verb} {own}; {name} links {them} to this")

    def _in_common(self, item: int, cause: int) -> str:
        """Return the category that two items share, else their rarest common words."""
        category = self._categories
        if category[item] and category[item] == category[cause]:
            return category[item]
        from recbook.models.text import words

        shared = set(words(self._texts[item])) & set(words(self._texts[cause]))
        return ", ".join(sorted(shared, key=lambda word: (-len(word), word))[:2])


def candidate_pool(model: Recommender, source: Source, rows: np.ndarray, k: int) -> Pool:
    """Return what the members of a fusion say of each user's candidates."""
    return pool_of(
        model.members_, model.interactions_, rows, n_candidates=max(model.n_candidates, k),
        exclude=source.interactions.matrix("binary"),
        candidates=candidates_of(model.interactions_),
    )  # fmt: skip


def _is_popularity(member: Recommender) -> bool:
    return type(member).__name__ == "Popularity"


def _name_of(model: Recommender) -> str:
    names = {
        "Popularity": "popularity", "ItemNeighbours": "item neighbours", "PairRules": "pair rules",
        "ContentProfile": "content", "ImplicitALS": "iALS", "MultVAE": "Mult-VAE",
    }  # fmt: skip
    kind = type(model).__name__
    return names.get(kind, kind)
