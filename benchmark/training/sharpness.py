"""Sharpness-aware minimization (Foret et al., ICLR 2021): a step by the gradient at the worst weights nearby.

With the gradient g, the weights are moved by radius * g / |g|; the gradient there is what the optimizer steps by, from where
the weights were. It takes two passes, so a step costs twice as much. Batch normalisation's running statistics are of the
first pass alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def uphill(model: nn.Module, radius: float) -> Iterator[None]:
    """Inside, the weights lie `radius` further along their present gradient; behind it, they are as before to the bit."""
    parameters: list[Tensor] = [parameter for parameter in model.parameters() if parameter.grad is not None]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    kept = [parameter.detach().clone() for parameter in parameters]
    norms = [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]
    momenta = [layer.momentum for layer in norms]
    with torch.no_grad():
        length = torch.stack(torch._foreach_norm(gradients)).norm()
        torch._foreach_add_(parameters, torch._foreach_mul(gradients, radius / (length + 1e-12)))
    for layer in norms:
        layer.momentum = 0.0
    try:
        yield
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
        with torch.no_grad():
            torch._foreach_copy_(parameters, kept)
