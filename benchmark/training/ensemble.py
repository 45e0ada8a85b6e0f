"""The networks of several recipes as one that is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from benchmark.config.tasks import Task
from benchmark.runs.folder import RunFolder
from benchmark.training import execute


class Ensemble(nn.Module):
    """The mean probability of predictors: over a recipe's seeds first, then over the recipes."""

    def __init__(self, recipes: Sequence[Sequence[nn.Module]]) -> None:
        super().__init__()
        self.recipes = nn.ModuleList(nn.ModuleList(seeds) for seeds in recipes)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 (n, *spatial) → float32 (n, L)."""
        return torch.stack([_mean(seeds, images) for seeds in self.recipes]).mean(dim=0)


def _mean(seeds: nn.Module, images: Tensor) -> Tensor:
    return torch.stack([predictor(images) for predictor in seeds.children()]).mean(dim=0)


def predictor(members: Mapping[str, Sequence[RunFolder]], task: Task) -> Ensemble:
    """Of finished runs by recipe, ready to serve; see `execute.predictor`. On the CPU."""
    return Ensemble([[execute.predictor(folder, task) for folder in seeds] for seeds in members.values()])
