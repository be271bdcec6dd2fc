from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from recbook.evaluation.rating import (
    absolute_errors,
    mae,
    mae_per_user,
    rmse,
    rmse_per_user,
    squared_errors,
)

rating = st.floats(-5, 5)
pairs = st.lists(st.tuples(st.integers(0, 4), rating, rating), min_size=1, max_size=30)


@given(pairs)
def test_equal_to_scikit_learn(drawn):
    users, actual, predicted = map(np.array, zip(*drawn, strict=True))
    assert rmse(actual, predicted) == pytest.approx(root_mean_squared_error(actual, predicted))
    assert mae(actual, predicted) == pytest.approx(mean_absolute_error(actual, predicted))
    for user, (root, mean) in enumerate(
        zip(
            rmse_per_user(users, actual, predicted, n_users=6),
            mae_per_user(users, actual, predicted, n_users=6),
            strict=True,
        )
    ):
        mine = users == user
        if mine.any():
            assert root == pytest.approx(root_mean_squared_error(actual[mine], predicted[mine]))
            assert mean == pytest.approx(mean_absolute_error(actual[mine], predicted[mine]))
        else:
            assert isnan(root)
            assert isnan(mean)


def test_mean_over_users_is_not_the_global_rmse():
    users, actual, predicted = np.array([0, 0, 0, 1]), np.array([1, 1, 1, 5.0]), np.ones(4)
    assert rmse(actual, predicted) == pytest.approx(sqrt(16 / 4))
    assert rmse_per_user(users, actual, predicted).mean() == pytest.approx((0 + 4) / 2)


def test_errors_of_each_pair():
    assert squared_errors([1, 5], [2, 3]).tolist() == [1, 4]
    assert absolute_errors([1, 5], [2, 3]).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rmse([], []), "at least one pair"),
        (lambda: rmse([1, 2], [1]), "shapes"),
        (lambda: mae([1, 2], [1, np.nan]), "predicted rating nan at position 1"),
        (lambda: mae([np.inf], [1]), "actual rating inf"),
        (lambda: mae_per_user([0.5], [1], [1]), "int row position"),
        (lambda: mae_per_user([3], [1], [1], n_users=2), "outside the 2 users"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
