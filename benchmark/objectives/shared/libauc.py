"""Objectives of LibAUC: its loss on probabilities, its optimizer, its dual sampler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from pydantic import Field

from benchmark.objectives.shared.base import Criterion, Objective, Problem

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from benchmark.objectives.shared.optimizers import Optimizer


class LibaucObjective(Objective):
    """What the settings of LibAUC's objectives have in common."""

    lr: float = Field(gt=0)
    margin: float = Field(gt=0)
    epoch_decay: float = Field(ge=0)
    """Pulls the weights towards their mean over the last stage of the schedule."""
    weight_decay: float = Field(ge=0)
    sampling_above: float = Field(ge=0, lt=1)
    """Added to the rarer class's share of the training split: its share of every batch of a binary task."""

    for_auc: ClassVar[bool] = True

    def make_optimizer(
        self,
        parameters: Iterable[nn.Parameter],
        criteria: Mapping[str, Criterion],
        device: torch.device,
        seed: int,
    ) -> Optimizer:
        from benchmark.core.seeding import derive, isolated

        (criterion,) = (cast(LibaucCriterion, one) for one in criteria.values())
        # LibAUC's optimizers draw the reference weights of their regularizer from the global generator.
        with isolated(derive(seed, "regularizer")):
            inner = self.libauc_optimizer()(
                [parameter for parameter in parameters if parameter.requires_grad],
                loss_fn=criterion.inner,
                lr=self.lr,
                margin=self.margin,
                epoch_decay=self.epoch_decay,
                weight_decay=self.weight_decay,
                verbose=False,
                device=device,
                **self.optimizer_settings(),
            )
        return self.driven(inner, criterion)

    def driven(self, inner: Any, criterion: LibaucCriterion) -> Optimizer:
        """LibAUC's optimizer behind the calls that training makes."""
        from benchmark.objectives.shared.optimizers import LibaucOptimizer

        return LibaucOptimizer(inner, criterion.inner, self.decayed)

    decayed: ClassVar[Sequence[str]] = ()
    """Further rates that a schedule divides, as arguments of the optimizer's `update_lr`."""

    def libauc_optimizer(self) -> type[Any]:
        """The optimizer's class."""
        raise NotImplementedError

    def optimizer_settings(self) -> dict[str, Any]:
        """Its arguments beside those that all share."""
        raise NotImplementedError

    def batches(self, problem: Problem, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
        from benchmark.objectives.shared import sampling

        if problem.task.kind == "multi-label":
            # An image is rare for one label and common for another: no resampling there.
            return sampling.shuffled(problem, batch_size, seed, epoch)
        return sampling.dual(problem, batch_size, seed, epoch, self.sampling_above)


class LibaucCriterion(Criterion):
    """A LibAUC loss on probabilities.

    Args:
        inner: LibAUC's loss.
        carried: its attributes that go through a checkpoint, tensors and numbers.
        mirrored: whether label 0 is its positive class. LibAUC counts on rare positives, and so does its dual sampler;
            where label 1 is the majority, labels and probabilities are mirrored inside the loss, and the outputs keep
            meaning label 1. For AUROC the two are one; for a part of it they are not.
    """

    def __init__(self, inner: Any, carried: Sequence[str], mirrored: bool = False) -> None:
        self.inner, self.carried, self.mirrored = inner, carried, mirrored

    def __call__(self, outputs: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        if self.mirrored:
            return cast("Tensor", self.inner(outputs.neg().sigmoid(), 1.0 - labels.float(), index=indices).sum())
        return cast("Tensor", self.inner(outputs.sigmoid(), labels.float(), index=indices).sum())

    def state(self) -> dict[str, Any]:
        return {name: _copied(getattr(self.inner, name)) for name in self.carried}

    def load(self, state: dict[str, Any]) -> None:
        for name in self.carried:
            held = getattr(self.inner, name)
            if hasattr(held, "data"):
                held.data.copy_(state[name])
            else:
                setattr(self.inner, name, state[name])


def _copied(value: Any) -> Any:
    return value.detach().clone() if hasattr(value, "detach") else value


def rare_is_label_0(problem: Problem) -> bool:
    """Whether label 1 is the majority of a binary task."""
    return float(np.mean(problem.labels)) > 0.5
