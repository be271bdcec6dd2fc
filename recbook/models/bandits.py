"""Bandits: choose among arms of unknown reward, and learn from what was chosen.

Every policy plays many independent games (`n_runs`) at a time, so that a regret curve with its
spread costs little more than one game. A turn is `arms = policy.choose(contexts)`, then
`policy.update(arms, rewards, contexts)`. Rewards lie between 0 and 1. The regret of a game of T
turns is Σ_t (μ* − μ_{a_t}), with μ_a the mean reward of arm a, μ* the largest of them, and
Δ_a = μ* − μ_a.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from recbook.models.base import check_at_least


class Bandit(ABC):
    """What the policies share: counts of what was chosen and earned, and ties broken at random.

    Parameters
    ----------
    n_arms : int
    n_runs : int
        Independent games played side by side.
    rng : int or numpy.random.Generator

    Attributes
    ----------
    pulls_ : int64 array (n_runs, n_arms)
        How often each arm was chosen and its reward told.
    rewards_ : float64 array (n_runs, n_arms)
        Sum of the rewards.
    """

    def __init__(
        self, n_arms: int, *, n_runs: int = 1, rng: int | np.random.Generator | None = 0
    ) -> None:
        check_at_least("n_arms", n_arms, 1)
        check_at_least("n_runs", n_runs, 1)
        self.n_arms, self.n_runs = n_arms, n_runs
        self._rng = np.random.default_rng(rng)
        self.pulls_ = np.zeros((n_runs, n_arms), dtype=np.int64)
        self.rewards_ = np.zeros((n_runs, n_arms))
        self._runs = np.arange(n_runs)

    @property
    def means(self) -> np.ndarray:
        """Mean reward of each arm so far, float64 (n_runs, n_arms); infinite if never chosen."""
        means = np.full(self.pulls_.shape, np.inf)
        return np.divide(self.rewards_, self.pulls_, out=means, where=self.pulls_ > 0)

    def choose(self, contexts: np.ndarray | None = None) -> np.ndarray:
        """Return an arm for each game, int64 (n_runs,).

        Parameters
        ----------
        contexts : float array (n_runs, n_features), optional
            What is known of each game's visitor; see `recbook.models.linear_bandit.LinUCB`.
        """
        return self._best(self._indices(contexts))

    def update(
        self, arms: np.ndarray, rewards: np.ndarray, contexts: np.ndarray | None = None
    ) -> None:
        """Tell what each game's arm earned.

        Raises
        ------
        ValueError
            If there is not one arm and one reward, between 0 and 1, for each game.
        """
        arms, rewards = np.asarray(arms), np.asarray(rewards, dtype=float)
        if arms.shape != (self.n_runs,) or rewards.shape != (self.n_runs,):
            raise ValueError(
                f"update needs one arm and one reward for each of the {self.n_runs} games, got "
                f"the shapes {arms.shape} and {rewards.shape}"
            )
        if arms.min() < 0 or arms.max() >= self.n_arms:
            raise ValueError(f"arms must lie between 0 and {self.n_arms - 1}")
        if not ((rewards >= 0) & (rewards <= 1)).all():
            raise ValueError("rewards must lie between 0 and 1; scale them first")
        self.pulls_[self._runs, arms] += 1
        self.rewards_[self._runs, arms] += rewards

    @abstractmethod
    def _indices(self, contexts: np.ndarray | None) -> np.ndarray:
        """Return what the next choice maximises, (n_runs, n_arms)."""

    def _best(self, indices: np.ndarray) -> np.ndarray:
        top = indices == indices.max(axis=1, keepdims=True)
        return np.argmax(top * self._rng.random(top.shape), axis=1)


class EpsilonGreedy(Bandit):
    """With chance ε any arm, else the one with the highest mean so far.

    Arms that were never chosen come first. With a constant ε the regret grows without end, by
    about ε · mean of Δ a turn; with ε = 0 (greedy) it may grow faster still, for a good arm that
    begins badly is never chosen again. With ε_t = min(1, cK / (d²t)), 0 < d ≤ min Δ_a > 0 and a
    c that is large enough, it is O(ln T). Turns are counted when they are told to `update`, so
    that ε_t stands still while clicks are late.

    Parameters
    ----------
    epsilon : float, or callable (turn, from 1) -> float
    **games
        `n_runs` and `rng`, see `Bandit`.

    References
    ----------
    Auer, Cesa-Bianchi, Fischer: Finite-time analysis of the multiarmed bandit problem. Machine
    Learning 47, 2002.

    Examples
    --------
    >>> policy = EpsilonGreedy(2, 0.0)
    >>> policy.update([0], [1]); policy.update([1], [0])
    >>> policy.choose()
    array([0])
    """

    def __init__(
        self, n_arms: int, epsilon: float | Callable[[int], float] = 0.1, **games: Any
    ) -> None:
        super().__init__(n_arms, **games)
        if not callable(epsilon) and not 0 <= epsilon <= 1:
            raise ValueError(f"epsilon must lie between 0 and 1, got {epsilon!r}")
        self.epsilon = epsilon

    def choose(self, contexts: np.ndarray | None = None) -> np.ndarray:
        turn = int(self.pulls_[0].sum()) + 1
        epsilon = self.epsilon(turn) if callable(self.epsilon) else self.epsilon
        any_arm = self._rng.integers(self.n_arms, size=self.n_runs)
        explore = self._rng.random(self.n_runs) < epsilon
        return np.where(explore, any_arm, super().choose(contexts))

    def _indices(self, contexts: np.ndarray | None) -> np.ndarray:
        return self.means


class UCB1(Bandit):
    """The arm whose mean could be highest: optimism in the face of uncertainty.

    Chooses argmax_a  mean_a + √(width · ln t / n_a), after each arm was chosen once. By
    Hoeffding's inequality, at width 2 and for a given n_a, the sum falls below μ_a with chance at
    most t⁻⁴. Then

        E[regret] ≤ 8 Σ_{Δ_a > 0} ln T / Δ_a + (1 + π²/3) Σ_a Δ_a.

    Parameters
    ----------
    width : float
        2 in the paper; smaller values explore less, and have no such promise.
    **games
        `n_runs` and `rng`, see `Bandit`.

    References
    ----------
    Auer, Cesa-Bianchi, Fischer: Finite-time analysis of the multiarmed bandit problem. Machine
    Learning 47, 2002.

    Examples
    --------
    >>> policy = UCB1(2)
    >>> policy.update([0], [1]); policy.update([1], [0]); policy.update([0], [0])
    >>> policy.choose()  # 1/2 + √(2 ln 4 / 2) against 0 + √(2 ln 4)
    array([0])
    """

    def __init__(self, n_arms: int, width: float = 2.0, **games: Any) -> None:
        super().__init__(n_arms, **games)
        check_at_least("width", width, 0)
        self.width = width

    def _indices(self, contexts: np.ndarray | None) -> np.ndarray:
        turn = self.pulls_.sum(axis=1, keepdims=True) + 1
        bonus = np.sqrt(self.width * np.log(turn) / np.maximum(self.pulls_, 1))
        return self.means + bonus  # the mean of what was never chosen is infinite


class ThompsonSampling(Bandit):
    """Each arm as often as it is believed to be the best one.

    Rewards are 0 or 1; the belief about arm a after s successes and f failures is
    Beta(α_a + s, β_a + f). Draws a value from each belief and takes the arm of the largest. For
    every ε > 0, with d(p, q) the Kullback-Leibler divergence of two coins,

        E[regret] ≤ (1 + ε) Σ_{Δ_a > 0} Δ_a ln T / d(μ_a, μ*) + O(K / ε²),

    as good as the lower bound of Lai and Robbins allows. (The paper of 2012 had a constant in
    front that was larger; the bound above, for the uniform prior, is the authors' of 2013.)

    Parameters
    ----------
    prior : pair of floats, or float array (n_arms, 2)
        α and β, above 0: for all arms, or each arm's own.
    **games
        `n_runs` and `rng`, see `Bandit`.

    References
    ----------
    Agrawal, Goyal: Analysis of Thompson sampling for the multi-armed bandit problem. COLT 2012.
    Agrawal, Goyal: Further optimal regret bounds for Thompson sampling. AISTATS 2013.

    Examples
    --------
    >>> policy = ThompsonSampling(2)
    >>> policy.update([0], [1])
    >>> policy.belief()[0]  # Beta(1 + 1, 1) and Beta(1, 1)
    array([[2., 1.],
           [1., 1.]])
    """

    def __init__(
        self, n_arms: int, prior: tuple[float, float] | np.ndarray = (1.0, 1.0), **games: Any
    ) -> None:
        super().__init__(n_arms, **games)
        given = np.asarray(prior, dtype=float)
        if given.shape not in ((2,), (n_arms, 2)) or not (given > 0).all():
            raise ValueError(f"prior must be (α, β) above 0, or such a pair for {n_arms} arms")
        self.prior = np.broadcast_to(given, (n_arms, 2))

    def belief(self) -> np.ndarray:
        """Return α and β of each arm's Beta distribution, float64 (n_runs, n_arms, 2)."""
        return self.prior + np.stack([self.rewards_, self.pulls_ - self.rewards_], axis=2)

    def _indices(self, contexts: np.ndarray | None) -> np.ndarray:
        belief = self.belief()
        return self._rng.beta(belief[..., 0], belief[..., 1])
