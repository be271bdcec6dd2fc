"""Fusion: several models made into one, which is a model again.

Recommenders. Sums: `ScoreFusion`, `WeightedFusion`. Votes: `RankFusion`. Choices: `Switch`,
`Cascade`. Meta-models: `Stack` (candidate by candidate), `LearnedRanker` (list by list). They
share `Fusion`, which says how a fusion learns and why it cannot learn from what its members saw.

Rating predictors: `RatingFusion`, stacked out of fold.

`make_pool` gathers fitted members' scores of the same candidates into a `Pool`, once for all
fusions. The pure functions are in `normalise`, `combine` and `weights`.
"""

from recbook.fusion.base import Fusion
from recbook.fusion.blends import RankFusion, ScoreFusion, WeightedFusion
from recbook.fusion.pool import Pool
from recbook.fusion.pooling import make_pool
from recbook.fusion.ranker import LearnedRanker
from recbook.fusion.rating_fusion import RatingFusion
from recbook.fusion.stacking import Stack, fuse_by_user_folds
from recbook.fusion.switching import Cascade, Switch

__all__ = [
    "Cascade",
    "Fusion",
    "LearnedRanker",
    "Pool",
    "RankFusion",
    "RatingFusion",
    "ScoreFusion",
    "Stack",
    "Switch",
    "WeightedFusion",
    "fuse_by_user_folds",
    "make_pool",
]
