"""Objectives with one of PyTorch's optimizers: everything but the loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from benchmark import objectives
from benchmark.core.terms import Kind
from benchmark.objectives.shared.base import Criterion, Objective

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from benchmark.objectives.shared.optimizers import Optimizer


class StockObjective(Objective):
    """A sigmoid for each label. `momentum` is beta1 where the optimizer is Adam or AdamW."""

    multi_label_loss: Literal["bce-with-logits"] | None = None
    """Trains multi-label tasks in its place, with the same optimizer."""
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"]
    lr: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)

    asked_twice: ClassVar[bool] = True
    trains_trunks: ClassVar[bool] = True
    aside: ClassVar[frozenset[str]] = frozenset({"multi_label_loss"})

    @property
    def optimizer_name(self) -> str:
        return self.optimizer

    def of(self, kind: Kind) -> Objective:
        if kind == "binary" or self.multi_label_loss is None:
            return self
        settings = self.model_dump(include=set(StockObjective.model_fields) - {"multi_label_loss"})
        return objectives.OBJECTIVES[self.multi_label_loss].model_validate(settings | {"loss": self.multi_label_loss})

    def make_optimizer(
        self,
        parameters: Iterable[nn.Parameter],
        criteria: Mapping[str, Criterion],
        device: torch.device,
        seed: int,
    ) -> Optimizer:
        from torch import optim

        from benchmark.objectives.shared.optimizers import Optimizer

        trained = [parameter for parameter in parameters if parameter.requires_grad]
        lr, momentum, decay = self.lr, self.momentum, self.weight_decay
        if self.optimizer == "sgd":
            # Not fused: that step breaks off where a head joins later than the trunk, as in training on several tasks.
            return Optimizer(optim.SGD(trained, lr=lr, momentum=momentum, weight_decay=decay))
        if self.optimizer == "rmsprop":
            return Optimizer(optim.RMSprop(trained, lr=lr, momentum=momentum, weight_decay=decay))
        adam = optim.AdamW if self.optimizer == "adamw" else optim.Adam
        # One kernel for all parameters: a third of the time on a CPU.
        return Optimizer(adam(trained, lr=lr, betas=(momentum, 0.999), weight_decay=decay, fused=True))


class SoftmaxObjective(StockObjective):
    """Two outputs, one a class."""

    refuses: ClassVar[Mapping[Kind, str]] = {"multi-label": "its softmax makes an image belong to one class only"}

    def outputs(self, label_count: int) -> int:
        return 2

    def probabilities(self, outputs: Tensor) -> Tensor:
        return outputs.softmax(dim=1)[:, 1:]
