"""Augmentations keep shape and range, change images, and repeat with their seed."""

import pytest
import torch

from benchmark import augment
from benchmark.seeding import isolated


@pytest.mark.parametrize(("name", "dimension"), [("none", 2), ("flip-affine", 2), ("none", 3), ("flip", 3)])
def test_an_augmentation_repeats_with_its_seed_and_keeps_shape_and_range(
    name: augment.Augmentation, dimension: int
) -> None:
    images = torch.rand(8, 1, *[12] * dimension) * 2 - 1
    change = augment.make(name)
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
            flipped = augment.make("flip")(volume.clone())
        assert sorted(flipped.flatten().tolist()) == pytest.approx(list(range(27)))
