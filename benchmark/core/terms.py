"""Two facts of a task that decide how it is trained: its dimension and its kind."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Kind = Literal["binary", "multi-label"]


class Dimension(StrEnum):
    """Images or volumes. The value is the key in configurations and the name of the trunk's folder."""

    D2 = "2d"
    D3 = "3d"

    @property
    def axes(self) -> int:
        """Spatial axes of an image."""
        return 2 if self is Dimension.D2 else 3

    @staticmethod
    def of(axes: int) -> Dimension:
        """The dimension with so many spatial axes."""
        return {2: Dimension.D2, 3: Dimension.D3}[axes]
