"""No augmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.core.terms import Dimension

if TYPE_CHECKING:
    from torch import nn

DIMENSIONS = (Dimension.D2, Dimension.D3)


def none() -> nn.Module:
    """Images as they are."""
    from torch import nn

    return nn.Identity()


NAMES = {"none": none}
