"""How far an AUROC, or the difference of two, can be trusted: other test images, other seeds.

Two sources of chance are told apart. *Images*: another test set of the same size would have given another figure; by
DeLong's method, DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988), with the ranks of Sun, Xu, IEEE Signal Processing
Letters 21 (2014). *Seeds*: another initialisation and data order would have given another network; by the spread
over the seeds that were run. Multi-label figures are means over the labels, whose images are drawn together.

Shapes: `labels` (n, L) with 0 and 1; `scores` (n, L) of one run; `stack` (S, n, L) of S seeds on the same images. Higher
scores where label 1 is likelier; only their order counts. Intervals are of 95 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import scipy

from benchmark.evaluation.resampling import aurocs_of, mean_of_drawn
from benchmark.runs.scores import has_both_classes

CONFIDENCE = 0.95
ALPHA = round(1 - CONFIDENCE, 9)
"""A p-value below this is called more than chance; rounded, or it would be a little above 0.05."""
RESAMPLES = 2000
ASSUMED_SEED_SD, FEW_SEEDS = 0.02, 5
"""Standard deviation over seeds that a test AUROC is taken to have at least, where fewer seeds than this were run: one
shows none, and two or three may lie close together by chance."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; NaN where it is undefined, as an AUROC is where a label has one class only."""

    value: float
    low: float
    high: float
    se: float


@dataclass(frozen=True, eq=False)
class Placements:
    """All that the intervals of a recipe, and of its difference to another, take from its scores."""

    aurocs: np.ndarray
    """Of each seed, (S,)."""
    influence: np.ndarray
    """By how much each image moves their mean, (n,); the squares sum to its variance over other images."""


@dataclass(frozen=True)
class OverSeeds:
    """The AUROC of a recipe, from all of its seeds."""

    mean: float
    sd: float | None
    """Sample standard deviation (S - 1) over seeds; None for one seed."""
    seeds: int
    images: Estimate
    """For these trained networks on other images."""
    both: Estimate
    """For other seeds on other images; the spread of few seeds is `ASSUMED_SEED_SD` at least."""


@dataclass(frozen=True)
class Difference:
    """AUROC of a - AUROC of b, both means over their seeds, on the same images."""

    value: float
    low: float
    high: float
    p: float
    """Of no difference between the recipes: other seeds on other images; as `low` and `high`."""
    p_images: float
    """Of no difference between these trained networks: DeLong's paired test."""
    boot_low: float
    boot_high: float
    """Paired percentile bootstrap over images, and over seeds where there are several; NaN without resamples."""
    seeds: tuple[int, int]


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


# ------------------------------------------------------------------------------------------------ one recipe


def delong(labels: np.ndarray, scores: np.ndarray) -> Estimate:
    """AUROC of one run, mean over labels; the interval is of images."""
    return over_seeds(labels, scores[None]).images


def bootstrap(labels: np.ndarray, scores: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """AUROC of one run, mean over labels, with a percentile interval over resampled images.

    One label: as many images of each class as there are, so that none is ever without one. Several: whole images, and
    a label that has one class only in a resample does not count in it.
    """
    value = float(placements(labels, scores[None]).aurocs.mean())
    drawn = aurocs_of(labels, scores[None], resamples, np.random.default_rng(seed))[0]
    low, high = _percentiles(drawn)
    return Estimate(value, low, high, float(np.std(drawn, ddof=1)))


def over_seeds(labels: np.ndarray, stack: np.ndarray) -> OverSeeds:
    """Mean AUROC over seeds, with an interval of images and one of images and seeds (t, Satterthwaite)."""
    return summary(placements(labels, stack))


def summary(placed: Placements) -> OverSeeds:
    """As `over_seeds`."""
    mean, by_image, sd, seeds = float(placed.aurocs.mean()), _se(placed.influence), _sd(placed), len(placed.aurocs)
    # Near 0 and 1 there is no room for the assumed spread: in log odds it is held to 1.
    both = _combine(by_image, [(sd, seeds)], min(ASSUMED_SEED_SD, mean * (1 - mean)))
    return OverSeeds(mean, sd, seeds, _auroc(mean, by_image), _auroc(mean, *both))


def ensemble(stack: np.ndarray) -> np.ndarray:
    """Mean of the scores over seeds, (n, L)."""
    mean: np.ndarray = stack.mean(axis=0, dtype=np.float64)
    return mean


# ------------------------------------------------------------------------------------------- several recipes


def difference(
    labels: np.ndarray, a: np.ndarray, b: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Compare two recipes' stacks (Sa, n, L) and (Sb, n, L) on the same images; see `Difference`."""
    rng = np.random.default_rng(seed)
    drawn = aurocs_of(labels, np.concatenate([a, b]), resamples, rng)
    boot_low, boot_high = _percentiles(mean_of_drawn(drawn[: len(a)], rng) - mean_of_drawn(drawn[len(a) :], rng))
    return replace(paired(placements(labels, a), placements(labels, b)), boot_low=boot_low, boot_high=boot_high)


def paired(a: Placements, b: Placements) -> Difference:
    """As `difference`, without the bootstrap."""
    value, by_image = float(a.aurocs.mean() - b.aurocs.mean()), _se(a.influence - b.influence)
    seeds = len(a.aurocs), len(b.aurocs)
    both = _combine(by_image, [(_sd(a), seeds[0]), (_sd(b), seeds[1])])
    nothing = float("nan")
    return Difference(value, *_interval(value, *both), _p(value, *both), _p(value, by_image), nothing, nothing, seeds)


def holm(p: Sequence[float]) -> list[float]:
    """P-values corrected for their number: Holm, Scandinavian Journal of Statistics 6 (1979). NaN does not count."""
    values = np.asarray(p, dtype=float)
    adjusted = np.full_like(values, np.nan)
    order = np.argsort(values)[: np.isfinite(values).sum()]  # NaN sorts last
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return [float(value) for value in adjusted]


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


def _ranks_alike(figures: np.ndarray, test: RankTest) -> float:
    recipes, tasks = figures.shape
    if recipes < 2 or tasks < 2 or not np.ptp(figures, axis=0).any():
        return float("nan")
    if test is RankTest.SIGN:
        signs = np.sign(figures[0] - figures[1])
        return float(scipy.stats.binomtest(int((signs > 0).sum()), int((signs != 0).sum())).pvalue)
    return float(scipy.stats.friedmanchisquare(*figures).pvalue)


# ---------------------------------------------------------------------------------------------- DeLong


def placements(labels: np.ndarray, stack: np.ndarray) -> Placements:
    """DeLong's placements, means over labels.

    His variance S10/m + S01/n is the sum over the images of a class of (placement - AUROC)² / (m (m - 1)); kept by
    image, it serves paired differences and means as well. NaN where a label has one class only.
    """
    seeds, images, width = stack.shape
    aurocs, influence = np.zeros(seeds), np.zeros(images)
    for column in range(width):
        if not has_both_classes(labels[:, column]):
            return Placements(np.full(seeds, np.nan), np.full(images, np.nan))
        positive = labels[:, column] == 1
        m, n = int(positive.sum()), int((~positive).sum())
        for seed in range(seeds):
            scores = stack[seed, :, column]
            ranks = scipy.stats.rankdata(scores)
            # The share of negatives below, ties half.
            below = (ranks[positive] - scipy.stats.rankdata(scores[positive])) / n
            above = 1 - (ranks[~positive] - scipy.stats.rankdata(scores[~positive])) / m
            auroc = below.mean()
            aurocs[seed] += auroc / width
            for chosen, shares, count in ((positive, below, m), (~positive, above, n)):
                scale = np.sqrt(count * (count - 1)) if count > 1 else np.nan  # one image shows no spread
                influence[chosen] += (shares - auroc) / scale / width / seeds
    return Placements(aurocs, influence)


def _sd(placed: Placements) -> float | None:
    return float(np.std(placed.aurocs, ddof=1)) if len(placed.aurocs) > 1 else None


def _se(influence: np.ndarray) -> float:
    return float(np.sqrt(np.sum(influence**2)))


def _combine(
    by_image: float, spreads: Sequence[tuple[float | None, int]], assumed: float = ASSUMED_SEED_SD
) -> tuple[float, float]:
    """Standard error of images and seeds, and its degrees of freedom (Satterthwaite, Biometrics Bulletin 2 (1946)).

    The image part has so many that it counts as known, an assumed spread too; one measured over S seeds has S - 1.
    """
    parts = [
        (sd**2 / count, freedom) for measured, count in spreads for sd, freedom in [spread(measured, count, assumed)]
    ]
    variance = by_image**2 + sum(part for part, _ in parts)
    doubt = sum(part**2 / freedom for part, freedom in parts)
    return float(np.sqrt(variance)), variance**2 / doubt if doubt > 0 else np.inf


def spread(sd: float | None, seeds: int, assumed: float = ASSUMED_SEED_SD) -> tuple[float, float]:
    """The standard deviation over seeds to reckon with, and its degrees of freedom; see `FEW_SEEDS`."""
    if seeds < FEW_SEEDS and (sd is None or sd < assumed):
        return assumed, np.inf
    assert sd is not None
    return sd, seeds - 1


def _interval(value: float, se: float, freedom: float = np.inf) -> tuple[float, float]:
    half = se * float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    return value - half, value + half


def _auroc(value: float, se: float, freedom: float = np.inf) -> Estimate:
    """With an interval that is symmetric in the AUROC's log odds (Pepe 2003, section 5.2.4).

    On 156 images, the plain value ± 1.96 standard errors holds an AUROC of 0.95 in nine draws of ten only. No width can be
    told where the order is perfect.
    """
    if not 1e-12 < value < 1 - 1e-12:  # a mean over labels may miss 1 by its rounding
        return Estimate(value, value, value, se)
    odds = np.log(value / (1 - value))
    low, high = (1 / (1 + np.exp(-np.array(_interval(odds, se / (value * (1 - value)), freedom))))).tolist()
    return Estimate(value, low, high, se)


def _p(value: float, se: float, freedom: float = np.inf) -> float:
    """Two-sided, of a true value of 0."""
    if se == 0:  # the same order of all images: no evidence of anything
        return 1.0 if value == 0 else 0.0
    return float(2 * scipy.stats.t.sf(abs(value) / se, freedom))


def _percentiles(drawn: np.ndarray) -> tuple[float, float]:
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.percentile(drawn, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return float(low), float(high)
