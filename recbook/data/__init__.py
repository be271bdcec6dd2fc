"""Data sets, the `Interactions` table, and splits.

The loaders are imported when they are first asked for, so that importing this package is light.
"""

from importlib import import_module

_HOME = {
    "Interactions": "recbook.data.interactions",
    "load_complete_journey": "recbook.data.journey",
    "load_movielens": "recbook.data.movielens",
    "load_shop": "recbook.data.shop",
    "read_ratings": "recbook.data.ratings",
}
__all__ = ["Interactions", "load_complete_journey", "load_movielens", "load_shop", "read_ratings"]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
