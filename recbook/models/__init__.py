"""Recommenders and rating predictors.

Recommenders score every item for every user: `Random`, `Popularity`, `PersonalFrequency`,
`ItemNeighbours`, `UserNeighbours`. Rating predictors give a number for a pair: `RandomRating`,
`GlobalMean`, `UserItemBias`, `RatingNeighbours`. `recbook.models.base` says what they share.
"""

from recbook.models.base import Estimator, RatingPredictor, Recommender
from recbook.models.baselines import PersonalFrequency, Popularity, Random
from recbook.models.neighbours import ItemNeighbours, UserNeighbours
from recbook.models.rating_baselines import GlobalMean, RandomRating, UserItemBias
from recbook.models.rating_neighbours import RatingNeighbours

__all__ = [
    "Estimator",
    "GlobalMean",
    "ItemNeighbours",
    "PersonalFrequency",
    "Popularity",
    "Random",
    "RandomRating",
    "RatingNeighbours",
    "RatingPredictor",
    "Recommender",
    "UserItemBias",
    "UserNeighbours",
]
