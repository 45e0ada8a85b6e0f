"""A trunk with a head for each task, and what of it is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from benchmark.core.seeding import derive, isolated
from benchmark.networks import NETWORKS

FEATURES = 512
"""Width of what every trunk gives to its heads."""


def normalise(images: Tensor) -> Tensor:
    """uint8 grey values to float32 in [-1, 1], MedMNIST's own scaling (mean 0.5, standard deviation 0.5)."""
    return images.float().div(127.5).sub(1.0)


class MultiHead(nn.Module):
    """One trunk with an output layer for each task."""

    def __init__(self, trunk: nn.Module, outputs: Mapping[str, int]) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({task: nn.Linear(FEATURES, width) for task, width in outputs.items()})

    def forward(self, images: Tensor, task: str) -> Tensor:
        """Normalised images (n, 1, *spatial) → the task's outputs (n, width)."""
        return cast(Tensor, self.heads[task](self.trunk(images)))


def build(network: str, outputs: Mapping[str, int], seed: int) -> MultiHead:
    """A network with fresh weights. Trunk and heads have streams of their own: a head more changes no other weight."""
    with isolated(derive(seed, network, "trunk initialisation")):
        trunk = NETWORKS[network]()
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
