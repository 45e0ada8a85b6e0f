"""The test images that the champion gets most wrong, and most right."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from benchmark.core.archive import Archive, Unreadable
from benchmark.report.model import TaskComparison
from benchmark.report.standing import champion
from benchmark.runs.workspace import Workspace

COUNT = 6


@dataclass(frozen=True)
class Exhibit:
    """One test image; of a volume the middle slices in three planes, beside each other."""

    uri: str
    index: int
    truth: str
    """The label's name, and whether the image has it where there are several labels."""
    score: float
    """Of the label."""


@dataclass(frozen=True)
class Gallery:
    recipe: str
    seed: int | None
    wrong: tuple[Exhibit, ...]
    right: tuple[Exhibit, ...]


def gallery(task: TaskComparison, workspace: Workspace) -> Gallery | None:
    """Of the champion's best seed on validation; None where there is none, or the data file is not at hand or not whole."""
    cell, path = champion(task), workspace.data(task.task.name)
    if cell is None or not path.is_file():
        return None
    run = max(cell.done, key=lambda run: run.metrics["val_auc"])
    labels, scores = run.folder.scores()["test"]
    try:
        with Archive(path) as arrays:
            images = arrays["test_images"]
    except Unreadable:
        return None
    if len(images) != len(labels):
        return None
    errors = np.abs(labels - scores)
    worst = np.argsort(-errors.max(axis=1), kind="stable")[:COUNT]
    # Of many labels most are absent, and easily: the right ones are those that are there.
    there = np.where(labels == 1, errors, 2.0) if task.task.label_count > 1 else errors
    best = np.argsort(there.min(axis=1), kind="stable")[:COUNT]

    def exhibit(index: int, column: int) -> Exhibit:
        return Exhibit(_png(images[index]), index, _truth(task, labels, index, column), float(scores[index, column]))

    return Gallery(
        cell.recipe,
        run.seed,
        tuple(exhibit(int(index), int(errors[index].argmax())) for index in worst),
        tuple(exhibit(int(index), int(there[index].argmin())) for index in best),
    )


def _truth(task: TaskComparison, labels: np.ndarray, index: int, column: int) -> str:
    names = task.task.label_names
    if task.task.label_count == 1:
        return names[int(labels[index, 0])]
    return names[column] if labels[index, column] else f"no {names[column]}"


def _png(image: np.ndarray) -> str:
    """As a data URI."""
    if image.ndim == 3:
        middle = [size // 2 for size in image.shape]
        image = np.concatenate([image.take(middle[axis], axis) for axis in range(3)], axis=1)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
