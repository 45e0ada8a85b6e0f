"""Figures of all seeds of one task and recipe together.

Seeds on the official splits have the same val images, so the cell's validation figure is their mean. Cross-fitted seeds
have each its own, so theirs is out of fold: each image of official val, scored by those that were not trained on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.runs import scores as scores_file
from benchmark.runs.folder import RunFolder


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Official val, as far as it was held out."""

    labels: np.ndarray
    """uint8 (n, L), without the images that no seed held out."""
    scores: np.ndarray
    """float64 (n, L)."""
    images: int
    """Of official val, n or more."""
    is_cross_fitted: bool

    @property
    def is_whole(self) -> bool:
        """Whether every image of official val has a score."""
        return len(self.labels) == self.images

    @property
    def figures(self) -> dict[str, float]:
        """AUROC and accuracy."""
        return scores_file.metrics({"val": (self.labels, self.scores)})


def out_of_fold(folders: Sequence[RunFolder]) -> OutOfFold:
    """See `scores.out_of_fold`; of finished runs that were scored on val."""
    runs = [folder.official_scores() for folder in folders]
    labels, scores = scores_file.out_of_fold(runs)
    return OutOfFold(labels, scores, len(runs[0][0]["val"][0]), any(held_out for _, held_out in runs))


def figures(folders: Sequence[RunFolder]) -> dict[str, float]:
    """By metric name, over the seeds: the mean, and of cross-fitted ones the val figures out of fold."""
    rows = [folder.metrics() for folder in folders]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return means | validation(folders)


def is_judged_on_all_of_val(folders: Sequence[RunFolder]) -> bool:
    """Whether the cell's validation figures are of every image of official val, and so compare with other recipes'."""
    return not _has_val(folders) or out_of_fold(folders).is_whole


def _has_val(folders: Sequence[RunFolder]) -> bool:
    return bool(folders) and folders[0].has("scores.npz") and "val" in folders[0].scores()


def validation(folders: Sequence[RunFolder]) -> dict[str, float]:
    """The figures of cross-fitted seeds that are out of fold; none of other seeds, whose own figures stand."""
    if not _has_val(folders):
        return {}
    found = out_of_fold(folders)
    return found.figures if found.is_cross_fitted else {}
