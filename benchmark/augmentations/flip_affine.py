"""2D, by kornia: left-right flip, rotation, shift and scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn

DIMENSIONS = (Dimension.D2,)


def flip_affine() -> nn.Module:
    """Left-right flip half the time, rotation up to 10 degrees, shift up to 10 %, scale 0.9 to 1.1; borders repeat."""
    from kornia.augmentation import ImageSequential, RandomAffine, RandomHorizontalFlip

    affine = RandomAffine(degrees=10.0, translate=(0.1, 0.1), scale=(0.9, 1.1), padding_mode="border", p=1.0)
    return cast("nn.Module", ImageSequential(RandomHorizontalFlip(p=0.5), affine))


NAMES = {"flip-affine": flip_affine}
