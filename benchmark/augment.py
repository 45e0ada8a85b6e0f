"""Batched augmentation on the device, by kornia. Draws come from PyTorch's global generator (see `seeding`).

Adding one: a function that returns a module, a line in `AUGMENTATIONS`, and its name in `config.Augmentation`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from torch import Tensor, nn

from benchmark.config import Augmentation


def _flip_affine() -> nn.Module:
    """2D: left-right flip, rotation up to 10 degrees, shift up to 10 %, scale 0.9 to 1.1; borders repeat."""
    from kornia.augmentation import ImageSequential, RandomAffine, RandomHorizontalFlip

    affine = RandomAffine(degrees=10.0, translate=(0.1, 0.1), scale=(0.9, 1.1), padding_mode="border", p=1.0)
    return cast(nn.Module, ImageSequential(RandomHorizontalFlip(p=0.5), affine))


def _flip() -> nn.Module:
    """3D: a flip along each axis, half the time."""
    from kornia.augmentation import RandomDepthicalFlip3D, RandomHorizontalFlip3D, RandomVerticalFlip3D

    return nn.Sequential(RandomHorizontalFlip3D(p=0.5), RandomVerticalFlip3D(p=0.5), RandomDepthicalFlip3D(p=0.5))


AUGMENTATIONS: Mapping[Augmentation, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "flip-affine": _flip_affine,  # 2D
    "flip": _flip,  # 3D
}


def make(name: Augmentation) -> Callable[[Tensor], Tensor]:
    """A function on normalised batches, (n, 1, h, w) or (n, 1, d, h, w), float32."""
    return cast(Callable[[Tensor], Tensor], AUGMENTATIONS[name]())
