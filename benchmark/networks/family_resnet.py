"""ResNets on images."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from benchmark.core.terms import Dimension
from benchmark.networks.shared.residual import Residual

if TYPE_CHECKING:
    from torch import nn


class ResNet(Residual):
    """Width 64, four stages of two blocks and a stem of kernel 3 and stride 1 without pooling are `medmnist-resnet18`."""

    family: Literal["resnet"]

    dimensions: ClassVar[tuple[Dimension, ...]] = (Dimension.D2,)

    def build(self) -> nn.Module:
        """(n, 1, h, w) → (n, features)."""
        from torchvision.models.resnet import BasicBlock

        return self.trunk(2, 1, BasicBlock)
