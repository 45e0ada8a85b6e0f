"""From a grid to the trials on one task: every point of it, or some that are drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmark.config.grids import Grid, Point, text_of
from benchmark.config.params import Params
from benchmark.config.run import RunConfig, resolve_finetune
from benchmark.config.tasks import Task
from benchmark.config.varied import Misfit, part_of, path_of, refusal
from benchmark.core.errors import BadInput, allowed
from benchmark.objectives import Objective
from benchmark.runs.record import Part


class Search(Part):
    """How a grid is searched: every point with every seed, unless it says otherwise."""

    random: int = 0
    """So many points are drawn; 0 for all."""
    draw_seed: int = 0
    halve_by: int = 0
    """Of the trials of a rung one in so many goes on to further seeds; 0 where all do. See `halving`."""


EVERY_POINT = Search()


@dataclass(frozen=True)
class Trial:
    """One point of a grid on one task, with a run for each seed."""

    name: str
    task: Task
    objective: Objective
    runs: tuple[RunConfig, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the grid sets beside the objective, by key; see `config.varied`."""
    shown: Mapping[str, Any] = field(default_factory=dict)
    """The same as tables have it: labels, numbers and names."""

    @property
    def refusal(self) -> str:
        """Why its objective does not accept the task; empty where it does."""
        return self.objective.of(self.task.kind).refusal(self.task)


def trials(
    params: Params,
    task: Task,
    grid: str,
    profile: str,
    seeds: Sequence[int],
    where: str,
    search: Search = EVERY_POINT,
) -> list[Trial]:
    """The trials of a grid in its own order; two points that are the same configuration are one trial.

    Args:
        where: who names the grid; begins an error's sentence.

    Raises:
        BadInput: no grid of that name, or a value that the task can't have.
    """
    if grid not in params.sweep.grids:
        raise allowed("grid", grid, where, params.sweep.grids)
    searched = params.sweep.grids[grid]
    params = without_winner(params, searched.recipe)
    base = resolve_finetune(params, task, searched.recipe, profile, seeds[0])
    found: dict[str, Trial] = {}
    for point in _points(searched, search):
        config = _config(params, task, grid, point, profile, seeds[0])
        trial = _trial(searched, point, config, base, task, seeds)
        found.setdefault(config.model_dump_json(exclude={"recipe"}), trial)
    return list(found.values())


def without_winner(params: Params, recipe: str) -> Params:
    """With the recipe as it stands: a sweep does not need the winner that it is there to find."""
    own = params.recipes[recipe].model_copy(update={"winner_files": {}})
    return params.model_copy(update={"recipes": params.recipes | {recipe: own}})


def drawn(count: int, size: int, seed: int) -> list[int]:
    """So many different numbers below `size`, in the order in which they are drawn; more begin with the same ones."""
    random, found = Random(seed), dict[int, None]()
    while len(found) < min(count, size):
        found[random.randrange(size)] = None
    return list(found)


def _points(grid: Grid, search: Search) -> Iterator[Point]:
    """In the grid's own order."""
    indices = sorted(drawn(search.random, grid.size, search.draw_seed)) if search.random else range(grid.size)
    return map(grid.point, indices)


def _config(params: Params, task: Task, name: str, point: Point, profile: str, seed: int) -> RunConfig:
    """Of a point with one seed, with the objective of the grid and not the task's own."""
    grid = params.sweep.grids[name]
    own = params.recipes[grid.recipe].model_copy(update={"winners": {}})
    plain = params.model_copy(update={"recipes": params.recipes | {grid.recipe: own}})
    try:
        config = resolve_finetune(plain, task, grid.recipe, profile, seed, grid.values(point))
    except Misfit as misfit:
        where = f"sweep.grids.{name}.{grid.place(misfit.key, point)}"
        raise BadInput(f"{where}: {misfit.problem}, for {task.name} ({task.dim})") from misfit
    sides = [task.size] * task.dim.axes if task.size else None  # an own file's are known to its runs
    for key in point:
        part = part_of(key)
        if sides and (reason := refusal(part, getattr(config, part), sides)):
            raise BadInput(f"sweep.grids.{name}.{grid.place(key, point)}: does not take {task.name}: {reason}")
    return config


def _trial(grid: Grid, point: Point, config: RunConfig, base: RunConfig, task: Task, seeds: Sequence[int]) -> Trial:
    others = [key for key in point if part_of(key) != "objective"]
    values = grid.values(point)
    name = trial_name(grid.recipe, config.objective, {key: point[key] for key in others if _differ(config, base, key)})
    shown = {key: _shown(values[key], point[key]) for key in point if key in others or key == "objective"}
    runs = tuple(config.model_copy(update={"recipe": name, "seed": seed}) for seed in seeds)
    return Trial(name, task, config.objective, runs, {key: values[key] for key in others}, shown)


def trial_name(recipe: str, objective: Objective, others: Mapping[str, str] | None = None) -> str:
    """The recipe and every value that is not a default: one name, one configuration.

    Of the objective, the default is its class's; of anything else, what the recipe has under the profile.

    Args:
        others: what is not a default beside the objective: the names of values, by key.
    """
    values = objective.model_dump(exclude=set(objective.aside), exclude_defaults=True)
    parts = [value if isinstance(value, str) else f"{key}{text_of(value)}" for key, value in values.items()]
    return "-".join([recipe, *parts, *(f"{key}={name}" for key, name in sorted((others or {}).items()))])


def _differ(config: RunConfig, base: RunConfig, key: str) -> bool:
    """Whether a point has another value where a key leads than the recipe has under the profile."""
    if part_of(key) == "network" and base.network != base.recipe_network:  # the profile's, in which keys lead elsewhere
        return config.network != base.network
    return _at(config, key) != _at(base, key)


def _at(config: RunConfig, key: str) -> str:
    content: Any = config.model_dump(mode="json")
    for name in path_of(key):
        content = content.get(name) if isinstance(content, dict) else None
    return json.dumps(content, sort_keys=True)


def _shown(value: Any, name: str) -> Any:
    """A number as it is where it has no label."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and text_of(value) == name else name
