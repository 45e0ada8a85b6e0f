"""Two-way partial AUC by Kullback-Leibler penalties, with SOTAs: Zhu et al., ICML 2022."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from benchmark.objectives.shared.pairs import PairObjective

if TYPE_CHECKING:
    import torch


class TwoWayPartialAuc(PairObjective):
    """Maximizes AUROC where false positives are few and true positives many, softly.

    A pair weighs more, the harder the negative is for its positive, and the harder the positive is among the positives.
    """

    loss: Literal["two-way-partial-auc"]
    gamma: float = Field(gt=0, le=1)
    """The share of the newest batch in the running mean of each positive."""
    gamma_positives: float = Field(gt=0, le=1)
    """The same, in the running mean over the positives."""
    temperature: float = Field(ge=0.05)
    """Lambda in the paper: the smaller, the more the hardest negatives count; below 0.05 exp(4 / it) overflows."""
    temperature_positives: float = Field(ge=0.05)
    """Lambda' in the paper, tau in LibAUC: the smaller, the more the hardest positives count."""

    carried: ClassVar[Sequence[str]] = ("u_pos", "w")

    @property
    def optimizer_name(self) -> str:
        return "sotas"

    def libauc_loss(self, labels: np.ndarray, device: torch.device) -> Any:
        import torch
        from libauc.losses import tpAUC_KL_Loss

        loss = tpAUC_KL_Loss(
            len(labels),
            tau=self.temperature_positives,
            Lambda=self.temperature,
            gammas=(self.gamma, self.gamma_positives),
            margin=self.margin,
            device=device,
        )
        loss.w = torch.zeros((), device=device)  # a Python number in LibAUC until the first step makes it a tensor
        return loss

    def libauc_optimizer(self) -> type[Any]:
        from libauc.optimizers import SOTAs

        return SOTAs  # type: ignore[no-any-return]
