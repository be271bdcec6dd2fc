"""The truth of the shop is true: each planted effect is found again in the data."""

import numpy as np
import pandas as pd
import pytest

from recbook.data.shop import LiveShop, expected_units, load_shop, simulate_shop
from recbook.data.shop.truth import BASE_UTILITY

DAY = pd.Timedelta("1D")


@pytest.fixture(scope="module")
def shop():
    return simulate_shop(4000, 300, seed=11)


def within(measured, expected, variance, n):
    """Whether a mean of n draws lies within four standard errors of its expectation."""
    return abs(measured - expected) < 4 * np.sqrt(variance / n)


def test_the_noise_floor_is_the_error_of_the_true_expectation(shop):
    rated = shop.ratings_interactions()
    chances = shop.truth.star_probabilities(rated.user, rated.item)
    truth = shop.truth.expected_rating(rated.user, rated.item)
    squared = (truth - rated.value) ** 2
    assert shop.truth.noise_floor == pytest.approx(np.sqrt(squared.mean()), abs=1e-6)
    # The ratings scatter as the probabilities of the stars say, without bias.
    variance = chances @ np.arange(1, 6) ** 2 - truth**2
    assert within(squared.mean(), variance.mean(), squared.var(), len(squared))
    assert within((rated.value - truth).mean(), 0, variance.mean(), len(rated))
    mean_only = np.sqrt(np.mean((rated.value - rated.value.mean()) ** 2))
    assert shop.truth.noise_floor < 0.9 * mean_only


def test_star_probabilities_are_probabilities(shop):
    chances = shop.truth.star_probabilities(np.arange(50)[:, None], np.arange(40)[None, :])
    assert chances.shape == (50, 40, 5)
    assert (chances >= 0).all()
    np.testing.assert_allclose(chances.sum(axis=-1), 1)


def test_utility_is_its_formula(shop):
    truth, u, i = shop.truth, 17, 23
    expected = (
        BASE_UTILITY
        + truth.users["openness"][u]
        + truth.items["quality"][i]
        + sum(truth.user_tastes[u] * truth.item_tastes[i])
    )
    assert truth.utility(u, i) == pytest.approx(expected, abs=1e-12)
    doubled = truth.purchase_probability(u, i, price_ratio=0.8)
    factor = 0.8 ** truth.items["elasticity"][i]
    assert doubled == pytest.approx(truth.purchase_probability(u, i) * factor, rel=1e-12)


def test_planted_rules_stand_out_in_the_baskets(shop):
    bought = shop.events[shop.events["event"] == "purchase"]
    baskets = bought.groupby("item_id")["session_id"].agg(set)
    n = bought["session_id"].nunique()
    launched = shop.items.set_index("item_id")["launch_week"]
    for a, b, probability in shop.truth.rules.itertuples(index=False):
        assert launched[[a, b]].max() == 0
        with_a, with_b = baskets[a], baskets[b]
        confidence = len(with_a & with_b) / len(with_a)
        sd = np.sqrt(probability * (1 - probability) / len(with_a))
        # B may also be bought from the list, so the confidence lies a little above.
        assert probability - 4 * sd < confidence < probability + 0.1 + 4 * sd
        assert confidence / (len(with_b) / n) > 5


def test_transitions_lead_to_the_next_search(shop):
    sessions = shop.sessions.sort_values(["user_id", "session_id"])
    category = shop.items.set_index("item_id")["category"]
    shown = shop.exposures[["session_id", "item_id", "position"]]
    bought = shop.events[shop.events["event"] == "purchase"].merge(shown)
    last = bought.sort_values("position").groupby("session_id")["item_id"].last().map(category)
    came_from = sessions["session_id"].map(last).groupby(sessions["user_id"]).shift()
    searched = sessions["query_id"].map(shop.queries.set_index("query_id")["category"])
    for source, target, probability in shop.truth.transitions.itertuples(index=False):
        follows = searched[came_from == source] == target
        sd = np.sqrt(probability * (1 - probability) / len(follows))
        # Another purchase at the till hides the last one of the list in a few cases.
        assert probability - 4 * sd < follows.mean() < probability + 0.15 + 4 * sd
        base = (searched == target).mean()
        assert follows.mean() > 2 * base


def test_position_bias_is_recovered_from_lists_in_random_order(shop):
    random = shop.exposures[shop.exposures["surface"] == "random"]
    user = pd.Index(shop.users["user_id"]).get_indexer(random["user_id"])
    item = pd.Index(shop.items["item_id"]).get_indexer(random["item_id"])
    liked = shop.truth.view_probability(user, item)
    table = pd.DataFrame({"p": random["position"], "seen": random["viewed"], "liked": liked})
    sums = table.groupby("p").sum()
    bias = shop.truth.position_bias
    np.testing.assert_allclose(bias, np.arange(1, 13) ** -0.6, atol=5e-5)
    error = 4 * np.sqrt(sums["seen"]) / sums["liked"]
    assert (np.abs(sums["seen"] / sums["liked"] - bias) < error).all()
    # Knowing nothing of the tastes, the ratio of the shares tells it too.
    share = table.groupby("p")["seen"].mean()
    assert (np.abs(share / share[1] - bias) < 0.1).all()


def test_elasticities_are_recovered_by_a_log_log_regression(shop):
    """ln units on ln price by category, with effects of item, department week and promotion."""
    weeks = shop.weeks.merge(shop.items).merge(shop.truth.items)
    weeks = weeks[(weeks["launch_week"] == 0) & (weeks["units"] > 0) & (weeks["base_demand"] > 10)]
    log_ratio = np.log(weeks["price"] / weeks["list_price"])
    slopes = pd.get_dummies(weeks["category"]).mul(log_ratio, axis=0)
    season = pd.get_dummies(weeks["department"] + weeks["week"].astype(str), dtype=float)
    x = pd.concat([slopes, weeks["promoted"], season.iloc[:, 1:]], axis=1).astype(float)
    y = np.log(weeks["units"])
    x, y = (
        (z - z.groupby(weeks["item_id"]).transform("mean")).to_numpy() for z in (x, y)
    )  # effects of the items
    weight = np.sqrt(weeks["base_demand"].to_numpy())
    x, y = x * weight[:, None], y * weight
    inverse = np.linalg.pinv(x.T @ x)
    fitted = inverse @ (x.T @ y)
    variance = np.diag(inverse)[: slopes.shape[1]] * np.mean((y - x @ fitted) ** 2)
    spread = np.sqrt(variance)
    true = weeks.groupby("category")["elasticity"].first().loc[slopes.columns].to_numpy()
    error = np.abs(fitted[: len(true)] - true)
    assert (spread < 0.3).all()
    assert (error < 4 * spread + 0.05).all()
    # Without the season and the promotions, prices get credit for both.
    naive = np.array([np.linalg.lstsq(x[:, [k]], y, rcond=None)[0][0] for k in range(len(true))])
    assert (naive - true).mean() < -0.3


def test_elasticity_of_the_log_is_that_of_the_truth(shop):
    """Carts per view rise by exactly price ratio ** elasticity, whoever looks."""
    shown = shop.events[shop.events["event"] == "view"].reset_index(drop=True)
    usual = shop.items.set_index("item_id")["list_price"].loc[shown["item_id"]].to_numpy()
    ratio = shown["price"] / usual
    keys = ["session_id", "item_id"]
    carts = pd.MultiIndex.from_frame(shop.events.loc[shop.events["event"] == "cart", keys])
    offered = pd.MultiIndex.from_frame(shop.offers[keys])
    index = pd.MultiIndex.from_frame(shown[keys])
    user = pd.Index(shop.users["user_id"]).get_indexer(shown["user_id"])
    item = pd.Index(shop.items["item_id"]).get_indexer(shown["item_id"])
    chance = shop.truth.purchase_probability(user, item, price_ratio=ratio.to_numpy())
    chance /= 0.8 * shop.truth.view_probability(user, item)
    cheap = (ratio < 0.9).to_numpy() & ~index.isin(offered)
    measured = index.isin(carts)
    for some in (cheap, (ratio > 0.9).to_numpy() & ~index.isin(offered)):
        variance = (chance[some] * (1 - chance[some])).mean()
        assert within(measured[some].mean(), chance[some].mean(), variance, some.sum())
    assert measured[cheap].mean() > 1.2 * measured[~cheap].mean()


def test_weekly_units_scatter_about_their_expectation_like_poisson(shop):
    price = shop.weeks["price"].to_numpy().reshape(-1, 52)
    promoted = shop.weeks["promoted"].to_numpy().reshape(-1, 52) == 1
    mean = expected_units(shop.items, shop.truth.items, price, promoted).ravel()
    units = shop.weeks["units"].to_numpy()
    assert (units[mean == 0] == 0).all()
    z = (units - mean)[mean > 5] / np.sqrt(mean[mean > 5])
    assert within(z.mean(), 0, 1, len(z))
    assert within(z.var(), 1, 2.2, len(z))


def test_relevance_grades_follow_from_what_is_asked(shop):
    grades = shop.truth.relevance
    assert grades.shape == (len(shop.queries), len(shop.items))
    assert set(np.unique(grades)) == {0, 1, 2, 3}
    assert (grades == 3).any(axis=1).all()
    query = shop.queries[(shop.queries["attribute"] == "style")].iloc[0]
    for item, row in shop.items.head(100).iterrows():
        grade = grades[query["query_id"] - 1, item]
        assert (grade == 3) == (
            row["category"] == query["category"] and row["style"] == query["value"]
        )
        assert (grade >= 2) == (row["category"] == query["category"])
    assert shop.queries.groupby("language").size().tolist() == [24 * 6, 24 * 6]
    # Shoppers click what is relevant.
    lists = shop.exposures.merge(shop.sessions.query("query_id > 0")[["session_id", "query_id"]])
    grade = grades[lists["query_id"] - 1, lists["item_id"] - 1]
    clicked = lists["viewed"].groupby(grade).mean()
    assert clicked[3] > clicked[2] > clicked[1]


def test_texts_speak_of_their_topic_in_both_languages(shop):
    words = shop.truth.topics
    assert words.groupby("topic").size().eq(12).all()
    for language in ("en", "zh"):
        text = shop.items[f"description_{language}"].str.lower()
        count = pd.DataFrame(
            {
                topic: sum(text.str.contains(word, regex=False).astype(int) for word in own)
                for topic, own in words.groupby("topic")[language]
            }
        )
        assert (count.idxmax(axis=1) == shop.truth.items["topic"]).mean() > 0.95
    assert shop.items["title_en"].is_unique
    assert shop.items["title_zh"].is_unique


def test_attributes_shift_tastes_by_the_planted_effects(shop):
    users, effects = shop.users, shop.truth.attribute_effects.set_index("attribute")
    coded = pd.DataFrame({"age": (users["age"] - 40) / 15, "female": (users["sex"] == "F") - 0.5})
    for region in ("North", "East", "South", "West"):
        coded[region] = users["region"].eq(region).astype(float)
    x = coded.to_numpy()
    found = np.linalg.lstsq(x, shop.truth.user_tastes, rcond=None)[0]
    error = 0.8 * np.sqrt(np.diag(np.linalg.inv(x.T @ x)))[:, None]
    assert (np.abs(found - effects.loc[coded.columns].to_numpy()) < 4.5 * error).all()


def test_friends_are_alike(shop):
    tastes = shop.truth.user_tastes / np.linalg.norm(shop.truth.user_tastes, axis=1)[:, None]
    pairs = shop.friends.to_numpy() - 1
    alike = (tastes[pairs[:, 0]] * tastes[pairs[:, 1]]).sum(axis=1).mean()
    strangers = (tastes @ tastes.mean(axis=0)).mean()
    assert alike > strangers + 0.2


# -- the live shop -------------------------------------------------------------------------------


def test_long_run_rates_are_the_true_probabilities():
    shop = load_shop()
    live = LiveShop(shop, rng=1)
    user, shown = 5, np.array([3, 8, -1, 120, 40])
    n = 40_000
    answer = live.respond(np.full(n, user), np.tile(shown, (n, 1)))
    click = live.click_probability(user, shown)[0]
    look = np.arange(1, 6) ** -0.6
    there = shown >= 0
    np.testing.assert_allclose(
        click, np.where(there, look * shop.truth.view_probability(user, shown), 0), atol=1e-4
    )
    buy = np.where(there, look * live.true_purchase_probability(user, shown), 0)
    for measured, expected in ((answer.clicks, click), (answer.purchases, buy)):
        error = 4 * np.sqrt(expected * (1 - expected) / n)
        assert (np.abs(measured.mean(axis=0) - expected) <= error).all()
        assert not measured[:, 2].any()
    assert answer.purchases.sum() <= answer.clicks.sum()
    total = answer.purchases.sum(axis=1)
    assert within(total.mean(), live.expected_purchases(user, shown)[0], total.var(), n)
    rated = ~np.isnan(answer.ratings)
    assert (answer.purchases | ~rated).all()
    stars = answer.ratings[:, 0][rated[:, 0]]
    expected = shop.truth.expected_rating(user, 3)
    assert within(stars.mean(), expected, stars.var(), len(stars))


def test_active_shoppers_arrive_more_often_and_a_seed_repeats_the_day():
    shop = load_shop()
    arrived = LiveShop(shop, rng=3).arrive(100_000)
    activity = shop.truth.users["activity"].to_numpy()
    share = activity / activity.sum()
    busiest = share.argmax()
    p = share[busiest]
    assert within((arrived == busiest).mean(), p, p * (1 - p), 100_000)
    np.testing.assert_array_equal(arrived, LiveShop(shop, rng=3).arrive(100_000))


def test_lists_that_do_not_fit_are_refused():
    live = LiveShop(load_shop(), rng=0)
    with pytest.raises(ValueError, match="2 users need as many lists"):
        live.respond(np.array([1, 2]), np.array([[1, 2]]))
    with pytest.raises(ValueError, match="item position lies outside"):
        live.respond(0, np.array([300]))
    with pytest.raises(ValueError, match="user position lies outside"):
        live.respond(600, np.array([0]))
