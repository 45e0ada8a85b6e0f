"""Scores of a run: how they are stored, and the two figures of MedMNIST's own definitions (`medmnist.Evaluator`).

    scores.npz   `{split}_labels` uint8 (n, L) and `{split}_scores` float32 (n, L): probability of label 1 (float64 of
                 predictions from elsewhere, whose order rounding could change)

Names of figures: `<split>_auc` and `<split>_acc`, better when higher. Multi-label: mean over the labels; the threshold
of accuracy is 0.5.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmark.core.archive import Archive, Unreadable
from benchmark.core.errors import DamagedRun
from benchmark.core.files import atomic

Scores = dict[str, tuple[np.ndarray, np.ndarray]]
"""Per split, in file order: labels uint8 (n, L), and probabilities of label 1, float32 or float64 (n, L)."""


def write(path: Path, scores: Scores, dtype: type[np.floating[Any]] = np.float32) -> None:
    """Store the scores of every split."""
    arrays = {}
    for split, (labels, probabilities) in scores.items():
        arrays[f"{split}_labels"] = labels.astype(np.uint8)
        arrays[f"{split}_scores"] = probabilities.astype(dtype)
    with atomic(path) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read(path: Path) -> Scores:
    """Labels and probabilities of every split that was scored.

    Raises:
        DamagedRun: there is no such file, or it is damaged.
    """
    try:
        with Archive(path) as arrays:
            splits = [key.removesuffix("_labels") for key in arrays.files if key.endswith("_labels")]
            return {split: (arrays[f"{split}_labels"], arrays[f"{split}_scores"]) for split in splits}
    except (OSError, Unreadable) as error:
        raise DamagedRun(f"{path}: can't be read ({error})") from error


def has_both_classes(labels: np.ndarray) -> bool:
    """Whether one label's column (n,) has a 0 and a 1; without, it has no AUROC and no curve."""
    return bool(0 < labels.mean() < 1)


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve, mean over the columns.

    Args:
        labels: 0 or 1, (n, L).
        scores: higher where label 1 is likelier, (n, L).

    Returns:
        NaN where a column has one class only: a plausible 0.5 would be an invention.
    """
    from sklearn.metrics import roc_auc_score  # late: takes over a second, and training starts without it

    columns = range(labels.shape[1])
    if not all(has_both_classes(labels[:, column]) for column in columns):
        return float("nan")
    return float(np.mean([roc_auc_score(labels[:, column], scores[:, column]) for column in columns]))


def accuracy(labels: np.ndarray, scores: np.ndarray) -> float:
    """Share of right labels at threshold 0.5, mean over the columns; `labels` and `scores` as in `auroc`."""
    return float(np.mean([np.mean((scores[:, c] > 0.5) == labels[:, c]) for c in range(labels.shape[1])]))


def metrics(scores: Scores) -> dict[str, float]:
    """AUROC and accuracy of every split."""
    found = {}
    for split, (labels, probabilities) in scores.items():
        found[f"{split}_auc"] = auroc(labels, probabilities)
        found[f"{split}_acc"] = accuracy(labels, probabilities)
    return found
