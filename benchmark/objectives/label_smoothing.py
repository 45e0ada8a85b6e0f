"""Binary cross-entropy with smoothed labels: Szegedy et al., CVPR 2016."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from benchmark.objectives.shared.base import Criterion, Problem, Stateless
from benchmark.objectives.shared.stock import StockObjective

if TYPE_CHECKING:
    import torch


class LabelSmoothing(StockObjective):
    """A sigmoid for each label. On a binary task it is cross-entropy over two classes with the same smoothing."""

    loss: Literal["label-smoothing"]
    smoothing: float = Field(ge=0, lt=1)
    """How far a label moves towards 1/2: 1 becomes 1 - smoothing / 2, 0 becomes smoothing / 2."""

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        from torch.nn import functional as F

        kept, added = 1 - self.smoothing, self.smoothing / 2
        return Stateless(
            lambda outputs, labels: F.binary_cross_entropy_with_logits(outputs, labels.float() * kept + added)
        )
