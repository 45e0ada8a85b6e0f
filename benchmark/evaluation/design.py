"""What a comparison of two methods could have seen, and what it would take to see more.

The variance of a mean difference over S seeds, on n test images, is

    (images + both / S) * (present images / n) + seeds / S

with the components below. A difference is called where its two-sided p is below `alpha` (`chance`). The smallest true one that
is called with a probability of 80 % lies the quantile of half of `alpha` and that of 20 % above 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.evaluation.chance import ALPHA, Chance
from benchmark.evaluation.placements import shared_and_own

POWER = 0.8
WANTED = 0.01
"""The difference of which it is told how many seeds or test images it takes."""
MOST = 10**9
"""Seeds or images: beyond, it counts as out of reach."""


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

    def detectable(seeds: float | None = None, times_images: float = 1.0) -> float:
        return _detectable(pooled([part.chance(seeds, times_images) for part in tasks]), alpha)

    present = sum(part.present_images for part in tasks)
    seeds = _least(lambda count: detectable(seeds=count), 2)
    images = _least(lambda count: detectable(times_images=count / present), 1)
    return Design(detectable(), seeds, images)


def pooled(tasks: Sequence[Chance]) -> Chance:
    """Of the mean over independent tasks, equal weights."""
    weight = 1 / len(tasks) ** 2
    parts = [(weight * part.seeds, part.freedom) for part in tasks]
    return Chance.of(weight * sum(part.images for part in tasks), parts)


def _detectable(chance: Chance, alpha: float) -> float:
    return chance.se * (chance.quantile(alpha / 2) + chance.quantile(1 - POWER))


def _least(detectable: Callable[[float], float], start: int) -> float:
    """The smallest whole number, from `start` on, at which `WANTED` is detectable; infinity where `MOST` is too few."""
    high = start
    while not detectable(high) <= WANTED:
        high *= 2
        if high > MOST:
            return math.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if detectable(middle) <= WANTED else (middle, high)
    return max(high, start)
