"""Two-way partial AUC by conditional value at risk, with STACO: Zhou et al., TMLR 2025."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from benchmark.objectives.shared.pairs import PairObjective

if TYPE_CHECKING:
    import torch


class TwoWayPartialAucCvar(PairObjective):
    """Maximizes AUROC up to a false positive rate and from a true positive rate on.

    Every positive has a threshold, below which its pairs have no gradient, and a weight between 0 and 1; one more
    threshold is on the positives themselves. A schedule divides the learning rate, not the steps of these.
    """

    loss: Literal["two-way-partial-auc-cvar"]
    theta0: float = Field(gt=0, le=1)
    """The share of the positives, the hardest, that counts: true positive rates from 1 - theta0 on."""
    theta1: float = Field(gt=0, le=1)
    """The share of the negatives, the hardest, that counts: false positive rates up to theta1."""
    alpha: float = Field(gt=0)
    """Step of the positives' weights."""
    beta0: float = Field(gt=0)
    """Step of the positives' thresholds."""
    beta1: float = Field(gt=0)
    """Step of the threshold on the positives."""

    carried: ClassVar[Sequence[str]] = ("s1", "s2", "dual_var")

    @property
    def optimizer_name(self) -> str:
        return "staco"

    def libauc_loss(self, labels: np.ndarray, device: torch.device) -> Any:
        from libauc.losses.auc import tpAUC_CVaR_loss  # `libauc.losses` leaves it out

        return tpAUC_CVaR_loss(
            len(labels),  # LibAUC's documentation asks for the positives alone, and would index beyond them
            threshold=self.margin,
            alpha=self.alpha,
            beta_0=self.beta0,
            beta_1=self.beta1,
            theta_0=self.theta0,
            theta_1=self.theta1,
            device=device,
        )

    def libauc_optimizer(self) -> type[Any]:
        from libauc.optimizers import STACO

        return STACO  # type: ignore[no-any-return]
