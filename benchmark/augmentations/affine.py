"""2D, by PyTorch: flips, rotation, scale and shift by settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from benchmark.augmentations.shared.moving import Flips2d, Moving
from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn


class Affine(Moving):
    """On images; `flips: {width: 0.5}` is left-right, half the time."""

    kind: Literal["affine"]
    flips: Flips2d = Flips2d()

    dimensions: ClassVar[tuple[Dimension, ...]] = (Dimension.D2,)

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Sequential(*self.flipping(), *self.warping())
