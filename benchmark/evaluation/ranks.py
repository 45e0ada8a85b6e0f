"""Recipes over tasks by their ranks, and whether they may all rank alike."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import scipy

MOST_RECIPES, MOST_TASKS = 5, 8
"""Up to here Friedman's test is exact; it takes a second at most."""


class RankTest(StrEnum):
    """Asks whether all rank alike."""

    SIGN = "sign test"
    """Of two."""
    FRIEDMAN = "Friedman's test"


@dataclass(frozen=True)
class Ranking:
    """Recipes over tasks."""

    ranks: Mapping[str, float]
    """Mean rank, 1 is best."""
    tasks: int
    p: float
    """Of all ranking alike; NaN for fewer than two tasks or recipes."""
    test: RankTest


def ranking(table: Mapping[str, Mapping[str, float]]) -> Ranking:
    """Mean ranks of recipes (keys) over the tasks (inner keys) that all of them have a figure for."""
    shared = set.intersection(*(set(row) for row in table.values())) if table else set()
    tasks = sorted(task for task in shared if all(np.isfinite(row[task]) for row in table.values()))
    test = RankTest.SIGN if len(table) == 2 else RankTest.FRIEDMAN
    if not tasks:
        return Ranking({}, 0, float("nan"), test)
    figures = np.array([[row[task] for task in tasks] for row in table.values()])
    ranks = scipy.stats.rankdata(-figures, axis=0)
    means = {name: float(mean) for name, mean in zip(table, ranks.mean(axis=1), strict=True)}
    return Ranking(means, len(tasks), _ranks_alike(figures, test), test)


def friedman(figures: np.ndarray) -> float:
    """P-value of Friedman's test, (recipes, tasks): exact in small tables, by chi² in others.

    By chi², three recipes on four tasks that rank by chance are called different in 7 of 100. The exact distribution is
    that of all orders of each task's ranks, ties as they are: Friedman, JASA 32 (1937).
    """
    recipes, tasks = figures.shape
    if recipes > MOST_RECIPES or tasks > MOST_TASKS:
        return float(scipy.stats.friedmanchisquare(*figures).pvalue)
    ranks = np.rint(2 * scipy.stats.rankdata(figures, axis=0)).astype(int)  # twice, so that ties stay whole
    # Sums of ranks over the tasks, sorted: all orders of one multiset of sums are as likely as each other.
    ways: Counter[tuple[int, ...]] = Counter({(0,) * recipes: 1})
    for task in range(tasks):
        orders = Counter(itertools.permutations(ranks[:, task].tolist()))
        further: Counter[tuple[int, ...]] = Counter()
        for (sums, many), (order, times) in itertools.product(ways.items(), orders.items()):
            further[tuple(sorted(a + b for a, b in zip(sums, order, strict=True)))] += many * times
        ways = further
    found = _unevenness(ranks.sum(axis=1).tolist())
    return sum(many for sums, many in ways.items() if _unevenness(sums) >= found) / sum(ways.values())


def _unevenness(sums: tuple[int, ...] | list[int]) -> int:
    """Friedman's statistic but for what all orders share."""
    return sum(value**2 for value in sums)


def _ranks_alike(figures: np.ndarray, test: RankTest) -> float:
    recipes, tasks = figures.shape
    if recipes < 2 or tasks < 2 or not np.ptp(figures, axis=0).any():
        return float("nan")
    if test is RankTest.SIGN:
        signs = np.sign(figures[0] - figures[1])
        return float(scipy.stats.binomtest(int((signs > 0).sum()), int((signs != 0).sum())).pvalue)
    return friedman(figures)
