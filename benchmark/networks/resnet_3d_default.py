"""MedMNIST's ResNet-18 on volumes with the weights that its script begins with: PyTorch's defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn

DIMENSIONS = (Dimension.D3,)


def medmnist_resnet18_3d_default() -> nn.Module:
    """`medmnist-resnet18-3d` with other first weights; (n, 1, d, h, w) → (n, 512)."""
    from benchmark.networks.resnet_3d import medmnist_resnet18_3d
    from benchmark.networks.shared.default_weights import with_default_weights

    return with_default_weights(medmnist_resnet18_3d())


NAMES = {"medmnist-resnet18-3d-default": medmnist_resnet18_3d_default}
