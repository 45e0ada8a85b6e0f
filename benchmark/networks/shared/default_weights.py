"""Weights drawn as PyTorch's layers draw them when nobody says otherwise, in place of torchvision's draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def with_default_weights(network: nn.Module) -> nn.Module:
    """Draw the weights of every layer anew by its own `reset_parameters`; returns the network itself.

    Of a convolution that is a uniform draw by its inputs (He et al. 2015 with a slope of the square root of 5), where
    torchvision's is a normal one by its outputs.
    """
    for layer in network.modules():
        if callable(reset := getattr(layer, "reset_parameters", None)):
            reset()
    return network
