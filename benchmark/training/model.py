"""A trunk with a head for each task, and what of it is served."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from benchmark import networks
from benchmark.config.recipes import MemoryFormat, Start, StartFrom
from benchmark.core.seeding import derive, isolated
from benchmark.networks import AnyNetwork


def normalise(images: Tensor) -> Tensor:
    """uint8 grey values to float32 in [-1, 1], MedMNIST's own scaling (mean 0.5, standard deviation 0.5)."""
    return images.float().div(127.5).sub(1.0)


class MultiHead(nn.Module):
    """One trunk with an output layer for each task."""

    def __init__(self, trunk: nn.Module, features: int, outputs: Mapping[str, int]) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({task: nn.Linear(features, width) for task, width in outputs.items()})

    def forward(self, images: Tensor, task: str) -> Tensor:
        """Normalised images (n, 1, *spatial) → the task's outputs (n, width)."""
        return cast(Tensor, self.heads[task](self.trunk(images)))


def build(network: AnyNetwork, outputs: Mapping[str, int], seed: int) -> MultiHead:
    """A network with fresh weights. Trunk and heads have streams of their own: a head more changes no other weight."""
    with isolated(derive(seed, network, "trunk initialisation")):
        trunk = networks.build(network)
    with isolated(derive(seed, network, "head initialisation")):
        return MultiHead(trunk, networks.features(network), outputs)


def take_over(model: MultiHead, weights: Mapping[str, Tensor], start: Start, seed: int) -> None:
    """Go on from the weights of a run: with its trunk, and with the heads that `start` asks for."""
    model.trunk.load_state_dict(trunk_weights(weights))
    if isinstance(start, StartFrom):
        if start.head == "kept":
            keep_heads(model, weights)
        else:
            new_heads(model, seed)


def new_heads(model: MultiHead, seed: int) -> None:
    """Random ones, of another stream than those that `build` makes with this seed: a trunk has been trained for those.

    The trunk of a network that began with the very same head tells classes apart along it. A head of one output then
    has what was label 0's, and every image in the wrong order.
    """
    with isolated(derive(seed, "new head")):
        for head in model.heads.values():
            cast(nn.Linear, head).reset_parameters()


def keep_heads(model: MultiHead, weights: Mapping[str, Tensor]) -> None:
    """Have each head give the probabilities that one with these weights gave, which may have had other outputs.

    Args:
        weights: of another model with these heads, by the names of its state; two outputs (softmax) or one for each label
            (sigmoid).
    """
    for name, parameter in model.heads.named_parameters():
        parameter.data.copy_(_of_width(weights[f"heads.{name}"], len(parameter)))


def _of_width(weights: Tensor, outputs: int) -> Tensor:
    """Softmax of two is the sigmoid of their difference."""
    if len(weights) == outputs:
        return weights
    return weights[1:] - weights[:1] if outputs == 1 else torch.cat([torch.zeros_like(weights), weights])


def freeze_all_but_last(model: MultiHead, tensors: int) -> None:
    """Only the trunk's last `tensors` parameter tensors and the heads are trained.

    Batch normalisation in the frozen part keeps updating its running statistics, as it does in any network that
    is in training mode.
    """
    parameters = list(model.trunk.parameters())
    for parameter in parameters[: len(parameters) - tensors]:
        parameter.requires_grad_(False)


def lay_out(model: nn.Module, form: MemoryFormat) -> None:
    """Have convolutions work in a memory format: it is their weights' that they go by, and hand on with their outputs."""
    if form == "contiguous":
        return
    formats = {nn.Conv2d: torch.channels_last, nn.Conv3d: torch.channels_last_3d}
    for module in model.modules():
        for kind, memory_format in formats.items():
            if isinstance(module, kind):
                module.to(memory_format=memory_format)


class Predictor(nn.Module):
    """What is served: uint8 images as they are in the file → probabilities of label 1, preprocessing inside."""

    def __init__(
        self, model: MultiHead, task: str, probabilities: Callable[[Tensor], Tensor], flips: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.trunk, self.head = model.trunk, model.heads[task]
        self.probabilities, self.flips = probabilities, flips

    def forward(self, images: Tensor) -> Tensor:
        """uint8 (n, *spatial) → float32 (n, L)."""
        return over_flips(self._score, normalise(images.unsqueeze(1)), self.flips)

    def _score(self, images: Tensor) -> Tensor:
        return self.probabilities(self.head(self.trunk(images)))


def flipped_axes(names: Iterable[str]) -> tuple[int, ...]:
    """The axes of a batch (n, 1, [depth,] height, width) by these names, counted from the last."""
    return tuple({"depth": -3, "height": -2, "width": -1}[name] for name in names)


def over_flips(score: Callable[[Tensor], Tensor], images: Tensor, axes: Sequence[int]) -> Tensor:
    """The mean score (n, L) of images and of their flips along every combination of these axes."""
    combinations = [some for count in range(len(axes) + 1) for some in itertools.combinations(axes, count)]
    scores = [score(images.flip(some) if some else images) for some in combinations]
    return scores[0] if len(scores) == 1 else torch.stack(scores).mean(dim=0)


def trunk_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The trunk's part of a run's `model.safetensors`, under the trunk's own names."""
    return {name.removeprefix("trunk."): value for name, value in weights.items() if name.startswith("trunk.")}


def pick_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
