"""How far an AUROC, or the difference of two, can be trusted: other test images, other seeds.

Two sources of chance are told apart. *Images*: another test set of the same size would have given another figure; by
DeLong's method (`placements`). *Seeds*: another initialisation and data order would have given another network; by the
spread over the seeds that were run (`chance`). Multi-label figures are means over the labels, whose images are drawn together.

Shapes: `labels` (n, L) with 0 and 1; `scores` (n, L) of one run; `stack` (S, n, L) of S seeds on the same images. Higher
scores where label 1 is likelier; only their order counts. Intervals are of 95 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmark.evaluation.chance import ALPHA as ALPHA
from benchmark.evaluation.chance import CONFIDENCE as CONFIDENCE
from benchmark.evaluation.chance import Chance
from benchmark.evaluation.placements import Placements, placements
from benchmark.evaluation.resampling import aurocs_of, mean_of_drawn

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; NaN where it is undefined, as an AUROC is where a label has one class only."""

    value: float
    low: float
    high: float
    se: float


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
    """For other seeds on other images; of one seed, which shows no spread, as `images`."""


@dataclass(frozen=True)
class Difference:
    """AUROC of a - AUROC of b, both means over their seeds, on the same images."""

    value: float
    low: float
    high: float
    p: float
    """Of no difference between the recipes: other seeds on other images, as `low` and `high`. NaN where a side has one
    seed; `low` and `high` are then for these trained networks on other images."""
    p_images: float
    """Of no difference between these trained networks: DeLong's paired test."""
    boot_low: float
    boot_high: float
    """Paired percentile bootstrap over images, and over seeds where there are several; NaN without resamples."""
    seeds: tuple[int, int]


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
    """Mean AUROC over seeds, with an interval of images and one of images and seeds."""
    return summary(placements(labels, stack))


def summary(placed: Placements) -> OverSeeds:
    """As `over_seeds`."""
    mean, images, seeds = float(placed.aurocs.mean()), _variance(placed.influence), len(placed.aurocs)
    both = Chance.of(_shared(images, placed), _spread(placed))
    sd = float(np.std(placed.aurocs, ddof=1)) if seeds > 1 else None
    estimates = (_auroc(mean, chance, placed.pairs) for chance in (Chance(images), both))
    return OverSeeds(mean, sd, seeds, *estimates)


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
    value, seeds = float(a.aurocs.mean() - b.aurocs.mean()), (len(a.aurocs), len(b.aurocs))
    trained = Chance(_variance(a.influence - b.influence))
    both = Chance.of(_shared(trained.images, a, b), [*_spread(a), *_spread(b)]) if min(seeds) > 1 else trained
    p_images = _p(value, trained, a.pairs)
    p, nothing = _p(value, both, a.pairs) if min(seeds) > 1 else float("nan"), float("nan")
    return Difference(value, *_limits(value, both, a, b), p, p_images, nothing, nothing, seeds)


def holm(p: Sequence[float]) -> list[float]:
    """P-values corrected for their number: Holm, Scandinavian Journal of Statistics 6 (1979). NaN does not count."""
    values = np.asarray(p, dtype=float)
    adjusted = np.full_like(values, np.nan)
    order = np.argsort(values)[: np.isfinite(values).sum()]  # NaN sorts last
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return [float(value) for value in adjusted]


# ------------------------------------------------------------------------------------------------- intervals


def _spread(placed: Placements) -> list[tuple[float, float]]:
    """Variance of the mean over other seeds, and its degrees of freedom; nothing of one seed."""
    seeds = len(placed.aurocs)
    return [(float(np.var(placed.aurocs, ddof=1)) / seeds, seeds - 1)] if seeds > 1 else []


def _shared(images: float, *sides: Placements) -> float:
    """Variance of a mean over other images, less what is each seed's own and in the spread over seeds already."""
    twice = (min(side.own / len(side.aurocs), part) for side in sides for part, _ in _spread(side))
    return max(images - sum(twice), 0.0)


def _variance(influence: np.ndarray) -> float:
    return float(np.sum(influence**2))


def _limits(value: float, chance: Chance, a: Placements, b: Placements) -> tuple[float, float]:
    """Of a difference; without a spread, what the limits of both sides leave open."""
    if chance.se == 0:
        one, other = summary(a).images, summary(b).images
        return one.low - other.high, one.high - other.low
    half = chance.half_width()
    return max(value - half, -1.0), min(value + half, 1.0)


def _p(value: float, chance: Chance, pairs: int) -> float:
    """Of a difference of 0.

    Perfect orders show no spread. Where only one side has one, an AUROC of 1/2 would put `pairs` pairs of images that
    share none in order with a probability of 1/2 to the power of their number at most.
    """
    if chance.se == 0:
        return 1.0 if value == 0 else min(1.0, 2 * 0.5**pairs)
    return chance.p(value)


def _auroc(value: float, chance: Chance, pairs: int) -> Estimate:
    """With an interval that is symmetric in the AUROC's log odds (Pepe 2003, section 5.2.4).

    On 156 images, the plain value ± 1.96 standard errors holds an AUROC of 0.95 in nine draws of ten only.

    A perfect order shows no spread over images. But it puts each of `pairs` pairs of images in order that share none, which
    an AUROC of A does with a probability of A to the power of `pairs` at most: the limit is where that is 2.5 %.
    """
    reached = ((1 - CONFIDENCE) / 2) ** (1 / pairs) if pairs else np.nan
    if value > 1 - 1e-12:  # a mean over labels may miss 1 by its rounding
        return Estimate(value, reached, value, chance.se)
    if value < 1e-12:
        return Estimate(value, value, 1 - reached, chance.se)
    odds, half = np.log(value / (1 - value)), chance.half_width() / (value * (1 - value))
    low, high = (1 / (1 + np.exp(-np.array([odds - half, odds + half])))).tolist()
    return Estimate(value, low, high, chance.se)


def _percentiles(drawn: np.ndarray) -> tuple[float, float]:
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.percentile(drawn, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return float(low), float(high)
