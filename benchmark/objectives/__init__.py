"""Objectives: a file for each, found by being there.

Adding one is a file beside this one with a class of `Objective`; docs/objectives.md has a worked example. The files are
imported when a configuration is read, to know the names; PyTorch and LibAUC are imported where they are used, which saves
two to five seconds on every command that trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Union, get_args

from pydantic import Field, TypeAdapter

from benchmark.core.discovery import files_of
from benchmark.core.errors import Refused
from benchmark.objectives.shared.base import Objective, TaskLike

__all__ = ["ADAPTER", "OBJECTIVES", "AnyObjective", "Objective", "for_task"]


def _found() -> Iterator[type[Objective]]:
    """The classes of `Objective` in the files of this folder."""
    for module in files_of(__name__):
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, Objective) and one.__module__ == module.__name__:
                yield one


def _by_name() -> Mapping[str, type[Objective]]:
    known: dict[str, type[Objective]] = {}
    for one in _found():
        for name in get_args(one.model_fields["loss"].annotation):
            if name in known:
                raise ImportError(f"{one.__module__} and {known[name].__module__} both name an objective '{name}'")
            known[name] = one
    return known


OBJECTIVES: Mapping[str, type[Objective]] = _by_name()
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
