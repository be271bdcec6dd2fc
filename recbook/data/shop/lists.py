"""What a visit is for, and the list that the shop shows."""

from __future__ import annotations

import numpy as np

from recbook.data.shop import truth as laws
from recbook.data.shop.market import DISPLAY_BOOST, WEEKS
from recbook.data.shop.queries import FORMS
from recbook.data.shop.stream import RowSampler, Stream
from recbook.data.shop.words import CATEGORY_NAMES
from recbook.data.shop.world import World

SURFACES = ("home", "random", "search")
SEARCH_SHARE, RANDOM_SHARE = 0.45, 0.10  # of the visits that no transition decides


class Lists:
    """What a visit is for, and the list that the shop shows."""

    def __init__(self, world: World, *, seed: int) -> None:
        self._draw = Stream(seed, "lists")
        items = world.items
        self._launch = items["launch_week"].to_numpy()
        popularity = world.truth_items["popularity"].to_numpy()
        promoted = world.weeks["promoted"].to_numpy().reshape(-1, WEEKS).T
        self._home = RowSampler(popularity * np.where(promoted, DISPLAY_BOOST, 1.0))
        match = np.array([0.002, 0.1, 1.0, 3.0])[world.relevance]
        self._search = RowSampler(match * np.sqrt(popularity))
        category = items["category"].to_numpy(object)
        shelf = np.stack([category == name for name in CATEGORY_NAMES]).astype(float)
        centre = shelf @ laws.tastes(world.truth_items) / shelf.sum(axis=1)[:, None]
        wish = laws.tastes(world.truth_users) @ centre.T
        self._wish = RowSampler(np.exp(wish) * np.sqrt(shelf.sum(axis=1)))
        self._form = RowSampler(np.array([list(FORMS.values())]))
        self._english = (world.users["language"] == "en").to_numpy()
        self._next = {
            CATEGORY_NAMES.index(a): (CATEGORY_NAMES.index(b), p)
            for a, b, p in world.transitions.itertuples(index=False)
        }

    def intents(self, user: np.ndarray, bought_last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # -> position in SURFACES, position of the query (-1 outside search)
        n = len(user)
        chance = self._draw.uniform(4, n)
        wished = self._wish.draw(user, chance[0])
        target = np.array([self._next.get(c, (0, 0.0))[0] for c in range(-1, len(CATEGORY_NAMES))])
        p = np.array([self._next.get(c, (0, 0.0))[1] for c in range(-1, len(CATEGORY_NAMES))])
        led = chance[1] < p[bought_last + 1]
        surface = np.searchsorted(
            [RANDOM_SHARE, RANDOM_SHARE + SEARCH_SHARE], chance[2], side="right"
        )
        surface = np.where(led, 2, np.array([1, 2, 0])[surface])
        category = np.where(led, target[bought_last + 1], wished)
        form = self._form.draw(np.zeros(n, dtype=np.int64), chance[3])
        language = np.where(self._english[user], 0, 1)
        query = (category * 2 + language) * len(FORMS) + form
        return surface, np.where(surface == 2, query, -1)

    def show(
        self, surface: np.ndarray, query: np.ndarray, week: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Drawing with replacement and dropping repeats is drawing without (Plackett-Luce).
        tries = 4 * laws.LIST_LENGTH
        u = self._draw.uniform(len(surface), tries)
        drawn = np.floor(u * len(self._launch)).astype(np.int64)
        for where, table, rows in ((0, self._home, week), (2, self._search, query)):
            chosen = surface == where
            drawn[chosen] = table.draw(
                np.broadcast_to(rows[chosen, None], (chosen.sum(), tries)), u[chosen]
            )
        order = np.argsort(drawn, axis=1, kind="stable")
        ordered = np.take_along_axis(drawn, order, axis=1)
        fresh = np.ones(drawn.shape, dtype=bool)
        np.put_along_axis(fresh, order[:, 1:], ordered[:, 1:] != ordered[:, :-1], axis=1)
        fresh &= self._launch[drawn] <= week[:, None]
        position = np.cumsum(fresh, axis=1)
        row, column = np.nonzero(fresh & (position <= laws.LIST_LENGTH))
        return row, drawn[row, column], position[row, column]
