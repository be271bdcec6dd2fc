"""The stored rankings: they know nothing of the window they order, and order no other pool."""

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.fusion import ranked
from recbook.fusion.pool import Pool


def pool(items: list[list[int]]) -> Pool:
    known = Interactions.from_frame(
        pd.DataFrame({"user_id": [0, 1], "item_id": [0, 1]}), users=[0, 1], items=range(4)
    )
    items = np.array(items, dtype=np.int32)
    scores = np.zeros((2, *items.shape), dtype=np.float32)
    return Pool(("a", "b"), np.arange(2), items, scores, known)


@pytest.fixture
def ranking() -> ranked.StoredRanking:
    made = ranked.StoredRanking(("a", "b"))
    made.users_, made.items_ = np.arange(2), np.array([[0, 1], [2, 3]])
    made.fused_ = np.array([[1.0, 2.0], [4.0, 3.0]], dtype=np.float32)
    made.learnt_from_ = ()
    return made


def test_gives_the_stored_order(ranking):
    assert ranking.fuse(pool([[0, 1], [2, 3]])).tolist() == [[1.0, 2.0], [4.0, 3.0]]


def test_refuses_another_pool(ranking):
    with pytest.raises(ValueError, match="one pool was stored"):
        ranking.fuse(pool([[0, 1], [1, 3]]))


def test_refuses_an_unknown_ranking():
    with pytest.raises(ValueError, match="no ranking for"):
        ranked.stored_ranking("repeat", "earlier_5")


@pytest.mark.parametrize(("task", "on"), ranked.LEARNT_ON)
def test_learns_from_earlier_windows_only(task, on):
    order = ["test", "validation", *(f"earlier_{n}" for n in range(1, 6))]  # latest first
    assert ranked.LEARNT_ON[task, on]
    assert all(order.index(other) > order.index(on) for other in ranked.LEARNT_ON[task, on])
