"""A fetched file → tensors on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmark.config.tasks import Task
from benchmark.core.errors import DataMissing
from benchmark.core.files import md5_of
from benchmark.data import structure


@dataclass(frozen=True)
class Split:
    """Images and labels of one split, in file order, on one device."""

    images: torch.Tensor
    """uint8 (n, 1, size, size) or (n, 1, size, size, size)."""
    labels: torch.Tensor
    """uint8 (n, L), 0 or 1."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class TaskData:
    """A task's data in memory."""

    task: Task
    md5: str
    """Of the file that it was read from."""
    splits: Mapping[str, Split]


def load(task: Task, path: Path, device: torch.device) -> TaskData:
    """Read a fetched file onto a device, checking it once more.

    Raises:
        DataMissing: the file isn't there, or isn't the one that was verified.
        WrongStructure: as `structure.verify`.
    """
    if not path.is_file():
        raise DataMissing(f"{path}: not there", task=task.name)
    md5 = md5_of(path)
    if task.md5 not in (None, md5):
        raise DataMissing(f"{path}: has MD5 {md5}, expected {task.md5}", task=task.name)
    splits = {}
    for name, images, labels in structure.read(path, task):
        pixels = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1)
        splits[name] = Split(pixels.to(device), torch.from_numpy(labels.astype(np.uint8)).to(device))
    return TaskData(task, md5, splits)
