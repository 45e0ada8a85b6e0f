"""MedMNIST-shaped stand-in data, for machines without the real files. It is always named as such, and never a result.

An image is noise around grey plus one smooth pattern per label. The pattern's contrast is drawn around a value that
depends on the label, and the draws of both classes overlap: the best possible AUROC is about 0.92.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from benchmark.config.tasks import Task

CHEST_IMAGES = 112_120
CHEST_COUNTS = (11559, 2776, 13317, 19894, 5782, 6331, 1431, 5302, 4667, 2303, 2516, 1686, 3385, 227)
"""Images per finding in ChestX-ray14 (Wang et al., CVPR 2017), in the order of ChestMNIST's labels."""

SHARES: Mapping[str, tuple[float, ...]] = {
    "breastmnist": (0.73,),
    "pneumoniamnist": (0.742,),
    "chestmnist": tuple(count / CHEST_IMAGES for count in CHEST_COUNTS),
    "nodulemnist3d": (0.2,),
    "adrenalmnist3d": (0.22,),
    "vesselmnist3d": (0.11,),
    "synapsemnist3d": (0.73,),
}
"""Share of 1 in each label column, near the official training split's."""

RAREST = 2  # of each class in each label column, however small the split
DISTANCE = 2.0  # between the mean contrasts of the classes, in standard deviations of the contrast
CONTRAST = 24.0  # grey levels in one standard deviation of contrast, shared by the labels of an image
NOISE = 40  # grey levels up and down, evenly spread
FINE = 256  # patterns and contrasts are integers in this many steps
PIXELS_AT_ONCE = 2**22


def generate(task: Task) -> dict[str, np.ndarray]:
    """The arrays of a stand-in task's file: the same bytes for the same task.

    Returns:
        For each split, `{split}_images` uint8 (n, size, size) or (n, size, size, size) and `{split}_labels`
        uint8 (n, L). Both classes are there at least twice in every label column.
    """
    assert task.size is not None
    assert task.split_sizes is not None
    random = np.random.default_rng(list(task.name.encode()))
    patterns = _patterns(task.size, task.dim.axes, task.label_count)
    arrays = {}
    for split, count in task.split_sizes.items():
        labels = _labels(random, SHARES[task.origin], count)
        arrays[f"{split}_images"] = _images(random, labels, patterns)
        arrays[f"{split}_labels"] = labels
    return arrays


def _labels(random: np.random.Generator, shares: tuple[float, ...], count: int) -> np.ndarray:
    """uint8 (count, len(shares)); each column has its share of 1 to the nearest image, in an order of its own."""
    ones = np.clip(np.rint(np.multiply(shares, count)), RAREST, count - RAREST)
    ordered = (np.arange(count)[:, None] < ones).astype(np.uint8)
    labels: np.ndarray = random.permuted(ordered, axis=0)
    return labels


def _patterns(size: int, dimension: int, labels: int) -> np.ndarray:
    """int32 (labels, size, …): a product of cosines along the axes per label, in steps of 1 / `FINE`.

    Different patterns are orthogonal, so that no label hides another; even frequencies survive flips.
    """
    steps = (np.arange(size) + 0.5) / size
    frequencies = sorted(product((0, 2, 4, 6), repeat=dimension), key=lambda each: (sum(each), each))
    waves = []
    for each in frequencies[1 : labels + 1]:
        along = np.ix_(*(np.cos(np.pi * frequency * steps) for frequency in each))
        waves.append(np.prod(np.broadcast_arrays(*along), axis=0))
    patterns: np.ndarray = np.rint(np.stack(waves) * FINE).astype(np.int32)
    return patterns


def _images(random: np.random.Generator, labels: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """uint8 (n, size, …), made in pieces to spare memory."""
    flat = patterns.reshape(len(patterns), -1)
    piece = max(1, PIXELS_AT_ONCE // flat.shape[1])
    images = np.empty((len(labels), flat.shape[1]), dtype=np.uint8)
    scale = CONTRAST / np.sqrt(labels.shape[1])
    for start in range(0, len(labels), piece):
        part = labels[start : start + piece]
        contrast = DISTANCE * part + random.standard_normal(part.shape)
        # Integers, because a product of floats may differ in its last bit from one processor to the next.
        signal = np.rint(contrast * scale * FINE).astype(np.int32) @ flat // FINE**2
        noise = random.integers(-NOISE, NOISE, signal.shape, dtype=np.int16, endpoint=True)
        images[start : start + piece] = np.clip(128 + signal + noise, 0, 255)
    return images.reshape(len(labels), *patterns.shape[1:])
