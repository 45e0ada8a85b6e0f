"""ResNets on volumes: torchvision's video ResNet, with a one-channel stem of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn

DIMENSIONS = (Dimension.D3,)


def resnet(kernel: tuple[int, int, int], stride: tuple[int, int, int], pool: bool, blocks: int = 2) -> nn.Module:
    """Without its output layer; (n, 1, d, h, w) → (n, 512). Two blocks a stage make ResNet-18, one ResNet-10."""
    from torch import nn
    from torchvision.models.video.resnet import BasicBlock, Conv3DSimple, VideoResNet

    def stem() -> nn.Sequential:
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        layers = [nn.Conv3d(1, 64, kernel, stride, padding, bias=False), nn.BatchNorm3d(64), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers, *([nn.MaxPool3d(3, 2, 1)] if pool else []))

    network = VideoResNet(BasicBlock, [Conv3DSimple] * 4, [blocks] * 4, stem, num_classes=1)
    network.fc = nn.Identity()
    return cast("nn.Module", network)


def medmnist_resnet18_3d() -> nn.Module:
    """MedMNIST v2's baseline in 3D: 3x3x3 stem of stride 1, no pooling (Yang et al. 2023)."""
    return resnet((3, 3, 3), (1, 1, 1), pool=False)


def r3d18() -> nn.Module:
    """The README's 3D network: torchvision's r3d_18 (Tran et al. 2018), its stem with one input channel."""
    return resnet((3, 7, 7), (1, 2, 2), pool=False)


def resnet10_strided_3d() -> nn.Module:
    """For a CPU, many times cheaper: half as many of the same blocks behind a strided stem."""
    from benchmark.networks.shared.one_step import without_idle_taps

    return without_idle_taps(resnet((5, 5, 5), (4, 4, 4), pool=True, blocks=1))


NAMES = {
    "medmnist-resnet18-3d": medmnist_resnet18_3d,
    "r3d18": r3d18,
    "resnet10-strided-3d": resnet10_strided_3d,
}
