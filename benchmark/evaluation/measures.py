"""The figures of a run beside AUROC and accuracy at 0.5. Scores trained for AUROC are rankings, not probabilities:
Brier score and calibration error then say how far they are from probabilities, not how good the ranking is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.evaluation import statistics
from benchmark.runs.scores import Scores, has_both_classes

LOW_FPR = 0.1
"""Up to where the partial AUROC goes."""
BINS = 10
"""Of equal width, for the expected calibration error (Naeini et al., AAAI 2015)."""
NAMES = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "accuracy": "accuracy at 0.5",
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "partial_auroc": "partial AUROC, FPR ≤ 0.1",
    "brier": "Brier score",
    "ece": "expected calibration error",
}
"""Of every measure, in the order in which they are shown."""


def every_split(scores: Scores, label_names: Sequence[str]) -> Iterator[dict[str, str | float]]:
    """A row for each split, and for each label where there are several: the measures, AUROC with both intervals."""
    cut = thresholds(scores)
    for split, (labels, probabilities) in scores.items():
        rows = per_label(labels, probabilities, cut)
        parts: list[tuple[str, slice, Mapping[str, float]]] = [("all", slice(None), mean(rows))]
        if len(rows) > 1:
            parts += [(name, slice(column, column + 1), rows[column]) for column, name in enumerate(label_names)]
        for name, columns, row in parts:
            drawn = statistics.bootstrap(labels[:, columns], probabilities[:, columns])
            delong = statistics.delong(labels[:, columns], probabilities[:, columns])
            limits = {"delong_low": delong.low, "delong_high": delong.high}
            limits |= {"bootstrap_low": drawn.low, "bootstrap_high": drawn.high}
            yield {"split": split, "label": name, "auroc": row["auroc"], **limits, **row}


def measures(scores: Scores, split: str = "test") -> dict[str, float]:
    """Means over the labels of `per_label`."""
    return mean(per_label(*scores[split], thresholds(scores)))


def mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of the rows of `per_label`."""
    return {name: float(np.mean([row[name] for row in rows])) for name in NAMES}


def thresholds(scores: Scores) -> np.ndarray | None:
    """(L,) thresholds of best balanced accuracy on the validation split; None where that was not scored.

    NaN for a label of which the validation split has one class.

    A score at the threshold or above counts as label 1. Of equally good ones the highest is taken.
    """
    if "val" not in scores:
        return None
    labels, probabilities = scores["val"]
    best = []
    for column in range(labels.shape[1]):
        if not has_both_classes(labels[:, column]):
            best.append(np.nan)
            continue
        best.append(_best_threshold(labels[:, column], probabilities[:, column]))
    return np.array(best)


def _best_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """Of most balanced accuracy, by whole numbers: rounded rates would break ties by chance. Infinity: none is called 1."""
    order = np.argsort(-scores, kind="stable")
    values, positive = scores[order], (labels[order] == 1).astype(np.int64)
    ends = np.flatnonzero(np.diff(values, append=-np.inf))  # of each group of equal scores
    true = np.cumsum(positive)[ends]
    false = ends + 1 - true
    # Sensitivity + specificity - 1, times both counts.
    youden = true * np.sum(1 - positive) - false * np.sum(positive)
    best = int(np.argmax(youden))
    return float(values[ends[best]]) if youden[best] > 0 else np.inf


def per_label(labels: np.ndarray, probabilities: np.ndarray, cut: np.ndarray | None) -> list[Mapping[str, float]]:
    """The measures of `NAMES` for each label.

    Args:
        labels: 0 or 1, (n, L).
        probabilities: of label 1, (n, L).
        cut: (L,) thresholds for balanced accuracy, sensitivity and specificity; these are NaN without.

    Returns:
        NaN for what is undefined, because the label has one class only.
    """
    return [
        _measures(labels[:, column], probabilities[:, column], None if cut is None else float(cut[column]))
        for column in range(labels.shape[1])
    ]


def _measures(labels: np.ndarray, scores: np.ndarray, cut: float | None) -> dict[str, float]:
    both = has_both_classes(labels)
    positive = labels == 1
    called = np.full(len(labels), np.nan) if cut is None or np.isnan(cut) else scores >= cut
    sensitivity = float(np.mean(called[positive])) if both else float("nan")
    specificity = float(1 - np.mean(called[~positive])) if both else float("nan")
    return {
        "auroc": float(roc_auc_score(labels, scores)) if both else float("nan"),
        "average_precision": float(average_precision_score(labels, scores)) if both else float("nan"),
        "accuracy": float(np.mean((scores > 0.5) == positive)),
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        # Standardized to 0.5 for chance and 1 for perfect: McClish, Medical Decision Making 9 (1989).
        "partial_auroc": float(roc_auc_score(labels, scores, max_fpr=LOW_FPR)) if both else float("nan"),
        "brier": float(np.mean((scores.astype(np.float64) - labels) ** 2)),
        "ece": calibration_error(labels, scores),
    }


def calibration_error(labels: np.ndarray, scores: np.ndarray) -> float:
    """Distance of score and share of label 1 within each bin of scores, mean over the images; (n,) each."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, scores.astype(np.float64) - labels, BINS)
    return float(np.abs(gaps).sum() / len(labels))
