"""Binary cross-entropy with class weights: a sigmoid for each label, both of its classes weighing the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from benchmark.objectives.shared.base import Criterion, Problem, Stateless
from benchmark.objectives.shared.stock import StockObjective

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class WeightedBce(StockObjective):
    """An image weighs images / (2 x images of its class in the training split), for each label; the mean weight is 1."""

    loss: Literal["weighted-bce"]

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        import torch
        from torch.nn import functional as F

        shares = torch.from_numpy(problem.labels.mean(axis=0)).float().to(device)
        of_positive, of_negative = 0.5 / shares, 0.5 / (1 - shares)

        def weighted(outputs: Tensor, labels: Tensor) -> Tensor:
            weights = torch.where(labels == 1, of_positive, of_negative)
            return F.binary_cross_entropy_with_logits(outputs, labels.float(), weights)

        return Stateless(weighted)
