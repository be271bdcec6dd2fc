"""What goes into the factor models for lists, and how their scores come out."""

from math import log, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.models.bpr import BPR
from recbook.models.ease import EASE
from recbook.models.implicit_als import ImplicitALS
from recbook.models.list_inputs import BLOCK_USERS, block_scores, input_matrix
from recbook.models.pure_svd import PureSVD

DAY = 86_400


@pytest.fixture
def events():
    """Ann takes a on day 0, b on day 2, a again on day 3; bo takes c on day 4."""
    return Interactions(
        user=[0, 0, 0, 1], item=[0, 1, 0, 2], value=[3, 5, 7, 11],
        time=[0, 2 * DAY, 3 * DAY, 4 * DAY], users=pd.Index(["ann", "bo"]),
        items=pd.Index([*"abcd"]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "ann", "bo"),
    [
        ("binary", [1, 1, 0, 0], [0, 0, 1, 0]),
        ("count", [2, 1, 0, 0], [0, 0, 1, 0]),
        ("value", [3 + 7, 5, 0, 0], [0, 0, 11, 0]),
    ],
)
def test_values(events, values, ann, bo):
    np.testing.assert_array_equal(input_matrix(events, values).toarray(), [ann, bo])


@pytest.mark.parametrize(
    ("values", "ann", "bo"),
    [
        # Ages 4, 2, 1 and 0 days; of the two times a was taken the later counts.
        ("binary", [1 / 2, 1 / 4, 0, 0], [0, 0, 1, 0]),
        ("count", [1 / 16 + 1 / 2, 1 / 4, 0, 0], [0, 0, 1, 0]),
        ("value", [3 / 16 + 7 / 2, 5 / 4, 0, 0], [0, 0, 11, 0]),
    ],
)
def test_half_life_in_days_counts_back_from_the_last_event_of_anyone(events, values, ann, bo):
    for order in ([0, 1, 2, 3], [2, 3, 1, 0]):
        found = input_matrix(events.select(order), values, half_life_days=1).toarray()
        np.testing.assert_allclose(found, [ann, bo], rtol=1e-7)


@pytest.mark.parametrize(
    ("values", "ann"),
    [("binary", [1, 1 / 2, 0, 0]), ("count", [1 / 4 + 1, 1 / 2, 0, 0])],
)
def test_half_life_in_events_counts_the_users_own_later_ones(events, values, ann):
    found = input_matrix(events, values, half_life_events=1).toarray()
    np.testing.assert_allclose(found, [ann, [0, 0, 1, 0]], rtol=1e-7)


def test_damping_comes_after_the_decay(events):
    root = input_matrix(events, "count", half_life_days=1, damping="sqrt").toarray()
    np.testing.assert_allclose(root[0, :2], [sqrt(1 / 16 + 1 / 2), sqrt(1 / 4)], rtol=1e-7)
    found = input_matrix(events, "value", damping="log").toarray()
    np.testing.assert_allclose(found[0, :2], [log(1 + 10), log(1 + 5)], rtol=1e-7)


@pytest.mark.parametrize("model", [ImplicitALS, BPR, EASE, PureSVD])
class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"values": "rating"}, "values must be one of"),
            ({"damping": "root"}, "damping must be one of"),
            ({"half_life_days": 0}, "half_life_days must be above 0"),
            ({"half_life_events": -1}, "half_life_events must be above 0"),
            ({"half_life_days": 1, "half_life_events": 1}, "not both"),
        ],
    )
    def test_of_arguments(self, model, arguments, message):
        with pytest.raises(ValueError, match=message):
            model(**arguments)

    @pytest.mark.parametrize("value", [-1, np.nan, np.inf])
    def test_of_values(self, model, value, events):
        wrong = Interactions([0], [0], [value], [0], users=events.users, items=events.items)
        with pytest.raises(ValueError, match="finite and at least 0"):
            model(values="value").fit(wrong)

    def test_of_decay_without_times(self, model, events):
        timeless = Interactions(
            [0], [0], [1], [0], users=events.users, items=events.items, has_time=False
        )
        for half_life in ({"half_life_days": 3}, {"half_life_events": 3}):
            with pytest.raises(ValueError, match="no times"):
                model(**half_life).fit(timeless)


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        (ImplicitALS, "n_factors", 0),
        (ImplicitALS, "regularization", 0),
        (ImplicitALS, "alpha", -1),
        (ImplicitALS, "n_iterations", 0),
        (BPR, "n_factors", 0),
        (BPR, "learning_rate", -1),
        (BPR, "regularization", -1),
        (BPR, "n_epochs", 0),
        (EASE, "regularization", 0),
        (EASE, "solver", "fast"),
        (PureSVD, "n_factors", 0),
        (PureSVD, "weighting", "idf"),
    ],
)
def test_impossible_parameters_are_refused_by_name(model, name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        model(**{name: value})


def many_events(n_users, n_items, *, rng=0):
    rng = np.random.default_rng(rng)
    user, item = np.nonzero(rng.random((n_users, n_items)) < 0.1)
    return Interactions(
        user, item, np.ones(len(user)), rng.integers(9 * DAY, size=len(user)),
        users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items + 1),
    )  # fmt: skip


MODELS = [
    ImplicitALS(7, n_iterations=1),
    BPR(7, n_epochs=1),
    PureSVD(7),
    EASE(),
    EASE(solver="dual"),
]


@pytest.fixture(scope="module", params=MODELS, ids=repr)
def fitted(request):
    return request.param.fit(many_events(2 * BLOCK_USERS + 17, 61))


class TestScoresOfSomeUsers:
    def test_are_those_among_all_to_the_last_digit(self, fitted):
        whole = fitted.score()
        n = len(whole)
        rng = np.random.default_rng(0)
        for users in ([n - 1], [3], rng.integers(n, size=40), np.arange(n)[::-1], [5, 200, 5]):
            np.testing.assert_array_equal(fitted.score(users), whole[users])

    def test_put_an_item_without_events_last(self, fitted):
        scores = fitted.score()
        np.testing.assert_array_equal(scores[:, -1], scores[:, :-1].min(axis=1))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3 * BLOCK_USERS - 1), max_size=20))
def test_blocks_give_every_row_once_and_in_the_order_asked_for(rows):
    table = np.arange(3.0 * BLOCK_USERS)[:, None] * 10 + np.arange(3)
    rows = np.array(rows, dtype=int)
    known = np.array([True, True, True])
    found = block_scores(lambda start, stop: table[start:stop], rows, 3, known)
    np.testing.assert_array_equal(found, table[rows])
    known[2] = False
    found = block_scores(lambda start, stop: table[start:stop], rows, 3, known)
    np.testing.assert_array_equal(found, table[rows][:, [0, 1, 0]])
