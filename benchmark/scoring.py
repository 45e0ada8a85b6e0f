"""Scores → metrics. AUROC and accuracy are MedMNIST's own definitions (`medmnist.Evaluator`).

Names: `<split>_auc` and `<split>_acc`, better when higher. Multi-label: mean over the labels; the threshold of
accuracy is 0.5.
"""

from __future__ import annotations

import numpy as np

from benchmark.runs import Scores


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
    if any(len(np.unique(labels[:, column])) < 2 for column in columns):
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
