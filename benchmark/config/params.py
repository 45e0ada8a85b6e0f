"""The configuration file → frozen, validated objects. The only reader of that file.

A value is checked once, here; everything behind this module takes typed objects.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from benchmark.config.entries import ENTRY_FORMS, Name, TaskEntry
from benchmark.config.grids import Grid, problem, two_meanings
from benchmark.config.recipes import (
    Augmentation2d,
    Augmentation3d,
    Distinct,
    Ensemble,
    Network2d,
    Network3d,
    PretrainRecipe,
    Profile,
    Recipe,
    StartFrom,
)
from benchmark.config.varied import RECIPE_FORMS
from benchmark.core.errors import BadInput, NoConfiguration
from benchmark.core.settings import Section, read_yaml, sentence
from benchmark.core.terms import Dimension
from benchmark.objectives import OBJECTIVES

UNION_FORMS: dict[Any, type[Section]] = {**ENTRY_FORMS, **RECIPE_FORMS}
"""The members of the unions in the file, by the tags that pydantic tells them by."""


class FetchSection(Section):
    tasks: Annotated[tuple[Name, ...], Distinct] = Field(min_length=1)
    left_out: Annotated[tuple[Name, ...], Distinct] = ()
    retries: int = Field(ge=0)
    timeout_s: float = Field(gt=0)


class PretrainSection(Section):
    dims: Annotated[tuple[Dimension, ...], Distinct]
    d2: PretrainRecipe[Network2d, Augmentation2d] = Field(alias="2d")
    d3: PretrainRecipe[Network3d, Augmentation3d] = Field(alias="3d")

    def of(
        self, dim: Dimension
    ) -> PretrainRecipe[Network2d, Augmentation2d] | PretrainRecipe[Network3d, Augmentation3d]:
        return self.d2 if dim is Dimension.D2 else self.d3


class Second(Section):
    """A recipe that starts from another one's run, and that other one again: DVC has no other way to know of it."""

    recipe: Name
    after: Name


class FinetuneSection(Section):
    recipes: Annotated[tuple[Name, ...], Distinct] = Field(min_length=1)
    second: tuple[Second, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all recipes that are run."""
        return (*self.recipes, *(one.recipe for one in self.second))


class EnsembleSection(Section):
    names: Annotated[tuple[Name, ...], Distinct]


class SweepSection(Section):
    tasks: Annotated[tuple[Name, ...], Distinct]
    grids: dict[Name, Grid]


class ReportSection(Section):
    title: str


class Params(Section):
    """The whole of the file."""

    profile: Name
    fetch: FetchSection
    pretrain: PretrainSection
    finetune: FinetuneSection
    ensemble: EnsembleSection
    sweep: SweepSection
    report: ReportSection
    tasks: dict[Name, TaskEntry]
    recipes: dict[Name, Recipe]
    ensembles: dict[Name, Ensemble]
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
        check("finetune.second", tuple(one.recipe for one in self.finetune.second), self.recipes)
        for name, profile in self.profiles.items():
            check(f"profiles.{name}.as_they_stand", profile.as_they_stand, self.recipes)
        for name, recipe in self.recipes.items():
            if isinstance(recipe.start, StartFrom):
                check(f"recipes.{name}.start.recipe", (recipe.start.recipe,), self.recipes)
        for name in self.recipes:
            self.phases(name)
        self._second_phases_are_where_they_belong()
        check("ensemble.names", self.ensemble.names, self.ensembles)
        for name, ensemble in self.ensembles.items():
            check(f"ensembles.{name}.members", ensemble.members, self.recipes)
        self._ensembles_can_be_made()
        self._stages_have_names_of_their_own()
        check("sweep.tasks", self.sweep.tasks, self.tasks)
        for name, grid in self.sweep.grids.items():
            check(f"sweep.grids.{name}.recipe", (grid.recipe,), self.recipes)
            if wrong := problem(name, grid, self.recipes[grid.recipe]):
                raise ValueError(wrong)
        if wrong := two_meanings(self.sweep.grids):
            raise ValueError(wrong)
        for dim in Dimension:
            check(f"pretrain.{dim}.tasks", self.pretrain.of(dim).tasks, self.tasks)
        return self

    def _second_phases_are_where_they_belong(self) -> None:
        if twice := [name for name in self.finetune.names if self.finetune.names.count(name) > 1]:
            raise ValueError(f"finetune.second: {twice[0]} stands there twice, or in recipes too")
        for name in self.finetune.recipes:
            if isinstance(start := self.recipes[name].start, StartFrom):
                entry = f"{{recipe: {name}, after: {start.recipe}}}"
                raise ValueError(f"finetune.recipes: {name} starts from another recipe; name it in second, as {entry}")
        for number, one in enumerate(self.finetune.second):
            key, start = f"finetune.second.{number}", self.recipes[one.recipe].start
            if not isinstance(start, StartFrom) or start.recipe != one.after:
                raise ValueError(f"{key}.after: should be what {one.recipe} starts from, {start}, got '{one.after}'")
            if one.after not in self.finetune.names:
                raise ValueError(f"{key}.after: '{one.after}' is not among the recipes that are run")

    def _ensembles_can_be_made(self) -> None:
        if both := [name for name in self.ensembles if name in self.recipes]:
            raise ValueError(f"ensembles.{both[0]}: is the name of a recipe; give the ensemble one of its own")
        for name in self.ensemble.names:
            if left_out := [one for one in self.ensembles[name].members if one not in self.finetune.names]:
                raise ValueError(f"ensembles.{name}.members: '{left_out[0]}' is not among the recipes that are run")

    def _stages_have_names_of_their_own(self) -> None:
        """DVC joins task and recipe by a dash, and drops one of two stages of one name without a word."""
        for key, names in (("finetune.recipes", self.finetune.recipes), ("ensemble.names", self.ensemble.names)):
            stages: dict[str, tuple[str, str]] = {}
            for pair in itertools.product((*self.fetch.tasks, *self.fetch.left_out), names):
                first = stages.setdefault("-".join(pair), pair)
                if first != pair:
                    both = " and ".join(f"'{one}' of task '{task}'" for task, one in (first, pair))
                    raise ValueError(f"{key}: {both} would both be stage '{'-'.join(pair)}'; rename one of them")

    def phases(self, name: str) -> tuple[str, ...]:
        """The recipes whose runs come before one of this recipe, first to last, and itself.

        Raises:
            ValueError: they lead in a circle, or do not hold out the same images.
        """
        chain = [name]
        while isinstance(start := self.recipes[chain[0]].start, StartFrom):
            if start.recipe in chain:
                raise ValueError(f"recipes.{name}.start: leads back to {start.recipe}")
            if self.recipes[start.recipe].cross_fit != self.recipes[name].cross_fit:
                # What the second phase holds out, the first one would have been trained on.
                raise ValueError(f"recipes.{name}.cross_fit: should be that of {start.recipe}, from which it starts")
            chain.insert(0, start.recipe)
        return tuple(chain)


def load_params(path: Path) -> Params:
    """Read and validate a configuration file.

    Raises:
        BadInput: one sentence naming the file, the key, what was given and what is allowed.
    """
    if not path.is_file():
        raise NoConfiguration(f"{path}: no such file")
    try:
        return Params.model_validate(read_yaml(path))
    except ValidationError as error:
        raise BadInput(f"{path}: {sentence(error, Params, UNION_FORMS, OBJECTIVES)}") from error
