"""Legible names for the Complete Journey's products and households.

The tables hold a till's abbreviations ("FRZN SS PREMIUM ENTREES/DNRS/N", cut off at 30 letters).
"""

from __future__ import annotations

import re

import pandas as pd

_WORDS = {
    "beeralemalt": "beer, ale & malt", "bkd": "baked", "bkfst": "breakfast", "brkfst": "breakfast",
    "brd": "bread", "bev": "beverages", "btl": "bottle", "btr": "butter", "carb": "carbonated",
    "chick": "chicken", "chicke": "chicken", "choc": "chocolate",
    "chococlate": "chocolate", "crmd": "creamed", "crbntd": "carbonated", "dept": "department",
    "detrgnts": "detergents", "dnrs": "dinners", "drng": "dressing", "dressg": "dressing",
    "drnk": "drinks", "drnks": "drinks", "drnkng": "drinking", "drnking": "drinking",
    "evry": "every", "fd": "food", "fem": "feminine", "flvrd": "flavored", "frsh": "fresh",
    "frz": "frozen", "frzn": "frozen", "grnd": "ground", "handke": "handkerchiefs",
    "hygn": "hygiene", "ht": "hot", "incl": "including", "iqf": "frozen singly",
    "iws": "individually wrapped", "lndry": "laundry", "may": "mayonnaise", "med": "medium",
    "misc": "miscellaneous", "mlk": "milk", "mlt": "multi", "mneral": "mineral",
    "mnrl": "mineral", "mx": "mix", "mxs": "mixes", "nat": "natural", "nz": "New Zealand",
    "pk": "pack", "pckgd": "packaged", "pkg": "packaged", "pkgd": "packaged", "pnt": "peanut",
    "pot": "potato", "prep": "prepared", "prod": "products", "pwdr": "powder",
    "pwdrs": "powders", "qsr": "quick service", "refrgratd": "refrigerated",
    "refrig": "refrigerated", "rfrg": "refrigerated", "rts": "ready-to-serve", "sal": "salad",
    "saus": "sausage", "seafd": "seafood", "sft": "soft", "sgl": "single", "shlf": "shelf",
    "shlfsh": "shellfish", "shrtng": "shortening", "sngl": "single", "specilaty": "specialty",
    "splmnts": "supplements", "sply": "supplies", "srv": "serve", "ss": "single-serve",
    "stk": "stick", "supp": "supplement", "suppl": "supplements", "supplemen": "supplements",
    "sv": "serve", "sw": "sweet", "gds": "goods", "swin": "swim", "tort": "tortilla",
    "trsh": "trash", "vac": "vacuum", "pac": "pack", "veg": "vegetables", "vend": "vending",
    "mach": "machine", "wate": "water", "wht": "white", "wt": "weight", "whl": "whole",
    "w": "with", "bg": "bags", "sherbts": "sherbet",
    "drsng": "dressing", "pickld": "pickled", "sald": "salad",
    "saucessalsapicantee": "sauces, salsa, picante", "sndwch": "sandwich", "sprd": "spread",
    "whlsm": "wholesome", "sandwic": "sandwiches", "undergarmen": "undergarments",
    "catfd": "cat food",
}  # fmt: skip
_SMALL = {"a", "and", "for", "in", "of", "on", "or", "the", "to", "under", "with"}
_AS_THEY_ARE = {"bbq": "BBQ", "tv": "TV", "dvd": "DVD", "cd": "CD", "ss": "SS", "usda": "USDA"}


def product_names(products: pd.DataFrame) -> pd.Series:
    """Return one name per row of the products table.

    A name reads "Category: type, size, store brand". The category is left out where it shares a
    word with the type; a size that is not recorded is left out, and so is the brand where it is
    national. Products that differ in flavor or maker only share a name.

    Examples
    --------
    >>> row = {"department": "GROCERY", "product_category": "FRZN ICE", "brand": "Private",
    ...        "product_type": "ICE - CRUSHED/CUBED", "package_size": "22 LB"}
    >>> product_names(pd.DataFrame([row]))[0]
    'Ice - Crushed/Cubed, 22 lb, store brand'
    """
    kinds = products[["department", "product_category", "product_type"]].astype(object)
    kinds = kinds.where(kinds.notna(), None)
    distinct = kinds.drop_duplicates()
    named = pd.Series(
        [_kind(*row) for row in distinct.itertuples(index=False)],
        index=pd.MultiIndex.from_frame(distinct.fillna("")),
    )
    kind = named.reindex(pd.MultiIndex.from_frame(kinds.fillna(""))).to_numpy()
    sizes = {size: f", {_size(size)}" for size in products["package_size"].dropna().unique()}
    # Fresh produce often carries the size of the case it was shipped in ("bananas, 40 lb").
    cases = {size for size in sizes if re.search(r"\bCT$|^(?:1[1-9]|[2-9]\d) LB$", size)}
    names = [
        name
        + ("" if department == "PRODUCE" and size in cases else sizes.get(size, ""))
        + (", store brand" if brand == "Private" else "")
        for name, department, size, brand in zip(
            kind,
            products["department"],
            products["package_size"].astype(object),
            products["brand"],
            strict=True,
        )
    ]
    return pd.Series(names, index=products.index, dtype="object")


def household_name(household_id: int, row: pd.Series | None) -> str:
    """Describe a household in words from its row of the demographics, None where there is none.

    Examples
    --------
    >>> household_name(7, None)
    'Household 7 (no demographics)'
    """
    if row is None:
        return f"Household {household_id} (no demographics)"
    size, kids = row["household_size"], row["kids_count"]
    known = [
        f"{size} {'person' if size == '1' else 'people'}",
        {"0": "no children", "1": "1 child"}.get(kids, f"{kids} children"),
        f"aged {row['age']}",
        "income " + re.sub(r"(\d.*)", r"$\1", row["income"]).replace("Under", "under"),
        *(str(row[c]).lower() for c in ("marital_status", "home_ownership") if pd.notna(row[c])),
    ]
    return f"Household {household_id} ({', '.join(known).replace('-', '–')})"


def _kind(department: str, category: str | None, kind: str | None) -> str:
    if kind is None:
        return _legible(category or department)
    if category is None:
        return _legible(kind)
    full, group = _legible(kind), _legible(category)
    shared = {word[:4] for word in _stems(full)} & {word[:4] for word in _stems(group)}
    return full if shared else f"{group}: {full}"


def _stems(text: str) -> list[str]:
    return [word for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in _SMALL]


def _legible(text: str) -> str:
    """Expand abbreviations and set words in title case."""
    if text.count("(") > text.count(")"):  # cut off within brackets
        text = text[: text.rindex("(")]
    elif len(text) == 30:  # cut off: a last word of up to three letters is a stump
        text = re.sub(r"[ /][A-Z]{1,3}$", "", text)
    text = re.sub(r"\b(INCL|EX)\s*$", "", text.strip())
    text = re.sub(r"(\d)PK\b", r"\1-pack", re.sub(r"\s*(&)\s*", r" \1 ", text))
    text = re.sub(r"\s+", " ", re.sub(r":(?=\S)", ": ", text)).strip(" -/&,:")
    text = re.sub(r"(?<![A-Za-z0-9-])[A-Za-z']+\.?|(?<=[A-Za-z]-)[A-Za-z']+\.?", _word, text)
    return text[:1].upper() + text[1:]


def _word(found: re.Match) -> str:
    word = found[0].lower().rstrip(".")
    if word in _AS_THEY_ARE and word not in _WORDS:
        return _AS_THEY_ARE[word]
    if word in _SMALL:
        return word
    return " ".join(
        part if part in _SMALL or part[0].isupper() else part.capitalize()
        for part in _WORDS.get(word, word).split()
    )


def _size(size: str) -> str:
    """Set "300 CT(1)" as "300 ct" and "A B D  8 OZ" (codes of stores, it seems) as "8 oz"."""
    text = re.sub(r"\(\d+\)|^(?:[A-Z]+ +)+(?=[\d.])", "", size.strip()).lower()
    return re.sub(r"\bl\b", "L", " ".join(text.split()))
