"""What one run really uses, resolved from recipe and profile: a `RunConfig`, in which nothing is left to a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import ValidationError

from benchmark.augmentations import AnyAugmentation
from benchmark.config.params import UNION_FORMS, Params
from benchmark.config.recipes import Averaging, Axis3d, MemoryFormat, Precision, Recipe, Sharpness, Start, StartFrom
from benchmark.config.schedules import Schedule
from benchmark.config.tasks import Task
from benchmark.config.varied import Misfit, part_of, vary
from benchmark.core.errors import BadInput, NoWinner, allowed
from benchmark.core.settings import Section, read_yaml, sentence
from benchmark.core.terms import Dimension
from benchmark.networks import AnyNetwork
from benchmark.objectives import ADAPTER, OBJECTIVES, AnyObjective, Objective


class RunConfig(Section):
    """All that a run's result depends on besides data, code and versions. Saved in `run.json`."""

    stage: Literal["pretrain", "finetune"]
    tasks: tuple[str, ...]
    recipe: str
    profile: str
    seed: int
    network: AnyNetwork
    start: Start
    trainable: Literal["all"] | int
    objective: AnyObjective
    augmentation: AnyAugmentation
    epochs: int
    recipe_epochs: int
    """What the recipe asks for; `epochs` is what the profile makes of it."""
    recipe_network: AnyNetwork
    batch_size: int
    schedule: Schedule | None
    averaging: Averaging | None
    sharpness: Sharpness | None
    keep: Literal["best", "last"]
    cross_fit: int | None
    flips_at_test: tuple[Axis3d, ...]
    precision: Precision
    memory_format: MemoryFormat


def choose_profile(params: Params, name: str | None, where: str) -> str:
    """The profile that `name` asks for, the configuration's own where it is empty; `where` begins an error's sentence."""
    chosen = name or params.profile
    if chosen not in params.profiles:
        raise allowed("profile", chosen, where, params.profiles)
    return chosen


def resolve_pretrain(params: Params, dim: Dimension, profile_name: str) -> RunConfig:
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
        averaging=None,
        sharpness=None,
        keep="best",
        cross_fit=None,
        flips_at_test=(),
        precision=profile.precision,
        memory_format=profile.memory_format,
    )


def resolve_finetune(
    params: Params,
    task: Task,
    recipe_name: str,
    profile_name: str,
    seed: int,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> RunConfig:
    """The run of one task, recipe and seed.

    Args:
        settings: put into the recipe for this task, see `varied.vary`; what they set is no longer the profile's to change.
            Likewise what a winner brings that was found in this profile: one of another profile is cut as the recipe is.

    Raises:
        Misfit: settings that the recipe can't have.
        NoWinner: a file of its `winner_files` that can't be read, or does not fit.
    """
    profile, dim = params.profiles[profile_name], task.dim
    recipe = vary(params.recipes[recipe_name], settings, dim)
    if task.name in recipe.winner_files:
        recipe, chosen = _with_winner(recipe, task, recipe.winner_files[task.name])
        settings = chosen.settings if chosen.profile == profile_name else {}
    own = {part_of(key) for key in settings}
    if recipe_name in profile.as_they_stand:
        own |= {"network", "epochs"}
    augmentation = recipe.augmentation.of(dim) if recipe.augmentation else None
    if isinstance(recipe.start, StartFrom):
        first = resolve_finetune(params, task, recipe.start.recipe, profile_name, seed)
        network, recipe_network = first.network, first.recipe_network
        augmentation = augmentation or first.augmentation
    else:
        recipe_network = recipe.network.of(dim) if recipe.network else params.pretrain.of(dim).network
        network = profile.network.of(dim) if profile.network and "network" not in own else recipe_network
    recipe_epochs, cut = recipe.epochs.of(dim), profile.finetune_epochs
    return RunConfig(
        stage="finetune",
        tasks=(task.name,),
        recipe=recipe_name,
        profile=profile_name,
        seed=seed,
        network=network,
        recipe_network=recipe_network,
        start=recipe.start,
        trainable=recipe.trainable,
        objective=_objective(recipe, task),
        augmentation=augmentation,
        epochs=cut.of(dim) if cut and "epochs" not in own else recipe_epochs,
        recipe_epochs=recipe_epochs,
        batch_size=recipe.batch_size.of(dim),
        schedule=recipe.schedule,
        averaging=recipe.averaging,
        sharpness=recipe.sharpness,
        keep=recipe.keep,
        cross_fit=recipe.cross_fit,
        flips_at_test=recipe.flips_at_test.of(dim) if recipe.flips_at_test else (),
        precision=profile.precision,
        memory_format=profile.memory_format,
    )


def _objective(recipe: Recipe, task: Task) -> Objective:
    """An own task takes the winner of the official one that it is set beside, unless it has its own."""
    return recipe.winners.get(task.name, recipe.winners.get(task.reference or task.name, recipe.objective))


@dataclass(frozen=True)
class Chosen:
    """What a search has found for a task."""

    objective: Objective
    settings: Mapping[str, Any]
    """The other settings that were searched, by key; see `varied.vary`."""
    profile: str
    """In which it was found."""


def _with_winner(recipe: Recipe, task: Task, path: Path) -> tuple[Recipe, Chosen]:
    """The recipe as the winner in a file has it, and that winner."""
    chosen = read_winner(path)
    try:
        varied = vary(recipe, chosen.settings, task.dim)
    except Misfit as misfit:
        raise NoWinner(f"{path}: settings.{misfit}", task=task.name) from misfit
    return varied.model_copy(update={"winners": {task.name: chosen.objective}}), chosen


def read_winner(path: Path) -> Chosen:
    """The winner in a `winner.yaml` that a sweep has written."""
    if not path.is_file():
        raise NoWinner(f"{path}: no such file, and a recipe's `winner_files` names it")
    try:
        content = read_yaml(path)
    except BadInput as error:
        raise NoWinner(str(error)) from error
    if "objective" not in content:
        raise NoWinner(f"{path}: has no winner's objective")
    settings = content.get("settings", {})
    if not isinstance(settings, dict):
        raise NoWinner(f"{path}: settings should be keys with values, got {settings!r}")
    try:
        objective = ADAPTER.validate_python(content["objective"])
    except ValidationError as error:
        raise NoWinner(f"{path}: objective.{sentence(error, Recipe, UNION_FORMS, OBJECTIVES)}") from error
    return Chosen(objective, {str(key): value for key, value in settings.items()}, str(content.get("profile", "")))
