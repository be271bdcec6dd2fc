"""Which word a shopper would type for a product: made from its type and category alone."""

from __future__ import annotations

import re

import pandas as pd

from recbook.data.journey_names import product_names
from recbook.models.text import words
from recbook.search.analysis import fold_plural

# Words that say how a thing is packed, made or ranked, and not what it is.
_NOT_THE_THING = set(
    words(
        """
        all any for in of on or the to under with not no only other others misc miscellaneous
        assorted variety exact weight size full regular large small medium extra mini jumbo big
        giant single singles multi double pack packs packaged package prepack pouch pouches bag
        bags bagged box boxes boxed boxing can cans canned cnd canister bottle bottles jar jars
        cup cups tub tubs bowl bowls bulk loose carton case stick premium economy value mainstream
        traditional specialty select choice natural everyday basic super better best you your good
        quality over per plain original style type types kind kinds low high end new old each excp
        except incl including pet aseptic shelf stable dry wet liquid solid semi fresh frozen
        refrigerated hot cold cooked smoked raw prepared ready serve service self family kids kid
        adult adults beginner junior brand brands seasonal season whole sliced slices chunks
        halves diced cut cuts pints ring primal lean enhanced blend blends fat free reduced light
        diet organic carbonated non part parts random set sets private national label white red
        green yellow black blue brown general popular plus combo side anti stuff bone boneless
        peeled
        """
    )
)
# Words that need the one before them: "food" alone is anything, "cat food" is not.
_NEEDS_ANOTHER = set(
    words(
        """
        food foods good goods product products item items mix mixes care supply supplies
        accessories needs snack snacks dish dishes cream creams
        """
    )
)
_NO_HELP = {fold_plural(word) for word in _NOT_THE_THING | _NEEDS_ANOTHER}


def shopper_words(products: pd.DataFrame) -> pd.Series:
    """Return the word that a shopper would type for each product, from its type and category.

    The type is spelt out (`product_names`) and split into phrases. A word that the category has as
    well says best what the thing is: the last such word of the first phrase that has one is taken.
    Else it is the last word of the first phrase, since in English the thing stands last; then that
    of the category, then the department. Words of packing and quality ("frozen", "premium") are
    passed over, and a few general words ("food") bring the word before them along.

    Nothing else of the product is looked at: neither size, brand nor maker, nor who bought it.

    Parameters
    ----------
    products : pandas.DataFrame
        department, product_category, product_type.

    Returns
    -------
    pandas.Series of str, with the index of `products`

    Examples
    --------
    >>> row = {"department": "GROCERY", "product_category": "BAG SNACKS",
    ...        "product_type": "POTATO CHIPS"}
    >>> shopper_words(pd.DataFrame([row])).tolist()
    ['chips']
    """
    columns = ["department", "product_category", "product_type"]
    missing = [column for column in columns if column not in products.columns]
    if missing:
        raise ValueError(f"products have no column {missing[0]!r}; they need {columns}")
    kinds = products[columns].astype(object).fillna("")
    distinct = kinds.drop_duplicates().reset_index(drop=True)
    spelt = {column: _spelt_out(distinct[column]) for column in columns}
    asked = [
        _shared_word(kind, group) or _last_word(kind) or _last_word(group) or home.lower()
        for home, group, kind in zip(*(spelt[column] for column in columns), strict=True)
    ]
    of_kind = pd.Series(asked, index=pd.MultiIndex.from_frame(distinct), dtype=object)
    found = of_kind.reindex(pd.MultiIndex.from_frame(kinds)).to_numpy()
    return pd.Series(found, index=products.index, dtype=object)


def _spelt_out(column: pd.Series) -> list[str]:
    alone = pd.DataFrame({"product_type": column, "department": "X", "brand": "National"})
    alone["product_category"], alone["package_size"] = None, None
    return product_names(alone).tolist()


def _phrases(text: str) -> list[list[str]]:
    """Return the phrases of a text, each a list of words, without its last words of no use."""
    parts = re.split(r"[^a-z ]+| (?:and|or|with|for|not) ", text.lower())
    phrases = [[word for word in part.split() if len(word) > 2] for part in parts]
    for phrase in phrases:
        while phrase and phrase[-1] in _NOT_THE_THING:
            phrase.pop()
    return [phrase for phrase in phrases if phrase]


def _shared_word(kind: str, group: str) -> str | None:
    of_group = {fold_plural(word) for phrase in _phrases(group) for word in phrase} - _NO_HELP
    for phrase in _phrases(kind):
        shared = [place for place, word in enumerate(phrase) if fold_plural(word) in of_group]
        if shared:
            end = shared[-1] + 1
            end += end < len(phrase) and phrase[end] in _NEEDS_ANOTHER  # "dog" brings "food" along
            return " ".join(phrase[shared[-1] : end])
    return None


def _last_word(text: str) -> str | None:
    for phrase in _phrases(text):
        if phrase[-1] not in _NEEDS_ANOTHER:
            return phrase[-1]
        if len(phrase) > 1 and phrase[-2] not in _NOT_THE_THING:
            return " ".join(phrase[-2:])
    return None
