"""`data/user_item_data.csv`: the ratings that the project starts from, by the simulated shop."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from recbook.data.shop import Shop, simulate_shop
from recbook.data.shop.stream import Stream
from recbook.data.shop.truth import rate_probability, rating_centre

N_USERS, N_ITEMS, SEED = 1500, 300, 2025  # the products are those of the committed shop
FILE_NAME = "user_item_data.csv"
SHA256 = "bd5776a36a56cb7138e213bd61b5055d59a7d1ec48ed25ab773397083542f2aa"


def project_shop() -> Shop:
    """Return the shop behind the file: the committed one's products, and more users."""
    return simulate_shop(N_USERS, N_ITEMS, seed=SEED)


def project_ratings(shop: Shop) -> pd.DataFrame:
    """Return the ratings of the file, by user and product.

    They are the shop's own ratings, which buyers gave, and besides ratings of products that a user
    opened without buying or rating them. Whether such a product is rated, and with how many stars,
    follows the same laws as for a buyer: `shop.truth` knows both.

    Returns
    -------
    pandas.DataFrame
        user_id, item_id (whole numbers), rating (1 … 5).
    """
    pair = ["user_id", "item_id"]
    opened = shop.events[shop.events["event"] == "view"].drop_duplicates(pair)[pair]
    done = pd.MultiIndex.from_frame(shop.ratings[pair])
    opened = opened[~pd.MultiIndex.from_frame(opened).isin(done)].sort_values(pair)
    truth = shop.truth
    user = pd.Index(truth.users["user_id"]).get_indexer(opened["user_id"])
    item = pd.Index(truth.items["item_id"]).get_indexer(opened["item_id"])
    draw = Stream(shop.seed, "user_item_data")
    centre = rating_centre(truth.users, truth.items, user, item)
    rated = draw.uniform(len(opened)) < rate_probability(centre)
    below = np.cumsum(truth.star_probabilities(user, item), axis=1)[:, :-1]
    stars = 1 + (draw.uniform(len(opened))[:, None] >= below).sum(axis=1)
    more = opened.assign(rating=stars)[rated]
    both = pd.concat([shop.ratings[[*pair, "rating"]], more], ignore_index=True)
    return both.sort_values(pair, ignore_index=True)


def user_item_data() -> bytes:
    """Return the content of the file: CSV in UTF-8 with line feeds, the same on every machine."""
    ratings = project_ratings(project_shop())
    rows = zip(*(ratings[column].tolist() for column in ratings), strict=True)
    lines = (",".join(map(str, row)) for row in rows)
    return ("\n".join([",".join(ratings.columns), *lines]) + "\n").encode()


def committed_file() -> Path:
    """Return where a checkout keeps the file."""
    return Path(__file__).resolve().parents[2] / "data" / FILE_NAME


def is_project_file(path: str | Path) -> bool:
    """Tell whether a file is the book's, so that its products' names are known."""
    path = Path(path)
    if not path.is_file() or path.stat().st_size > 1_000_000:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == SHA256


def shop_items(shop_table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the products of the file: item_id, name, category, text, name_zh.

    They are those of the committed shop, from its table of items.
    """
    if shop_table is None:
        from recbook.data import load_shop

        shop_table = load_shop().items
    words = shop_table["category"] + " " + shop_table["style"] + " " + shop_table["brand"]
    return pd.DataFrame(
        {
            "item_id": shop_table["item_id"].to_numpy(),
            "name": shop_table["title_en"].to_numpy(),
            "category": shop_table["category"].to_numpy(),
            "text": (words + ". " + shop_table["description_en"]).to_numpy(),
            "name_zh": shop_table["title_zh"].to_numpy(),
        }
    )
