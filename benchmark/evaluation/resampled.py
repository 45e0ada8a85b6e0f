"""Partial AUROC and average precision of every run on resampled test images.

Shapes as in `statistics`; R resamples, in which an image counts as often as it was drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmark.evaluation.measures import LOW_FPR
from benchmark.evaluation.resampling import times_drawn

AT_ONCE = 100
"""Resamples in memory together."""

Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""True and false positives (points, R) at each of a score's values from the highest down -> figures (R,)."""


def figures_of(
    measure: Measure, labels: np.ndarray, stack: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """A measure (S, resamples), mean over labels, of every run on the same resampled images.

    Images are drawn as for `statistics.bootstrap`; a label with one class only in a resample does not count in it.
    """
    parts = []
    for start in range(0, resamples, AT_ONCE):
        times = times_drawn(labels, min(AT_ONCE, resamples - start), rng).astype(np.float64)
        parts.append(np.stack([_mean(measure, labels, scores, times) for scores in stack]))
    return np.concatenate(parts, axis=1)


def figure_of(measure: Measure, labels: np.ndarray, scores: np.ndarray) -> float:
    """The measure on the images as they are; NaN where a label has one class only."""
    each = _by_label(measure, labels, scores, np.ones((len(labels), 1)))
    return float(each.mean())


def average_precision(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """Precision at each score's value, weighted by the recall that it adds; as scikit-learn has it."""
    added = np.diff(true, axis=0, prepend=0.0)
    reached = np.maximum(true + false, 1.0)  # before the first drawn image nothing is added
    figures: np.ndarray = (added * true / reached).sum(axis=0) / true[-1]
    return figures


def partial_auroc(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """Up to `LOW_FPR`, standardized to 0.5 for chance: McClish, Medical Decision Making 9 (1989)."""
    start = np.zeros((1, true.shape[1]))
    recall, fpr = (np.concatenate([start, counts / counts[-1]]) for counts in (true, false))
    width = np.diff(fpr, axis=0)
    within = np.clip(LOW_FPR - fpr[:-1], 0.0, width)
    slope = np.divide(np.diff(recall, axis=0), width, out=np.zeros_like(width), where=width > 0)
    area = (within * (recall[:-1] + slope * within / 2)).sum(axis=0)
    chance = LOW_FPR**2 / 2
    figures: np.ndarray = (1 + (area - chance) / (LOW_FPR - chance)) / 2
    return figures


def _mean(measure: Measure, labels: np.ndarray, scores: np.ndarray, times: np.ndarray) -> np.ndarray:
    each = _by_label(measure, labels, scores, times)
    known = np.isfinite(each)
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.where(known, each, 0).sum(axis=0) / known.sum(axis=0)
    return mean


def _by_label(measure: Measure, labels: np.ndarray, scores: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(L, R); NaN where a label has one class only."""
    each = np.empty((labels.shape[1], times.shape[1]))
    for column in range(labels.shape[1]):
        order = np.argsort(-scores[:, column], kind="stable")
        starts = np.flatnonzero(np.diff(scores[order, column], prepend=np.inf))  # of each group of equal scores
        positive = times[order] * (labels[order, column, None] == 1)
        true = np.add.reduceat(positive, starts).cumsum(axis=0)
        false = np.add.reduceat(times[order] - positive, starts).cumsum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            figures = measure(true, false)
        each[column] = np.where((true[-1] > 0) & (false[-1] > 0), figures, np.nan)
    return each
