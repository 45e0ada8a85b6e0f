"""A faster convolution of the same result, for networks whose last stages see an image as one or two pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F


class OneStep2d(nn.Conv2d):
    """A convolution of the same weights and result; where its kernel stands still, it is a matrix product."""

    def _conv_forward(self, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _product(self, images) if _stands_still(self, images) else super()._conv_forward(images, weight, bias)


class OneStep3d(nn.Conv3d):
    """See `OneStep2d`."""

    def _conv_forward(self, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return _product(self, images) if _stands_still(self, images) else super()._conv_forward(images, weight, bias)


def _stands_still(layer: nn.Conv2d | nn.Conv3d, images: Tensor) -> bool:
    """Whether the output is a single position, the input with its padding being too small for a second one."""
    return all(side + 2 * padding - kernel < stride for side, kernel, stride, padding in _geometry(layer, images))


def _product(layer: nn.Conv2d | nn.Conv3d, images: Tensor) -> Tensor:
    """Every pixel that the kernel reaches, times its weight. Weights that meet nothing but padding are not read."""
    pixels, weight = images, layer.weight
    for axis, (side, kernel, _, padding) in enumerate(_geometry(layer, images), start=2):
        reached = min(side, kernel - padding)
        pixels = pixels.narrow(axis, 0, reached)
        weight = weight.narrow(axis, padding, reached)
    products = F.linear(pixels.flatten(1), weight.flatten(1), layer.bias)
    return products.reshape(*products.shape, *[1] * (images.dim() - 2))


def _geometry(layer: nn.Conv2d | nn.Conv3d, images: Tensor) -> Iterable[tuple[int, int, int, int]]:
    """Side of the input, kernel, stride and padding of each spatial axis."""
    paddings = cast(tuple[int, ...], layer.padding)  # never a word, see `_is_plain`
    return zip(images.shape[2:], layer.kernel_size, layer.stride, paddings, strict=True)


def without_idle_taps(trunk: nn.Module) -> nn.Module:
    """The same trunk, faster where its last stages see one or two pixels, so that most of a kernel meets padding.

    PyTorch's convolution reads the weights that meet padding all the same, and writes their gradients of zero. Names
    and values of all weights stay as they are. What it saves is in docs/performance.md.
    """
    for layer in trunk.modules():
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)) and _is_plain(layer):
            layer.__class__ = OneStep2d if isinstance(layer, nn.Conv2d) else OneStep3d
    return trunk


def _is_plain(layer: nn.Conv2d | nn.Conv3d) -> bool:
    padded = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return padded and layer.groups == 1 and all(dilation == 1 for dilation in layer.dilation)
