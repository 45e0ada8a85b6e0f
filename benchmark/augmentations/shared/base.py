"""What a kind of augmentation is: settings, and the module that they make."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from benchmark.core.settings import Section
from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn


class Augmentation(Section, ABC):
    """Settings of an augmentation, as they stand in a recipe; what they don't name is not done.

    Its text is short, for tables; unequal settings differ in it.
    """

    kind: str
    """Narrowed by each kind to its own name, `Literal["name"]`."""

    dimensions: ClassVar[tuple[Dimension, ...]]
    """Of the images that it is for."""

    @abstractmethod
    def build(self) -> nn.Module:
        """A module on normalised batches, float32 (n, 1, *spatial), on any device; each image has draws of its own."""

    @abstractmethod
    def __str__(self) -> str: ...

    def refusal(self, sides: Sequence[int]) -> str:
        """Why it can't take images with these sides; empty where it can."""
        return ""
