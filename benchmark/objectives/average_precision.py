"""Average precision loss with SOAP: Qi et al., NeurIPS 2021."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from benchmark.objectives.shared.pairs import PairObjective

if TYPE_CHECKING:
    import torch


class AveragePrecision(PairObjective):
    """Maximizes average precision (the area under the precision-recall curve), on multi-label tasks its mean.

    Every positive carries running means of its squared hinge loss against all images and against the positives: their
    ratio stands for its precision.
    """

    loss: Literal["average-precision"]
    gamma: float = Field(gt=0, le=1)
    """The share of the newest batch in the running means."""

    carried: ClassVar[Sequence[str]] = ("u_all", "u_pos")

    @property
    def optimizer_name(self) -> str:
        return "soap"

    def libauc_loss(self, labels: np.ndarray, device: torch.device) -> Any:
        from libauc.losses import APLoss

        return APLoss(len(labels), gamma=self.gamma, margin=self.margin, device=device)

    def libauc_optimizer(self) -> type[Any]:
        from libauc.optimizers import SOAP

        return SOAP  # type: ignore[no-any-return]
