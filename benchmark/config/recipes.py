"""How a task is trained (recipes), how much of it (profiles), and the names that both may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from benchmark.augmentations import AUGMENTATIONS, AnyAugmentation, kind_of, kinds
from benchmark.config.entries import Name
from benchmark.config.schedules import Schedule
from benchmark.core.settings import Section
from benchmark.core.terms import Dimension
from benchmark.networks import NETWORKS, AnyNetwork, families, family_of
from benchmark.objectives import AnyObjective

Precision = Literal["fp32", "bf16"]
MemoryFormat = Literal["contiguous", "channels-last"]
"""How images and weights of convolutions lie in memory: the same arithmetic in another order, at another speed."""
T = TypeVar("T")
U = TypeVar("U")


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if twice := [value for value in dict.fromkeys(values) if values.count(value) > 1]:
        raise ValueError(f"{twice[0]} stands there twice")
    return values


def _known(
    names: Sequence[str], key: str, forms: Sequence[str], told: Callable[[object], str | None]
) -> BeforeValidator:
    """A check that a part's name or form is known for images of a dimension; what else its settings may be is the form's.

    Args:
        names: that it may have, or be settings with one of `forms` under `key`.
        told: what settings have under `key`.
    """

    def check(part: object) -> object:
        if isinstance(part, dict | Section):
            if (form := told(part)) not in forms:
                problem = f"unknown {key} '{form}'" if form else f"{key} missing"
                raise ValueError(f"{problem}; known: {', '.join(sorted(forms))}")
        elif part not in names:
            raise ValueError(f"should be {_either(names)}, or settings of {key} {_either(forms)}")
        return part

    return BeforeValidator(check)


def _network_of(dim: Dimension) -> BeforeValidator:
    return _known(NETWORKS.names(dim), "family", families(dim), family_of)


def _augmentation_of(dim: Dimension) -> BeforeValidator:
    return _known(AUGMENTATIONS.names(dim), "kind", kinds(dim), kind_of)


def _either(names: Sequence[str]) -> str:
    *others, last = map(repr, names)
    return f"{', '.join(others)} or {last}" if others else last


Distinct = AfterValidator(_distinct)
Axis2d = Literal["height", "width"]
Axis3d = Literal["depth", "height", "width"]
Flips2d = Annotated[tuple[Axis2d, ...], Distinct]
Flips3d = Annotated[tuple[Axis3d, ...], Distinct]
Count = Annotated[int, Field(ge=1)]
BatchSize = Annotated[int, Field(ge=2)]
Network2d = Annotated[AnyNetwork, _network_of(Dimension.D2)]
Network3d = Annotated[AnyNetwork, _network_of(Dimension.D3)]
Augmentation2d = Annotated[AnyAugmentation, _augmentation_of(Dimension.D2)]
Augmentation3d = Annotated[AnyAugmentation, _augmentation_of(Dimension.D3)]


class PerDim(Section, Generic[T, U]):
    """A value for each dimension."""

    d2: T = Field(alias="2d")
    d3: U = Field(alias="3d")

    def of(self, dim: Dimension) -> T | U:
        return self.d2 if dim is Dimension.D2 else self.d3


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


class Averaging(Section):
    """A moving average of the weights takes their place when a split is scored, and in the served model."""

    decay: float = Field(gt=0, lt=1)

    def __str__(self) -> str:
        return f"decay {self.decay:g}"


class Sharpness(Section):
    """Every step is taken by the gradient at the worst weights nearby, at a distance of `radius`: see `training.sharpness`."""

    radius: float = Field(gt=0)

    def __str__(self) -> str:
        return f"radius {self.radius:g}"


class StartFrom(Section):
    """Another recipe, whose run of the same task, seed and profile lends its trunk."""

    recipe: Name
    head: Literal["new", "kept"] = "new"
    """New: random. Kept: the run's own, so that the first step begins with its scores, whatever objective it had."""

    def __str__(self) -> str:
        return f"recipe {self.recipe}" + (" and its head" if self.head == "kept" else "")


Start = Literal["scratch", "trunk"] | StartFrom


class Recipe(Section):
    """How a task is trained. A recipe that starts from the trunk, or from another recipe, has the network of that; one that
    starts from another recipe and names no augmentation has that one's for the task.

    The objective of a task is the one in its file of `winner_files` (written by a sweep, with whatever else it has
    found), else the one in `winners`, else `objective`.
    """

    about: str
    start: Start
    network: PerDim[Network2d, Network3d] | None = None
    trainable: Literal["all"] | int
    augmentation: PerDim[Augmentation2d, Augmentation3d] | None = None
    epochs: PerDim[Count, Count]
    batch_size: PerDim[BatchSize, BatchSize]
    schedule: Schedule | None = None
    averaging: Averaging | None = None
    sharpness: Sharpness | None = None
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are kept: of the best validation AUROC, or the last."""
    cross_fit: int | None = Field(default=None, ge=2)
    """So many parts are made of train and val together, and seed k holds out part k (modulo their number) as its
    validation images and trains on the others. None for the official splits."""
    flips_at_test: PerDim[Flips2d, Flips3d] | None = None
    """Axes along which an image is flipped too when it is scored; the score is the mean over all combinations."""
    objective: AnyObjective
    winners: dict[Name, AnyObjective] = Field(default_factory=dict)
    winner_files: dict[Name, Path] = Field(default_factory=dict)

    @field_validator("start", mode="before")
    @classmethod
    def a_known_form(cls, start: object) -> object:
        if start not in ("scratch", "trunk") and not isinstance(start, dict | StartFrom):
            raise ValueError("should be 'scratch', 'trunk', or {recipe: NAME, head: new or kept}")
        return start

    @field_validator("trainable", mode="before")
    @classmethod
    def all_or_a_count(cls, trainable: object) -> object:
        if trainable != "all" and not (type(trainable) is int and trainable >= 0):
            raise ValueError("should be 'all' or a number of parameter tensors, 0 or more")
        return trainable

    @model_validator(mode="after")
    def sharpness_where_a_loss_is_asked_twice(self) -> Recipe:
        if self.sharpness is not None:
            for objective in (self.objective, *self.winners.values()):
                if not objective.asked_twice:
                    raise ValueError(
                        f"sharpness asks for a loss twice in a step, and '{objective.loss}' counts its calls"
                    )
        return self

    @model_validator(mode="after")
    def what_a_start_brings_along(self) -> Recipe:
        if self.start == "scratch" and self.network is None:
            raise ValueError("a recipe that starts from scratch names its network")
        if self.start == "trunk" and self.network is not None:
            raise ValueError("a recipe that starts from the trunk has the network of `pretrain`")
        if isinstance(self.start, StartFrom) and self.network is not None:
            raise ValueError("a recipe that starts from another one has that one's network")
        if not isinstance(self.start, StartFrom) and self.augmentation is None:
            raise ValueError(f"a recipe that starts from {self.start} names its augmentation")
        return self


class Ensemble(Section):
    """The mean score of all seeds of its member recipes, each recipe weighing the same."""

    about: str
    members: Annotated[tuple[Name, ...], Distinct] = Field(min_length=1)


class Profile(Section):
    """How much of a recipe is run: seeds, epochs, a cheaper network where one is named, and how it is computed."""

    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Distinct] = Field(min_length=1)
    pretrain_epochs: PerDim[Count, Count] | None = None
    finetune_epochs: PerDim[Count, Count] | None = None
    network: PerDim[Network2d, Network3d] | None = None
    as_they_stand: Annotated[tuple[Name, ...], Distinct] = ()
    """Recipes that are neither cut short nor given another network."""
    precision: Precision = "fp32"
    memory_format: MemoryFormat = "contiguous"
