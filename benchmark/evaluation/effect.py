"""By how much one method is better than another, on each task and over all of them, and how sure that is.

Of several methods, AUROC over all tasks is what is asked: those tests are corrected together, one for each method (Holm). All
else, other measures and single tasks, is a second family, corrected together likewise. So each of the two tells a difference
where there is none in one report of twenty at most.

The seeds that both methods have are compared in pairs: seeds of one number share their initialisation. The
interval is of other images and other seeds. What other images would change comes from

- AUROC: DeLong's placements, in closed form;
- partial AUROC and average precision: a bootstrap of images, by class where there is one label.

What other seeds would change comes from the spread of the differences over seeds, with the quantiles of `chance`; seeds are
not drawn again, because a handful drawn with replacement spreads less than it should. A trunk that all seeds start from counts
as given: other trunks are in no interval.

Over all tasks: the mean with equal weights, of these tasks and not of tasks that might have been chosen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from benchmark.evaluation import placements, resampled, resampling, statistics
from benchmark.evaluation.chance import ALPHA
from benchmark.evaluation.design import Components, Design, design, pooled

RESAMPLES = 1000
OVERALL = "all tasks"
Test = tuple[tuple[str, str], "Measure", str]
"""Method and baseline, measure, and task or `OVERALL`."""
Found = TypeVar("Found")


class Measure(StrEnum):
    """What is compared; the names of `measures.NAMES`."""

    AUROC = "auroc"
    PARTIAL_AUROC = "partial_auroc"
    """Up to a false positive rate of 0.1, standardized."""
    AVERAGE_PRECISION = "average_precision"


ASKED = (Measure.AUROC, OVERALL)


class Word(StrEnum):
    """What may be said of a method beside its baseline."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "not distinguishable"
    UNDECIDED = "not decided: one seed"
    NO_SEED = "not decided: no seed in common"
    NO_ERROR = "not decided: one image of a class"
    UNDEFINED = "undefined: a label has one class"


@dataclass(frozen=True, eq=False)
class Scored:
    """The test split of one task with the scores of both methods, by seed."""

    labels: np.ndarray
    """0 or 1, (n, L)."""
    a: Mapping[int, np.ndarray]
    """Scores (n, L) by the seed's number."""
    b: Mapping[int, np.ndarray]
    """Likewise of the baseline."""

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that both methods have."""
        return tuple(sorted(set(self.a) & set(self.b)))


@dataclass(frozen=True)
class Effect:
    """Mean difference a - b; None where it is not decided, because there is one seed."""

    value: float
    """Over the seeds that both have; NaN where a label has one class only, or there is no such seed."""
    low: float | None
    high: float | None
    p: float | None
    """Two-sided, of no difference."""

    @property
    def is_decided(self) -> bool:
        return self.p is not None


@dataclass(frozen=True)
class TaskEffect(Effect):
    """On one task."""

    seeds: tuple[int, ...]
    images: int
    components: Components | None
    """None where it is not decided."""


def _parts(tasks: Iterable[TaskEffect]) -> list[Components]:
    return [one.components for one in tasks if one.components is not None]


@dataclass(frozen=True)
class Overall:
    """On every task, and over all."""

    measure: Measure
    tasks: Mapping[str, TaskEffect]
    mean: Effect
    """Undecided where one of the tasks is."""

    @property
    def effects(self) -> dict[str, Effect]:
        """Over all tasks, then on each."""
        return {OVERALL: self.mean, **self.tasks}

    def parts(self, place: str) -> list[Components]:
        """Of what is decided: one task's, or all tasks'."""
        tasks = self.tasks.values() if place == OVERALL else [self.tasks[place]]
        return _parts(tasks)


@dataclass(frozen=True)
class Contest:
    """Method a against baseline b, by every measure."""

    a: str
    b: str
    measures: Mapping[Measure, Overall]
    p_holm: Mapping[tuple[Measure, str], float]
    """By measure and task, or `OVERALL`: of what is decided, corrected for all contests together; see `contests`."""
    designs: Mapping[tuple[Measure, str], Design]
    """Likewise, what could have been called so; without what showed no spread."""

    def effects(self, measure: Measure) -> dict[str, Effect]:
        """Over all tasks, then on each."""
        return self.measures[measure].effects

    def word(self, measure: Measure, place: str = OVERALL) -> Word:
        """What may be said of a, over all tasks or on one."""
        value, tasks = self.effects(measure)[place].value, self.measures[measure].tasks
        seeds = {len(one.seeds) for one in (tasks.values() if place == OVERALL else (tasks[place],))}
        if 0 in seeds:
            return Word.NO_SEED
        if math.isnan(value):
            return Word.UNDEFINED
        if (measure, place) not in self.p_holm:
            return Word.UNDECIDED if 1 in seeds else Word.NO_ERROR
        if not self.p_holm[measure, place] < ALPHA:
            return Word.SAME
        return Word.BETTER if value > 0 else Word.WORSE


def contests(measured: Mapping[tuple[str, str], Mapping[Measure, Overall]]) -> list[Contest]:
    """By the names of method and baseline; each of the two families of tests is corrected for the number of its tests."""
    first, second = dict[Test, float](), dict[Test, float]()
    for names, measures in measured.items():
        for measure, overall in measures.items():
            for place, one in overall.effects.items():
                if one.p is not None:
                    family = first if (measure, place) == ASKED else second
                    family[names, measure, place] = one.p
    p_holm, designs = dict[Test, float](), dict[Test, Design]()
    for family in (first, second):
        p_holm |= dict(zip(family, statistics.holm(list(family.values())), strict=True))
        for names, measure, place in family:
            parts = measured[names][measure].parts(place)
            if pooled([part.chance() for part in parts]).se > 0:
                designs[names, measure, place] = design(parts, ALPHA / len(family))
    return [Contest(*names, measures, _of(names, p_holm), _of(names, designs)) for names, measures in measured.items()]


def _of(names: tuple[str, str], found: Mapping[Test, Found]) -> dict[tuple[Measure, str], Found]:
    return {(measure, place): one for (of, measure, place), one in found.items() if of == names}


def compare(tasks: Mapping[str, Scored], measure: Measure, resamples: int | None = None) -> Overall:
    """Method a against baseline b on each task and over all, at least one.

    Args:
        tasks: by name.
        resamples: of images, for the measures without a closed form; as many as the test set's size asks for if not given.
    """
    found = {name: on_task(scored, measure, resamples) for name, scored in tasks.items()}
    value = float(np.mean([one.value for one in found.values()]))
    parts = _parts(found.values())
    decided = _decided(value, parts) if len(parts) == len(found) else (None, None, None)
    return Overall(measure, found, Effect(value, *decided))


def on_task(scored: Scored, measure: Measure, resamples: int | None = None) -> TaskEffect:
    """As `compare`, on one task."""
    seeds, images = scored.seeds, len(scored.labels)
    if not seeds:
        return TaskEffect(float("nan"), None, None, None, seeds, images, None)
    a, b = (np.stack([scores[seed] for seed in seeds]) for scores in (scored.a, scored.b))
    resamples = resamples or resampling.enough(images, RESAMPLES)
    values, covariance = _over_images(measure, scored.labels, a, b, resamples)
    value = float(values.mean())
    if len(seeds) < 2 or not np.isfinite(covariance).all():
        return TaskEffect(value, None, None, None, seeds, images, None)
    parts = Components.of(covariance, values, images)
    return TaskEffect(value, *_decided(value, [parts]), seeds, images, parts)


def _over_images(
    measure: Measure, labels: np.ndarray, a: np.ndarray, b: np.ndarray, resamples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Each seed's difference, (S,), and their covariance over other images, (S, S): NaN where no images were drawn, of
    one seed, by which nothing is decided."""
    if measure is Measure.AUROC:
        (of_a, by_a), (of_b, by_b) = (placements.by_seed(labels, stack) for stack in (a, b))
        return of_a - of_b, (by_a - by_b) @ (by_a - by_b).T
    figure = resampled.partial_auroc if measure is Measure.PARTIAL_AUROC else resampled.average_precision
    both = np.concatenate([a, b])
    of_a, of_b = np.split(np.array([resampled.figure_of(figure, labels, scores) for scores in both]), 2)
    if len(a) < 2:
        return of_a - of_b, np.full((1, 1), np.nan)
    drawn_a, drawn_b = np.split(resampled.figures_of(figure, labels, both, resamples, np.random.default_rng(0)), 2)
    return of_a - of_b, np.cov(drawn_a - drawn_b)


def _decided(value: float, parts: Sequence[Components]) -> tuple[float, float, float]:
    """Limits and p-value; perfect orders on both sides show no spread, so that nothing can be told."""
    chance = pooled([part.chance() for part in parts])
    if chance.se == 0:
        return -1.0, 1.0, 1.0
    half = chance.half_width()
    return max(value - half, -1.0), min(value + half, 1.0), chance.p(value)
