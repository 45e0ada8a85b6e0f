"""AUC margin loss with PESG and the dual sampler: Yuan et al., ICCV 2021.

LibAUC's version v1. Version v2 of LibAUC 2.0.1 subtracts the positives' mean from every sample before it averages, which
weighs the term by the batch instead of by the class; v1 follows the paper's equation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from benchmark.objectives.shared.base import Criterion, Problem
from benchmark.objectives.shared.libauc import LibaucCriterion, LibaucObjective, rare_is_label_0

if TYPE_CHECKING:
    import torch


class Aucm(LibaucObjective):
    """Maximizes AUROC, on multi-label tasks its mean over the labels."""

    loss: Literal["aucm"]
    momentum: float = Field(ge=0, lt=1)

    @property
    def optimizer_name(self) -> str:
        return "pesg"

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        from libauc.losses import AUCMLoss, MultiLabelAUCMLoss

        carried = ("a", "b", "alpha")
        if problem.task.kind == "multi-label":
            inner = MultiLabelAUCMLoss(num_labels=problem.task.label_count, margin=self.margin, device=device)
            return LibaucCriterion(inner, carried)
        return LibaucCriterion(AUCMLoss(margin=self.margin, device=device), carried, rare_is_label_0(problem))

    def libauc_optimizer(self) -> type[Any]:
        from benchmark.objectives.shared.foreach import ForeachPESG

        return ForeachPESG

    def optimizer_settings(self) -> dict[str, Any]:
        return {"momentum": self.momentum}
