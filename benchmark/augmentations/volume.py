"""3D, by PyTorch: flips, permuted axes, rotation about all three axes, scale and shift by settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from benchmark.augmentations.shared.moving import Flips3d, Moving
from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn


class Volume(Moving):
    """Flips of all axes, each half the time, and permuted axes are all 48 ways to lay a cube."""

    kind: Literal["volume"]
    flips: Flips3d = Flips3d()
    permute_axes: bool = False
    """Whether depth, height and width change places at random, all six orders being equally probable. For cubes."""

    dimensions: ClassVar[tuple[Dimension, ...]] = (Dimension.D3,)

    def build(self) -> nn.Module:
        from torch import nn

        from benchmark.augmentations.shared.transforms import Permute

        return nn.Sequential(*self.flipping(), *[Permute()] * self.permute_axes, *self.warping())

    def parts(self) -> list[str]:
        return [*(["permute"] * self.permute_axes), *super().parts()]

    def refusal(self, sides: Sequence[int]) -> str:
        cube = len(set(sides)) == 1
        shape = "x".join(map(str, sides))
        return f"a cube's axes can be permuted, and the volume is {shape}" if self.permute_axes and not cube else ""
