"""What a data file must be: arrays, types, shapes, split sizes, label values, both classes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from benchmark.config.tasks import SPLITS, Task
from benchmark.core.archive import Archive, Header, Unreadable
from benchmark.core.errors import WrongStructure

AN_ARRAY = "an array of numbers as np.savez stores it"


def verify(path: Path, task: Task, shown: object = None) -> None:
    """Check that a file is what its task says: arrays, types, shapes, split sizes, label values, both classes.

    Args:
        shown: what messages call the file, where that isn't its path.

    Raises:
        WrongStructure: the first thing that is wrong. Pickled objects, and what claims to be larger than it can be, are
            refused unread.
    """
    for _ in read(path, task, shown):
        pass


def read(path: Path, task: Task, shown: object = None) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, checked images and checked labels of each split, one split in memory at a time; else as `verify`."""
    shown = str(shown or path)
    if not zipfile.is_zipfile(path):
        _refuse(shown, f"{path.stat().st_size} bytes that are no whole zip archive", "an .npz file, not cut short")
    try:
        with Archive(path) as file:
            _check_headers(file, task, shown)
            for split in SPLITS:
                images, labels = _array(file, f"{split}_images", shown), _array(file, f"{split}_labels", shown)
                _check_values(labels, task, f"{shown}: {split}_labels")
                yield split, images, labels
    except Unreadable as error:  # of the archive as a whole
        _refuse(shown, str(error), "an .npz file")


def _check_headers(file: Archive, task: Task, shown: str) -> None:
    """All that can be told without unpacking."""
    expected = [f"{split}_{part}" for split in SPLITS for part in ("images", "labels")]
    if missing := [key for key in expected if key not in file.files]:
        _refuse(shown, f"no array {', '.join(missing)}", f"the arrays {', '.join(expected)}")
    size: int | str | None = task.size
    for split in SPLITS:
        images, labels = _header(file, f"{split}_images", shown), _header(file, f"{split}_labels", shown)
        # An own file's first split decides for the others. Wherever a channel may stand, this axis is one of the image.
        size = size or (images.shape[-2] if len(images.shape) > task.dim.axes else "size")
        _check_images(images, (size,) * task.dim.axes, f"{shown}: {split}_images")
        _check_labels(labels, task.label_count, f"{shown}: {split}_labels")
        _check_count(images.shape[0], labels.shape[0], (task.split_sizes or {}).get(split), f"{shown}: {split}")


def _refuse(where: str, found: str, expected: str) -> NoReturn:
    raise WrongStructure(f"{where}: found {found}, expected {expected}")


def _header(file: Archive, key: str, shown: str) -> Header:
    try:
        header = file.header(key)
    except Unreadable as error:
        _refuse(f"{shown}: {key}", str(error), AN_ARRAY)
    if not header.shape:
        _refuse(f"{shown}: {key}", "a single number", AN_ARRAY)
    return header


def _array(file: Archive, key: str, shown: str) -> np.ndarray:
    try:
        return file[key]
    except Unreadable as error:
        _refuse(f"{shown}: {key}", str(error), AN_ARRAY)


def _check_images(images: Header, shape: tuple[int | str, ...], where: str) -> None:
    if images.dtype != np.uint8:
        _refuse(where, f"{images.dtype}", "uint8")
    if images.shape[1:] != shape:
        _refuse(where, f"shape {images.shape}", f"(n, {', '.join(map(str, shape))}), one channel")
    if 0 in shape:
        _refuse(where, f"shape {images.shape}", "images with pixels")


def _check_labels(labels: Header, columns: int, where: str) -> None:
    if not np.issubdtype(labels.dtype, np.integer):
        _refuse(where, f"{labels.dtype}", "integers")
    if len(labels.shape) != 2 or labels.shape[1] != columns:
        _refuse(where, f"shape {labels.shape}", f"(n, {columns})")


def _check_count(images: int, labels: int, expected: int | None, where: str) -> None:
    if images != labels:
        _refuse(where, f"{images} images and {labels} labels", "as many labels as images")
    if not images:
        _refuse(where, "an empty split", "at least one image of each class")
    if expected not in (None, images):
        _refuse(where, f"{images} images", f"{expected}")


def _check_values(labels: np.ndarray, task: Task, where: str) -> None:
    """0 and 1 only, and both of them in every label: AUROC needs both classes in every split."""
    if outside := sorted(set(np.unique(labels).tolist()) - {0, 1}):
        _refuse(where, f"the values {', '.join(map(str, outside[:5]))}", "0 and 1 only")
    for column, ones in enumerate(labels.sum(axis=0, dtype=np.int64)):
        if ones in (0, len(labels)):
            label = f" of label '{task.label_names[column]}'" if task.kind == "multi-label" else ""
            _refuse(where, f"one class only{label} (all {int(ones > 0)})", "both classes")
