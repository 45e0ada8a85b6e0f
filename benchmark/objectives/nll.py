"""NLL on log-softmax, which is cross-entropy exactly: the published grid counts it twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from benchmark.objectives.shared.base import Criterion, Problem, Stateless
from benchmark.objectives.shared.stock import SoftmaxObjective

if TYPE_CHECKING:
    import torch


class NegativeLogLikelihood(SoftmaxObjective):
    loss: Literal["nll"]

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        from torch.nn import functional as F

        return Stateless(lambda outputs, labels: F.nll_loss(F.log_softmax(outputs, dim=1), labels[:, 0].long()))
