"""What a family of networks is: settings, and the trunk that is built by them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from benchmark.core.settings import Section
from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn


class Network(Section, ABC):
    """Settings of a network, as they stand in a recipe. Its text is short, for tables; unequal settings differ in it."""

    family: str
    """Narrowed by each family to its own name, `Literal["name"]`."""

    dimensions: ClassVar[tuple[Dimension, ...]]
    """Of the images that it is for."""

    @property
    @abstractmethod
    def features(self) -> int:
        """Width of what the trunk gives to its heads."""

    @abstractmethod
    def build(self) -> nn.Module:
        """A trunk with fresh weights of PyTorch's global generator, (n, 1, *spatial) → (n, features)."""

    @abstractmethod
    def __str__(self) -> str: ...

    def refusal(self, sides: Sequence[int]) -> str:
        """Why it can't take images with these sides; empty where it can."""
        return ""
