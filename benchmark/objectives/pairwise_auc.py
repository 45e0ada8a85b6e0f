"""A surrogate loss on every pair of a positive and a negative of the batch, with one of PyTorch's optimizers.

The plain way to AUROC, with nothing that goes from step to step. Which surrogates are consistent with AUROC: Gao and
Zhou, IJCAI 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from benchmark.objectives.shared import pairs
from benchmark.objectives.shared.base import Criterion, Problem, TaskLike
from benchmark.objectives.shared.stock import StockObjective

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class PairwiseAuc(StockObjective):
    """Maximizes AUROC, on multi-label tasks its mean over the labels. No mirroring: a pair is the same from both ends."""

    loss: Literal["pairwise-auc"]
    surrogate: Literal["squared-hinge", "squared", "logistic"]
    margin: float = Field(gt=0)
    """Of the differences between two probabilities; of the logistic loss their scale."""
    sampling_above: float = Field(ge=0, lt=1)
    """Added to the rarer class's share of the training split: its share of every batch of a binary task."""

    for_auc: ClassVar[bool] = True

    def refusal(self, task: TaskLike) -> str:
        return pairs.refusal(task) or super().refusal(task)

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        from libauc.losses import PairwiseAUCLoss

        loss = PairwiseAUCLoss(self.surrogate.replace("-", "_"), self.margin)
        return pairs.PairCriterion([loss] * problem.labels.shape[1], ())

    def batches(self, problem: Problem, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
        return pairs.batches(problem, batch_size, seed, epoch, self.sampling_above)
