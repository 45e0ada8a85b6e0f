"""MedMNIST's ResNet-18 on images with the weights that its script begins with: PyTorch's defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn

DIMENSIONS = (Dimension.D2,)


def medmnist_resnet18_default() -> nn.Module:
    """`medmnist-resnet18` with other first weights; (n, 1, h, w) → (n, 512)."""
    from benchmark.networks.resnet_2d import medmnist_resnet18
    from benchmark.networks.shared.default_weights import with_default_weights

    return with_default_weights(medmnist_resnet18())


NAMES = {"medmnist-resnet18-default": medmnist_resnet18_default}
