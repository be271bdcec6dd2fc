"""The simulated shop: data whose truth is known.

`load_shop()` gives the committed instance, `simulate_shop(n_users, n_items, seed=…)` any other,
`LiveShop(shop)` a shop that answers, for A/B tests.
"""

from recbook.data.shop.core import Shop, simulate_shop
from recbook.data.shop.dirt import DirtyTables, restore
from recbook.data.shop.files import load_shop, save_shop
from recbook.data.shop.live import LiveShop, Response
from recbook.data.shop.market import expected_units, seasonality
from recbook.data.shop.truth import Truth

__all__ = [
    "DirtyTables",
    "LiveShop",
    "Response",
    "Shop",
    "Truth",
    "expected_units",
    "load_shop",
    "restore",
    "save_shop",
    "seasonality",
    "simulate_shop",
]
