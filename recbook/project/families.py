"""The members of the fusion: one model of each family, sized to the data."""

from __future__ import annotations

from importlib.util import find_spec

from recbook.models.base import Recommender
from recbook.project.source import Source

FEW_USERS = 500
MAX_LINEAR = 6_000  # users or items, whichever are fewer: EASE inverts a matrix of that size
MAX_RULES = 6_000  # items: the rules among them are counted in a square table
MAX_DEEP_CELLS = 20_000_000  # users × items


def members(source: Source, *, deep: bool = True, rng: int = 0) -> dict[str, Recommender]:
    """Return the unfitted members by name; `left_out` says which families are missing, and why.

    Parameters
    ----------
    source : Source
    deep : bool
        Whether to train a network too.
    rng : int
        Seed of the members that begin at random.

    Returns
    -------
    dict of str to Recommender
        "popularity"; "item neighbours" (collaborative filtering); "pair rules" (association
        rules); "content", where there are texts; "iALS" (factorisation); "EASE" (a linear model);
        and "Mult-VAE" (a deep model), where TensorFlow is installed.
    """
    from recbook.models.baselines import Popularity
    from recbook.models.content import ContentProfile
    from recbook.models.ease import EASE
    from recbook.models.implicit_als import ImplicitALS
    from recbook.models.neighbours import ItemNeighbours
    from recbook.models.rules import PairRules

    missing = left_out(source, deep=deep)
    n_users, n_items = source.interactions.n_users, source.interactions.n_items
    made: dict[str, Recommender] = {
        "popularity": Popularity(),
        "item neighbours": ItemNeighbours(100, shrinkage=20),
    }
    if "pair rules" not in missing:
        made["pair rules"] = PairRules(min_count=2 if n_users < FEW_USERS else 5)
    if "content" not in missing:
        made["content"] = ContentProfile(source.items["text"])
    n_factors = max(2, min(32, n_users // 2, n_items // 2))
    few = n_users < FEW_USERS  # the sums over users are smaller, and so must be what holds them
    made["iALS"] = ImplicitALS(n_factors, 10.0 if few else 30.0, alpha=5.0, rng=rng)
    if "EASE" not in missing:
        made["EASE"] = EASE(100.0 if few else 300.0)
    if "Mult-VAE" not in missing:
        from recbook.models.deep.mult_vae import MultVAE

        made["Mult-VAE"] = MultVAE(32, 128, epochs=40, rng=rng)
    return made


def left_out(source: Source, *, deep: bool = True) -> dict[str, str]:
    """Return the members that are left out for this source, each with the reason."""
    n_users, n_items = source.interactions.n_users, source.interactions.n_items
    missing = {}
    if not source.has_text:
        told = (source.items["text"] != "").mean()
        missing["content"] = (
            f"only {told:.0%} of the items have a name or a text; bring more by --items"
            if told
            else "nothing is known of the items but their ids; bring names by --items"
        )
    if n_items > MAX_RULES:
        missing["pair rules"] = f"{n_items:,} items are more than {MAX_RULES:,}"
    if min(n_users, n_items) > MAX_LINEAR:
        missing["EASE"] = f"users and items are both more than {MAX_LINEAR:,}"
    if not deep:
        missing["Mult-VAE"] = "as asked"
    elif n_users * n_items > MAX_DEEP_CELLS:
        missing["Mult-VAE"] = f"users × items are more than {MAX_DEEP_CELLS:,}"
    elif find_spec("tensorflow") is None:
        missing["Mult-VAE"] = 'TensorFlow is not installed (pip install "recbook[deep]")'
    return missing
