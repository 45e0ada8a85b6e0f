"""3D, by kornia: flips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn

DIMENSIONS = (Dimension.D3,)


def flip() -> nn.Module:
    """A flip along each axis, half the time."""
    from kornia.augmentation import RandomDepthicalFlip3D, RandomHorizontalFlip3D, RandomVerticalFlip3D
    from torch import nn

    return nn.Sequential(RandomHorizontalFlip3D(p=0.5), RandomVerticalFlip3D(p=0.5), RandomDepthicalFlip3D(p=0.5))


NAMES = {"flip": flip}
