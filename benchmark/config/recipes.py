"""How a task is trained (recipes), how much of it (profiles), and the names that both may use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from benchmark.augmentations import AUGMENTATIONS
from benchmark.config.entries import Name
from benchmark.core.discovery import Makers
from benchmark.core.settings import Section
from benchmark.core.terms import Dimension
from benchmark.networks import NETWORKS
from benchmark.objectives import AnyObjective

Precision = Literal["fp32", "bf16"]
T = TypeVar("T")
U = TypeVar("U")


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if twice := [value for value in dict.fromkeys(values) if values.count(value) > 1]:
        raise ValueError(f"{twice[0]} stands there twice")
    return values


def _one_of(makers: Makers, dim: Dimension) -> Callable[[str], str]:
    """A check that a name is known for images of this dimension."""

    def check(name: str) -> str:
        if name not in (names := makers.names(dim)):
            *others, last = map(repr, names)
            raise ValueError(f"should be {', '.join(others)} or {last}" if others else f"should be {last}")
        return name

    return check


Distinct = AfterValidator(_distinct)
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
BatchSize = Annotated[int, Field(ge=2)]
Network2d = Annotated[str, AfterValidator(_one_of(NETWORKS, Dimension.D2))]
Network3d = Annotated[str, AfterValidator(_one_of(NETWORKS, Dimension.D3))]
Augmentation2d = Annotated[str, AfterValidator(_one_of(AUGMENTATIONS, Dimension.D2))]
Augmentation3d = Annotated[str, AfterValidator(_one_of(AUGMENTATIONS, Dimension.D3))]


class PerDim(Section, Generic[T, U]):
    """A value for each dimension."""

    d2: T = Field(alias="2d")
    d3: U = Field(alias="3d")

    def of(self, dim: Dimension) -> T | U:
        return self.d2 if dim is Dimension.D2 else self.d3


class Schedule(Section):
    """The learning rate is multiplied by `factor` at these shares of the epochs.

    The AUC objectives update their regularizer at the same moments.
    """

    at: tuple[Share, ...]
    factor: float = Field(gt=0, le=1)


class PretrainRecipe(Section, Generic[T, U]):
    """How the trunk of one dimension is trained; T and U are the networks and augmentations that it may name."""

    tasks: Annotated[tuple[Name, ...], Distinct]
    network: T
    objective: AnyObjective
    augmentation: U
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)

    @field_validator("objective")
    @classmethod
    def for_several_tasks(cls, objective: AnyObjective) -> AnyObjective:
        if not objective.trains_trunks:
            raise ValueError(f"'{objective.loss}' trains one task at a time, a trunk is trained on several")
        return objective


class Recipe(Section):
    """How a task is trained. A recipe that starts from the trunk has the trunk's network.

    The objective of a task is the one in its file of `winner_files` (written by a sweep), else the one in `winners`,
    else `objective`.
    """

    about: str
    start: Literal["scratch", "trunk"]
    network: PerDim[Network2d, Network3d] | None = None
    trainable: Literal["all"] | int
    augmentation: PerDim[Augmentation2d, Augmentation3d]
    epochs: int = Field(ge=1)
    batch_size: PerDim[BatchSize, BatchSize]
    schedule: Schedule | None = None
    objective: AnyObjective
    winners: dict[Name, AnyObjective] = Field(default_factory=dict)
    winner_files: dict[Name, Path] = Field(default_factory=dict)

    @field_validator("trainable", mode="before")
    @classmethod
    def all_or_a_count(cls, trainable: object) -> object:
        if trainable != "all" and not (type(trainable) is int and trainable >= 0):
            raise ValueError("should be 'all' or a number of parameter tensors, 0 or more")
        return trainable

    @model_validator(mode="after")
    def network_where_from_scratch(self) -> Recipe:
        if self.start == "scratch" and self.network is None:
            raise ValueError("a recipe that starts from scratch names its network")
        if self.start == "trunk" and self.network is not None:
            raise ValueError("a recipe that starts from the trunk has the network of `pretrain`")
        return self


class Profile(Section):
    """How much of a recipe is run: seeds, epochs, a cheaper network where one is named, and in what precision."""

    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Distinct] = Field(min_length=1)
    pretrain_epochs: PerDim[Count, Count] | None = None
    finetune_epochs: PerDim[Count, Count] | None = None
    network: PerDim[Network2d, Network3d] | None = None
    precision: Precision = "fp32"
