"""Compositional AUC loss with PDSCA and the dual sampler: cross-entropy steps and AUC steps take turns.

Yuan et al., ICLR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from benchmark.core.terms import Kind
from benchmark.objectives.shared.base import Criterion, Problem
from benchmark.objectives.shared.libauc import LibaucCriterion, LibaucObjective, rare_is_label_0

if TYPE_CHECKING:
    import torch


class CompositionalAuc(LibaucObjective):
    """Maximizes AUROC from features that cross-entropy steps keep useful."""

    loss: Literal["compositional-auc"]
    beta1: float = Field(ge=0, lt=1)
    beta2: float = Field(ge=0, lt=1)
    inner_steps: int = Field(ge=1)

    refuses: ClassVar[Mapping[Kind, str]] = {"multi-label": "LibAUC has it for one label only"}
    decayed: ClassVar[Sequence[str]] = ("decay_factor0",)

    @property
    def optimizer_name(self) -> str:
        return "pdsca"

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        from libauc.losses import CompositionalAUCLoss

        inner = CompositionalAUCLoss(k=self.inner_steps, margin=self.margin, device=device)
        return LibaucCriterion(inner, ("a", "b", "alpha", "step"), rare_is_label_0(problem))

    def libauc_optimizer(self) -> type[Any]:
        from benchmark.objectives.shared.foreach import ForeachPDSCA

        return ForeachPDSCA

    def optimizer_settings(self) -> dict[str, Any]:
        return {"beta1": self.beta1, "beta2": self.beta2}
