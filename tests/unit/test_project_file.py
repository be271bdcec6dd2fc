"""`data/user_item_data.csv`: the same bytes again, and what its card says."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recbook.data import load_shop, read_ratings
from recbook.project import load
from recbook.project.shop_file import (
    SHA256,
    committed_file,
    is_project_file,
    project_ratings,
    project_shop,
    user_item_data,
)

FILE = Path(__file__).parents[2] / "data" / "user_item_data.csv"


@pytest.fixture(scope="module")
def made():
    return user_item_data()


def test_the_file_is_made_again_byte_for_byte(made):
    assert committed_file() == FILE
    assert made == FILE.read_bytes()
    assert hashlib.sha256(made).hexdigest() == SHA256


def test_columns_and_values_are_those_of_the_articles():
    ratings = pd.read_csv(FILE)
    assert list(ratings.columns) == ["user_id", "item_id", "rating"]
    assert set(ratings["rating"]) == {1, 2, 3, 4, 5}
    assert not ratings.duplicated(["user_id", "item_id"]).any()
    assert len(read_ratings(FILE)) == len(ratings)  # the strict reader finds nothing wrong


def test_products_are_those_of_the_committed_shop():
    shop = project_shop()
    pd.testing.assert_frame_equal(shop.items, load_shop().items)


def test_ratings_keep_to_the_shops_laws():
    """Half of them come from buyers as they are; the others' mean is what the truth expects."""
    shop = project_shop()
    ratings = project_ratings(shop)
    both = ratings.merge(shop.ratings, on=["user_id", "item_id"], how="left", suffixes=("", "_own"))
    own = both["rating_own"].notna()
    assert own.sum() == len(shop.ratings)
    assert (both.loc[own, "rating"] == both.loc[own, "rating_own"]).all()
    user = pd.Index(shop.truth.users["user_id"]).get_indexer(both["user_id"])
    item = pd.Index(shop.truth.items["item_id"]).get_indexer(both["item_id"])
    expected = shop.truth.expected_rating(user, item)[~own]
    error = both.loc[~own, "rating"] - expected
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error))


def test_the_file_brings_its_names_and_so_does_the_shop(tmp_path):
    source, known = load(FILE), load("shop")
    assert source.items.loc[1, "name"] == load_shop().items["title_en"][0]
    assert (source.items["name"] == known.items["name"]).all()
    assert known.items.loc[1, "name_zh"] == load_shop().items["title_zh"][0]
    assert np.array_equal(source.interactions.item, known.interactions.item)
    assert np.array_equal(source.interactions.value, known.interactions.value)
    assert source.report.counts == {}
    other = tmp_path / "user_item_data.csv"
    other.write_text("user_id,item_id,rating\n1,2,3\n1,3,5\n")
    assert is_project_file(FILE)
    assert not is_project_file(other)
    assert load(other).items["name"].tolist() == ["2", "3"]


def test_the_installed_package_makes_it_itself(monkeypatch, made, tmp_path):
    monkeypatch.setattr("recbook.project.shop_file.committed_file", lambda: tmp_path / "none.csv")
    assert len(load("shop").interactions) == made.count(b"\n") - 1
