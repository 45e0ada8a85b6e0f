"""ROC and precision-recall curves of several labels and runs as one: their mean on a grid.

A label that has one class only has no curve and does not count. What is drawn is the mean of curves; the area under it is
not the AUROC of any table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from benchmark.runs.scores import has_both_classes

Scored = tuple[np.ndarray, np.ndarray]
"""Labels of 0 and 1, and scores, both (n, L), of one run."""


def mean_roc(runs: Iterable[Scored], fpr: np.ndarray) -> np.ndarray:
    """True positive rate at each false positive rate of the grid, mean over labels and runs; NaN where none counts."""
    return _mean(_roc, runs, fpr)


def mean_precision(runs: Iterable[Scored], recall: np.ndarray) -> np.ndarray:
    """Precision at each recall of the grid, mean over labels and runs; NaN where none counts."""
    return _mean(_precision, runs, recall)


def _mean(
    curve: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray], runs: Iterable[Scored], grid: np.ndarray
) -> np.ndarray:
    curves = [
        curve(labels[:, column], scores[:, column], grid)
        for labels, scores in runs
        for column in range(labels.shape[1])
        if has_both_classes(labels[:, column])
    ]
    mean: np.ndarray = np.mean(curves or [np.full(len(grid), np.nan)], axis=0)
    return mean


def _roc(labels: np.ndarray, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    fpr, tpr, _ = roc_curve(labels, scores)
    rates: np.ndarray = np.interp(grid, fpr, tpr)
    return rates


def _precision(labels: np.ndarray, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    precision, recall, _ = precision_recall_curve(labels, scores)
    # Of the points with one recall the first has the highest precision; more images add false positives.
    reached, first = np.unique(recall[::-1], return_index=True)
    precisions: np.ndarray = np.interp(grid, reached, precision[::-1][first])
    return precisions
