"""LinUCB: a bandit that looks at who is asking."""

from __future__ import annotations

from typing import Any

import numpy as np

from recbook.models.bandits import Bandit
from recbook.models.base import check_at_least


class LinUCB(Bandit):
    """UCB for visitors of whom something is known: a ridge regression for each arm.

    With x the visitor's features, A_a = λI + Σ x xᵀ and b_a = Σ r x over the turns of arm a, it
    takes argmax_a  θ_aᵀx + α √(xᵀ A_a⁻¹ x), θ_a = A_a⁻¹ b_a. If the mean reward is linear in x,
    a variant for which it can be proven has a regret of O(√(T d ln³(KT ln T / δ))) with chance
    1 − δ, against the best arm for each visitor (d features, K arms).

    Parameters
    ----------
    n_arms, n_features : int
    alpha : float
        How many standard deviations of optimism.
    regularization : float
        λ, above 0.
    **games
        `n_runs` and `rng`, see `Bandit`.

    Attributes
    ----------
    inverse_ : float64 array (self.n_runs, n_arms, n_features, n_features)
        A⁻¹, kept up to date by Sherman and Morrison's formula.
    weights_ : float64 array (self.n_runs, n_arms, n_features)
        θ.

    References
    ----------
    Li, Chu, Langford, Schapire: A contextual-bandit approach to personalized news article
    recommendation. WWW 2010. The bound: Chu, Li, Reyzin, Schapire: Contextual bandits with linear
    payoff functions. AISTATS 2011.

    Examples
    --------
    >>> policy = LinUCB(2, 2, alpha=0)
    >>> policy.update([1], [1], [[1, 0]])
    >>> policy.weights_[0, 1]  # (1 + 1)⁻¹ · 1
    array([0.5, 0. ])
    """

    def __init__(
        self,
        n_arms: int,
        n_features: int,
        *,
        alpha: float = 1.0,
        regularization: float = 1.0,
        **games: Any,
    ) -> None:
        super().__init__(n_arms, **games)
        check_at_least("n_features", n_features, 1)
        check_at_least("alpha", alpha, 0)
        if not regularization > 0:
            raise ValueError(f"regularization must be above 0, got {regularization!r}")
        self.n_features, self.alpha, self.regularization = n_features, alpha, regularization
        start = np.eye(n_features) / regularization
        self.inverse_ = np.tile(start, (self.n_runs, n_arms, 1, 1))
        self.weights_ = np.zeros((self.n_runs, n_arms, n_features))
        self._sums = np.zeros((self.n_runs, n_arms, n_features))

    def update(
        self, arms: np.ndarray, rewards: np.ndarray, contexts: np.ndarray | None = None
    ) -> None:
        x = self._checked(contexts)
        super().update(arms, rewards, contexts)
        at = self._runs, np.asarray(arms)
        gain = (self.inverse_[at] @ x[:, :, None])[:, :, 0]
        grown = 1 + (gain * x).sum(axis=1)
        self.inverse_[at] -= gain[:, :, None] * (gain / grown[:, None])[:, None, :]
        self._sums[at] += np.asarray(rewards, dtype=float)[:, None] * x
        self.weights_[at] = (self.inverse_[at] @ self._sums[at][:, :, None])[:, :, 0]

    def _indices(self, contexts: np.ndarray | None) -> np.ndarray:
        x = self._checked(contexts)[:, None, :, None]
        mean = (self.weights_[:, :, None, :] @ x)[:, :, 0, 0]
        variance = (np.swapaxes(x, 2, 3) @ (self.inverse_ @ x))[:, :, 0, 0]
        return mean + self.alpha * np.sqrt(np.maximum(variance, 0))

    def _checked(self, contexts: np.ndarray | None) -> np.ndarray:
        x = None if contexts is None else np.asarray(contexts, dtype=float)
        if x is None or x.shape != (self.n_runs, self.n_features):
            raise ValueError(
                f"LinUCB needs a row of {self.n_features} features for each of the {self.n_runs} "
                f"games, got {'none' if x is None else x.shape}"
            )
        return x
