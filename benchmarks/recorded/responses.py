"""What chapter 08 says of response prediction: over five seeds, and with more rows.

python benchmarks/recorded/responses.py seeds
python benchmarks/recorded/responses.py longer
"""

import sys
import time

import lightgbm
import numpy as np
import pandas as pd
from record import record_claims, record_longer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

from recbook.data import load_complete_journey, load_shop
from recbook.data.shop import simulate_shop
from recbook.models.deep.responses import ResponseNetwork

CROSSES = [("searched", "category")]


def exposures(shop):
    """Return the table, the answers, the true chances, the people, and the part of each row."""
    asked = shop.queries[["query_id", "category"]].rename(columns={"category": "searched"})
    shown = (
        shop.exposures.merge(shop.users, on="user_id")
        .merge(shop.items, on="item_id")
        .merge(shop.sessions[["session_id", "query_id"]], on="session_id")
        .merge(asked, on="query_id", how="left")
        .sort_values(["session_id", "position"], ignore_index=True)
    )
    columns = ["surface", "sex", "region", "language", "category", "style", "brand"]
    table = shown[columns].copy()
    table["searched"] = shown["searched"].fillna("nothing")
    for name in ("user_id", "item_id", "position"):
        table[name] = shown[name].astype(str)
    table["age"] = pd.cut(shown["age"], [0, 25, 35, 45, 55, 120]).astype(str)
    table["price"] = np.log(shown["list_price"])
    user, item = (shown[c].to_numpy() - 1 for c in ("user_id", "item_id"))
    query = shown["query_id"].to_numpy()
    grade = shop.truth.relevance[np.maximum(query - 1, 0), item]
    worth = shop.truth.utility(user, item) + 0.6 * (grade - 2.0) * (query > 0)
    truth = shop.truth.position_bias[shown["position"] - 1] / (1 + np.exp(-worth))
    part = np.digitize(shown["session_id"].rank(pct=True), [0.6, 0.8])
    return table, shown["viewed"].to_numpy(), truth, user, part


def by_person(y, chance, who) -> float:
    loss = -np.log(np.where(y == 1, chance, 1 - chance))
    return pd.Series(loss).groupby(who).mean().mean()


def logistic(table, y, rows):
    code, words = (
        OneHotEncoder(handle_unknown="ignore", min_frequency=2),
        table.drop(columns="price"),
    )
    model = LogisticRegression(C=0.1, max_iter=300)
    model.fit(code.fit_transform(words[rows]), y[rows])
    return model.predict_proba(code.transform(words))[:, 1]


def networks(table, y, part, seed, epochs=8):
    learn, choose = part == 0, part == 1
    for name, kind, crosses in (
        ("Wide & Deep", "wide_and_deep", CROSSES), ("DeepFM", "deepfm", ()),
    ):  # fmt: skip
        model = ResponseNetwork(kind, crosses=crosses, epochs=epochs, patience=2, rng=seed)
        model.fit(table[learn], y[learn], (table[choose], y[choose]))
        yield name, model.predict_proba(table)[:, 1]


def campaigns():
    """Return the table of campaigns, the answers, the households, and rows of three times."""
    journey = load_complete_journey()
    sent = journey.campaigns.merge(journey.campaign_descriptions, on="campaign_id")
    key, used, bought = (
        ["household_id", "campaign_id"],
        journey.coupon_redemptions,
        journey.purchases(),
    )
    answer = pd.MultiIndex.from_frame(used[key].drop_duplicates())
    y = pd.MultiIndex.from_frame(sent[key]).isin(answer).astype(int)
    day = bought["time"].dt.tz_localize(None) if bought["time"].dt.tz else bought["time"]
    parts = []
    for campaign, group in sent.groupby("campaign_id"):
        start, home = group["start_date"].iloc[0], group["household_id"]
        recent = bought[(day < start) & ((start - day).dt.days < 91)]
        valid = journey.coupons[journey.coupons["campaign_id"] == campaign]
        liked = recent[recent["product_id"].isin(valid["product_id"])]
        past = used[used["redemption_date"] < start].groupby("household_id")["campaign_id"]
        known = {
            "dollars spent": recent.groupby("household_id")["sales_value"].sum(),
            "on its products": liked.groupby("household_id")["sales_value"].sum(),
            "campaigns received": sent[sent["start_date"] < start].groupby("household_id").size(),
            "campaigns answered": past.nunique(),
        }
        numbers = {n: np.log1p(s.reindex(home, fill_value=0).to_numpy()) for n, s in known.items()}
        parts.append(pd.DataFrame(numbers, index=group.index))
    table = pd.concat(parts).reindex(sent.index).assign(type=sent["campaign_type"])
    homes = journey.demographics.set_index("household_id")
    for name in ("age", "income", "household_size", "kids_count"):
        table[name] = homes[name].reindex(sent["household_id"]).astype(object).to_numpy()
    start, end = sent["start_date"], sent["end_date"]
    early = (start >= "2017-02-01") & (end < "2017-08-08")
    choose = (start >= "2017-08-08") & (end < "2017-10-30")
    known = (start >= "2017-02-01") & (end < "2017-10-30")
    late = (start >= "2017-10-30") & (end < "2018-01-01")
    return table, y, sent["household_id"].to_numpy(), early, choose, known, late


def seeds() -> None:
    table, y, truth, who, part = exposures(load_shop())
    test = part == 2
    loss = {
        "constant": np.full(len(y), y[part == 0].mean()),
        "logistic": logistic(table, y, part == 0),
        "truth": truth,
    }
    loss = {n: by_person(y[test], p[test], who[test]) for n, p in loss.items()}
    camp, answers, homes, early, choose, known, late = campaigns()
    dense = pd.get_dummies(camp, dtype=float)
    dense = ((dense - dense[early].mean()) / dense[early].std()).fillna(0).to_numpy()
    linear = {}
    for c in (0.001, 0.01, 0.1, 1):
        fits = [
            LogisticRegression(C=c, max_iter=500).fit(dense[a], answers[a]).predict_proba(dense[b])
            for a, b in ((early, choose), (known, late))
        ]
        linear[by_person(answers[choose], fits[0][:, 1], np.arange(choose.sum()))] = fits[1][:, 1]
    best = by_person(answers[late], linear[min(linear)], homes[late])
    found: dict[str, list[float]] = {}
    small = {"n_factors": 4, "hidden": (16,), "batch_size": 256}
    for seed in range(5):
        deep = {
            n: by_person(y[test], p[test], who[test]) for n, p in networks(table, y, part, seed)
        }
        probe = ResponseNetwork(epochs=15, rng=seed, **small)
        probe.fit(camp[early], answers[early], (camp[choose], answers[choose]))
        real = ResponseNetwork(epochs=probe.best_epoch_, rng=seed, **small)
        chance = real.fit(camp[known], answers[known]).predict_proba(camp[late])[:, 1]
        way = (loss["constant"] - min(deep.values())) / (loss["constant"] - loss["truth"])
        values = {
            "08-deepfm-beats-the-linear-on-exposures": loss["logistic"] - deep["DeepFM"],
            "08-nobody-comes-near-the-truth": way,
            "08-deepfm-no-gain-on-campaigns": by_person(answers[late], chance, homes[late]) - best,
        }
        for name, value in values.items():
            found.setdefault(name, []).append(float(value))
        print(seed, {n: round(v[-1], 4) for n, v in found.items()}, deep, flush=True)
    record_claims("responses", found)


def longer() -> None:
    started = time.perf_counter()
    table, y, truth, who, part = exposures(simulate_shop(3000, 300, seed=2025))
    test, learn, choose = part == 2, part == 0, part == 1
    data = table.astype({c: "category" for c in table if c != "price"})
    options = {
        "objective": "binary", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 50,
        "num_threads": 1, "verbose": -1, "seed": 0,
    }  # fmt: skip
    sets = [lightgbm.Dataset(data[rows], y[rows]) for rows in (learn, choose)]
    stop = lightgbm.early_stopping(20, verbose=False)
    trees = lightgbm.train(options, sets[0], 600, valid_sets=sets[1:], callbacks=[stop])
    chances = {
        "constant": np.full(len(y), y[learn].mean()),
        "logistic regression": logistic(table, y, learn),
        "LightGBM": trees.predict(data),
        **dict(networks(table, y, part, 0)),
        "the truth": truth,
    }
    values = {n: round(by_person(y[test], p[test], who[test]), 4) for n, p in chances.items()}
    settings = {"people": 3000, "products": 300, "rows": int(learn.sum()), "epochs": 8}
    seconds = time.perf_counter() - started
    record_longer(
        "responses",
        "five times as many shoppers",
        settings=settings,
        values=values,
        seconds=seconds,
    )
    print(values, round(seconds))


if __name__ == "__main__":
    {"seeds": seeds, "longer": longer}[sys.argv[1]]()
