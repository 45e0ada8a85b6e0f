"""Focal loss: Lin et al., ICCV 2017."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from benchmark.objectives.shared.base import Criterion, Problem, Stateless
from benchmark.objectives.shared.stock import StockObjective

if TYPE_CHECKING:
    import torch


class Focal(StockObjective):
    """Binary cross-entropy times (1 - p)^gamma, p being the probability of the true class: easy images fade."""

    loss: Literal["focal"]
    gamma: float = Field(ge=0)
    """0 is binary cross-entropy."""
    alpha: float | None = Field(default=None, ge=0, le=1)
    """The weight of label 1, that of label 0 being 1 - alpha; both are 1 where it is left out."""

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        from torchvision.ops import sigmoid_focal_loss

        alpha = -1.0 if self.alpha is None else self.alpha  # torchvision's word for no weights
        return Stateless(
            lambda outputs, labels: sigmoid_focal_loss(outputs, labels.float(), alpha, self.gamma, reduction="mean")
        )
