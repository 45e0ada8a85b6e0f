"""Binary cross-entropy: a sigmoid for each label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from benchmark.objectives.shared.base import Criterion, Problem, Stateless
from benchmark.objectives.shared.stock import StockObjective

if TYPE_CHECKING:
    import torch


class BinaryCrossEntropy(StockObjective):
    loss: Literal["bce-with-logits"]

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        from torch.nn import functional as F

        return Stateless(lambda outputs, labels: F.binary_cross_entropy_with_logits(outputs, labels.float()))
