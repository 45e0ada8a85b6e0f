"""A recipe with other settings for one task: what a grid varies, and what a search's winner brings.

A key names a part of a recipe (`epochs`), or reaches inside a part that is settings (`network.width`). Any other key is
a setting of the objective: `lr` is `objective.lr`. A value is that of the task's own dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from benchmark import augmentations, networks
from benchmark.augmentations import KINDS
from benchmark.config.recipes import Recipe
from benchmark.config.schedules import FORMS
from benchmark.core.settings import Section, sentence
from benchmark.core.terms import Dimension
from benchmark.networks import FAMILIES
from benchmark.objectives import OBJECTIVES

PARTS = (
    "augmentation",
    "averaging",
    "batch_size",
    "epochs",
    "flips_at_test",
    "keep",
    "network",
    "objective",
    "schedule",
    "sharpness",
    "trainable",
)
"""Keys of a recipe that may be varied: the others say what the recipe is, not how it trains."""
BY_DIMENSION = ("augmentation", "batch_size", "epochs", "flips_at_test", "network")
"""Those that a recipe has a value of for each dimension."""
RECIPE_FORMS: Mapping[Any, type[Section]] = {**FORMS, **FAMILIES, **KINDS, **OBJECTIVES}
"""The members of a recipe's unions, by the tags that pydantic tells them by."""

REFUSALS: Mapping[str, Callable[[Any, Sequence[int]], str]] = {
    "network": networks.refusal,
    "augmentation": augmentations.refusal,
}
"""Of the parts that may not be able to take images of some size."""

Path = tuple[str, ...]


class Misfit(ValueError):
    """A setting that the recipe can't have."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        """The one that was given."""
        self.problem = problem


def path_of(key: str) -> Path:
    """Where a key leads, from the recipe's part inwards."""
    path = tuple(key.split("."))
    return path if path[0] in PARTS else ("objective", *path)


def part_of(key: str) -> str:
    return path_of(key)[0]


def vary(recipe: Recipe, settings: Mapping[str, Any], dim: Dimension) -> Recipe:
    """The recipe with these values by key, for tasks of one dimension; a whole part is set before what is inside it.

    Raises:
        Misfit: an unknown key, or a value that the recipe can't have there.
    """
    if not settings:
        return recipe
    content = recipe.model_dump(by_alias=True)
    for key in sorted(settings, key=lambda key: len(path_of(key))):
        _put(content, key, settings[key], dim)
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise _misfit(error, settings) from error


def refusal(part: str, value: Any, sides: Sequence[int]) -> str:
    """Why a part can't take images with these sides; empty where it can."""
    return REFUSALS[part](value, sides) if part in REFUSALS else ""


def _put(content: dict[str, Any], key: str, value: Any, dim: Dimension) -> None:
    part, *inside = path_of(key)
    if part in BY_DIMENSION:
        if content[part] is None:
            content[part] = _nothing(content, key, part)
        inside = [str(dim), *inside]
    *above, last = [part, *inside]
    place = content
    for name in above:
        if not isinstance(place.get(name), dict):
            raise Misfit(key, f"reaches inside of {part}, which is {_shown(place.get(name))} here and has no settings")
        place = place[name]
    place[last] = deepcopy(value)  # what is inside of it may be set too


def _nothing(content: dict[str, Any], key: str, part: str) -> dict[str, Any]:
    """What stands for a part by dimension that the recipe leaves out."""
    if part == "network":
        raise Misfit(key, f"the recipe has no network of its own to vary, it starts from {content['start']}")
    return {str(dim): "none" if part == "augmentation" else () for dim in Dimension}


def _misfit(error: ValidationError, settings: Mapping[str, Any]) -> Misfit:
    """The problem by the key that brought it."""
    text = sentence(error, Recipe, RECIPE_FORMS, OBJECTIVES)
    where: Path = ()
    if error.errors(include_url=False)[0]["loc"]:
        place, _, text = text.partition(": ")
        where = tuple(name for name in place.split(".") if name not in set(Dimension))
    key = max(settings, key=lambda key: _in_common(path_of(key), where))
    if rest := ".".join(where[_in_common(path_of(key), where) :]):
        text = f"{rest}: {text}"
    if ", got " not in text and "unknown" not in text and not isinstance(settings[key], dict):
        text += f", got {_shown(settings[key])}"
    if "unknown key" in text and "." not in key and part_of(key) == "objective":
        text += f"; and of the recipe {', '.join(PARTS)}"
    return Misfit(key, text)


def _in_common(one: Path, other: Path) -> int:
    """How many names two paths begin with together."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _shown(value: Any) -> str:
    return "left out" if value is None else repr(value)
