"""MedMNIST-shaped stand-in data, for tests and for machines without any real data. Never a result.

Deterministic (seeded by the task's name) and learnable: each label has a soft spot of its own in the image, and where
the label is 1 the spot is brighter. Noise and a random spot size keep it from being trivial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from benchmark.tasks import SPLITS, Task

# Share of label 1, rounded. ChestMNIST: counts among the 112,120 images of ChestX-ray14 (Wang et al., CVPR 2017).
CHEST_COUNTS = (11559, 2776, 13317, 19894, 5782, 6331, 1431, 5302, 4667, 2303, 2516, 1686, 3385, 227)
POSITIVE_SHARES: Mapping[str, tuple[float, ...]] = {
    "breastmnist": (0.73,),
    "pneumoniamnist": (0.74,),
    "chestmnist": tuple(count / 112120 for count in CHEST_COUNTS),
    "nodulemnist3d": (0.25,),
    "adrenalmnist3d": (0.22,),
    "vesselmnist3d": (0.11,),
    "synapsemnist3d": (0.73,),
}
CHUNK = 4096
"""Images generated at once, to keep memory moderate."""


def generate(task: Task) -> dict[str, np.ndarray]:
    """Arrays of a MedMNIST file: `{split}_images` uint8 (n, *spatial) and `{split}_labels` uint8 (n, L)."""
    if task.split_sizes is None or task.size is None:
        raise ValueError(f"{task.name}: a stand-in has known sizes")
    arrays = {}
    shares = np.array(POSITIVE_SHARES[task.origin])
    for split in SPLITS:
        seed = int.from_bytes(hashlib.sha256(f"{task.name}/{split}".encode()).digest()[:8], "big")
        random = np.random.default_rng(seed)
        labels = _labels(random, task.split_sizes[split], shares)
        chunks = [labels[start : start + CHUNK] for start in range(0, len(labels), CHUNK)]
        spots = _spots(task)
        arrays[f"{split}_images"] = np.concatenate([_images(random, part, spots) for part in chunks])
        arrays[f"{split}_labels"] = labels
    return arrays


def _labels(random: np.random.Generator, count: int, shares: np.ndarray) -> np.ndarray:
    """0 and 1 by share, both classes at least twice in every column."""
    labels = (random.random((count, len(shares))) < shares).astype(np.uint8)
    for column in range(len(shares)):
        forced = random.permutation(count)[:4]
        labels[forced, column] = (0, 0, 1, 1)
    return labels


def _spots(task: Task) -> np.ndarray:
    """A Gaussian spot for each label, float32 (L, *spatial), on places spread over the middle of the image."""
    size, dimension = task.size or 0, task.dimension
    count = len(POSITIVE_SHARES[task.origin])
    places = np.random.default_rng(7).uniform(0.25, 0.75, (count, dimension)) if count > 1 else [[0.5] * dimension]
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, size)] * dimension, indexing="ij"), axis=-1)
    width = 0.15 if count == 1 else 0.06
    distances = [((grid - np.array(place)) ** 2).sum(axis=-1) for place in places]
    spots: np.ndarray = np.exp(-np.stack(distances) / (2 * width**2)).astype(np.float32)
    return spots


def _images(random: np.random.Generator, labels: np.ndarray, spots: np.ndarray) -> np.ndarray:
    """Noise, and every label's spot: faint and varying where it is 0, brighter where it is 1."""
    noise = random.normal(70, 25, (len(labels), *spots.shape[1:])).astype(np.float32)
    strength = random.normal(40, 20, labels.shape) + 70 * labels
    bright = np.tensordot(strength.astype(np.float32), spots, axes=1)
    return np.clip(noise + bright, 0, 255).astype(np.uint8)
