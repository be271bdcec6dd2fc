"""Every public model, with the parameters that the contract suite runs it with."""

from recbook.models import (
    GlobalMean,
    ItemNeighbours,
    PersonalFrequency,
    Popularity,
    Random,
    RandomRating,
    RatingNeighbours,
    UserItemBias,
    UserNeighbours,
)

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
]
# A model, and whether it is able to tell for each user what she likes.
PREDICTORS = [
    (RandomRating(rng=3), False),
    (GlobalMean(), False),
    (UserItemBias(), False),
    (UserItemBias(0, 0, n_rounds=3), False),
    (RatingNeighbours(k=4), True),
    (RatingNeighbours("item", k=4), True),
    (RatingNeighbours("user", "msd", k=3, centred=True), True),
    (RatingNeighbours("item", "msd", k=3, min_k=2, shrinkage=5), True),
    (RatingNeighbours("user", "pearson", centred=True, min_support=3), True),
    (RatingNeighbours("item", "pearson", shrinkage=2), True),
    (RatingNeighbours("user", "adjusted cosine"), True),
    (RatingNeighbours("item", "adjusted cosine", centred=True, scale=(0, 10)), True),
]
