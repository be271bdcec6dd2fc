"""Content profiles: by hand, and against a dense formula."""

from math import log, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.content import ContentProfile, ItemFeatures
from recbook.models.text import TfIdf

ITEMS = pd.Index(["green", "black", "soap", "bare"])
TEXTS = pd.Series(["green tea", "black tea", "soap", ""], ITEMS)


def bought(pairs, *, time=None, n_users=3, items=ITEMS):
    user, item = np.array(pairs, dtype=int).reshape(-1, 2).T
    return Interactions(
        user=user, item=item, value=np.ones(len(user)),
        time=np.zeros(len(user)) if time is None else time,
        users=pd.RangeIndex(n_users), items=items,
    )  # fmt: skip


def test_score_is_the_cosine_of_profile_and_description():
    # Ann took green tea, Bo both teas, Cy nothing.
    scores = ContentProfile(TEXTS).fit(bought([(0, 0), (1, 0), (1, 1)])).score()
    # Four texts; "tea" stands in 2, "green" in 1.
    tea, green = log(5 / 3) + 1, log(5 / 2) + 1
    shared = tea**2 / (tea**2 + green**2)
    np.testing.assert_allclose(scores[0], [1, shared, 0, -1], rtol=1e-6)
    # Bo's profile is the sum of two vectors of length 1 with the cosine `shared`.
    both = (1 + shared) / sqrt(2 + 2 * shared)
    np.testing.assert_allclose(scores[1], [both, both, 0, -1], rtol=1e-6)
    np.testing.assert_array_equal(scores[2], [0, 0, 0, -1])


def test_items_without_features_score_lowest_even_below_opposites():
    signs = ItemFeatures(ITEMS, np.array([[1.0, 0], [-1, 0], [0, 1], [0, 0]]))
    scores = ContentProfile(signs, popularity=1).fit(bought([(0, 0), (0, 3), (1, 3)])).score([0])
    # Item 0 has one taker, "bare" two: popularity does not lift what cannot be judged.
    np.testing.assert_allclose(scores, [[1 + log(2), -1, 0, -1]], rtol=1e-6)


def test_features_are_found_by_id_in_any_order():
    upside_down = ItemFeatures(ITEMS[::-1], TfIdf().fit_transform(TEXTS[::-1]))
    more = pd.concat([pd.Series({"other": "green soap"}), TEXTS])
    events = bought([(0, 0), (1, 2)])
    expected = ContentProfile(TEXTS).fit(events).score()
    np.testing.assert_allclose(ContentProfile(upside_down).fit(events).score(), expected, rtol=1e-6)
    # Texts of other items do not count for the idf.
    np.testing.assert_array_equal(ContentProfile(more).fit(events).score(), expected)


def test_missing_text_is_an_empty_one():
    events = bought([(0, 0)])
    for nothing in (None, np.nan, pd.NA):
        texts = TEXTS.astype(object)
        texts["bare"] = nothing
        np.testing.assert_array_equal(
            ContentProfile(texts).fit(events).score(), ContentProfile(TEXTS).fit(events).score()
        )


def test_weights_of_what_was_taken():
    features = ItemFeatures(ITEMS, np.eye(4))
    events = bought([(0, 0), (0, 0), (0, 1)], time=[0, 1, 2])
    for options, weights in (
        ({}, [1, 1]),
        ({"values": "count"}, [2, 1]),
        # Later events: two after the first, one after the second.
        ({"values": "count", "half_life_events": 1}, [1 / 4 + 1 / 2, 1]),
        ({"half_life_events": 1}, [1 / 2, 1]),
    ):
        profile = ContentProfile(features, **options).fit(events).profiles([0])[0]
        np.testing.assert_allclose(profile[:2], np.array(weights) / np.hypot(*weights), rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    arrays(float, (5, 4), elements=st.sampled_from([-1, 0, 0, 1, 2.5])),
    arrays(int, (6, 5), elements=st.integers(0, 3)),
    st.sampled_from([0, 0.3]),
)
def test_sparse_and_dense_features_follow_the_formula(matrix, counts, popularity):
    user, item = np.nonzero(counts)
    pairs = np.repeat(np.column_stack([user, item]), counts[user, item], axis=0)
    items = pd.RangeIndex(5)
    events = bought(pairs, n_users=6, items=items)
    length = np.linalg.norm(matrix, axis=1)
    unit = matrix / np.where(length > 0, length, 1)[:, None]
    profiles = counts @ unit
    size = np.linalg.norm(profiles, axis=1)
    # A sum that cancels to rounding has no direction to compare.
    clear = (size > 1e-3) | ((counts > 0) & (length > 0)).sum(axis=1).astype(bool).__invert__()
    expected = profiles / np.where(size > 1e-3, size, 1)[:, None] @ unit.T
    expected += popularity * np.log1p((counts > 0).sum(axis=0))
    expected[:, length == 0] = -1
    for held in (matrix, sparse.csr_array(matrix)):
        model = ContentProfile(ItemFeatures(items, held), values="count", popularity=popularity)
        scores = model.fit(events).score()
        np.testing.assert_allclose(scores[clear], expected[clear], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(model.score([4, 1]), scores[[4, 1]])


def test_scores_in_chunks_are_the_same(monkeypatch):
    from recbook.models import content

    rng = np.random.default_rng(0)
    items = pd.RangeIndex(30)
    events = bought(np.column_stack([rng.integers(20, size=99), rng.integers(30, size=99)]),
                    n_users=20, items=items)  # fmt: skip
    for matrix in (rng.normal(size=(30, 7)), sparse.random_array((30, 40), density=0.2, rng=1)):
        model = ContentProfile(ItemFeatures(items, matrix)).fit(events)
        whole = model.score()
        monkeypatch.setattr(content, "_CHUNK_CELLS", 100)
        np.testing.assert_array_equal(model.score(), whole)
        monkeypatch.undo()


def test_repr_is_short():
    assert "<4 texts>" in repr(ContentProfile(TEXTS))
    assert "4 items × 4 features" in repr(ContentProfile(ItemFeatures(ITEMS, np.eye(4))))


def test_what_is_wrong_is_said():
    events = bought([(0, 0)])
    with pytest.raises(ValueError, match="miss 2 of the 4 items, such as 'soap'"):
        ContentProfile(TEXTS[:2]).fit(events)
    with pytest.raises(ValueError, match="miss 1 of the 4 items, such as 'bare'"):
        ContentProfile(ItemFeatures(ITEMS[:3], np.eye(3))).fit(events)
    with pytest.raises(ValueError, match="repeat 'soap'"):
        ContentProfile(pd.concat([TEXTS, TEXTS[2:3]])).fit(events)
    with pytest.raises(ValueError, match="repeat 'green'"):
        ItemFeatures(ITEMS[[0, 0]], np.eye(2))
    with pytest.raises(ValueError, match="one row for each of the 4 ids"):
        ItemFeatures(ITEMS, np.eye(3))
    with pytest.raises(ValueError, match="finite"):
        ItemFeatures(ITEMS[:1], np.array([[np.nan]]))
    with pytest.raises(TypeError, match="a text is 7"):
        ContentProfile(pd.Series([7, "tea", "soap", ""], ITEMS)).fit(events)
    with pytest.raises(TypeError, match="pandas Series of texts"):
        ContentProfile(["green tea"])
    with pytest.raises(ValueError, match="values must be"):
        ContentProfile(TEXTS, values="stars")
    with pytest.raises(ValueError, match="half_life_events must be above 0"):
        ContentProfile(TEXTS, half_life_events=0)
    with pytest.raises(ValueError, match="popularity must be"):
        ContentProfile(TEXTS, popularity=-1)
