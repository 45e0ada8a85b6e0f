"""Augmentations: the files of this folder, found by being there. A recipe has one by name or by settings of a kind.

By name: a file has functions that its `NAMES` give names to. Such a function returns a module on normalised batches of
the file's `DIMENSIONS`, float32 (n, 1, *spatial), on whatever device they are. Adding one is a function and a line in one
of these files, or a file more.

By settings: a file has a class of `Augmentation`, known by its `kind`. Adding one is a file more.

Draws come from PyTorch's global generator (see `core.seeding`). As with networks, what builds an augmentation is
imported in its function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from benchmark.augmentations.shared.base import Augmentation
from benchmark.core.discovery import Makers, classes
from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn

__all__ = ["AUGMENTATIONS", "KINDS", "AnyAugmentation", "Augmentation", "build", "kind_of", "kinds", "maker", "refusal"]

AUGMENTATIONS = Makers(__name__)

KINDS: Mapping[str, type[Augmentation]] = classes(__name__, Augmentation, "kind")  # type: ignore[type-abstract]
"""Each kind's class by the name that an augmentation's `kind` gives it."""


def kinds(dim: Dimension) -> list[str]:
    """Those that are for images of this dimension."""
    return [kind for kind, one in KINDS.items() if dim in one.dimensions]


def kind_of(augmentation: object) -> str | None:
    """The kind that settings name, in a file or as an object; None of anything else, a name among it."""
    kind = augmentation.get("kind") if isinstance(augmentation, dict) else getattr(augmentation, "kind", None)
    return kind if isinstance(kind, str) else None


if TYPE_CHECKING:
    AnyAugmentation = str | Augmentation
else:
    AnyAugmentation = Annotated[
        Union[(Annotated[str, Tag("name")], *(Annotated[one, Tag(kind)] for kind, one in KINDS.items()))],
        Discriminator(lambda augmentation: "name" if isinstance(augmentation, str) else kind_of(augmentation)),
    ]
"""A name, or settings of any kind."""


def build(augmentation: AnyAugmentation) -> nn.Module:
    """Its module on normalised batches."""
    made: nn.Module = AUGMENTATIONS[augmentation]() if isinstance(augmentation, str) else augmentation.build()
    return made


def maker(augmentation: AnyAugmentation) -> Callable[..., Any]:
    """The function or class in whose file it stands."""
    return AUGMENTATIONS[augmentation] if isinstance(augmentation, str) else type(augmentation)


def refusal(augmentation: AnyAugmentation, sides: Sequence[int]) -> str:
    """Why it can't take images with these sides; empty where it can."""
    return "" if isinstance(augmentation, str) else augmentation.refusal(sides)
