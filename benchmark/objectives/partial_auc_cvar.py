"""Partial AUC by conditional value at risk, with SOPA: Zhu et al., ICML 2022."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from benchmark.objectives.shared.pairs import PairObjective

if TYPE_CHECKING:
    import torch


class PartialAucCvar(PairObjective):
    """Maximizes AUROC up to a false positive rate, from each positive's pairs with the hardest negatives alone.

    Every positive of the training split has a threshold; its pairs with a smaller loss (squared hinge) have no gradient.
    """

    loss: Literal["partial-auc-cvar"]
    beta: float = Field(gt=0, le=1)
    """The false positive rate up to which it counts: the share of the negatives that keep a gradient."""
    eta: float = Field(gt=0)
    """Step of the thresholds. One jumps by up to eta / beta, and of 4 or more it leaves no pair a gradient."""

    carried: ClassVar[Sequence[str]] = ("u_pos",)

    @property
    def optimizer_name(self) -> str:
        return "sopa"

    def libauc_loss(self, labels: np.ndarray, device: torch.device) -> Any:
        from libauc.losses import pAUC_CVaR_Loss

        positives = int(labels.sum())  # LibAUC asks for their number, and does not use it
        return pAUC_CVaR_Loss(len(labels), positives, margin=self.margin, beta=self.beta, eta=self.eta, device=device)

    def libauc_optimizer(self) -> type[Any]:
        from libauc.optimizers import SOPA

        return SOPA  # type: ignore[no-any-return]
