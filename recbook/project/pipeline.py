"""The whole project in one object, step by step or in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from recbook.models.base import Recommender
from recbook.project.choosing import Choice, choose, fit_members
from recbook.project.families import left_out, members
from recbook.project.judging import Judgement, judge
from recbook.project.lists import recommend
from recbook.project.source import Source
from recbook.project.task import make_task


class Project:
    """From clean data to lists: hold out, fit, choose, judge, fit again on everything.

    Parameters
    ----------
    source : Source
        As `load` gives it.
    deep : bool
        Whether to train a network too.
    rng : int
        One seed for all that is drawn.
    tell : callable, optional
        Is told what is being done.

    Attributes
    ----------
    task, how : TopNTask and str
        What is held out, and how.
    members, left_out : dict
        The models, and those that are not there with the reason.
    choice : Choice
        Made on validation.
    judgement : Judgement or None
        What test said of it.
    model : Recommender
        The chosen one, fitted on all likes.
    """

    def __init__(
        self,
        source: Source,
        *,
        deep: bool = True,
        rng: int = 0,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.source, self.rng, self.tell = source, rng, tell
        self.members = members(source, deep=deep, rng=rng)
        self.left_out = left_out(source, deep=deep)

    def run(self, *, test: bool = True) -> Project:
        """Do everything, with the judgement on test or without, and return self."""
        self.task, self.how = make_task(self.source, rng=self.rng)
        self.choice: Choice = choose(self.members, self.task, rng=self.rng, tell=self.tell)
        self.judgement: Judgement | None = None
        if test:
            self.judgement = judge(
                self.choice, self.members, self.task, self.source, rng=self.rng, tell=self.tell
            )
        self.model = final_model(self.choice, self.source, tell=self.tell)
        return self

    def lists(
        self, users: Sequence | None = None, k: int = 10, *, explain: bool = True
    ) -> pd.DataFrame:
        """Return the lists of these users, everyone's where None: see `recommend`."""
        return recommend(self.model, self.source, users, k, explain=explain)


def final_model(
    choice: Choice, source: Source, *, tell: Callable[[str], None] | None = None
) -> Recommender:
    """Return the chosen model fitted on all likes."""
    import copy

    liked = source.liked
    if choice.model is not choice.fusion:
        return fit_members({choice.name: choice.model}, liked, tell=tell, what="to recommend: ")[
            choice.name
        ]
    fusion = copy.copy(choice.fusion)
    fusion.members = fit_members(choice.fusion.members, liked, tell=tell, what="to recommend: ")
    return fusion.fit(liked)
