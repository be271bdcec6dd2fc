"""Search queries in English and Chinese, and how relevant every item is to each of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.shop.stream import Stream
from recbook.data.shop.words import BRANDS, CATEGORIES, STYLES, TOPICS

# How often a shopper uses each form of query.
FORMS = {
    "plain": 0.34,
    "synonym": 0.16,
    "misspelt": 0.10,
    "style": 0.20,
    "topic": 0.10,
    "brand": 0.10,
}


def make_queries(items: pd.DataFrame, truth_items: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Make twelve queries for each category, six in each language.

    A misspelt English query swaps two letters; its Chinese counterpart is typed in pinyin. A topic
    query names one word of a topic, which not every relevant description contains.

    Parameters
    ----------
    items, truth_items : pandas.DataFrame
        From `make_items`. The style, topic and brand asked for are those of some item.
    seed : int

    Returns
    -------
    pandas.DataFrame: query_id, language ("en" or "zh"), text, form, category, attribute ("",
    "style", "topic" or "brand") and value (the value asked for).
    """
    draw = Stream(seed, "queries")
    rows = []
    shelf = items["category"].to_numpy()
    for category in CATEGORIES:  # 24 shelves
        on_shelf = np.flatnonzero(shelf == category.en)
        example = on_shelf[draw.integers(len(on_shelf), 3)]
        letter = int(draw.integers(len(category.en) - 1, 1)[0])
        word = int(draw.integers(6, 1)[0])
        style = dict(STYLES)[items["style"].iloc[example[0]]]
        topic = next(t for t in TOPICS if t.en == truth_items["topic"].iloc[example[1]])
        brand = next(b for b in BRANDS if b[0] == items["brand"].iloc[example[2]])
        wanted = {
            "plain": ("", ""),
            "synonym": ("", ""),
            "misspelt": ("", ""),
            "style": ("style", items["style"].iloc[example[0]]),
            "topic": ("topic", topic.en),
            "brand": ("brand", brand[0]),
        }
        texts = {
            "en": (
                category.en,
                category.synonym_en,
                _swap(category.en, letter),
                f"{wanted['style'][1]} {category.en}",
                f"{category.en} for {topic.nouns[word][0]}",
                f"{brand[0].lower()} {category.en}",
            ),
            "zh": (
                category.zh,
                category.synonym_zh,
                category.pinyin,
                f"{style}{category.zh}",
                f"{topic.nouns[word][1]}{category.zh}",
                f"{brand[1]}{category.zh}",
            ),
        }
        for language, forms in texts.items():
            rows += [
                (language, text, form, category.en, *wanted[form])
                for form, text in zip(FORMS, forms, strict=True)
            ]
    columns = ["language", "text", "form", "category", "attribute", "value"]
    queries = pd.DataFrame(rows, columns=columns)
    queries.insert(0, "query_id", np.arange(1, len(queries) + 1))
    return queries


def grade(queries: pd.DataFrame, items: pd.DataFrame, truth_items: pd.DataFrame) -> np.ndarray:
    """Return how relevant each item is to each query.

    3: the category and all that is asked for; 2: the category only; 1: another category of the same
    department (with the attribute asked for, if any); 0: the rest.

    Returns
    -------
    int8 array (n_queries, n_items).

    Examples
    --------
    >>> shelf = pd.DataFrame({"category": ["tea", "cup"], "department": ["Food", "Kitchen"]})
    >>> asked = pd.DataFrame({"category": ["cup"], "attribute": [""], "value": [""]})
    >>> grade(asked, shelf, pd.DataFrame()).tolist()
    [[0, 3]]
    """
    department = {c.en: c.department for c in CATEGORIES}
    asked = queries["category"].to_numpy(object)
    shelf = items["category"].to_numpy(object)
    same_category = asked[:, None] == shelf
    home = [np.array([department[name] for name in names]) for names in (asked, shelf)]
    same_department = home[0][:, None] == home[1]
    fits = np.ones(same_category.shape, dtype=bool)
    for attribute, frame in (("style", items), ("brand", items), ("topic", truth_items)):
        rows = (queries["attribute"] == attribute).to_numpy()
        if rows.any():
            values = queries["value"].to_numpy(object)[rows]
            fits[rows] = values[:, None] == frame[attribute].to_numpy(object)
    return np.select(
        [same_category & fits, same_category, same_department & fits], [3, 2, 1], default=0
    ).astype(np.int8)


def _swap(word: str, at: int) -> str:
    if word[at] == word[at + 1]:  # swapping a double letter would spell the word right
        return word[: at + 1] + word[at + 2 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
