"""How a task is declared in the configuration: official, a user's own, or a stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from benchmark.core.settings import Section
from benchmark.core.terms import Kind

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class OfficialTask(Section):
    """A task of `medmnist.INFO`; `official` is its name there where the task's own name differs."""

    size: Literal[28, 64, 128, 224] = 28
    official: Name | None = None


class CompareWith(Section):
    """Whose published figures an own task is set beside, and why that is fair."""

    task: Name
    because: str = Field(min_length=1)


class OwnTask(Section):
    """A user's file in MedMNIST's format."""

    file: str = Field(min_length=1)
    md5: Annotated[str, StringConstraints(to_lower=True, pattern=r"^[0-9a-fA-F]{32}$")]
    dimension: Literal[2, 3]
    kind: Kind
    labels: tuple[str, ...] = Field(min_length=1)
    pretrain: bool = False
    compare_with: CompareWith | None = None

    @model_validator(mode="after")
    def two_names_where_binary(self) -> OwnTask:
        if self.kind == "binary" and len(self.labels) != 2:
            raise ValueError(f"a binary task has two label names, got {len(self.labels)}")
        return self


class StandinTask(Section):
    """Generated data shaped like `standin`; `fraction` of its images per split."""

    standin: Name
    fraction: float = Field(default=1.0, gt=0, le=1)


def _form(entry: Any) -> str:
    """Which form of task an entry is, told by its keys."""
    if isinstance(entry, dict):
        return "own" if "file" in entry else "standin" if "standin" in entry else "official"
    return "own" if isinstance(entry, OwnTask) else "standin" if isinstance(entry, StandinTask) else "official"


TaskEntry = Annotated[
    Annotated[OfficialTask, Tag("official")] | Annotated[OwnTask, Tag("own")] | Annotated[StandinTask, Tag("standin")],
    Discriminator(_form),
]
ENTRY_FORMS: Mapping[str, type[Section]] = {"official": OfficialTask, "own": OwnTask, "standin": StandinTask}
