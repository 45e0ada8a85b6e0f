"""What a comparison of two methods could have seen, and what it would take to see more.

The variance of a mean difference over S seeds, on n test images, is

    (images + both / S) * (present images / n) + seeds / S

with the components below. A difference is called where its two-sided p is below `alpha` (`chance`), and that p goes by the spread
which the seeds happen to show. So how often a true difference is called is a mean over the spreads that they could show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import optimize, special, stats

from benchmark.evaluation.chance import ALPHA, Chance, quantiles
from benchmark.evaluation.placements import shared_and_own

POWER = 0.8
WANTED = 0.01
"""The difference of which it is told how many seeds or test images it takes."""
MOST = 10**9
"""Seeds or images: beyond, it counts as out of reach."""
DRAWS = 1024
"""Of the spreads that the seeds could show, by Sobol's sequence: the probability is known to a hundredth."""


@dataclass(frozen=True)
class Components:
    """Where the variance of a difference comes from, of one seed on the present test images."""

    images: float
    """What other images change for every seed alike."""
    seeds: float
    """What another seed changes on all images that there are."""
    both: float
    """What other images change for one seed and not for another."""
    present_seeds: int
    present_images: int

    @staticmethod
    def of(covariance: np.ndarray, values: np.ndarray, images: int) -> Components:
        """From the covariance (S, S) of the seeds' figures over other images, and the figures (S,); two seeds or more.

        The figures' own spread is that of seeds plus `both`; where it is less than `both` alone, by chance, it is all `both`,
        and the rest counts as the images'.
        """
        shared, own = shared_and_own(covariance)
        spread = float(np.var(values, ddof=1))
        both = min(own, spread)
        return Components(shared + (own - both) / len(values), spread - both, both, len(values), images)

    def chance(self, seeds: float | None = None, times_images: float = 1.0) -> Chance:
        """Of the mean difference, with as many seeds (the present ones if not given) and times the present images."""
        count = self.present_seeds if seeds is None else seeds
        by_seed = (self.seeds + self.both / times_images) / count
        return Chance(self.images / times_images, by_seed, count - 1)


@dataclass(frozen=True)
class Design:
    """Of one task, or of the mean over several."""

    detectable: float
    """The smallest true difference that would be called with a probability of `POWER`, at least where tests are corrected."""
    seeds_needed: float
    """Of each method and task, for `WANTED` on the present images; infinity where the images alone vary too much."""
    images_needed: float
    """Test images of all tasks together, in their present shares, for `WANTED` with the present seeds; or infinity."""


def design(tasks: Sequence[Components], alpha: float = ALPHA) -> Design:
    """Of the mean difference over tasks, equal weights.

    Args:
        alpha: below which a p calls the difference; of one among m tests that are corrected together, an m-th of 0.05, which
            the smallest p of them has to be below (Holm), and any other at most.
    """

    def chances(seeds: float | None = None, times_images: float = 1.0) -> list[Chance]:
        return [part.chance(seeds, times_images) for part in tasks]

    def is_enough(chances: Sequence[Chance]) -> bool:
        return power(chances, WANTED, alpha) >= POWER

    present = sum(part.present_images for part in tasks)
    seeds = _least(lambda count: is_enough(chances(seeds=count)), 2)
    images = _least(lambda count: is_enough(chances(times_images=count / present)), 1)
    return Design(detectable(chances(), alpha), seeds, images)


def pooled(tasks: Sequence[Chance]) -> Chance:
    """Of the mean over independent tasks, equal weights."""
    weight = 1 / len(tasks) ** 2
    parts = [(weight * part.seeds, part.freedom) for part in tasks]
    return Chance.of(weight * sum(part.images for part in tasks), parts)


def power(tasks: Sequence[Chance], difference: float, alpha: float = ALPHA) -> float:
    """How often a true difference above 0, of the mean over tasks, is called: with these variances as the true ones."""
    return _called(difference, _limits(tasks, alpha), pooled(tasks).se)


def detectable(tasks: Sequence[Chance], alpha: float = ALPHA) -> float:
    """The true difference that is called with a probability of `POWER`."""
    limits, se = _limits(tasks, alpha), pooled(tasks).se
    return float(optimize.brentq(lambda true: _called(true, limits, se) - POWER, 0, limits.max() + 2 * se))


def _called(true: float, limits: np.ndarray, se: float) -> float:
    """How often an estimate about the true difference lies above its limit."""
    return float(special.ndtr((true - limits) / se).mean())


def _limits(tasks: Sequence[Chance], alpha: float) -> np.ndarray:
    """Above which an estimate is called, (DRAWS,): over the spreads that the seeds could show, each of a chi-squared
    distribution about the true one."""
    true = pooled(tasks)
    if true.seeds == 0:
        return np.array([true.se * true.quantile(alpha / 2)])
    varying = [task for task in tasks if task.seeds > 0]
    freedom = np.array([task.freedom for task in varying])
    shares = _evenly_drawn(len(varying))
    ratios = 2 * special.gammaincinv(freedom / 2, shares) / freedom
    shown = ratios * np.array([task.seeds for task in varying]) / len(tasks) ** 2
    seeds = shown.sum(axis=1)
    found: np.ndarray = np.sqrt(true.images + seeds) * quantiles(
        true.images, seeds, seeds**2 / (shown**2 / freedom).sum(axis=1), alpha / 2
    )
    return found


@cache
def _evenly_drawn(dimensions: int) -> np.ndarray:
    """Between 0 and 1, (DRAWS, dimensions)."""
    drawn: np.ndarray = stats.qmc.Sobol(dimensions, rng=np.random.default_rng(0)).random(DRAWS)
    return drawn


def _least(is_enough: Callable[[int], bool], start: int) -> float:
    """The smallest whole number, from `start` on, that is enough; infinity where `MOST` is not."""
    if not is_enough(MOST):
        return math.inf
    high = start
    while not is_enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return max(high, start)
