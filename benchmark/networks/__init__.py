"""Networks: the files of this folder, found by being there. A recipe has a network by name or by settings of a family.

By name: a file has functions that its `NAMES` give names to. Such a function returns a trunk with fresh weights of
PyTorch's global generator, (n, 1, *spatial) → (n, 512), for images of the file's `DIMENSIONS`. Adding one is a function
and a line in one of these files, or a file more.

By settings: a file has a class of `Network`, known by its `family`. Adding one is a file more.

The files are imported when a configuration is read, to know the names; what builds a network is imported in its function,
which saves two seconds on every command that trains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from benchmark.core.discovery import Makers, classes
from benchmark.core.terms import Dimension
from benchmark.networks.shared.base import Network

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "FAMILIES",
    "FEATURES",
    "NETWORKS",
    "AnyNetwork",
    "Network",
    "build",
    "families",
    "family_of",
    "features",
    "maker",
    "refusal",
]

FEATURES = 512
"""Width of what every trunk that has a name gives to its heads."""

NETWORKS = Makers(__name__)

FAMILIES: Mapping[str, type[Network]] = classes(__name__, Network, "family")  # type: ignore[type-abstract]
"""Each family's class by the name that a network's `family` gives it."""


def families(dim: Dimension) -> list[str]:
    """Those that are for images of this dimension."""
    return [family for family, one in FAMILIES.items() if dim in one.dimensions]


def family_of(network: object) -> str | None:
    """The family that settings name, in a file or as an object; None of anything else, a name among it."""
    family = network.get("family") if isinstance(network, dict) else getattr(network, "family", None)
    return family if isinstance(family, str) else None


if TYPE_CHECKING:
    AnyNetwork = str | Network
else:
    AnyNetwork = Annotated[
        Union[(Annotated[str, Tag("name")], *(Annotated[one, Tag(family)] for family, one in FAMILIES.items()))],
        Discriminator(lambda network: "name" if isinstance(network, str) else family_of(network)),
    ]
"""A name, or settings of any family."""


def build(network: AnyNetwork) -> nn.Module:
    """Its trunk with fresh weights of PyTorch's global generator, (n, 1, *spatial) → (n, `features`)."""
    made: nn.Module = NETWORKS[network]() if isinstance(network, str) else network.build()
    return made


def features(network: AnyNetwork) -> int:
    """Width of what its trunk gives to the heads."""
    return FEATURES if isinstance(network, str) else network.features


def maker(network: AnyNetwork) -> Callable[..., Any]:
    """The function or class in whose file it stands."""
    return NETWORKS[network] if isinstance(network, str) else type(network)


def refusal(network: AnyNetwork, sides: Sequence[int]) -> str:
    """Why it can't take images with these sides; empty where it can."""
    return "" if isinstance(network, str) else network.refusal(sides)
