"""Test images drawn again with replacement, and the AUROC of every run on each such set.

Shapes as in `statistics`; R resamples.
"""

from __future__ import annotations

import numpy as np

AT_ONCE = 250
"""Resamples in memory together: 22,433 images then take 22 MB."""

MANY_IMAGES, FEW_RESAMPLES = 5000, 200


def enough(images: int, usual: int, few: int = FEW_RESAMPLES) -> int:
    """How many resamples do: fewer on large test sets, where what other images change is small."""
    return usual if images <= MANY_IMAGES else few


def aurocs_of(labels: np.ndarray, stack: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """AUROC (S, resamples), mean over labels, of every run on the same resampled images."""
    seeds, width = len(stack), labels.shape[1]
    drawn = np.empty((seeds, resamples))
    orders = [[_Order(labels[:, column], scores[:, column]) for column in range(width)] for scores in stack]
    for start in range(0, resamples, AT_ONCE):
        count = min(AT_ONCE, resamples - start)
        weights = times_drawn(labels, count, rng)
        for run in range(seeds):
            with np.errstate(invalid="ignore"):  # a label of one class in a resample is NaN, and left out of the mean
                aurocs = np.array([order.auroc(weights) for order in orders[run]])
                known = np.isfinite(aurocs)
                drawn[run, start : start + count] = np.where(known, aurocs, 0).sum(axis=0) / known.sum(axis=0)
    return drawn


def times_drawn(labels: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each image is drawn, (n, resamples) float32; by class where there is one label."""
    images, width = labels.shape
    strata = [np.arange(images)] if width > 1 else [np.flatnonzero(labels[:, 0] == value) for value in (0, 1)]
    weights = np.empty((images, resamples), np.float32)
    for stratum in strata:
        if len(stratum):
            for resample in range(resamples):
                drawn = rng.integers(len(stratum), size=len(stratum))
                weights[stratum, resample] = np.bincount(drawn, minlength=len(stratum))
    return weights


class _Order:
    """One label's images from the lowest score up, so that a resample's AUROC takes a few sums."""

    def __init__(self, labels: np.ndarray, scores: np.ndarray) -> None:
        self.order = np.argsort(scores, kind="stable")
        ordered = scores[self.order]
        self.positives = np.flatnonzero(labels[self.order] == 1)
        # Of each positive image's group of equal scores: how many images lie below it, and below its end.
        self.below = np.searchsorted(ordered, ordered[self.positives], side="left")
        self.end = np.searchsorted(ordered, ordered[self.positives], side="right")

    def auroc(self, weights: np.ndarray) -> np.ndarray:
        """(R,) of weights (n, R): share of pairs in which the positive image scores higher, ties half.

        The positives' wins over all images, less those over one another, of which there are always half.
        """
        reached = np.zeros((len(weights) + 1, weights.shape[1]), np.float32)  # exact: counts far below 2 to the 24
        np.cumsum(weights[self.order], axis=0, out=reached[1:])
        positive = weights[self.order[self.positives]]
        wins = np.sum(positive * (reached[self.below] + reached[self.end]) / 2, axis=0, dtype=np.float64)
        drawn = positive.sum(axis=0, dtype=np.float64)
        share: np.ndarray = (wins - drawn**2 / 2) / (drawn * (len(weights) - drawn))
        return share


def mean_of_drawn(aurocs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(R,) of (S, R): in each resample the mean over S seeds drawn with replacement."""
    seeds, resamples = aurocs.shape
    times = rng.multinomial(seeds, np.full(seeds, 1 / seeds), resamples).T
    mean: np.ndarray = (aurocs * times).sum(axis=0) / seeds
    return mean
