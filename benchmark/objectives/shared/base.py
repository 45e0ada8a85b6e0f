"""What an objective is: settings, and everything that goes with them from the batches to the probabilities.

Files of this package are imported when a configuration is read, to know its names. So they import PyTorch and LibAUC
where these are used, which saves two to five seconds on every command that trains nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from benchmark.core.settings import Section
from benchmark.core.terms import Kind

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor, nn

    from benchmark.objectives.shared.optimizers import Optimizer


class TaskLike(Protocol):
    """What an objective asks of a task."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def label_count(self) -> int:
        """Columns of the label array."""
        ...


@dataclass(frozen=True, eq=False)
class Problem:
    """A task and the labels of its training split, which some losses and samplers need beforehand."""

    task: TaskLike
    labels: np.ndarray
    """uint8 (n, L), 0 or 1."""


class Criterion:
    """Training loss of one task. What it carries from step to step goes through a checkpoint."""

    def __call__(self, outputs: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        """The loss of a batch, a scalar.

        Args:
            outputs: of the head, float32 (n, `Objective.outputs`).
            labels: uint8 (n, L), 0 or 1.
            indices: of these images in the training split, int64 (n,).
        """
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Tensors and numbers by name; the network's weights are not part of it."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""


class Stateless(Criterion):
    """A criterion that is a function of outputs and labels."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, outputs: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        return self.function(outputs, labels)


class Objective(Section, ABC):
    """Settings of a way to train, as they stand in a recipe; its methods make of them what training needs."""

    loss: str
    """Narrowed by each objective to its own name, `Literal["name"]`."""

    for_auc: ClassVar[bool] = False
    """Whether it trains for a ranking (AUROC, partial AUROC, average precision) instead of for probabilities."""
    asked_twice: ClassVar[bool] = False
    """Whether a step may ask for its loss a second time: it carries nothing from one call to the next."""
    trains_trunks: ClassVar[bool] = False
    """Whether it can train several tasks on one trunk."""
    refuses: ClassVar[Mapping[Kind, str]] = {}
    """Kinds of task that it can't train, and why."""
    aside: ClassVar[frozenset[str]] = frozenset()
    """Settings that tables and the names of trials leave out."""

    def of(self, kind: Kind) -> Objective:
        """The objective that trains this kind of task in its place: itself, unless it names another one."""
        return self

    def refusal(self, task: TaskLike) -> str:
        """Why it can't train this task; empty where it can."""
        return self.refuses.get(task.kind, "")

    @property
    @abstractmethod
    def optimizer_name(self) -> str:
        """What tables call its optimizer."""

    def columns(self) -> dict[str, Any]:
        """Its settings by name, in their order: a column each in the tables of a search."""
        return {name: value for name, value in self.model_dump().items() if name not in self.aside}

    def outputs(self, label_count: int) -> int:
        """Width of the head."""
        return label_count

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Probabilities of label 1, (n, L), from a head's outputs; of a ranking objective these are not calibrated."""
        return outputs.sigmoid()

    @abstractmethod
    def make_criterion(self, problem: Problem, device: torch.device) -> Criterion:
        """The training loss of one task."""

    @abstractmethod
    def make_optimizer(
        self,
        parameters: Iterable[nn.Parameter],
        criteria: Mapping[str, Criterion],
        device: torch.device,
        seed: int,
    ) -> Optimizer:
        """The optimizer of those parameters that require a gradient.

        Args:
            criteria: of each task, by name.
            seed: of whatever the optimizer draws.
        """

    def batches(self, problem: Problem, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
        """Indices into the training split for one epoch, int64; a function of its arguments, so nothing to resume.

        Every image once in a drawn order, unless the objective has a sampler of its own.
        """
        from benchmark.objectives.shared import sampling

        return sampling.shuffled(problem, batch_size, seed, epoch)
