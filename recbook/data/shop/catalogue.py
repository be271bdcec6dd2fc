"""The shelf of the shop: items with attributes, latent tastes, and text in two languages."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.shop.stream import Stream
from recbook.data.shop.words import (
    BRANDS,
    CATEGORIES,
    DEPARTMENTS,
    STYLES,
    TOPIC_NAMES,
    TOPICS,
)

FACTORS = 8  # length of a taste vector
ELASTICITIES = (-1.5, -2.4)  # the least and the most price-sensitive category
TOPIC_SHARE = 0.85  # share of a description's words that come from the item's own topic
WORDS = 5  # adjectives and nouns, each, in a description


def make_items(n_items: int, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the items and what is true of them.

    Parameters
    ----------
    n_items : int
    seed : int

    Returns
    -------
    items : pandas.DataFrame (n_items rows)
        What the shop knows: item_id, department, category, brand, style, list_price, cost (money of
        account), launch_week (0 … 51), and title and description in English and Chinese.
    truth : pandas.DataFrame (n_items rows)
        What only the generator knows: item_id, topic, quality, popularity (the weight of the item
        in the home page's lists), elasticity, base_demand (units a week at list price) and the
        taste vector t1 … t8.
    """
    draw = Stream(seed, "items")
    # Every category has an item; the rest fall where they fall.
    category = np.concatenate(
        [np.arange(len(CATEGORIES)), draw.integers(len(CATEGORIES), n_items - len(CATEGORIES))]
    )[draw.permutation(n_items)]
    style = draw.integers(len(STYLES), n_items)
    brand = draw.pick(1 / np.arange(2, 2 + len(BRANDS)), n_items)
    topic = _topics(category, draw)
    quality = np.round(0.5 * draw.normal(n_items), 4)

    usual = np.array([c.price for c in CATEGORIES])[category]
    tier = np.array([b[2] for b in BRANDS])[brand]
    price = np.round(usual * tier * np.exp(0.25 * draw.normal(n_items)), 2)
    cost = np.round(price * (0.40 + 0.20 * draw.uniform(n_items)), 2)
    late = draw.uniform(n_items) < 0.15
    launch = np.where(late, 1 + draw.integers(45, n_items), 0)

    fame = np.round(0.6 * quality / 0.5 + 0.8 * draw.normal(n_items), 6)
    rank = np.empty(n_items, dtype=np.int64)
    rank[np.argsort(-fame, kind="stable")] = np.arange(n_items)
    popularity = np.round((rank + 4.0) ** -0.6 * 4.0**0.6, 4)
    demand = np.round(np.clip(60 * popularity**0.6 * np.exp(0.2 * draw.normal(n_items)), 2, 80), 2)

    steps = np.linspace(*ELASTICITIES, len(CATEGORIES))[
        Stream(seed, "elasticity").permutation(len(CATEGORIES))
    ]
    items = pd.DataFrame(
        {
            "item_id": np.arange(1, n_items + 1),
            "department": [DEPARTMENTS[CATEGORIES[c].department][0] for c in category],
            "category": [CATEGORIES[c].en for c in category],
            "brand": [BRANDS[b][0] for b in brand],
            "style": [STYLES[s][0] for s in style],
            "list_price": price,
            "cost": cost,
            "launch_week": launch,
        }
    )
    for name, texts in _text(category, style, brand, topic, seed=seed).items():
        items[name] = texts
    truth = pd.DataFrame(
        {
            "item_id": items["item_id"],
            "topic": [TOPIC_NAMES[t] for t in topic],
            "quality": quality,
            "popularity": popularity,
            "elasticity": np.round(steps[category], 4),
            "base_demand": demand,
        }
    )
    tastes = _tastes(category, style, topic, seed=seed)
    for f in range(FACTORS):
        truth[f"t{f + 1}"] = tastes[:, f]
    return items, truth


def _topics(category: np.ndarray, draw: Stream) -> np.ndarray:
    # A category leans to two topics, so a topic is more than a category under another name.
    weights = np.full((len(CATEGORIES), len(TOPICS)), 0.3 / len(TOPICS))
    for c in range(len(CATEGORIES)):
        weights[c, (3 * c) % len(TOPICS)] += 0.40
        weights[c, (5 * c + 1) % len(TOPICS)] += 0.30
    running = np.cumsum(np.round(weights, 6), axis=1)[category]
    return (draw.uniform(len(category))[:, None] * running[:, -1:] >= running).sum(axis=1)


def _tastes(category: np.ndarray, style: np.ndarray, topic: np.ndarray, *, seed: int) -> np.ndarray:
    # Taste follows category, style and topic, so attributes, pictures and text all tell of it.
    draw = Stream(seed, "item tastes")
    mixed = (
        0.50 * draw.normal(len(CATEGORIES), FACTORS)[category]
        + 0.45 * draw.normal(len(STYLES), FACTORS)[style]
        + 0.45 * draw.normal(len(TOPICS), FACTORS)[topic]
        + 0.35 * draw.normal(len(category), FACTORS)
    )
    return np.round(0.75 * mixed, 4)


def _text(
    category: np.ndarray, style: np.ndarray, brand: np.ndarray, topic: np.ndarray, *, seed: int
) -> dict[str, list[str]]:
    draw = Stream(seed, "text")
    n = len(category)
    own = draw.uniform(n, 2, WORDS) < TOPIC_SHARE
    other = (topic[:, None, None] + 1 + draw.integers(len(TOPICS) - 1, n, 2, WORDS)) % len(TOPICS)
    source = np.where(own, topic[:, None, None], other)
    order = np.argsort(draw.uniform(n, 2, 6), axis=2, kind="stable")
    text: dict[str, list[str]] = {
        name: [] for name in ("title_en", "title_zh", "description_en", "description_zh")
    }
    number = dict.fromkeys(range(len(CATEGORIES)), 0)
    for i in range(n):  # strings are put together one item at a time
        c, s, b = CATEGORIES[category[i]], STYLES[style[i]], BRANDS[brand[i]]
        number[category[i]] += 1
        text["title_en"].append(f"{b[0]} {s[0]} {c.en} No. {number[category[i]]}")
        text["title_zh"].append(f"{b[1]}{s[1]}{c.zh}{number[category[i]]}号")
        how = [TOPICS[t].adjectives[w] for t, w in zip(source[i, 0], order[i, 0], strict=False)]
        what = [TOPICS[t].nouns[w] for t, w in zip(source[i, 1], order[i, 1], strict=False)]
        text["description_en"].append(
            f"{', '.join(en for en, _ in how[:-1]).capitalize()} and {how[-1][0]}. "
            f"For {', '.join(en for en, _ in what[:-1])} and {what[-1][0]}."
        )
        text["description_zh"].append(
            f"{'、'.join(zh for _, zh in how)}。适合{'、'.join(zh for _, zh in what)}。"
        )
    return text
