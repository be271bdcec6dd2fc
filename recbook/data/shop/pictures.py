"""Product pictures, drawn on demand: the category gives the shape, the style colour and pattern."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recbook.data.shop.stream import Stream
from recbook.data.shop.words import CATEGORY_NAMES, STYLE_NAMES

SIZE = 32  # pixels a side
# Two colours a style: ground of the product and its pattern.
PALETTE = np.array(
    [
        [[150, 165, 180], [205, 212, 220]],
        [[120, 80, 50], [190, 150, 105]],
        [[235, 85, 70], [250, 205, 60]],
        [[30, 110, 200], [120, 215, 240]],
        [[70, 140, 75], [170, 200, 120]],
        [[95, 50, 130], [215, 180, 90]],
    ],
    dtype=float,
)


def draw_pictures(items: pd.DataFrame, *, seed: int) -> np.ndarray:
    """Draw every item.

    The 24 categories are 8 outlines, each filled, hollow or cut in two. Size, place, turn, tint and
    grain differ from item to item.

    Parameters
    ----------
    items : pandas.DataFrame with `category` and `style`
    seed : int

    Returns
    -------
    uint8 array (n_items, 32, 32, 3), red, green, blue.
    """
    n = len(items)
    category = np.array([CATEGORY_NAMES.index(c) for c in items["category"]])
    style = np.array([STYLE_NAMES.index(s) for s in items["style"]])
    draw = Stream(seed, "pictures")
    jitter = 2 * draw.uniform(4, n, 1, 1) - 1
    tint = 14 * (2 * draw.uniform(n, 1, 1, 3) - 1)
    grain = 9 * (2 * draw.uniform(n, SIZE, SIZE, 1) - 1)
    axis = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    x0, y0 = np.broadcast_to(axis, (n, SIZE, SIZE)), np.broadcast_to(axis[:, None], (n, SIZE, SIZE))
    size = 0.74 + 0.08 * jitter[0]
    x0, y0 = (x0 - 0.10 * jitter[1]) / size, (y0 - 0.10 * jitter[2]) / size
    turn = 0.15 * jitter[3]
    x, y = x0 * np.cos(turn) - y0 * np.sin(turn), x0 * np.sin(turn) + y0 * np.cos(turn)

    inside = np.zeros((n, SIZE, SIZE), dtype=bool)
    second = np.zeros((n, SIZE, SIZE), dtype=bool)
    for c in np.unique(category):  # 24 shapes
        some = category == c
        inside[some] = _shape(c, x[some], y[some])
    for s in np.unique(style):  # 6 patterns
        some = style == s
        second[some] = _pattern(s, x[some], y[some])
    product = PALETTE[style][:, None, None, 0, :], PALETTE[style][:, None, None, 1, :]
    colour = np.where(second[..., None], product[1], product[0]) + tint
    picture = np.where(inside[..., None], colour, 238.0) + grain
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _shape(category: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    outline, variant = category % 8, category // 8
    radius, across, up = np.hypot(x, y), np.abs(x), np.abs(y)
    edge = (
        lambda: radius,
        lambda: 1.2 * np.maximum(across, up),
        lambda: 0.95 * (across + up),
        lambda: np.maximum(1.1 * (across * 1.3 - y * 0.65 + 0.0) + 0.1, 1.3 * y),
        lambda: np.minimum(np.maximum(3 * across, up), np.maximum(across, 3 * up)),
        lambda: radius * (1.25 + 0.35 * np.cos(5 * np.arctan2(x, y))),
        lambda: np.hypot(x, 2.2 * y),
        lambda: np.maximum(2.2 * across, up),
    )[outline]()
    if variant == 1:
        return (edge <= 1) & (edge > 0.6)
    if variant == 2:
        return (edge <= 1) & (np.abs(x + y) > 0.22)
    return edge <= 1


def _pattern(style: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (
        lambda: y < -10,  # plain
        lambda: np.sin(9 * y) > 0.3,  # bands
        lambda: np.sin(9 * x) * np.sin(9 * y) > 0,  # checks
        lambda: np.sin(7 * (x - y)) > 0.5,  # slanting stripes
        lambda: np.sin(9 * x) + np.sin(9 * y) > 1.1,  # dots
        lambda: np.sin(9 * x) > 0.2,  # pillars
    )[style]()
