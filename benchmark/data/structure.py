"""What a data file must be: arrays, types, shapes, split sizes, label values, both classes."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from benchmark.config.tasks import SPLITS, Task
from benchmark.core.errors import WrongStructure


def verify(path: Path, task: Task, shown: object = None) -> None:
    """Check that a file is what its task says: arrays, types, shapes, split sizes, label values, both classes.

    Args:
        shown: what messages call the file, where that isn't its path.

    Raises:
        WrongStructure: the first thing that is wrong. Pickled objects are refused unread.
    """
    for _ in read(path, task, shown):
        pass


def read(path: Path, task: Task, shown: object = None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, checked images and checked labels of each split, one split in memory at a time; else as `verify`."""
    shown = str(shown or path)
    if not zipfile.is_zipfile(path):
        _refuse(shown, f"{path.stat().st_size} bytes that are no whole zip archive", "an .npz file, not cut short")
    with np.load(path, allow_pickle=False) as file:
        expected = [f"{split}_{part}" for split in SPLITS for part in ("images", "labels")]
        if missing := [key for key in expected if key not in file.files]:
            _refuse(shown, f"no array {', '.join(missing)}", f"the arrays {', '.join(expected)}")
        size = task.size
        for split in SPLITS:
            images, labels = _array(file, f"{split}_images", shown), _array(file, f"{split}_labels", shown)
            size = size or (*images.shape, 1)[1]  # an own file's first split decides for the others
            _check_images(images, (size,) * task.dim.axes, f"{shown}: {split}_images")
            _check_labels(labels, task.label_count, f"{shown}: {split}_labels")
            _check_count(len(images), len(labels), (task.split_sizes or {}).get(split), f"{shown}: {split}")
            _check_classes(labels, task, f"{shown}: {split}_labels")
            yield split, images, labels


def _refuse(where: str, found: str, expected: str) -> NoReturn:
    raise WrongStructure(f"{where}: found {found}, expected {expected}")


def _array(file: Any, key: str, shown: str) -> np.ndarray:
    try:
        array = file[key]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            _refuse(f"{shown}: {key}", "pickled Python objects, which are never loaded", "an array of numbers")
        _refuse(f"{shown}: {key}", f"a damaged array ({error})", "a whole one")
    if not isinstance(array, np.ndarray) or array.ndim == 0:  # NumPy hands out other members as bytes
        _refuse(f"{shown}: {key}", "no array", "an array of numbers")
    return array


def _check_images(images: np.ndarray, shape: tuple[int, ...], where: str) -> None:
    if images.dtype != np.uint8:
        _refuse(where, f"{images.dtype}", "uint8")
    if images.shape[1:] != shape:
        _refuse(where, f"shape {images.shape}", f"(n, {', '.join(map(str, shape))}), one channel")
    if not images.size and len(images):
        _refuse(where, f"shape {images.shape}", "images with pixels")


def _check_labels(labels: np.ndarray, columns: int, where: str) -> None:
    if not np.issubdtype(labels.dtype, np.integer):
        _refuse(where, f"{labels.dtype}", "integers")
    if labels.ndim != 2 or labels.shape[1] != columns:
        _refuse(where, f"shape {labels.shape}", f"(n, {columns})")
    if outside := sorted(set(np.unique(labels).tolist()) - {0, 1}):
        _refuse(where, f"the values {', '.join(map(str, outside[:5]))}", "0 and 1 only")


def _check_count(images: int, labels: int, expected: int | None, where: str) -> None:
    if images != labels:
        _refuse(where, f"{images} images and {labels} labels", "as many labels as images")
    if not images:
        _refuse(where, "an empty split", "at least one image of each class")
    if expected not in (None, images):
        _refuse(where, f"{images} images", f"{expected}")


def _check_classes(labels: np.ndarray, task: Task, where: str) -> None:
    """AUROC needs both classes, in every label of every split."""
    for column, ones in enumerate(labels.sum(axis=0, dtype=np.int64)):
        if ones in (0, len(labels)):
            label = f" of label '{task.label_names[column]}'" if task.kind == "multi-label" else ""
            _refuse(where, f"one class only{label} (all {int(ones > 0)})", "both classes")
