"""Recommenders and rating predictors.

Recommenders score every item for every user. Baselines: `Random`, `Popularity`,
`PersonalFrequency`. Neighbours: `ItemNeighbours`, `UserNeighbours`. Content: `ContentProfile`,
`ItemToVec`. Rules: `PairRules`. Sequence: `ItemTransitions`. Groups: `GroupPreference`. Factors:
`ImplicitALS`, `BPR`, `PureSVD`, `LSI`, `LDA`; in closed form without factors: `EASE`. Deep models,
which are trained with TensorFlow (the extra `recbook[deep]`): `NeuralCF`, `TwoTower`,
`FeatureRecommender`, `GRU4Rec`, `SASRec`, `LightGCN`, `MultVAE`.

Rating predictors give a number for a pair: `RandomRating`, `GlobalMean`, `UserItemBias`,
`RatingNeighbours`, and the factor models `SVD`, `SVDpp`, `RatingALS`.

`recbook.models.base` says what they share.
"""

from recbook.models.base import Estimator, RatingPredictor, Recommender
from recbook.models.baselines import PersonalFrequency, Popularity, Random
from recbook.models.bpr import BPR
from recbook.models.content import ContentProfile
from recbook.models.deep.feature_recommender import FeatureRecommender
from recbook.models.deep.gru4rec import GRU4Rec
from recbook.models.deep.lightgcn import LightGCN
from recbook.models.deep.mult_vae import MultVAE
from recbook.models.deep.ncf import NeuralCF
from recbook.models.deep.sasrec import SASRec
from recbook.models.deep.two_tower import TwoTower
from recbook.models.ease import EASE
from recbook.models.embeddings import ItemToVec
from recbook.models.groups import GroupPreference
from recbook.models.implicit_als import ImplicitALS
from recbook.models.lda import LDA
from recbook.models.lsi import LSI
from recbook.models.neighbours import ItemNeighbours, UserNeighbours
from recbook.models.pure_svd import PureSVD
from recbook.models.rating_als import RatingALS
from recbook.models.rating_baselines import GlobalMean, RandomRating, UserItemBias
from recbook.models.rating_factors import SVD, SVDpp
from recbook.models.rating_neighbours import RatingNeighbours
from recbook.models.rules import PairRules
from recbook.models.transitions import ItemTransitions

__all__ = [
    "BPR",
    "EASE",
    "LDA",
    "LSI",
    "SVD",
    "ContentProfile",
    "Estimator",
    "FeatureRecommender",
    "GRU4Rec",
    "GlobalMean",
    "GroupPreference",
    "ImplicitALS",
    "ItemNeighbours",
    "ItemToVec",
    "ItemTransitions",
    "LightGCN",
    "MultVAE",
    "NeuralCF",
    "PairRules",
    "PersonalFrequency",
    "Popularity",
    "PureSVD",
    "Random",
    "RandomRating",
    "RatingALS",
    "RatingNeighbours",
    "RatingPredictor",
    "Recommender",
    "SASRec",
    "SVDpp",
    "TwoTower",
    "UserItemBias",
    "UserNeighbours",
]
