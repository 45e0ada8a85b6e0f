"""A moving average of a network's weights, which is validated, selected, scored and served in place of the last ones.

Polyak and Juditsky, 1992; with the warm-up that lets early weights fade: after t updates the average keeps the share
min(decay, (1 + t) / (10 + t)) of itself. The running statistics of batch normalisation are averaged in the same way, so
that they belong to the weights they stand beside, and no pass over the data is needed at the end.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of the model that follows it: call `update_parameters(model)` after each step."""

    @torch.no_grad()
    def move(average: Tensors, current: Tensors, updates: Tensor | int) -> None:
        if not average[0].is_floating_point():  # how many batches a normalisation has seen
            torch._foreach_copy_(average, current)
            return
        count = int(updates)
        torch._foreach_lerp_(average, current, 1 - min(decay, (1 + count) / (10 + count)))

    return AveragedModel(model, multi_avg_fn=move, use_buffers=True)
