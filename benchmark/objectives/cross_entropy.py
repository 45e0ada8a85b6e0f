"""Cross-entropy: softmax over the two classes of a binary task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from benchmark.objectives.shared.base import Criterion, Problem, Stateless
from benchmark.objectives.shared.stock import SoftmaxObjective

if TYPE_CHECKING:
    import torch


class CrossEntropy(SoftmaxObjective):
    loss: Literal["cross-entropy"]

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        from torch.nn import functional as F

        return Stateless(lambda outputs, labels: F.cross_entropy(outputs, labels[:, 0].long()))
