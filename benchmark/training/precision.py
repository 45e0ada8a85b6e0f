"""Reduced precision: the network's forward and backward pass in bfloat16, weights, losses and updates in float32.

On a CPU, oneDNN's bfloat16 gradient of a convolution's weights reads memory that nobody wrote where the input is
smaller than the kernel along an axis: the gradient is then not finite, or finite and wrong, while outputs and loss are
right. Seen with torch 2.15 in both memory formats, in 3D with a kernel of 3 on volumes of 1 or 2, of 5 on up to 4, and
in 2D with stride 2 on a single pixel; never on larger inputs (docs/performance.md). The last stages of a ResNet-18 on
28-voxel volumes are such inputs. Those convolutions, a few per cent of the arithmetic, stay in float32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.config.recipes import Precision


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[Any]:
    """The context of a training step's forward pass. Evaluation has none: scores are always float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def guard(model: nn.Module, device: torch.device) -> None:
    """Keep convolutions of inputs smaller than their kernel in float32 under autocast; see above. CPU only."""
    if device.type != "cpu":
        return
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            module.register_forward_pre_hook(_leave_autocast)
            module.register_forward_hook(_enter_autocast, always_call=True)


def _leave_autocast(module: Any, inputs: tuple[Tensor]) -> tuple[Tensor]:
    (images,) = inputs
    small = any(side < kernel for side, kernel in zip(images.shape[2:], module.kernel_size, strict=True))
    module.float32 = torch.autocast("cpu", enabled=False) if small and torch.is_autocast_enabled("cpu") else None
    if module.float32 is None:
        return inputs
    module.float32.__enter__()
    return (images.float(),)


def _enter_autocast(module: Any, _inputs: Any, _output: Any) -> None:
    if module.float32 is not None:
        module.float32.__exit__(None, None, None)
