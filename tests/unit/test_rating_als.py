"""Rating ALS: by hand, each half solves its normal equations, and the objective never rises."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.data.interactions import Interactions
from recbook.models.rating_als import RatingALS

SIZE = 8  # users and items; the last of each never has a rating
TRIPLES = st.lists(
    st.tuples(st.integers(0, SIZE - 2), st.integers(0, SIZE - 2), st.floats(1, 5)),
    min_size=1, max_size=40, unique_by=lambda triple: triple[:2],
)  # fmt: skip
PARAMS = (TRIPLES, st.integers(1, 6), st.floats(0.01, 20), st.booleans(), st.integers(1, 5))


def interactions(triples, n_users=SIZE, n_items=SIZE):
    user, item, value = zip(*triples, strict=True)
    return Interactions(
        user=user, item=item, value=value, time=np.zeros(len(user)),
        users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items), has_time=False,
    )  # fmt: skip


def rows(model, side):
    """Return the side's biases and factors side by side."""
    factors = getattr(model, f"{side}_factors_")
    return np.column_stack([getattr(model, f"{side}_bias_"), factors])


def objective(model, events, reg, *, weighted):
    fitted = model.mean_ + model.user_bias_[events.user] + model.item_bias_[events.item]
    fitted = fitted + (model.user_factors_[events.user] * model.item_factors_[events.item]).sum(1)
    value = ((events.value - fitted) ** 2).sum()
    for side, codes in (("user", events.user), ("item", events.item)):
        w = np.bincount(codes, minlength=SIZE) if weighted else np.ones(SIZE)
        value += reg * (w * (rows(model, side) ** 2).sum(axis=1)).sum()
    return value


def normal_equations(events, mean, side, fixed, reg, *, weighted):
    """Return each rated row's left and right side, built in the plainest way."""
    codes = {"user": (events.user, events.item), "item": (events.item, events.user)}[side]
    for row in np.unique(codes[0]):
        own = codes[0] == row
        x = np.column_stack([np.ones(own.sum()), fixed[codes[1][own], 1:]])
        target = events.value[own] - mean - fixed[codes[1][own], 0]
        w = own.sum() if weighted else 1
        yield row, x.T @ x + reg * w * np.eye(x.shape[1]), x.T @ target


class TestByHand:
    def test_without_factors_the_biases_are_shrunk_means(self):
        # The factors start at 0 and stay there; the mean is 3; users come first.
        events = interactions([(0, 0, 5), (1, 0, 4), (0, 1, 2), (1, 1, 1), (2, 1, 3)])
        model = RatingALS(2, 2.0, n_iterations=1, weighted=False, init_std=0).fit(events)
        b = [((5 - 3) + (2 - 3)) / (2 + 2), ((4 - 3) + (1 - 3)) / (2 + 2), (3 - 3) / (1 + 2)]
        assert model.user_bias_[:4].tolist() == pytest.approx([*b, 0])
        c = [(5 - 3 - b[0] + 4 - 3 - b[1]) / (2 + 2)]
        c += [(2 - 3 - b[0] + 1 - 3 - b[1] + 3 - 3 - b[2]) / (3 + 2)]
        assert model.item_bias_[:3].tolist() == pytest.approx([*c, 0])
        assert not model.user_factors_.any()

    def test_weighted_penalty_counts_each_rating(self):
        events = interactions([(0, 0, 5), (1, 0, 4), (0, 1, 2), (1, 1, 1), (2, 1, 3)])
        model = RatingALS(2, 0.5, n_iterations=1, init_std=0).fit(events)
        b = [((5 - 3) + (2 - 3)) / (2 * 1.5), ((4 - 3) + (1 - 3)) / (2 * 1.5), 0]
        assert model.user_bias_[:3].tolist() == pytest.approx(b)
        squares = 0
        for u, r in ((0, 5), (1, 4), (0, 2), (1, 1), (2, 3)):
            squares += (r - 3 - b[u]) ** 2
            squares += 0.5 * b[u] ** 2
        assert model.loss_[0] == pytest.approx(squares)

    def test_one_user_one_item_one_factor(self):
        # The rating is the mean: every right side is 0. The first half still pays for the q drawn.
        events = interactions([(0, 0, 4)])
        drawn = RatingALS(1, 0.1, n_iterations=0).fit(events).item_factors_[0, 0]
        model = RatingALS(1, 0.1, n_iterations=3).fit(events)
        assert model.loss_.tolist() == pytest.approx([0.1 * drawn**2, 0, 0, 0, 0, 0])
        assert model.predict([0, 7], [0, 7]).tolist() == [4, 4]


class TestProperties:
    @settings(max_examples=80)
    @given(*PARAMS)
    def test_each_half_solves_its_normal_equations(
        self, triples, n_factors, reg, weighted, n_iterations
    ):
        events = interactions(triples)
        # The same seed: the second model's users were solved for the first one's items.
        before, after = (
            RatingALS(n_factors, reg, n_iterations=n, weighted=weighted, init_std=1).fit(events)
            for n in (n_iterations - 1, n_iterations)
        )
        for side, fixed in (("user", rows(before, "item")), ("item", rows(after, "user"))):
            solved = rows(after, side)
            equations = normal_equations(events, after.mean_, side, fixed, reg, weighted=weighted)
            for row, left, right in equations:
                scale = np.linalg.norm(left) * np.linalg.norm(solved[row]) + np.linalg.norm(right)
                assert np.linalg.norm(left @ solved[row] - right) <= 1e-11 * scale + 1e-14
                expected = np.linalg.solve(left, right)
                np.testing.assert_allclose(solved[row], expected, rtol=1e-8, atol=1e-8)

    @settings(max_examples=80)
    @given(*PARAMS)
    def test_objective_is_what_it_says_and_never_rises(
        self, triples, n_factors, reg, weighted, n_iterations
    ):
        events = interactions(triples)
        model = RatingALS(n_factors, reg, n_iterations=n_iterations, weighted=weighted, init_std=1)
        loss = model.fit(events).loss_
        assert loss.shape == (2 * n_iterations,)
        assert loss[-1] == pytest.approx(
            objective(model, events, reg, weighted=weighted), rel=1e-9, abs=1e-12
        )
        assert (np.diff(loss) <= 1e-10 * loss[0]).all()

    @settings(max_examples=40)
    @given(TRIPLES, st.integers(1, 6), st.booleans())
    def test_who_has_no_ratings_has_zeros(self, triples, n_factors, weighted):
        events = interactions(triples)
        model = RatingALS(n_factors, weighted=weighted, scale=(1, 5)).fit(events)
        for side in ("user", "item"):
            unknown = np.setdiff1d(np.arange(SIZE), getattr(events, side))
            assert not rows(model, side)[unknown].any()
        everyone = np.arange(SIZE)
        np.testing.assert_allclose(
            model.predict(everyone, np.full(SIZE, SIZE - 1)),
            (model.mean_ + model.user_bias_).clip(1, 5), rtol=1e-14,
        )  # fmt: skip


class TestLearning:
    def planted(self):
        """Return 60 % of a table of rank 2 with biases, 40 × 30, and the pairs held out."""
        rng = np.random.default_rng(0)
        users, items = rng.normal(size=(40, 2)), rng.normal(size=(30, 2))
        table = 3 + rng.normal(size=(40, 1)) + rng.normal(size=30) + users @ items.T
        known = rng.random(table.shape) < 0.6
        triples = [(u, i, table[u, i]) for u, i in np.argwhere(known)]
        return interactions(triples, 40, 30), *np.nonzero(~known), table[~known]

    @pytest.mark.parametrize("weighted", [True, False])
    def test_planted_factors_are_found(self, weighted):
        train, users, items, held_out = self.planted()
        model = RatingALS(2, 1e-5, n_iterations=50, weighted=weighted, scale=(-99, 99)).fit(train)
        error = held_out - model.predict(users, items)
        assert sqrt((error**2).mean()) < 0.01 * held_out.std()

    def test_order_of_the_ratings_does_not_matter(self):
        train, users, items, _ = self.planted()
        shuffled = train.select(np.random.default_rng(1).permutation(len(train)))
        one, other = (
            RatingALS(3).fit(events).predict(users, items) for events in (train, shuffled)
        )
        np.testing.assert_allclose(one, other, rtol=1e-8)

    def test_seed_decides_the_draw(self):
        train, users, items, _ = self.planted()
        one, same, other = (
            RatingALS(3, n_iterations=1, rng=rng).fit(train).predict(users, items)
            for rng in (7, 7, 8)
        )
        np.testing.assert_array_equal(one, same)
        assert (one != other).any()

    def test_factors_without_iterations_are_the_draw(self):
        model = RatingALS(200, n_iterations=0, init_std=0.7).fit(self.planted()[0])
        assert model.item_factors_.std() == pytest.approx(0.7, rel=0.05)
        assert not model.user_factors_.any()
        assert model.loss_.shape == (0,)


def test_singular_equations_are_said_and_leave_no_model():
    model = RatingALS(3).fit(interactions([(0, 0, 5), (1, 1, 2)]))
    model.regularization = 1e-300
    with pytest.raises(ValueError, match="singular to rounding; raise regularization=1e-300"):
        model.fit(interactions([(0, 0, 5), (1, 1, 2)]))
    with pytest.raises(ValueError, match="not fitted yet"):
        model.predict([0], [0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_factors": 0}, "n_factors must be a whole number of at least 1, got 0"),
        ({"n_iterations": 1.5}, "n_iterations must be a whole number of at least 0, got 1.5"),
        ({"regularization": 0}, "regularization must be a number above 0, .* got 0"),
        ({"regularization": "much"}, "regularization must be a number above 0, .* got 'much'"),
        ({"init_std": -1}, "init_std must be a number of at least 0"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RatingALS(**options)
