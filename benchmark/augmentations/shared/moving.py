"""Settings of what moves an image as a whole: flips, a rotation, a scale and a shift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from benchmark.augmentations.shared.base import Augmentation
from benchmark.core.settings import Section

if TYPE_CHECKING:
    from torch import nn


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"should be a lower and an upper bound, got {list(bounds)}")
    return bounds


Probability = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(ge=0.1, le=10)]


class Flips(Section):
    """How probable a flip along each axis is; the axes in the order of an image's."""

    def by_axis(self) -> Mapping[int, float]:
        """The probabilities that are not 0, by axis as counted from an image's last, which is -1."""
        chances = self.model_dump().values()
        return {axis: chance for axis, chance in enumerate(chances, start=-len(chances)) if chance}

    def __str__(self) -> str:
        chances: dict[str, float] = self.model_dump()
        if len(set(chances.values())) == 1:
            return f"flip{short(*set(chances.values()))}"
        return "flip" + "".join(f"-{axis[0]}{short(chance)}" for axis, chance in chances.items() if chance)


class Flips2d(Flips):
    """Along the width, left and right change places."""

    height: Probability = 0.0
    width: Probability = 0.0


class Flips3d(Flips):
    """Along the depth, the first and the last slice change places."""

    depth: Probability = 0.0
    height: Probability = 0.0
    width: Probability = 0.0


class Moving(Augmentation):
    """Flips, then rotation, scale and shift in one step: linear between pixels, and beyond an image's border as on it."""

    flips: Flips
    """Narrowed by each kind to the axes that it flips."""
    degrees: float = Field(default=0.0, ge=0, le=180)
    """A rotation's angle is drawn from minus to plus this."""
    shift: float = Field(default=0.0, ge=0, le=1)
    """The same of the shift along each axis, as a share of the image's side."""
    scale: Annotated[tuple[Factor, Factor], AfterValidator(_ascending)] = (1.0, 1.0)
    """The least and the largest factor; above 1 what is seen grows. All axes have the same."""

    def flipping(self) -> list[nn.Module]:
        """The module that flips; none where nothing is to be flipped."""
        from benchmark.augmentations.shared.transforms import Flip

        chances = self.flips.by_axis()
        return [Flip(chances)] if chances else []

    def warping(self) -> list[nn.Module]:
        """The module that rotates, scales and shifts batches of any number of axes; none where nothing of it is to be done."""
        from benchmark.augmentations.shared.transforms import Warp

        idle = self.degrees == self.shift == 0 and self.scale == (1, 1)
        return [] if idle else [Warp(self.degrees, self.shift, self.scale)]

    def parts(self) -> list[str]:
        """What its text says beside its kind, without what is not done."""
        texts = [str(self.flips)] if self.flips.by_axis() else []
        texts += [f"deg{short(self.degrees)}"] if self.degrees else []
        texts += [f"shift{short(self.shift)}"] if self.shift else []
        return texts + ([f"scale{short(self.scale[0])}to{short(self.scale[1])}"] if self.scale != (1, 1) else [])

    def __str__(self) -> str:
        return "-".join([self.kind, *self.parts()])


def short(value: float) -> str:
    """A number without a needless `.0`; unequal numbers differ in it."""
    return repr(value).removesuffix(".0")
