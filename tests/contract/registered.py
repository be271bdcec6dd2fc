"""Every public model, with the parameters that the contract suite runs it with."""

import re

import numpy as np
import pandas as pd
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.evaluation.tasks import Window
from recbook.fusion import (
    Cascade,
    LearnedRanker,
    RankFusion,
    RatingFusion,
    ScoreFusion,
    Stack,
    Switch,
    WeightedFusion,
)
from recbook.fusion.rating_residuals import OnResiduals
from recbook.models import (
    BPR,
    EASE,
    LDA,
    LSI,
    SVD,
    ContentProfile,
    FeatureRecommender,
    GlobalMean,
    GroupPreference,
    GRU4Rec,
    ImplicitALS,
    ItemNeighbours,
    ItemToVec,
    ItemTransitions,
    LightGCN,
    MultVAE,
    NeuralCF,
    PairRules,
    PersonalFrequency,
    Popularity,
    PureSVD,
    Random,
    RandomRating,
    RatingALS,
    RatingNeighbours,
    SASRec,
    SVDpp,
    TwoTower,
    UserItemBias,
    UserNeighbours,
)
from recbook.models.content import ItemFeatures

# What is written on the items of both the checkerboard, which names them, and the memory test,
# which numbers them. On the board the words tell the colour.
NUMBERS = [*range(10), *range(1500)]
TEXTS = pd.Series(
    [*(f"{'even' if i % 2 == 0 else 'odd'} {'abc'[i % 3]}" for i in NUMBERS), ""],
    index=pd.Index([*(f"item {i}" for i in range(10)), *range(1500), "item 10"], dtype=object),
)
COLOURS = ItemFeatures(TEXTS.index, np.eye(3)[[*(i % 2 for i in NUMBERS), 2]])

GROUPS = pd.DataFrame({"age": ["old", "young"] * 5}, index=[f"user {u}" for u in range(10)])

NEW, REPEAT, NOBODY = "new", "repeat", "nobody"

# A model, and what it is able to find for each user: the held-out item of her own colour (NEW), the
# items she took (REPEAT), or nothing personal (NOBODY): adjusted cosine is among these, because all
# values are 5 here and nothing is left once a mean is subtracted.
RECOMMENDERS = [
    (Random(rng=3), NOBODY),
    (Popularity(), NOBODY),
    (Popularity(window_days=5, by="events"), NOBODY),
    (PersonalFrequency(), REPEAT),
    (PersonalFrequency(half_life_days=3), REPEAT),
    (ItemNeighbours(), NEW),
    (ItemNeighbours(similarity="pearson", weighting="bm25"), NEW),
    (ItemNeighbours(similarity="adjusted cosine", values="value", shrinkage=1), NOBODY),
    (ItemNeighbours(4, shrinkage=2, weighting="tfidf"), NEW),
    (ItemNeighbours(values="count", half_life_events=2), NEW),
    (ItemNeighbours(include_self=True), NEW),
    (UserNeighbours(), NEW),
    (UserNeighbours(4, similarity="pearson", shrinkage=1), NEW),
    (UserNeighbours(weighting="bm25", values="count"), NEW),
    (UserNeighbours(similarity="adjusted cosine", values="value"), NOBODY),
    (UserNeighbours(weighting="tfidf", include_self=True), NEW),
    (ContentProfile(TEXTS), NEW),
    (ContentProfile(TEXTS, values="count", half_life_events=2, popularity=0.1), NEW),
    (ContentProfile(COLOURS), NEW),
    (ItemToVec(8, window=20, epochs=100, subsample=0, rng=3), NEW),
    (ItemToVec(4, sentences="baskets", half_life_events=2), NOBODY),
    (PairRules(1), NEW),
    (PairRules(1, by="lift", combine="max", half_life_events=2), NEW),
    (PairRules(1, "baskets"), NOBODY),
    (ItemTransitions(), NEW),
    (ItemTransitions(3, "log", backward=0, longest_gap=10, shrinkage=5), NOBODY),
    (ItemTransitions(5, "confidence", half_life_seconds=86_400), NOBODY),
    (GroupPreference(GROUPS), NOBODY),
    (ImplicitALS(2, 0.1), NEW),
    (ImplicitALS(), NOBODY),
    (ImplicitALS(2, 0.1, values="count", half_life_days=5, damping="sqrt"), NEW),
    (BPR(2, 0.1, n_epochs=300, rng=1), NEW),
    (BPR(4, values="count", half_life_events=2, damping="log", n_epochs=3), NOBODY),
    (EASE(1), NEW),
    (EASE(1, solver="dual"), NEW),
    (EASE(2, "value", half_life_events=2, damping="log"), NEW),
    (PureSVD(2), NEW),
    (PureSVD(2, "tfidf", values="count", half_life_days=10), NEW),
    (LSI(2), NEW),
    (LSI(2, weighting=None, damping="log"), NEW),
    (LSI(2, half_life_days=30), NEW),
    (LSI(), REPEAT),
    (LDA(2, rng=0), NEW),
    (LDA(2, doc_topic_prior=0.1, topic_item_prior=0.01, values="binary"), NEW),
    (LDA(2, half_life_days=30, n_passes=2), NOBODY),
    (NeuralCF("dot", 4, n_negatives=None, loss="softmax", epochs=60, learning_rate=0.05), NEW),
    (NeuralCF("neumf", 4, hidden=(8, 4), epochs=2), NOBODY),
    (TwoTower(n_factors=4, epochs=60, batch_size=16, learning_rate=0.05), NEW),
    (
        TwoTower(
            GROUPS,
            TEXTS,
            n_factors=4,
            hidden=(8,),
            history=3,
            user_ids=True,
            n_positives=2,
            log_q=False,
            temperature=0.2,
            leave_out=False,
            half_life_days=5,
            epochs=2,
        ),
        NOBODY,
    ),
    (FeatureRecommender(None, COLOURS, n_factors=4, hidden=(8,), epochs=2), NOBODY),
    (GRU4Rec(4, 6, epochs=1, batch_size=16, rng=1), NOBODY),
    (SASRec(4, 6, n_layers=1, epochs=1, batch_size=16, n_negatives=8, follows="moment"), NOBODY),
    (LightGCN(4, 2, epochs=100, learning_rate=0.05, rng=1), NEW),
    (LightGCN(4, 1, loss="bpr", values="count", half_life_events=2, epochs=5), NOBODY),
    (MultVAE(2, 8, dropout=0.2, epochs=150, learning_rate=0.02), NEW),
]

RATERS = {"levels": UserItemBias(), "neighbours": RatingNeighbours("item", k=4)}

# A model, and how far from 5 it may predict for each user what she likes; None for one that cannot
# tell. Neighbours of the same colour all gave 5, so their mean is 5; factors are shrunk.
PREDICTORS = [
    (RandomRating(rng=3), None),
    (GlobalMean(), None),
    (UserItemBias(), None),
    (UserItemBias(0, 0, n_rounds=3), None),
    (RatingNeighbours(k=4), 0),
    (RatingNeighbours("item", k=4), 0),
    (RatingNeighbours("user", "msd", k=3, centred=True), 0),
    (RatingNeighbours("item", "msd", k=3, min_k=2, shrinkage=5), 0),
    (RatingNeighbours("user", "pearson", centred=True, min_support=3), 0),
    (RatingNeighbours("item", "pearson", shrinkage=2), 0),
    (RatingNeighbours("user", "adjusted cosine"), 0),
    (RatingNeighbours("item", "adjusted cosine", centred=True, scale=(0, 10)), 0),
    (SVD(4, 300, learning_rate=0.05), 0.1),
    (SVD(4, 300, learning_rate=0.05, biased=False), 0.1),
    (SVDpp(4, 200, learning_rate=0.05), 0.1),
    (RatingALS(2, 0.01), 0.1),
    (RatingALS(3, 0.1, weighted=False), 0.1),
    (OnResiduals(UserItemBias(), RatingNeighbours("item", k=4)), 0),
    (RatingFusion(RATERS, "mean"), 1.2),
    (RatingFusion(RATERS, {"levels": 0.4, "neighbours": 0.6}), 1.0),
    (RatingFusion(RATERS, "ridge"), 0.5),
    (RatingFusion(RATERS, "nnls"), 0.1),
    (RatingFusion(RATERS, "ridge + boosting"), 0.5),
    (RatingFusion({"inner": RatingFusion(RATERS, n_folds=3), "levels": UserItemBias()}), 0.5),
]

# Fusions: recommenders again, so they stand the same tests. Those that learn are given the board
# below first.
PAIR = {"ease": EASE(1), "neighbours": ItemNeighbours()}
TRIO = {"past": PersonalFrequency(), "popularity": Popularity(), "ease": EASE(1)}
FUSIONS = [
    (ScoreFusion(PAIR), NEW),
    (ScoreFusion(PAIR, normalise="rank", weights={"ease": 2, "neighbours": 1}), NEW),
    (ScoreFusion(PAIR, normalise="min_max", method="mnz"), NEW),
    (ScoreFusion(PAIR, normalise="none", n_candidates=20), NEW),
    (ScoreFusion({"inner": ScoreFusion(PAIR), "ease": EASE(2)}), NEW),
    (RankFusion(PAIR), NEW),
    (RankFusion(PAIR, method="borda"), NEW),
    (RankFusion(PAIR, method="condorcet"), NEW),
    (WeightedFusion(PAIR), NEW),
    (WeightedFusion(PAIR, search="grid", n_steps=4, normalise="min_max"), NEW),
    (WeightedFusion({**TRIO, "inner": ScoreFusion(PAIR)}, search="ascent"), NOBODY),
    (WeightedFusion(TRIO, search="nnls"), NOBODY),
    (Switch(PAIR, n_groups=2), NEW),
    (Cascade(PAIR, cuts=8), NEW),
    (Stack(PAIR, meta="ridge"), NEW),
    (Stack(TRIO, meta="logistic"), NOBODY),
    (Stack(TRIO, meta="boosting", n_candidates=20), NOBODY),
    (LearnedRanker(TRIO, n_trees=5, min_leaf=5), NOBODY),
    (LearnedRanker(PAIR, inputs=["rank"], n_trees=5, min_leaf=5, n_candidates=20), NOBODY),
]


def label(model) -> str:
    """Return the name of a model's tests: the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(model))


def fresh(model):
    """Return a model with the same parameters that has seen nothing, but how to fuse."""
    model = type(model)(**model.get_params())
    if getattr(model, "learns", False):
        model.learn(held_out_window())
    return model


def held_out_window(shift: int = 4) -> Window:
    """Return the checkerboard with one more black cell a user held out, to learn fusions from."""
    user, item = (axis.ravel() for axis in np.indices((10, 10)))
    black = ((user + item) % 2 == 0) & (user != item)
    late = black & (item == (user + shift) % 10)
    events = Interactions(
        user=user, item=item, value=np.full(100, 5.0), time=86_400 * (user + item),
        users=pd.Index([f"user {u}" for u in range(11)]),
        items=pd.Index([f"item {i}" for i in range(11)]),
    )  # fmt: skip
    known, held_out = events.select(black & ~late), events.select(late)
    return Window(
        known=known,
        held_out=held_out,
        relevant=sparse.csr_array(held_out.matrix("binary")),
        candidates=np.arange(11) < 10,
        exclude=known.matrix("binary"),
    )
