"""ResNet-18 on images: torchvision's, with a one-channel stem of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn

DIMENSIONS = (Dimension.D2,)


def resnet18(kernel: int, stride: int, pool: bool) -> nn.Module:
    """Without its output layer; (n, 1, h, w) → (n, 512)."""
    from torch import nn
    from torchvision import models

    network = models.resnet18()
    network.conv1 = nn.Conv2d(1, 64, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    if not pool:
        network.maxpool = nn.Identity()
    network.fc = nn.Identity()
    return cast("nn.Module", network)


def medmnist_resnet18() -> nn.Module:
    """MedMNIST v2's baseline: 3x3 stem of stride 1, no pooling (Yang et al. 2023)."""
    return resnet18(3, 1, pool=False)


def resnet18_strided() -> nn.Module:
    """For a CPU, many times cheaper: the same blocks behind a strided stem."""
    from benchmark.networks.shared.one_step import without_idle_taps

    return without_idle_taps(resnet18(3, 2, pool=True))


NAMES = {
    "medmnist-resnet18": medmnist_resnet18,
    "resnet18-strided": resnet18_strided,
}
