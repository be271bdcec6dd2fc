"""SVD and SVD++: by hand, and from equal factors equal to a plain loop and to Surprise."""

import os
import tempfile
from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.models import rating_products
from recbook.models.rating_factors import SVD, SVDpp

# Importing Surprise makes a folder; keep it out of the home directory.
os.environ.setdefault("SURPRISE_DATA_FOLDER", os.path.join(tempfile.gettempdir(), "surprise"))

SIZE = 8  # users and items; the last of each never has a rating
TRIPLES = st.lists(
    st.tuples(st.integers(0, SIZE - 2), st.integers(0, SIZE - 2), st.floats(1, 5)),
    min_size=1, max_size=40, unique_by=lambda triple: triple[:2],
)  # fmt: skip
CONSTANT = st.lists(
    st.tuples(st.integers(0, SIZE - 2), st.integers(0, SIZE - 2), st.just(4.0)),
    min_size=1, max_size=20, unique_by=lambda triple: triple[:2],
)  # fmt: skip
RATES, PENALTIES = st.floats(0.001, 0.05), st.floats(0, 0.5)
MODELS = pytest.mark.parametrize("kind", [SVD, SVDpp])


def interactions(triples, n_users=SIZE, n_items=SIZE):
    user, item, value = zip(*triples, strict=True)
    return Interactions(
        user=user, item=item, value=value, time=np.zeros(len(user)),
        users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items), has_time=False,
    )  # fmt: skip


def set_out_from(kind, start, **params):
    """Return a model whose descent sets out from these arrays instead of random ones."""

    class Prepared(kind):
        def _initial(self, n_users, n_items):
            return {name: array.copy() for name, array in start.items()}

    return Prepared(**params)


def random_start(kind, n_factors, seed, spread=0.5):
    rng = np.random.default_rng(seed)
    start = {"user_bias_": rng.normal(size=SIZE), "item_bias_": rng.normal(size=SIZE)}
    for name in ("user_factors_", "item_factors_", "implicit_factors_")[
        : 3 if kind is SVDpp else 2
    ]:
        start[name] = rng.normal(0, spread, (SIZE, n_factors))
    return start


def plain_descent(triples, start, n_epochs, rate, reg, *, biased=True):
    """Return what the formulas say, every step written out: each rating moves every y_j."""
    bu, bi, p, q, *implicit = ({k: v.copy() for k, v in start.items()}).values()
    y = implicit[0] if implicit else np.zeros_like(q)
    mean = sum(r for _, _, r in triples) / len(triples) if biased else 0
    seen = list(dict.fromkeys(u for u, _, _ in triples))
    losses = []
    for _ in range(n_epochs):
        squares = 0
        for user in seen:
            own = [(i, r) for u, i, r in triples if u == user]
            for i, r in own:
                bracket = p[user].copy()
                for j, _ in own:
                    bracket += y[j] / sqrt(len(own))
                e = r - mean - bu[user] - bi[i] - bracket @ q[i]
                squares += e**2
                old_p, old_q = p[user].copy(), q[i].copy()
                if biased:
                    bu[user] += rate * (e - reg * bu[user])
                    bi[i] += rate * (e - reg * bi[i])
                p[user] += rate * (e * old_q - reg * old_p)
                q[i] += rate * (e * bracket - reg * old_q)
                if implicit:
                    for j, _ in own:
                        y[j] += rate * (e * old_q / sqrt(len(own)) - reg * y[j])
        losses.append(sqrt(squares / len(triples)))
    return {"user_bias_": bu, "item_bias_": bi, "user_factors_": p, "item_factors_": q} | (
        {"implicit_factors_": y} if implicit else {}
    ), losses


class TestStepsByHand:
    def test_one_step_of_svd(self):
        start = {
            "user_bias_": np.array([0.5]), "item_bias_": np.array([-0.25]),
            "user_factors_": np.array([[1.0, 2.0]]), "item_factors_": np.array([[0.5, -0.5]]),
        }  # fmt: skip
        model = set_out_from(SVD, start, n_epochs=1, learning_rate=0.1, regularization=0.2)
        model.fit(interactions([(0, 0, 4)], 1, 1))
        e = 4 - (4 + 0.5 - 0.25 + (1 * 0.5 - 2 * 0.5))
        assert model.loss_.tolist() == [e]
        assert model.user_bias_ == pytest.approx([0.5 + 0.1 * (e - 0.2 * 0.5)])
        assert model.item_bias_ == pytest.approx([-0.25 + 0.1 * (e + 0.2 * 0.25)])
        p = [1 + 0.1 * (e * 0.5 - 0.2 * 1), 2 + 0.1 * (-e * 0.5 - 0.2 * 2)]
        q = [0.5 + 0.1 * (e * 1 - 0.2 * 0.5), -0.5 + 0.1 * (e * 2 + 0.2 * 0.5)]
        np.testing.assert_allclose(model.user_factors_, [p], rtol=1e-14)
        np.testing.assert_allclose(model.item_factors_, [q], rtol=1e-14)

    def test_prediction_of_svdpp(self):
        # User 0 rated items 0 and 1; nobody rated item 2, nor did user 1 rate anything.
        start = {
            "user_bias_": np.array([0.5, 9]), "item_bias_": np.array([-0.25, 0.125, 0]),
            "user_factors_": np.array([[1.0], [3]]),
            "item_factors_": np.array([[0.5], [0.25], [7]]),
            "implicit_factors_": np.array([[0.75], [2.0], [5]]),
        }  # fmt: skip
        model = set_out_from(SVDpp, start, n_epochs=0, scale=(-9, 9))
        model.fit(interactions([(0, 0, 2), (0, 1, 1)], 2, 3))
        vector = 1 + (0.75 + 2) / sqrt(2)
        expected = [1.5 + 0.5 - 0.25 + vector * 0.5, 1.5 + 0.5 + 0.125 + vector * 0.25, 1.5 + 0.5]
        np.testing.assert_allclose(model.predict_all([0])[0], expected, rtol=1e-14)
        np.testing.assert_allclose(model.user_vectors_, [[vector], [0]], rtol=1e-14)
        assert model.implicit_factors_.tolist() == [[0.75], [2], [0]]
        assert model.loss_.tolist() == []

    @MODELS
    def test_a_step_goes_down_the_gradient(self, kind):
        # One rating: the gradient of e² + reg · |parameters|², by finite differences.
        start, reg, rate = random_start(kind, 3, 0), 0.3, 1e-3
        triples = [(2, 4, 5.0)]
        model = set_out_from(kind, start, n_epochs=1, learning_rate=rate, regularization=reg)
        model.fit(interactions(triples))

        def objective(arrays):
            bu, bi, p, q, *y = arrays.values()
            vector = p[2] + (y[0][4] if y else 0)
            own = [bu[2], bi[4], *p[2], *q[4], *(y[0][4] if y else [])]
            return (5 - 5 - bu[2] - bi[4] - vector @ q[4]) ** 2 + reg * sum(v**2 for v in own)

        for name, array in start.items():
            row = 2 if name.startswith("user") else 4
            step = np.atleast_1d(getattr(model, name)[row] - array[row])
            for f in range(len(step)):
                sides = []
                for h in (-1e-5, 1e-5):
                    moved = {k: v.copy() for k, v in start.items()}
                    moved[name].reshape(SIZE, -1)[row, f] += h
                    sides.append(objective(moved))
                slope = (sides[1] - sides[0]) / 2e-5
                assert step[f] == pytest.approx(-rate / 2 * slope, rel=1e-6), name


class TestAgainstThePlainLoop:
    @settings(max_examples=60)
    @given(TRIPLES, st.integers(1, 9), st.integers(0, 4), RATES, PENALTIES, st.booleans())
    def test_svd(self, triples, n_factors, n_epochs, rate, reg, biased):
        start = random_start(SVD, n_factors, 1)
        if not biased:
            start["user_bias_"][:] = start["item_bias_"][:] = 0
        model = set_out_from(
            SVD, start, n_epochs=n_epochs, learning_rate=rate, regularization=reg, biased=biased
        )
        self.check(model, triples, start, n_epochs, rate, reg, biased=biased)

    @settings(max_examples=60)
    @given(TRIPLES, st.integers(1, 9), st.integers(0, 4), RATES, PENALTIES)
    def test_svdpp_in_n_moves_gives_what_n_squared_moves_give(
        self, triples, n_factors, n_epochs, rate, reg
    ):
        start = random_start(SVDpp, n_factors, 1)
        model = set_out_from(
            SVDpp, start, n_epochs=n_epochs, learning_rate=rate, regularization=reg
        )
        self.check(model, triples, start, n_epochs, rate, reg)

    def check(self, model, triples, start, n_epochs, rate, reg, **options):
        model.fit(interactions(triples))
        expected, losses = plain_descent(triples, start, n_epochs, rate, reg, **options)
        np.testing.assert_allclose(model.loss_, losses, rtol=1e-9, atol=1e-9)
        users, items = ({t[k] for t in triples} for k in (0, 1))
        for name, array in expected.items():
            rated = sorted(users if name.startswith("user") else items)
            found = getattr(model, name)
            np.testing.assert_allclose(found[rated], array[rated], rtol=1e-9, atol=1e-9)
            if name.endswith("factors_"):
                assert not np.delete(found, rated, axis=0).any()


def surprise_model(kind, triples, **options):
    """Return a fitted Surprise model of these ratings, in this order."""
    import surprise

    frame = pd.DataFrame(triples, columns=["user", "item", "rating"])
    data = surprise.Dataset.load_from_df(frame, surprise.Reader(rating_scale=(1, 5)))
    return getattr(surprise, kind.__name__)(**options).fit(data.build_full_trainset())


def learnt_by(theirs, kind):
    """Return Surprise's arrays in our rows, by our names; rows that it does not know are 99."""
    train, arrays = theirs.trainset, {}
    users = [train.to_raw_uid(u) for u in train.all_users()]
    items = [train.to_raw_iid(i) for i in train.all_items()]
    for name, array, rows in (
        ("user_bias_", theirs.bu, users), ("item_bias_", theirs.bi, items),
        ("user_factors_", theirs.pu, users), ("item_factors_", theirs.qi, items),
        *([("implicit_factors_", theirs.yj, items)] if kind is SVDpp else []),
    ):  # fmt: skip
        arrays[name] = np.full((SIZE, *array.shape[1:]), 0.0 if array.ndim == 1 else 99.0)
        arrays[name][rows] = array
    return arrays


def predicted_by(theirs):
    return np.array([[theirs.predict(u, i).est for i in range(SIZE)] for u in range(SIZE)])


@MODELS
class TestAgainstSurprise:
    @settings(max_examples=100)
    @given(
        triples=TRIPLES | CONSTANT, n_factors=st.integers(1, 6), rate=RATES,
        spread=st.floats(0, 1), biased=st.booleans(), seed=st.integers(0, 99),
    )  # fmt: skip
    def test_same_factors_predict_alike(self, kind, triples, n_factors, rate, spread, biased, seed):
        options = {"biased": biased} if kind is SVD else {}
        theirs = surprise_model(
            kind, triples, n_factors=n_factors, n_epochs=3, lr_all=rate, init_std_dev=spread,
            random_state=seed, **options,
        )  # fmt: skip
        ours = set_out_from(kind, learnt_by(theirs, kind), n_epochs=0, scale=(1, 5), **options)
        ours.fit(interactions(triples))
        expected = predicted_by(theirs)
        np.testing.assert_allclose(ours.predict_all(), expected, rtol=0, atol=1e-10)
        user, item = (axis.ravel() for axis in np.indices(expected.shape))
        np.testing.assert_allclose(ours.predict(user, item), expected.ravel(), rtol=0, atol=1e-10)

    @settings(max_examples=60)
    @given(
        triples=TRIPLES | CONSTANT, n_factors=st.integers(1, 6), n_epochs=st.integers(1, 6),
        rate=RATES, reg=PENALTIES, biased=st.booleans(),
    )  # fmt: skip
    def test_same_initial_factors_learn_alike(
        self, kind, triples, n_factors, n_epochs, rate, reg, biased
    ):
        options = {"biased": biased} if kind is SVD else {}
        theirs = dict(n_factors=n_factors, lr_all=rate, reg_all=reg, random_state=3, **options)
        start = learnt_by(surprise_model(kind, triples, n_epochs=0, **theirs), kind)
        theirs = surprise_model(kind, triples, n_epochs=n_epochs, **theirs)
        ours = set_out_from(
            kind, start, n_epochs=n_epochs, learning_rate=rate, regularization=reg, scale=(1, 5),
            **options,
        ).fit(interactions(triples))  # fmt: skip
        for name, array in learnt_by(theirs, kind).items():
            array[(array == 99).all(axis=1) if array.ndim == 2 else []] = 0
            np.testing.assert_allclose(getattr(ours, name), array, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(ours.predict_all(), predicted_by(theirs), atol=1e-9)

    def test_defaults_are_surprises(self, kind):
        import surprise

        theirs, ours = getattr(surprise, kind.__name__)(), kind()
        assert (ours.n_factors, ours.n_epochs) == (theirs.n_factors, theirs.n_epochs)
        for name in ("bu", "bi", "pu", "qi"):
            assert getattr(theirs, f"lr_{name}") == ours.learning_rate
            assert getattr(theirs, f"reg_{name}") == ours.regularization
        assert (theirs.init_mean, theirs.init_std_dev) == (0, ours.init_std)


@MODELS
class TestLearning:
    def planted(self, seed=0):
        """Return 60 % of a table of rank 2 with biases, 40 × 30, and the pairs held out."""
        rng = np.random.default_rng(seed)
        users, items = rng.normal(size=(40, 2)), rng.normal(size=(30, 2))
        table = 3 + rng.normal(size=(40, 1)) + rng.normal(size=30) + users @ items.T
        known = rng.random(table.shape) < 0.6
        triples = [(u, i, table[u, i]) for u, i in np.argwhere(known)]
        return interactions(triples, 40, 30), *np.nonzero(~known), table[~known]

    def test_planted_factors_are_found(self, kind):
        train, users, items, held_out = self.planted()
        model = kind(2, 500, learning_rate=0.02, regularization=0.001, init_std=0.3)
        error = held_out - model.fit(train).predict(users, items)
        assert sqrt((error**2).mean()) < 0.1 * held_out.std()
        assert model.loss_[-1] < 0.05 * model.loss_[0]

    def test_seed_decides_the_draw(self, kind):
        train, users, items, _ = self.planted()
        one, same, other = (kind(3, 2, rng=rng).fit(train) for rng in (7, 7, 8))
        np.testing.assert_array_equal(one.predict(users, items), same.predict(users, items))
        assert (one.predict(users, items) != other.predict(users, items)).any()
        generator = np.random.default_rng(0)
        draws = [kind(3, 0, rng=generator).fit(train).user_factors_ for _ in range(2)]
        assert (draws[0] != draws[1]).all()
        wide = kind(200, 0, init_std=0.7).fit(train)
        assert wide.item_factors_.std() == pytest.approx(0.7, rel=0.05)
        assert abs(wide.item_factors_.mean()) < 0.05

    def test_blocks_give_what_one_block_gives(self, kind, monkeypatch):
        train, users, items, _ = self.planted()
        model = kind(3, 2).fit(train)
        whole = model.predict(users, items)
        monkeypatch.setattr(rating_products, "_BLOCK_CELLS", 20)
        np.testing.assert_array_equal(model.predict(users, items), whole)

    def test_divergence_is_said_and_leaves_no_model(self, kind):
        train, *_ = self.planted()
        model = kind(3, 30).fit(train)
        model.learning_rate = 5
        with pytest.raises(ValueError, match=r"diverged in epoch \d+ of 30: .* lower learning_rat"):
            model.fit(train)
        with pytest.raises(ValueError, match="not fitted yet"):
            model.predict([0], [0])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n_factors": 0}, "n_factors must be a whole number of at least 1, got 0"),
            ({"n_factors": 2.5}, "n_factors must be a whole number of at least 1, got 2.5"),
            ({"n_epochs": -1}, "n_epochs must be a whole number of at least 0, got -1"),
            ({"learning_rate": -0.1}, "learning_rate must be a number of at least 0"),
            ({"regularization": "much"}, "regularization must be a number of at least 0"),
            ({"init_std": -1}, "init_std must be a number of at least 0"),
        ],
    )
    def test_impossible_parameters_are_refused(self, kind, options, message):
        with pytest.raises(ValueError, match=message):
            kind(**options)
