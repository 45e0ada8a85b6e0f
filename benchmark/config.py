"""params.yaml → frozen, validated objects. The only reader of that file.

A value is checked once, here; everything behind this module takes typed objects. What a run really uses is
resolved into one `RunConfig`, in which nothing is left to a default.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from benchmark.errors import BadInput, allowed
from benchmark.validation import Section, read_yaml, sentence

Dim = Literal["2d", "3d"]
Kind = Literal["binary", "multi-label"]
Network2d = Literal["medmnist-resnet18", "resnet18-strided"]
Network3d = Literal["r3d18", "medmnist-resnet18-3d", "resnet10-strided-3d"]
Network = Network2d | Network3d
Augmentation2d = Literal["none", "flip-affine"]
Augmentation3d = Literal["none", "flip"]
Augmentation = Augmentation2d | Augmentation3d
Precision = Literal["fp32", "bf16"]


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if twice := [value for value in dict.fromkeys(values) if values.count(value) > 1]:
        raise ValueError(f"{twice[0]} stands there twice")
    return values


Distinct = AfterValidator(_distinct)
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Share = Annotated[float, Field(gt=0, lt=1)]
T = TypeVar("T")
U = TypeVar("U")


# ------------------------------------------------------------------------------------------------ objectives


class GradientObjective(Section):
    """A loss of the published grid with a stock optimizer. `momentum` is beta1 where the optimizer is Adam."""

    loss: Literal["cross-entropy", "bce-with-logits", "nll"]
    multi_label_loss: Literal["bce-with-logits"] | None = None
    optimizer: Literal["sgd", "adam", "rmsprop"]
    lr: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)


class AucmObjective(Section):
    """AUC margin loss with PESG and the dual sampler (Yuan et al., ICCV 2021)."""

    loss: Literal["aucm"]
    lr: float = Field(gt=0)
    momentum: float = Field(ge=0, lt=1)
    margin: float = Field(gt=0)
    epoch_decay: float = Field(ge=0)
    weight_decay: float = Field(ge=0)
    sampling_above: float = Field(ge=0, lt=1)
    """Added to the rarer class's share of the training split: its share of every batch."""


class CompositionalObjective(Section):
    """Compositional AUC loss with PDSCA and the dual sampler (Yuan et al., ICLR 2022)."""

    loss: Literal["compositional-auc"]
    lr: float = Field(gt=0)
    beta1: float = Field(ge=0, lt=1)
    beta2: float = Field(ge=0, lt=1)
    margin: float = Field(gt=0)
    epoch_decay: float = Field(ge=0)
    weight_decay: float = Field(ge=0)
    inner_steps: int = Field(ge=1)
    sampling_above: float = Field(ge=0, lt=1)


Objective = Annotated[GradientObjective | AucmObjective | CompositionalObjective, Field(discriminator="loss")]


class Schedule(Section):
    """The learning rate is multiplied by `factor` at these shares of the epochs.

    The AUC objectives update their regularizer at the same moments.
    """

    at: tuple[Share, ...]
    factor: float = Field(gt=0, le=1)


# ------------------------------------------------------------------------------------------------ tasks


class OfficialTask(Section):
    """A task of `medmnist.INFO`; `official` is its name there where the task's own name differs."""

    size: Literal[28, 64, 128, 224] = 28
    official: Name | None = None


class Comparison(Section):
    """Whose published figures an own task is set beside, and why that is fair."""

    task: Name
    because: str = Field(min_length=1)


class OwnTask(Section):
    """A user's file in MedMNIST's format."""

    file: str = Field(min_length=1)
    md5: str = Field(pattern=r"^[0-9a-f]{32}$")
    dimension: Literal[2, 3]
    kind: Kind
    labels: tuple[str, ...] = Field(min_length=1)
    pretrain: bool = False
    compare_with: Comparison | None = None

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

# ------------------------------------------------------------------------------------------------ stages


class FetchSection(Section):
    tasks: Annotated[tuple[Name, ...], Distinct] = Field(min_length=1)
    left_out: Annotated[tuple[Name, ...], Distinct] = ()
    retries: int = Field(ge=0)
    timeout_s: float = Field(gt=0)


class PretrainRecipe(Section, Generic[T, U]):
    """How the trunk of one dimension is trained; T and U are the networks and augmentations that it may name."""

    tasks: Annotated[tuple[Name, ...], Distinct]
    network: T
    objective: GradientObjective
    augmentation: U
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)


class PretrainSection(Section):
    dims: Annotated[tuple[Dim, ...], Distinct]
    d2: PretrainRecipe[Network2d, Augmentation2d] = Field(alias="2d")
    d3: PretrainRecipe[Network3d, Augmentation3d] = Field(alias="3d")

    def of(self, dim: Dim) -> PretrainRecipe[Network2d, Augmentation2d] | PretrainRecipe[Network3d, Augmentation3d]:
        return self.d2 if dim == "2d" else self.d3


class FinetuneSection(Section):
    recipes: Annotated[tuple[Name, ...], Distinct] = Field(min_length=1)


class Grid(Section):
    """Values to search: `over` has, for each key of the recipe's objective, the values that it takes."""

    recipe: Name
    over: dict[str, Annotated[tuple[str | float, ...], Field(min_length=1)]] = Field(min_length=1)

    def points(self) -> Iterator[dict[str, str | float]]:
        """Every combination, the last key changing fastest."""
        for values in itertools.product(*self.over.values()):
            yield dict(zip(self.over, values, strict=True))


class SweepSection(Section):
    tasks: Annotated[tuple[Name, ...], Distinct]
    grids: dict[Name, Grid]


class ReportSection(Section):
    title: str


# ------------------------------------------------------------------------------------------------ recipes, profiles


class PerDim(Section, Generic[T, U]):
    """A value for each dimension."""

    d2: T = Field(alias="2d")
    d3: U = Field(alias="3d")

    def of(self, dim: Dim) -> T | U:
        return self.d2 if dim == "2d" else self.d3


Count = Annotated[int, Field(ge=1)]
BatchSize = Annotated[int, Field(ge=2)]


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
    objective: Objective
    winners: dict[Name, Objective] = Field(default_factory=dict)
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


class Params(Section):
    """The whole of params.yaml."""

    profile: Name
    fetch: FetchSection
    pretrain: PretrainSection
    finetune: FinetuneSection
    sweep: SweepSection
    report: ReportSection
    tasks: dict[Name, TaskEntry]
    recipes: dict[Name, Recipe]
    profiles: dict[Name, Profile]

    @model_validator(mode="after")
    def names_are_defined(self) -> Params:
        def check(key: str, names: tuple[str, ...], known: dict[str, Any]) -> None:
            for name in names:
                if name not in known:
                    raise ValueError(f"{key}: unknown name '{name}'; known: {', '.join(sorted(known))}")

        check("profile", (self.profile,), self.profiles)
        check("fetch.tasks", self.fetch.tasks, self.tasks)
        check("fetch.left_out", self.fetch.left_out, self.tasks)
        check("finetune.recipes", self.finetune.recipes, self.recipes)
        check("sweep.tasks", self.sweep.tasks, self.tasks)
        for name, grid in self.sweep.grids.items():
            check(f"sweep.grids.{name}.recipe", (grid.recipe,), self.recipes)
            self.objectives(name)
        for dim in ("2d", "3d"):
            check(f"pretrain.{dim}.tasks", self.pretrain.of(dim).tasks, self.tasks)
        return self

    def objectives(self, grid_name: str) -> list[Objective]:
        """Every point of a grid as an objective: the recipe's own, with the grid's values in it."""
        grid = self.sweep.grids[grid_name]
        own = self.recipes[grid.recipe].objective.model_dump()
        try:
            return [_OBJECTIVE.validate_python(own | point) for point in grid.points()]
        except ValidationError as error:
            raise ValueError(
                f"sweep.grids.{grid_name}.over.{sentence(error, Section, UNION_FORMS, OBJECTIVES)}"
            ) from error


class RunConfig(Section):
    """All that a run's result depends on besides data, code and versions. Saved in `run.json`."""

    stage: Literal["pretrain", "finetune"]
    tasks: tuple[str, ...]
    recipe: str
    profile: str
    seed: int
    network: Network
    start: Literal["scratch", "trunk"]
    trainable: Literal["all"] | int
    objective: Objective
    augmentation: Augmentation
    epochs: int
    recipe_epochs: int
    """What the recipe asks for; `epochs` is what the profile makes of it."""
    recipe_network: Network
    batch_size: int
    schedule: Schedule | None
    precision: Precision


OBJECTIVES: dict[Any, type[Section]] = {
    "cross-entropy": GradientObjective,
    "bce-with-logits": GradientObjective,
    "nll": GradientObjective,
    "aucm": AucmObjective,
    "compositional-auc": CompositionalObjective,
}
UNION_FORMS: dict[Any, type[Section]] = {
    "official": OfficialTask,
    "own": OwnTask,
    "standin": StandinTask,
    **OBJECTIVES,
}
_OBJECTIVE: TypeAdapter[Objective] = TypeAdapter(Objective)

# ------------------------------------------------------------------------------------------------ reading


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and validate params.yaml.

    Raises:
        BadInput: one sentence naming the file, the key, what was given and what is allowed.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file; run the command from the project's folder")
    try:
        return Params.model_validate(read_yaml(path))
    except ValidationError as error:
        raise BadInput(f"{path}: {sentence(error, Params, UNION_FORMS, OBJECTIVES)}") from error


def choose_profile(params: Params, name: str | None) -> str:
    """The profile that `name` asks for; params.yaml's own where it is empty."""
    chosen = name or params.profile
    if chosen not in params.profiles:
        raise allowed("profile", chosen, "option --profile", params.profiles)
    return chosen


def resolve_pretrain(params: Params, dim: Dim, profile_name: str) -> RunConfig:
    """The run that makes the trunk of one dimension."""
    recipe, profile = params.pretrain.of(dim), params.profiles[profile_name]
    return RunConfig(
        stage="pretrain",
        tasks=tuple(sorted(recipe.tasks)),  # the trunk does not depend on the order in which they are listed
        recipe=f"pretrain-{dim}",
        profile=profile_name,
        seed=profile.seeds[0],
        network=profile.network.of(dim) if profile.network else recipe.network,
        recipe_network=recipe.network,
        start="scratch",
        trainable="all",
        objective=recipe.objective,
        augmentation=recipe.augmentation,
        epochs=profile.pretrain_epochs.of(dim) if profile.pretrain_epochs else recipe.epochs,
        recipe_epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        schedule=None,
        precision=profile.precision,
    )


def resolve_finetune(
    params: Params, task: str, reference: str, dim: Dim, recipe_name: str, profile_name: str, seed: int
) -> RunConfig:
    """The run of one task, recipe and seed. `reference` is the official task whose winner the recipe takes."""
    recipe, profile = params.recipes[recipe_name], params.profiles[profile_name]
    own_network = recipe.network.of(dim) if recipe.network else params.pretrain.of(dim).network
    return RunConfig(
        stage="finetune",
        tasks=(task,),
        recipe=recipe_name,
        profile=profile_name,
        seed=seed,
        network=profile.network.of(dim) if profile.network else own_network,
        recipe_network=own_network,
        start=recipe.start,
        trainable=recipe.trainable,
        objective=_objective(recipe, task, reference),
        augmentation=recipe.augmentation.of(dim),
        epochs=profile.finetune_epochs.of(dim) if profile.finetune_epochs else recipe.epochs,
        recipe_epochs=recipe.epochs,
        batch_size=recipe.batch_size.of(dim),
        schedule=recipe.schedule,
        precision=profile.precision,
    )


def _objective(recipe: Recipe, task: str, reference: str) -> Objective:
    if task in recipe.winner_files:
        return read_winner(recipe.winner_files[task])
    return recipe.winners.get(task, recipe.winners.get(reference, recipe.objective))


def read_winner(path: Path) -> Objective:
    """The objective in a `winner.yaml` that a sweep has written."""
    again = "run `python -m pipelines.sweep TASK` for it"
    if not path.is_file():
        raise BadInput(f"{path}: no such file, and a recipe's `winner_files` names it; {again}")
    content = read_yaml(path)
    if "objective" not in content:
        raise BadInput(f"{path}: has no winner's objective; {again}")
    try:
        return _OBJECTIVE.validate_python(content["objective"])
    except ValidationError as error:
        raise BadInput(f"{path}: objective.{sentence(error, Recipe, UNION_FORMS, OBJECTIVES)}; {again}") from error
