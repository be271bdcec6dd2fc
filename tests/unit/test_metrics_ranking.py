from contextlib import contextmanager
from math import log2

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import ndcg_score

from recbook.data.ranking import top_k
from recbook.evaluation import ranking


@contextmanager
def as_plain_python():
    """Run ranx without its compiler, which takes a minute to start."""
    before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, True
    try:
        yield
    finally:
        numba.config.DISABLE_JIT = before


with as_plain_python():
    import ranx

# Items 0 to 5; a list of four, of which places 1 and 3 are relevant; three items are relevant.
RANKED = np.array([[4, 0, 2, 5]])
RELEVANT = sparse.csr_array(np.array([[0, 3, 2, 0, 1, 0]], dtype=float))
IDEAL = 1 + 1 / log2(3) + 1 / log2(4)


@pytest.mark.parametrize(
    ("metric", "options", "expected"),
    [
        (ranking.precision_per_user, {}, 2 / 4),
        (ranking.recall_per_user, {}, 2 / 3),
        (ranking.f1_per_user, {}, 2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),
        (ranking.hit_rate_per_user, {}, 1),
        (ranking.average_precision_per_user, {}, (1 / 1 + 2 / 3) / 3),
        (ranking.average_precision_per_user, {"k": 2}, (1 / 1) / 2),
        (ranking.reciprocal_rank_per_user, {}, 1 / 1),
        (ranking.ndcg_per_user, {}, (1 + 1 / log2(4)) / IDEAL),
        (
            ranking.ndcg_per_user,
            {"gain": "linear"},
            (1 + 2 / log2(4)) / (3 + 2 / log2(3) + 1 / log2(4)),
        ),
        (
            ranking.ndcg_per_user,
            {"gain": "exponential"},
            (1 + 3 / log2(4)) / (7 + 3 / log2(3) + 1 / log2(4)),
        ),
    ],
)
def test_by_hand(metric, options, expected):
    assert metric(RANKED, RELEVANT, **{"k": 4, **options}) == pytest.approx([expected])


def test_first_relevant_item_at_the_third_place():
    relevant = sparse.csr_array(np.array([[0, 0, 1, 0, 0, 0]]))
    assert ranking.reciprocal_rank_per_user(RANKED, relevant, 4) == pytest.approx([1 / 3])
    assert ranking.reciprocal_rank_per_user(RANKED, relevant, 2) == pytest.approx([0])


MEANS = {
    ranking.precision: ranking.precision_per_user,
    ranking.recall: ranking.recall_per_user,
    ranking.f1: ranking.f1_per_user,
    ranking.hit_rate: ranking.hit_rate_per_user,
    ranking.mean_average_precision: ranking.average_precision_per_user,
    ranking.mean_reciprocal_rank: ranking.reciprocal_rank_per_user,
    ranking.ndcg: ranking.ndcg_per_user,
}


@pytest.mark.parametrize(("mean", "per_user"), MEANS.items())
def test_users_without_relevant_items_have_no_value(mean, per_user):
    ranked = np.array([[0, 1], [0, 1], [-1, -1], [2, -1]])
    relevant = sparse.csr_array(np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0], [-1, 0, 0]]))
    values = per_user(ranked, relevant, 2)
    assert np.isnan(values).tolist() == [False, True, False, True]
    assert values[2] == 0  # relevant items, but an empty list
    assert values[0] > 0
    assert mean(ranked, relevant, 2) == pytest.approx((values[0] + 0) / 2)


@pytest.mark.parametrize("mean", MEANS)
def test_nobody_has_a_relevant_item(mean):
    with pytest.raises(ValueError, match="nobody has a relevant item"):
        mean(RANKED, sparse.csr_array((1, 6)), 4)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_equal_to_ranx_and_scikit_learn(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n, n_items = data.draw(st.integers(1, 5)), data.draw(st.integers(2, 20))
    k = data.draw(st.integers(1, 25))  # lists may be longer than the catalogue
    scores = rng.integers(0, 3 if data.draw(st.booleans()) else 10**6, (n, n_items)).astype(float)
    grades = rng.integers(0, 4, (n, n_items)) * (rng.random((n, n_items)) < rng.random((n, 1)))
    ranked = top_k(scores, k)
    judged = np.flatnonzero(grades.any(axis=1))
    relevant = sparse.csr_array(grades)
    ours = {
        "precision": ranking.precision_per_user(ranked, relevant, k),
        "recall": ranking.recall_per_user(ranked, relevant, k),
        "f1": ranking.f1_per_user(ranked, relevant, k),
        "hit_rate": ranking.hit_rate_per_user(ranked, relevant, k),
        "mrr": ranking.reciprocal_rank_per_user(ranked, relevant, k),
        "map": ranking.average_precision_per_user(ranked, relevant, k),
        "ndcg": ranking.ndcg_per_user(ranked, relevant, k, gain="linear"),
        "ndcg_burges": ranking.ndcg_per_user(ranked, relevant, k, gain="exponential"),
    }
    unjudged = np.setdiff1d(np.arange(n), judged)
    for values in ours.values():
        assert np.isnan(values[unjudged]).all()
    if not len(judged):
        return
    # Ranks as scores, so that ties stand in the order of our lists.
    run = {
        f"u{u}": {f"i{i}": float(k - place) for place, i in enumerate(ranked[u]) if i >= 0}
        for u in judged
    }
    truth = {
        f"u{u}": {f"i{i}": int(grades[u, i]) for i in np.flatnonzero(grades[u])} for u in judged
    }
    with as_plain_python():
        theirs = ranx.evaluate(
            ranx.Qrels(truth), ranx.Run(run), [f"{name}@{k}" for name in ours], return_mean=False
        )
    order = np.argsort([f"u{u}" for u in judged])
    counts = (grades > 0).sum(axis=1)[judged][order]
    for name, values in ours.items():
        expected = theirs[f"{name}@{k}"]
        if name == "map":  # ranx divides by all relevant items, we by what a list of k can hold
            expected = expected * counts / np.minimum(counts, k)
        np.testing.assert_allclose(values[judged][order], expected, atol=1e-12, err_msg=name)

    if k <= n_items:
        place = np.zeros((n, n_items))
        np.put_along_axis(place, ranked, np.arange(k, 0, -1.0)[None, :], axis=1)
        for gains, gain in ((grades, "linear"), ((grades > 0).astype(int), "binary")):
            np.testing.assert_allclose(
                ranking.ndcg(ranked, relevant, k, gain=gain),
                ndcg_score(gains[judged], place[judged], k=k, ignore_ties=True),
            )


@pytest.mark.parametrize("metric", MEANS.values())
def test_a_perfect_list_reaches_the_top_and_a_reversed_one_does_not(metric):
    relevant = sparse.csr_array(np.eye(1, 6))
    assert metric(np.array([[0, 1]]), relevant, 1) == pytest.approx([1])
    assert metric(np.array([[1, 0]]), relevant, 1) == pytest.approx([0])


@pytest.mark.parametrize(
    ("ranked", "relevant", "k", "message"),
    [
        (RANKED, RELEVANT, 5, "4 places but k is 5"),
        (RANKED, RELEVANT, 0, "at least 1"),
        (RANKED.astype(float), RELEVANT, 4, "int array"),
        (RANKED, RELEVANT.toarray(), 4, "sparse"),
        (np.vstack([RANKED, RANKED]), RELEVANT, 4, "2 rows but relevant has 1"),
        (np.array([[0, 6]]), RELEVANT, 2, "column 6, outside the 6 items"),
        (np.array([[0, -2]]), RELEVANT, 2, "column -2"),
        (np.array([[3, 3]]), RELEVANT, 2, "twice in the list of row 0"),
    ],
)
def test_errors_say_what_is_wrong(ranked, relevant, k, message):
    with pytest.raises(ValueError, match=message):
        ranking.precision(ranked, relevant, k)


def test_what_the_caller_handed_over_is_left_alone():
    relevant = sparse.csr_array(np.array([[-1.0, 2.0, 0.0]]))
    ranking.ndcg(np.array([[1, 0]]), relevant, 2, gain="exponential")
    assert relevant.toarray().tolist() == [[-1, 2, 0]]
    with pytest.raises(ValueError, match="gain must be"):
        ranking.ndcg(np.array([[1, 0]]), relevant, 2, gain="graded")
