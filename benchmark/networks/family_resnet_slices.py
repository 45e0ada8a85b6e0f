"""ResNets on volumes that see the slices of one as the channels of an image."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from benchmark.core.terms import Dimension
from benchmark.networks.shared.residual import Residual

if TYPE_CHECKING:
    from torch import nn


class ResNetSlices(Residual):
    """`ResNet` with a channel for each slice, so that its first convolution sees the whole depth at once, and in order."""

    family: Literal["resnet-slices"]
    slices: int = Field(ge=1)
    """The volume's depth."""

    dimensions: ClassVar[tuple[Dimension, ...]] = (Dimension.D3,)

    @property
    def form(self) -> str:
        return f"slices{self.slices}"

    def build(self) -> nn.Module:
        """(n, 1, d, h, w) → (n, features)."""
        from torch import nn
        from torchvision.models.resnet import BasicBlock

        trunk = self.trunk(2, self.slices, BasicBlock)
        return nn.Sequential(OrderedDict({"slices": nn.Flatten(1, 2)} | dict(trunk.named_children())))

    def refusal(self, sides: Sequence[int]) -> str:
        return "" if sides[0] == self.slices else f"its slices are {self.slices}, and the volume has {sides[0]}"
