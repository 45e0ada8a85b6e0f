"""The figures of a model card: of each label on the test split, at the threshold that val gave, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from benchmark.config.tasks import Task
from benchmark.evaluation import statistics
from benchmark.evaluation.chance import CONFIDENCE
from benchmark.evaluation.statistics import Estimate
from benchmark.runs.scores import Scores, has_both_classes


@dataclass(frozen=True)
class Share:
    """A part of the images, with Wilson's interval; NaN where it is of no image, or undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """Of one label on the test split, or the means over all labels, which have an interval of their AUROC alone."""

    name: str
    auroc: Estimate
    threshold: float | None
    """Infinity calls no image label 1. NaN where val has one class; None of means."""
    accuracy: Share
    sensitivity: Share
    specificity: Share
    brier: float
    ece: float


def of(scores: Scores, task: Task) -> list[Figures]:
    """Of each label on the test split; in front the means over them, where there are several."""
    from benchmark.evaluation import measures  # late: imports scikit-learn, and training starts without it

    labels, probabilities = scores["test"]
    cuts = measures.thresholds(scores)
    assert cuts is not None  # a run that can be a model was scored on val
    rows = measures.per_label(labels, probabilities, cuts)
    names = task.label_names[-task.label_count :]
    each = [
        _of_label(name, labels[:, [column]], probabilities[:, [column]], float(cuts[column]), row)
        for column, (name, row) in enumerate(zip(names, rows, strict=True))
    ]
    return each if len(each) == 1 else [_means(each, statistics.delong(labels, probabilities)), *each]


def _of_label(name: str, labels: np.ndarray, scores: np.ndarray, cut: float, row: Mapping[str, float]) -> Figures:
    """Of one label: columns (n, 1), and what `measures.per_label` has of it."""
    positive = labels[:, 0] == 1
    defined = not math.isnan(cut) and has_both_classes(labels)
    called = scores[:, 0] >= cut if defined else np.zeros(len(positive), bool)
    nothing = np.zeros(0, bool)
    return Figures(
        name,
        statistics.delong(labels, scores),
        cut,
        _share(called == positive if defined else nothing),
        _share(called[positive] if defined else nothing),
        _share(~called[~positive] if defined else nothing),
        row["brier"],
        row["ece"],
    )


def _share(right: np.ndarray) -> Share:
    """Of how many of these images it is true, bool (n,)."""
    if not len(right):
        return Share(math.nan, math.nan, math.nan)
    limits = scipy.stats.binomtest(int(right.sum()), len(right)).proportion_ci(CONFIDENCE, method="wilson")
    return Share(float(right.mean()), float(limits.low), float(limits.high))


def _means(each: Sequence[Figures], auroc: Estimate) -> Figures:
    def mean(name: str) -> Share:
        return Share(float(np.mean([getattr(one, name).value for one in each])), math.nan, math.nan)

    brier, ece = (float(np.mean([getattr(one, name) for one in each])) for name in ("brier", "ece"))
    return Figures("all labels", auroc, None, mean("accuracy"), mean("sensitivity"), mean("specificity"), brier, ece)
