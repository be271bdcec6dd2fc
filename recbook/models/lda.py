"""Latent Dirichlet allocation: histories as documents, made of topics."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from recbook.data.interactions import Interactions
from recbook.models.base import Recommender, check_at_least
from recbook.models.list_inputs import block_scores, check_input, has_events, input_matrix


class LDA(Recommender):
    """Scores an item by its probability in the user's mixture of topics.

    Each user draws a mixture of topics, θ_u ~ Dirichlet(α); each topic is a distribution over the
    items, φ_k ~ Dirichlet(η); and each event of u draws a topic from θ_u and an item from its φ.
    Fitted by online variational Bayes (scikit-learn), score(u, i) = sum over k of θ_uk φ_ki.

    Parameters
    ----------
    n_topics : int
    doc_topic_prior, topic_item_prior : float, optional
        α and η, of each component, at most 1; 1 / n_topics where None.
    values, half_life_days, half_life_events, damping
        What is counted, see `recbook.models.list_inputs.input_matrix`; fractions are allowed.
    n_passes : int
        Passes over all histories.
    rng : int or numpy.random.Generator
        Seed of the first guess of the topics; a Generator gives a new seed at every `fit`.

    Attributes
    ----------
    topic_items_ : float64 array (n_topics, n_items)
        φ: rows sum to 1; 0 for items without events.
    user_topics_ : float64 array (n_users, n_topics)
        θ: rows sum to 1; the mean of all where a user has no events.
    known_ : bool array (n_items,)
        Which items have any event; the others score lowest.

    Notes
    -----
    Memory: fit at most ``60 * n_topics * (n_users + n_items) + 45 * n_events + 1e6`` bytes, score
    at most ``4 * n_rows * n_items + 2700 * n_items + 2e6`` bytes.

    References
    ----------
    Blei, Ng, Jordan: Latent Dirichlet allocation. JMLR 3, 2003.
    Hoffman, Blei, Bach: Online learning for latent Dirichlet allocation. NIPS 2010.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": list("abcda")})
    >>> LDA(2).fit(Interactions.from_frame(frame)).recommend([2], 2)
    array([[0, 1]], dtype=int32)
    """

    def __init__(
        self,
        n_topics: int = 20,
        *,
        doc_topic_prior: float | None = None,
        topic_item_prior: float | None = None,
        values: str = "count",
        half_life_days: float | None = None,
        half_life_events: float | None = None,
        damping: str | None = None,
        n_passes: int = 5,
        rng: int | np.random.Generator = 0,
    ) -> None:
        check_at_least("n_topics", n_topics, 1)
        check_at_least("n_passes", n_passes, 1)
        for name, prior in (
            ("doc_topic_prior", doc_topic_prior), ("topic_item_prior", topic_item_prior),
        ):  # fmt: skip
            if prior is not None and not 0 < prior <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, or None, got {prior!r}")
        check_input(values, half_life_days, half_life_events, damping)
        self.n_topics = n_topics
        self.doc_topic_prior = doc_topic_prior
        self.topic_item_prior = topic_item_prior
        self.values = values
        self.half_life_days = half_life_days
        self.half_life_events = half_life_events
        self.damping = damping
        self.n_passes = n_passes
        self.rng = rng

    def fit(self, interactions: Interactions) -> Self:
        """Find the topics, and everybody's mixture of them."""
        from sklearn.decomposition import LatentDirichletAllocation

        seed = int(np.random.default_rng(self.rng).integers(2**31))
        cells = input_matrix(
            interactions,
            self.values,
            half_life_days=self.half_life_days,
            half_life_events=self.half_life_events,
            damping=self.damping,
        )
        users = np.flatnonzero(np.diff(cells.indptr))
        self.known_ = has_events(cells)
        self.topic_items_ = np.zeros((self.n_topics, cells.shape[1]))
        self.user_topics_ = np.full((cells.shape[0], self.n_topics), 1 / self.n_topics)
        self.interactions_ = interactions
        if not len(users):
            return self
        documents = sparse.csr_matrix(cells[users][:, self.known_])
        model = LatentDirichletAllocation(
            self.n_topics,
            doc_topic_prior=self.doc_topic_prior,
            topic_word_prior=self.topic_item_prior,
            learning_method="online",
            max_iter=self.n_passes,
            max_doc_update_iter=20,
            random_state=seed,
        )
        mixtures = model.fit_transform(documents)
        words = model.components_ / model.components_.sum(axis=1, keepdims=True)
        self.topic_items_[:, self.known_] = words
        self.user_topics_[:] = mixtures.mean(axis=0)
        self.user_topics_[users] = mixtures
        return self

    def score(self, users: np.ndarray | None = None) -> np.ndarray:
        """Return p(item | user) as float32 (len(users), n_items)."""
        rows = self._rows(users)

        def product(start: int, stop: int) -> np.ndarray:
            return self.user_topics_[start:stop] @ self.topic_items_

        return block_scores(product, rows, len(self.known_), self.known_)
