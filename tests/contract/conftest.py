"""A small matrix whose right answer is known, which every model has to find.

Ten users and ten items on a checkerboard: user u took item i where u + i is even. The diagonal is
held out, so the one even item that user u has not taken is item u. An eleventh user and an
eleventh item have no events at all.
"""

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions

SIZE = 10


def board(*, rated: bool) -> Interactions:
    """Return the black cells as events, or black cells rated 5 and white cells rated 1."""
    user, item = (axis.ravel() for axis in np.indices((SIZE, SIZE)))
    black = (user + item) % 2 == 0
    kept = (user != item) & (black | rated)
    user, item, black = user[kept], item[kept], black[kept]
    return Interactions(
        user=user,
        item=item,
        value=np.where(black, 5.0, 1.0),
        time=86_400 * (user + item),
        users=pd.Index([f"user {u}" for u in range(SIZE + 1)]),
        items=pd.Index([f"item {i}" for i in range(SIZE + 1)]),
    )


@pytest.fixture
def events() -> Interactions:
    return board(rated=False)


@pytest.fixture
def ratings() -> Interactions:
    return board(rated=True)


@pytest.fixture
def no_events() -> Interactions:
    return board(rated=False).select(np.zeros(0, dtype=int))


@pytest.fixture
def public_classes():
    """Return a function that lists the public, concrete subclasses of a class in a package."""
    import importlib
    import inspect
    import pkgutil

    import recbook.models

    def find(base: type, package=recbook.models) -> set[type]:
        found = set()
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if (
                    inspect.isclass(value)
                    and issubclass(value, base)
                    and not inspect.isabstract(value)
                    and not name.startswith("_")
                ):
                    found.add(value)
        return found

    return find
