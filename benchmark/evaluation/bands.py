"""How far a recipe's ROC and precision-recall curve would move with other test images and other seeds."""

from __future__ import annotations

import numpy as np

from benchmark.evaluation.resampling import times_drawn

RESAMPLES = 200
MOST_POINTS = 1000
"""Of a curve: more can't be seen, and on large test sets they take long."""
NORMAL = 1.96


def bands(
    labels: np.ndarray, stack: np.ndarray, fpr: np.ndarray, recall: np.ndarray, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Half widths of the pointwise 95 % bands, from a bootstrap of images (as of `statistics.bootstrap`) and seeds.

    Args:
        labels: (n, L) of 0 and 1.
        stack: scores (S, n, L) of S seeds.
        fpr: where the true positive rate is wanted.
        recall: where the precision is wanted.

    Returns:
        (len(fpr),) of the true positive rate and (len(recall),) of the precision, means over seeds and labels.
    """
    rng = np.random.default_rng(0)
    times = times_drawn(labels, resamples, rng)
    seeds = rng.multinomial(len(stack), np.full(len(stack), 1 / len(stack)), resamples).T / len(stack)
    rates, precisions = np.zeros((resamples, len(fpr))), np.zeros((resamples, len(recall)))
    known = np.zeros(resamples)
    for scores, share in zip(stack, seeds, strict=True):
        for column in range(labels.shape[1]):
            positives, images = _counts(labels[:, column], scores[:, column], times)
            for drawn in np.flatnonzero((positives[-1] > 0) & (positives[-1] < images[-1]) & (share > 0)):
                rate, precision = _curves(positives[:, drawn], images[:, drawn], fpr, recall)
                rates[drawn] += share[drawn] * rate
                precisions[drawn] += share[drawn] * precision
                known[drawn] += share[drawn]
    some = known > 0
    if some.sum() < 2:
        return np.full(len(fpr), np.nan), np.full(len(recall), np.nan)
    mean_rates, mean_precisions = (sums[some] / known[some, None] for sums in (rates, precisions))
    return NORMAL * mean_rates.std(axis=0, ddof=1), NORMAL * mean_precisions.std(axis=0, ddof=1)


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
