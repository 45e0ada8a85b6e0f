"""Residual networks of any width and depth, of torchvision's blocks of two convolutions (He et al., CVPR 2016)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from benchmark.networks.shared.base import Network

if TYPE_CHECKING:
    from torch import nn

    MakeBlock = Callable[[int, int, int, nn.Module | None], nn.Module]
    """Channels in, channels out, stride, and what stands in the shortcut where the two sides differ."""

DEPTHS: Mapping[tuple[int, ...], int] = {(1, 1, 1, 1): 10, (2, 2, 2, 2): 18, (3, 4, 6, 3): 34}
"""Blocks whose network has a name of its own: their convolutions, the stem and an output layer."""


class Residual(Network):
    """A stem, stages of blocks, the mean over all pixels. Each stage after the first has half the pixels, twice the width."""

    width: int = Field(ge=1)
    """Channels of the first stage."""
    blocks: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, max_length=4)
    """Of each stage."""
    stem_kernel: Literal[1, 3, 5, 7]
    stem_stride: int = Field(ge=1)
    pool: bool
    """Whether the stem ends in max pooling, 3 wide and of stride 2."""

    @property
    def features(self) -> int:
        return int(self.width * 2 ** (len(self.blocks) - 1))

    @property
    def form(self) -> str:
        """What its text says of the family, beside the settings that all residual networks have."""
        return ""

    def __str__(self) -> str:
        depth = DEPTHS.get(self.blocks)
        parts = ["resnet" if depth is None else f"resnet{depth}"]
        parts += [] if depth else map(str, self.blocks)
        parts += [self.form] if self.form else []
        parts += [f"w{self.width}"]
        parts += [] if self.stem_kernel == 3 else [f"k{self.stem_kernel}"]
        parts += [f"s{self.stem_stride}"]
        return "-".join(parts + ["pool"] * self.pool)

    def trunk(self, axes: Literal[2, 3], channels: int, block: MakeBlock) -> nn.Module:
        """(n, channels, *spatial) → (n, features), weights drawn as torchvision draws them."""
        from torch import nn

        from benchmark.networks.shared.one_step import without_idle_taps

        conv, norm = (nn.Conv2d, nn.BatchNorm2d) if axes == 2 else (nn.Conv3d, nn.BatchNorm3d)
        largest, mean = (nn.MaxPool2d, nn.AdaptiveAvgPool2d) if axes == 2 else (nn.MaxPool3d, nn.AdaptiveAvgPool3d)

        def stage(inside: int, width: int, stride: int, blocks: int) -> nn.Sequential:
            plain = stride == 1 and inside == width
            shortcut = None if plain else nn.Sequential(conv(inside, width, 1, stride, bias=False), norm(width))
            first = block(inside, width, stride, shortcut)
            return nn.Sequential(first, *(block(width, width, 1, None) for _ in range(blocks - 1)))

        kernel, width = self.stem_kernel, self.width
        stem = [
            conv(channels, width, kernel, self.stem_stride, kernel // 2, bias=False),
            norm(width),
            nn.ReLU(inplace=True),
        ]
        layers = OrderedDict[str, nn.Module](stem=nn.Sequential(*stem, *[largest(3, 2, 1)] * self.pool))
        layers["layer1"] = stage(width, width, 1, self.blocks[0])
        for number, blocks in enumerate(self.blocks[1:], start=2):
            layers[f"layer{number}"] = stage(width, 2 * width, 2, blocks)
            width *= 2
        network = nn.Sequential(layers | {"mean": mean(1), "features": nn.Flatten()})
        for layer in network.modules():
            if isinstance(layer, conv):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        return without_idle_taps(network) if self.last_side(28) == 1 else network

    def last_side(self, side: int) -> int:
        """How many pixels the last stage sees along an axis that has `side` of them; every kernel is padded by half."""
        for stride in (self.stem_stride, *[2] * self.pool, *[2] * (len(self.blocks) - 1)):
            side = -(-side // stride)
        return side
