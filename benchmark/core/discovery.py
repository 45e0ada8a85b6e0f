"""What is known by being there: the files of a folder, and the names that they define."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from benchmark.core.terms import Dimension


def files_of(package: str) -> Iterator[ModuleType]:
    """The modules of a package in the order of their names; folders in it are left out."""
    for file in iter_modules(import_module(package).__path__):
        if not file.ispkg:
            yield import_module(f"{package}.{file.name}")


class Makers:
    """Functions without arguments by name: those in the `NAMES` of each file of a package.

    Raises:
        ImportError: two files give a name to different functions.
    """

    def __init__(self, package: str) -> None:
        self.known: dict[str, Callable[[], Any]] = {}
        self.dimensions: dict[str, tuple[Dimension, ...]] = {}
        for module in files_of(package):
            for name, make in module.NAMES.items():
                if name in self.known:
                    raise ImportError(f"{module.__name__} and {self.known[name].__module__} both name '{name}'")
                self.known[name], self.dimensions[name] = make, module.DIMENSIONS

    def __getitem__(self, name: str) -> Callable[[], Any]:
        return self.known[name]

    def names(self, dim: Dimension) -> list[str]:
        """Those that are for images of this dimension."""
        return [name for name, dimensions in self.dimensions.items() if dim in dimensions]
