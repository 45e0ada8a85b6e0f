"""ResNets on volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from benchmark.core.terms import Dimension
from benchmark.networks.shared.residual import Residual

if TYPE_CHECKING:
    from torch import nn


class ResNet3d(Residual):
    """`ResNet` with every kernel and stride along the depth too: torchvision's video ResNet (Tran et al., CVPR 2018)."""

    family: Literal["resnet-3d"]

    dimensions: ClassVar[tuple[Dimension, ...]] = (Dimension.D3,)

    @property
    def form(self) -> str:
        return "3d"

    def build(self) -> nn.Module:
        """(n, 1, d, h, w) → (n, features)."""
        from torchvision.models.video.resnet import BasicBlock, Conv3DSimple

        def block(inside: int, width: int, stride: int, shortcut: nn.Module | None) -> nn.Module:
            made: nn.Module = BasicBlock(inside, width, Conv3DSimple, stride, shortcut)
            return made

        return self.trunk(3, 1, block)
