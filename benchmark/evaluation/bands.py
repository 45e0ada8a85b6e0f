"""How far a recipe's ROC and precision-recall curve would move with other test images and other seeds."""

from __future__ import annotations

import numpy as np

from benchmark.evaluation.chance import CONFIDENCE, Chance, quantiles
from benchmark.evaluation.resampling import times_drawn

RESAMPLES = 200
MOST_POINTS = 1000
"""Of a curve: more can't be seen, and on large test sets they take long."""
TAIL = (1 - CONFIDENCE) / 2


def bands(
    labels: np.ndarray, stack: np.ndarray, fpr: np.ndarray, recall: np.ndarray, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Half widths of the pointwise 95 % bands: a bootstrap of images (as of `statistics.bootstrap`), and the spread over seeds.

    Seeds are not drawn again: a handful drawn with replacement spreads less than it should.

    Args:
        labels: (n, L) of 0 and 1.
        stack: scores (S, n, L) of S seeds.
        fpr: where the true positive rate is wanted.
        recall: where the precision is wanted.

    Returns:
        (len(fpr),) of the true positive rate and (len(recall),) of the precision, means over seeds and labels.
    """
    drawn = times_drawn(labels, resamples, np.random.default_rng(0))
    times = np.concatenate([np.ones((len(labels), 1), drawn.dtype), drawn], axis=1)  # the images as they are come first
    rates = np.zeros((len(stack), 1 + resamples, len(fpr)))
    precisions = np.zeros((len(stack), 1 + resamples, len(recall)))
    known = np.zeros(1 + resamples)  # labels with both classes, the same for every seed
    for seed, scores in enumerate(stack):
        for column in range(labels.shape[1]):
            positives, images = _counts(labels[:, column], scores[:, column], times)
            for draw in np.flatnonzero((positives[-1] > 0) & (positives[-1] < images[-1])):
                rate, precision = _curves(positives[:, draw], images[:, draw], fpr, recall)
                rates[seed, draw] += rate
                precisions[seed, draw] += precision
                known[draw] += seed == 0
    if not known[0] or (known > 0).sum() < 3:
        return np.full(len(fpr), np.nan), np.full(len(recall), np.nan)
    rate_band, precision_band = (
        _half_widths(sums[:, known > 0] / known[known > 0][:, None]) for sums in (rates, precisions)
    )
    return rate_band, precision_band


def _half_widths(curves: np.ndarray) -> np.ndarray:
    """Of curves (S, 1 + resamples, points), the first of each seed of the images as they are."""
    seeds = len(curves)
    images = curves[:, 1:].mean(axis=0).var(axis=0, ddof=1)
    spread = curves[:, 0].var(axis=0, ddof=1) / seeds if seeds > 1 else np.zeros(images.shape)
    widths: np.ndarray = np.sqrt(images) * Chance(1.0).quantile(TAIL)
    some = spread > 0
    widths[some] = np.sqrt((images + spread)[some]) * quantiles(
        images[some], spread[some], np.full(some.sum(), seeds - 1), TAIL
    )
    return widths


def _counts(labels: np.ndarray, scores: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positives and all images (points, resamples) at or above each of the score's values, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.inf))  # of each group of equal scores
    if len(starts) > MOST_POINTS:
        starts = starts[np.linspace(0, len(starts) - 1, MOST_POINTS).astype(int)]
    drawn = times[order]
    positive = drawn * labels[order, None]
    return np.add.reduceat(positive, starts).cumsum(axis=0), np.add.reduceat(drawn, starts).cumsum(axis=0)


def _curves(
    positives: np.ndarray, images: np.ndarray, fpr: np.ndarray, recall: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One resample's curves on the grids; the precision at recall 0 is 1, as scikit-learn has it."""
    some = images > 0  # images that were not drawn are no point of the curve
    positives, images = positives[some], images[some]
    rate, wrong = positives / positives[-1], images - positives
    on_grid = np.interp(fpr, [0, *(wrong / wrong[-1])], [0, *rate])
    reached, first = np.unique([0, *rate], return_index=True)  # the highest precision of each recall
    return on_grid, np.interp(recall, reached, np.array([1, *(positives / images)])[first])
