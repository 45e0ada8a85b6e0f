"""DeLong's placements: by how much each test image moves an AUROC.

DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988), with the ranks of Sun, Xu, IEEE Signal Processing Letters 21 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from benchmark.runs.scores import has_both_classes


@dataclass(frozen=True, eq=False)
class Placements:
    """All that the intervals of a recipe, and of its difference to another, take from its scores."""

    aurocs: np.ndarray
    """Of each seed, (S,)."""
    influence: np.ndarray
    """By how much each image moves the mean of the AUROCs, (n,); the squares sum to its variance over other images."""
    own: float
    """Of this variance, what is one seed's alone: other images would change it and not the other seeds. The spread over seeds
    has it too, so it is counted there. 0 of one seed."""
    pairs: int
    """How many pairs of a positive and a negative image there are that share no image; of several labels, the fewest."""


def placements(labels: np.ndarray, stack: np.ndarray) -> Placements:
    """Of labels (n, L) and the scores (S, n, L) of S seeds, means over labels; NaN where a label has one class only."""
    aurocs, influence = by_seed(labels, stack)
    positives = labels.sum(axis=0, dtype=int)
    pairs = int(np.minimum(positives, len(labels) - positives).min())
    _, own = shared_and_own(influence @ influence.T)
    return Placements(aurocs, influence.mean(axis=0), own, pairs)


def shared_and_own(covariance: np.ndarray) -> tuple[float, float]:
    """The variance over other images that the seeds share, and that of each alone; from their covariance (S, S)."""
    count, single = len(covariance), float(np.trace(covariance)) / len(covariance)
    if count == 1:
        return single, 0.0
    shared = float(covariance.sum() - np.trace(covariance)) / (count * (count - 1))
    shared = min(max(shared, 0.0), single) if np.isfinite(shared) else shared
    return shared, single - shared


def by_seed(labels: np.ndarray, stack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROC of each seed, (S,), and each image's influence on it, (S, n), means over labels; NaN for one class.

    His variance S10/m + S01/n is the sum over the images of a class of (placement - AUROC)² / (m (m - 1)); kept by
    image, it serves covariances, paired differences and means as well.
    """
    seeds, images, width = stack.shape
    aurocs, influence = np.zeros(seeds), np.zeros((seeds, images))
    for column in range(width):
        if not has_both_classes(labels[:, column]):
            return np.full(seeds, np.nan), np.full((seeds, images), np.nan)
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
                influence[seed, chosen] += (shares - auroc) / scale / width
    return aurocs, influence
