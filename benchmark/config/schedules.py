"""How the learning rate moves over a run. Its highest value is the objective's `lr`; without a schedule it stays there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from benchmark.core.settings import Section

Share = Annotated[float, Field(gt=0, lt=1)]


class Steps(Section):
    """Multiplied by `factor` at these shares of the epochs, between two epochs.

    The AUC objectives update their regularizer at the same moments.
    """

    at: tuple[Share, ...]
    factor: float = Field(gt=0, le=1)

    def __str__(self) -> str:
        return f"x{self.factor} at {list(self.at)}"


class OneCycle(Section):
    """Up from `lr` / 25 in the share `warm_up` of the batches, then down to a ten-thousandth of that; along cosines.

    Smith and Topin, 2018, as PyTorch's OneCycleLR has it with momentum left alone.
    """

    shape: Literal["one-cycle"]
    warm_up: Share

    def __str__(self) -> str:
        return f"one-cycle, warm-up {self.warm_up:g}"


class Cosine(Section):
    """Up in a line in the share `warm_up` of the batches, then down to 0 along a cosine (Loshchilov and Hutter, ICLR 2017)."""

    shape: Literal["cosine"]
    warm_up: float = Field(ge=0, lt=1)

    def __str__(self) -> str:
        return f"cosine, warm-up {self.warm_up:g}"


ByBatch = OneCycle | Cosine
"""The rate is a function of how many of the run's batches are done."""


def _form(entry: Any) -> str | None:
    """Which schedule an entry is: told by `shape`, and steps where it has none."""
    shape = entry.get("shape", "steps") if isinstance(entry, dict) else getattr(entry, "shape", "steps")
    return shape if shape in FORMS else None


FORMS: Mapping[str, type[Section]] = {"steps": Steps, "one-cycle": OneCycle, "cosine": Cosine}
Schedule = Annotated[
    Annotated[Steps, Tag("steps")] | Annotated[OneCycle, Tag("one-cycle")] | Annotated[Cosine, Tag("cosine")],
    Discriminator(
        _form,
        custom_error_type="unknown_shape",
        custom_error_message="shape should be 'one-cycle' or 'cosine', or be left out for steps",
    ),
]
