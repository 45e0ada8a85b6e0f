"""A grid: which values of a recipe are searched, and under what names they are shown."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from benchmark.config.entries import Name
from benchmark.config.recipes import Recipe
from benchmark.config.varied import Misfit, part_of, path_of, vary
from benchmark.core.settings import Section
from benchmark.core.terms import Dimension

LABEL = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,31}")
"""Of a value: short, and part of a folder's name."""
Point = Mapping[str, str]
"""For each key, the name of its value."""


def text_of(value: object) -> str:
    """What a value is called that has no label: a number as short as it can be, the entries of a list with plus signs."""
    if isinstance(value, float):
        return short if float(short := f"{value:g}") == value else str(value)
    if isinstance(value, list | tuple):
        return "+".join(map(text_of, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value)


def _named(values: object) -> object:
    """Values by their names, which a list leaves to the values themselves."""
    if values in ([], {}):
        raise ValueError("should have a value at least")
    if isinstance(values, list | tuple):
        if any(isinstance(value, dict) for value in values):
            raise ValueError("settings have a label each: give a mapping from labels to them in place of a list")
        return {text_of(value): value for value in values}
    if isinstance(values, dict):
        for label in map(str, values):
            if not LABEL.fullmatch(label):
                raise ValueError(f"a label has up to 32 of a-z, 0-9 and _.+-, got {label!r}")
        return {str(label): value for label, value in values.items()}
    raise ValueError("should be a list of values, or a mapping from labels to values")


class Grid(Section):
    """Values to search: `over` has, for each key of the recipe or of its objective, the values that it takes by name."""

    recipe: Name
    over: dict[str, Annotated[dict[str, Any], BeforeValidator(_named)]] = Field(min_length=1)

    @field_validator("over")
    @classmethod
    def each_place_once(cls, over: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        places: dict[tuple[str, ...], str] = {}
        for key in over:
            if (other := places.setdefault(path_of(key), key)) != key:
                raise ValueError(f"'{key}' and '{other}' are the same key")
        return over

    @property
    def size(self) -> int:
        """How many points it has."""
        return math.prod(len(values) for values in self.over.values())

    def point(self, index: int) -> Point:
        """One of `size`, counted from 0 with the last key changing fastest."""
        chosen = {}
        for key, values in reversed(self.over.items()):
            index, place = divmod(index, len(values))
            chosen[key] = list(values)[place]
        return {key: chosen[key] for key in self.over}

    def values(self, point: Point) -> dict[str, Any]:
        """What the names of a point stand for."""
        return {key: self.over[key][name] for key, name in point.items()}

    def place(self, key: str, point: Point) -> str:
        """Where in the grid a point has its value for a key, as an error names it."""
        label = f".{point[key]}" if text_of(self.over[key][point[key]]) != point[key] else ""
        return f"over.{key}{label}"


def problem(name: str, grid: Grid, recipe: Recipe) -> str:
    """Why no task can be searched by a grid, in one sentence; empty where tasks of one dimension can.

    A recipe's parts are right or wrong by themselves, so that of a large grid each is looked at alone.
    """
    plain = recipe.model_copy(update={"winners": {}, "winner_files": {}})
    found = {dim: _misfit(grid, plain, dim) for dim in Dimension}
    if not all(found.values()):
        return ""
    if len(set(found.values())) == 1:
        place, text = next(filter(None, found.values()))
        return f"sweep.grids.{name}.{place}: {text}"
    return "; ".join(f"sweep.grids.{name}.{one[0]}: for {dim} {one[1]}" for dim, one in found.items() if one)


def _misfit(grid: Grid, recipe: Recipe, dim: Dimension) -> tuple[str, str] | None:
    """The first value that does not fit: where it stands, and what is wrong."""
    for keys in _together(grid):
        for names in itertools.product(*(grid.over[key] for key in keys)):
            point = dict(zip(keys, names, strict=True))
            try:
                vary(recipe, grid.values(point), dim)
            except Misfit as misfit:
                return grid.place(misfit.key, point), misfit.problem
    return None


def _together(grid: Grid) -> Iterator[Sequence[str]]:
    """Keys that reach into the same part of a recipe."""
    for _, keys in itertools.groupby(sorted(grid.over, key=part_of), key=part_of):
        yield list(keys)


def two_meanings(grids: Mapping[str, Grid]) -> str:
    """Which name stands for two values, in one sentence; empty where none does.

    The grids of a recipe share their trials, whose names are made of these.
    """
    seen: dict[tuple[str, tuple[str, ...], str], tuple[str, Any]] = {}
    for name, grid in grids.items():
        for key, values in grid.over.items():
            for label, value in values.items():
                other, first = seen.setdefault((grid.recipe, path_of(key), label), (name, value))
                if first != value:
                    return f"sweep.grids.{name}.over.{key}.{label}: stands for another value in sweep.grids.{other}"
    return ""
