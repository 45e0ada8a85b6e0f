"""ResNet-18 trunks in 2D and 3D, and the heads on them.

Adding a network: a function that returns a trunk, a line in `TRUNKS`, and its name in `config.Network`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet18
from torchvision.models.video.resnet import BasicBlock, Conv3DSimple, VideoResNet

from benchmark.config import Network
from benchmark.seeding import derive, isolated

FEATURES = 512
"""Width of what every trunk gives to its heads."""


def normalise(images: Tensor) -> Tensor:
    """uint8 grey values to float32 in [-1, 1], MedMNIST's own scaling (mean 0.5, standard deviation 0.5)."""
    return images.float().div(127.5).sub(1.0)


def trunk_2d(kernel: int, stride: int, pool: bool) -> nn.Module:
    """torchvision's ResNet-18 with a one-channel stem and without its output layer; (n, 1, h, w) → (n, 512)."""
    network = resnet18()
    network.conv1 = nn.Conv2d(1, 64, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    if not pool:
        network.maxpool = nn.Identity()
    network.fc = nn.Identity()
    return cast(nn.Module, network)


def trunk_3d(kernel: tuple[int, int, int], stride: tuple[int, int, int], pool: bool, blocks: int = 2) -> nn.Module:
    """torchvision's 3D ResNet with a one-channel stem and without its output layer; (n, 1, d, h, w) → (n, 512).

    Two blocks a stage make ResNet-18, one ResNet-10.
    """

    def stem() -> nn.Sequential:
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        layers = [nn.Conv3d(1, 64, kernel, stride, padding, bias=False), nn.BatchNorm3d(64), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers, *([nn.MaxPool3d(3, 2, 1)] if pool else []))

    network = VideoResNet(BasicBlock, [Conv3DSimple] * 4, [blocks] * 4, stem, num_classes=1)
    network.fc = nn.Identity()
    return cast(nn.Module, network)


TRUNKS: Mapping[Network, Callable[[], nn.Module]] = {
    # MedMNIST v2's baseline: 3x3 stem of stride 1, no pooling (Yang et al. 2023).
    "medmnist-resnet18": lambda: trunk_2d(3, 1, pool=False),
    "medmnist-resnet18-3d": lambda: trunk_3d((3, 3, 3), (1, 1, 1), pool=False),
    # The README's 3D network: torchvision's r3d_18 (Tran et al. 2018), its stem with one input channel.
    "r3d18": lambda: trunk_3d((3, 7, 7), (1, 2, 2), pool=False),
    # For a CPU, many times cheaper: the same blocks behind a strided stem, in 3D half as many of them.
    "resnet18-strided": lambda: trunk_2d(3, 2, pool=True),
    "resnet10-strided-3d": lambda: trunk_3d((5, 5, 5), (4, 4, 4), pool=True, blocks=1),
}


class MultiHead(nn.Module):
    """One trunk with an output layer for each task."""

    def __init__(self, trunk: nn.Module, outputs: Mapping[str, int]) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({task: nn.Linear(FEATURES, width) for task, width in outputs.items()})

    def forward(self, images: Tensor, task: str) -> Tensor:
        """Normalised images (n, 1, *spatial) → the task's outputs (n, width)."""
        return cast(Tensor, self.heads[task](self.trunk(images)))


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
    """The same trunk, faster: its last stages see 28 pixels as one or two, and most of a kernel meets padding there.

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


def build(network: Network, outputs: Mapping[str, int], seed: int) -> MultiHead:
    """A network with fresh weights. Trunk and heads have streams of their own: a head more changes no other weight."""
    with isolated(derive(seed, network, "trunk initialisation")):
        trunk = without_idle_taps(TRUNKS[network]())
    with isolated(derive(seed, network, "head initialisation")):
        return MultiHead(trunk, outputs)


def freeze_all_but_last(model: MultiHead, tensors: int) -> None:
    """Only the trunk's last `tensors` parameter tensors and the heads are trained.

    Batch normalisation in the frozen part keeps updating its running statistics, as it does in any network that
    is in training mode.
    """
    parameters = list(model.trunk.parameters())
    for parameter in parameters[: len(parameters) - tensors]:
        parameter.requires_grad_(False)


class Predictor(nn.Module):
    """What is served: uint8 images as they are in the file → probabilities of label 1, preprocessing inside."""

    def __init__(self, model: MultiHead, task: str, probabilities: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.trunk, self.head = model.trunk, model.heads[task]
        self.probabilities = probabilities

    def forward(self, images: Tensor) -> Tensor:
        """uint8 (n, *spatial) → float32 (n, L)."""
        return self.probabilities(self.head(self.trunk(normalise(images.unsqueeze(1)))))


def trunk_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The trunk's part of a run's `model.safetensors`, under the trunk's own names."""
    return {name.removeprefix("trunk."): value for name, value in weights.items() if name.startswith("trunk.")}


def pick_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
