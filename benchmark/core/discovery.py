"""What is known by being there: the files of a folder, and the names that they define."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel

from benchmark.core.terms import Dimension

S = TypeVar("S", bound=BaseModel)


def files_of(package: str) -> Iterator[ModuleType]:
    """The modules of a package in the order of their names; folders in it are left out."""
    for file in iter_modules(import_module(package).__path__):
        if not file.ispkg:
            yield import_module(f"{package}.{file.name}")


def classes(package: str, base: type[S], key: str) -> dict[str, type[S]]:
    """The classes of `base` in the files of a package, by the names that the field `key` of each may have.

    Raises:
        ImportError: two classes have one name.
    """
    known: dict[str, type[S]] = {}
    for module in files_of(package):
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, base) and one.__module__ == module.__name__:
                for name in get_args(one.model_fields[key].annotation):
                    if name in known:
                        raise ImportError(f"{one.__module__} and {known[name].__module__} both have {key} '{name}'")
                    known[name] = one
    return known


class Makers:
    """Functions without arguments by name: those in the `NAMES` of each file of a package that has any.

    Raises:
        ImportError: two files give a name to different functions.
    """

    def __init__(self, package: str) -> None:
        self.known: dict[str, Callable[[], Any]] = {}
        self.dimensions: dict[str, tuple[Dimension, ...]] = {}
        for module in files_of(package):
            for name, make in getattr(module, "NAMES", {}).items():
                if name in self.known:
                    raise ImportError(f"{module.__name__} and {self.known[name].__module__} both name '{name}'")
                self.known[name], self.dimensions[name] = make, module.DIMENSIONS

    def __getitem__(self, name: str) -> Callable[[], Any]:
        return self.known[name]

    def names(self, dim: Dimension) -> list[str]:
        """Those that are for images of this dimension."""
        return [name for name, dimensions in self.dimensions.items() if dim in dimensions]
