"""Augmentations keep shape and range, change images, and repeat with their seed."""

import pytest
import torch

from benchmark.augmentations import AUGMENTATIONS
from benchmark.core.seeding import isolated
from benchmark.core.terms import Dimension

CASES = [(name, dim) for dim in Dimension for name in AUGMENTATIONS.names(dim)]


def test_the_shipped_ones_are_there_for_their_dimensions() -> None:
    assert set(CASES) >= {("none", "2d"), ("flip-affine", "2d"), ("none", "3d"), ("flip", "3d")}


@pytest.mark.parametrize(("name", "dim"), CASES)
def test_an_augmentation_repeats_with_its_seed_and_keeps_shape_and_range(name: str, dim: Dimension) -> None:
    images = torch.rand(8, 1, *[12] * dim.axes) * 2 - 1
    change = AUGMENTATIONS[name]()
    results = []
    for seed in (1, 1, 2):
        with isolated(seed):
            results.append(change(images.clone()))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], images) == (name == "none")
    assert torch.equal(results[0], results[2]) == (name == "none")
    assert results[0].shape == images.shape
    assert results[0].abs().max() <= 1 + 1e-5


def test_a_3d_flip_only_moves_voxels() -> None:
    volume = torch.arange(27.0).reshape(1, 1, 3, 3, 3)
    for seed in range(8):
        with isolated(seed):
            flipped = AUGMENTATIONS["flip"]()(volume.clone())
        assert sorted(flipped.flatten().tolist()) == pytest.approx(list(range(27)))
