"""Objectives: a file for each, found by being there.

Adding one is a file beside this one with a class of `Objective`; docs/objectives.md has a worked example. The files are
imported when a configuration is read, to know the names; PyTorch and LibAUC are imported where they are used, which saves
two to five seconds on every command that trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field, TypeAdapter

from benchmark.core.discovery import classes
from benchmark.core.errors import Refused
from benchmark.objectives.shared.base import Objective, TaskLike

__all__ = ["ADAPTER", "OBJECTIVES", "AnyObjective", "Objective", "for_task"]


OBJECTIVES: Mapping[str, type[Objective]] = classes(__name__, Objective, "loss")  # type: ignore[type-abstract]
"""Each objective's class by the name that a recipe's `loss` gives it."""

if TYPE_CHECKING:
    AnyObjective = Objective
else:
    AnyObjective = Annotated[Union[tuple(OBJECTIVES.values())], Field(discriminator="loss")]  # noqa: UP007
"""Settings of any objective: which one is told by `loss`."""

ADAPTER: TypeAdapter[Objective] = TypeAdapter(AnyObjective)
"""Validates what stands in a file as settings of an objective."""


def for_task(objective: Objective, task: TaskLike, where: str) -> Objective:
    """The objective that trains this task: itself, or the one that it names for this kind of task.

    Raises:
        Refused: it does not accept this kind of task; known before any training. `where` is what the sentence starts with.
    """
    chosen = objective.of(task.kind)
    if reason := chosen.refusal(task):
        # What another objective would say depends on its kind of task alone, so its settings need not be known.
        fitting = ", ".join(sorted(name for name, other in OBJECTIVES.items() if task.kind not in other.refuses))
        raise Refused(
            f"{where}: loss '{chosen.loss}' does not accept {task.name}, a {task.kind} task: {reason}; "
            f"these do: {fitting}"
        )
    return chosen
