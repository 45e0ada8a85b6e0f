"""Partial AUC by a Kullback-Leibler penalty, with SOPAs: Zhu et al., ICML 2022."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from benchmark.objectives.shared.pairs import PairObjective

if TYPE_CHECKING:
    import torch


class PartialAucKl(PairObjective):
    """Maximizes AUROC at low false positive rates, softly: a positive's pairs weigh more, the harder the negative.

    The weight is exp(loss / temperature) over its running mean for that positive, the loss a squared hinge.
    """

    loss: Literal["partial-auc-kl"]
    gamma: float = Field(gt=0, le=1)
    """The share of the newest batch in the running means."""
    temperature: float = Field(ge=0.05)
    """Lambda in the paper. The smaller, the lower the rates that count; below 0.05 exp(4 / temperature) overflows."""

    carried: ClassVar[Sequence[str]] = ("u_pos",)

    @property
    def optimizer_name(self) -> str:
        return "sopas"

    def libauc_loss(self, labels: np.ndarray, device: torch.device) -> Any:
        from libauc.losses import pAUC_DRO_Loss

        return pAUC_DRO_Loss(len(labels), gamma=self.gamma, margin=self.margin, Lambda=self.temperature, device=device)

    def libauc_optimizer(self) -> type[Any]:
        from libauc.optimizers import SOPAs

        return SOPAs  # type: ignore[no-any-return]
