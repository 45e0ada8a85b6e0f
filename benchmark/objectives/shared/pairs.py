"""LibAUC's objectives over pairs of images, with entries for every image that go from step to step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from benchmark.objectives.shared.base import Criterion, Problem, TaskLike
from benchmark.objectives.shared.libauc import LibaucCriterion, LibaucObjective

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from benchmark.objectives.shared.optimizers import Optimizer


class PairObjective(LibaucObjective):
    """What the settings of these objectives have in common. A margin is between probabilities, so 1 at most.

    The measures that they train for are of label 1, whichever class is rarer: nothing is mirrored. Multi-label tasks
    have LibAUC's binary loss once a label, and are trained for the mean over the labels.
    """

    margin: float = Field(gt=0, le=1)
    mode: Literal["sgd", "adam"]
    """How the optimizer uses a gradient."""
    momentum: float = Field(ge=0, lt=1)
    """Beta1 in mode 'adam'."""

    carried: ClassVar[Sequence[str]]
    """Tensors of LibAUC's loss that go from step to step."""

    def refusal(self, task: TaskLike) -> str:
        return refusal(task) or super().refusal(task)

    def libauc_loss(self, labels: np.ndarray, device: torch.device) -> Any:
        """LibAUC's loss of one label, from its values in the training split, uint8 (n,)."""
        raise NotImplementedError

    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        return PairCriterion([self.libauc_loss(label, device) for label in problem.labels.T], self.carried)

    def optimizer_settings(self) -> dict[str, Any]:
        return {"mode": self.mode, "momentum": self.momentum, "betas": (self.momentum, 0.999)}

    def driven(self, inner: Any, criterion: LibaucCriterion) -> Optimizer:
        from benchmark.objectives.shared.optimizers import LibaucPairOptimizer

        return LibaucPairOptimizer(inner)

    def batches(self, problem: Problem, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
        return batches(problem, batch_size, seed, epoch, self.sampling_above)


class PairCriterion(LibaucCriterion):
    """The mean over the labels of a LibAUC loss on probabilities, which needs both classes in every batch.

    LibAUC's own multi-label classes give the same mean, but for the two-way loss: there all labels share one running
    mean, which makes each one's weights depend on the others'.

    Args:
        inner: LibAUC's loss of each label.
        carried: attributes of each that go through a checkpoint, tensors.
    """

    def __call__(self, outputs: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        import torch

        columns = zip(self.inner, outputs.sigmoid().unbind(1), labels.float().unbind(1), strict=True)
        with _repeatable_writes():
            return torch.stack([loss(scores, truth, index=indices) for loss, scores, truth in columns]).mean()

    def state(self) -> dict[str, Any]:
        import torch

        return {name: torch.stack([getattr(loss, name) for loss in self.inner]) for name in self.carried}

    def load(self, state: dict[str, Any]) -> None:
        for name in self.carried:
            for loss, value in zip(self.inner, state[name], strict=True):
                getattr(loss, name).copy_(value)


@contextmanager
def _repeatable_writes() -> Iterator[None]:
    """Which write stays is chance on a GPU, where an image stands twice in a batch and so writes to its entry twice."""
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)


def refusal(task: TaskLike) -> str:
    """Why LibAUC's samplers can't put both classes of every label into every batch; empty where they can."""
    if task.kind == "multi-label" and task.label_count < 3:
        return "LibAUC's sampler of multi-label tasks wants three labels or more"
    return ""


def batches(problem: Problem, batch_size: int, seed: int, epoch: int, above: float) -> list[Tensor]:
    """Batches with both classes of every label in each; else as `sampling.dual` and `sampling.tri`."""
    from benchmark.objectives.shared import sampling

    if problem.task.kind == "multi-label":
        return sampling.tri(problem, batch_size, seed, epoch)
    return sampling.dual(problem, batch_size, seed, epoch, above)
