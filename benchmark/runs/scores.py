"""Scores of a run: how they are stored, and the two figures of MedMNIST's own definitions (`medmnist.Evaluator`).

    scores.npz   `{split}_labels` uint8 (n, L) and `{split}_scores` float32 (n, L): probability of label 1 (float64 of
                 predictions from elsewhere, whose order rounding could change). Of a cross-fitted run also
                 `train_held_out` and `val_held_out` bool (n,): which images it was not trained on

Names of figures: `<split>_auc` and `<split>_acc`, better when higher. Multi-label: mean over the labels; the threshold
of accuracy is 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.core.archive import Archive, Unreadable
from benchmark.core.errors import DamagedRun
from benchmark.core.files import atomic

Scores = dict[str, tuple[np.ndarray, np.ndarray]]
"""Per split, in file order: labels uint8 (n, L), and probabilities of label 1, float32 or float64 (n, L)."""


HeldOut = dict[str, np.ndarray]
"""Of a cross-fitted run, for train and val: bool (n,), whether an image was held out. Empty of any other run."""


def write(
    path: Path, scores: Scores, dtype: type[np.floating[Any]] = np.float32, held_out: HeldOut | None = None
) -> None:
    """Store the scores of every split, each image at its place in the official splits."""
    arrays = {f"{split}_held_out": mask for split, mask in (held_out or {}).items()}
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
    with _opened(path) as arrays:
        splits = [key.removesuffix("_labels") for key in arrays.files if key.endswith("_labels")]
        return {split: (arrays[f"{split}_labels"], arrays[f"{split}_scores"]) for split in splits}


@contextmanager
def _opened(path: Path) -> Iterator[Archive]:
    """Its arrays by name, read as they are asked for; whatever is wrong with the file is one error."""
    try:
        with Archive(path) as arrays:
            yield arrays
    except (OSError, Unreadable) as error:
        raise DamagedRun(f"{path}: can't be read ({error})") from error


def read_held_out(path: Path) -> HeldOut:
    """Which images a cross-fitted run held out; empty of any other run.

    Raises:
        DamagedRun: as `read`.
    """
    with _opened(path) as arrays:
        return {split: arrays[f"{split}_held_out"] for split in ("train", "val") if f"{split}_held_out" in arrays.files}


def as_seen(scores: Scores, held_out: HeldOut) -> Scores:
    """The scores as the run saw its images: as val those that it held out, as train those that it was trained on.

    Of a run on the official splits these are the official splits.
    """
    if not held_out:
        return scores

    def chosen(wanted: bool) -> tuple[np.ndarray, np.ndarray]:
        masks = {split: held_out[split] == wanted for split in ("train", "val")}
        parts = [(scores[split][0][mask], scores[split][1][mask]) for split, mask in masks.items()]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    return {**scores, "train": chosen(False), "val": chosen(True)}


def out_of_fold(runs: Sequence[tuple[Scores, HeldOut]]) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n, L) and scores (n, L) of official val by networks that were not trained on the image.

    An image's score is the mean over the runs that held it out: of runs on the official splits all of them, of
    cross-fitted ones the one or few whose part it is in. An image that no run held out is left out.

    Args:
        runs: of one task, with the same val split.
    """
    labels = runs[0][0]["val"][0]
    out = np.stack([held_out.get("val", np.ones(len(labels), bool)) for _, held_out in runs])
    scores = np.stack([scores["val"][1] for scores, _ in runs]).astype(np.float64)
    known = out.any(axis=0)
    mean = np.einsum("rn,rnl->nl", out, scores)[known] / out.sum(axis=0)[known, None]
    return labels[known], mean


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
