"""3D, by PyTorch: rotation, scale and shift of all slices of a volume alike, many times cheaper than in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from benchmark.augmentations.shared.moving import Flips3d, Moving
from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn


class InPlane(Moving):
    """Along the depth nothing moves but by a flip."""

    kind: Literal["in-plane"]
    flips: Flips3d = Flips3d()

    dimensions: ClassVar[tuple[Dimension, ...]] = (Dimension.D3,)

    def build(self) -> nn.Module:
        from torch import nn

        # The slices are the channels of an image meanwhile.
        warping = [nn.Flatten(1, 2), *warp, nn.Unflatten(1, (1, -1))] if (warp := self.warping()) else []
        return nn.Sequential(*self.flipping(), *warping)
