"""LibAUC's optimizers with the same update in fewer passes over memory.

LibAUC updates one parameter at a time, with a new tensor for each term, and reassigns `.data`. Here the same terms are
added in place, over all parameters at once (PyTorch's foreach kernels): on a CPU about half the time, on a GPU a few
launches instead of ten per parameter. Everything else, state and schedule included, is LibAUC's own code. Tests hold
both to LibAUC's within 1e-6 over 300 steps.

References: PESG, Yuan et al., ICCV 2021; PDSCA, Yuan et al., ICLR 2022.
"""

from __future__ import annotations

from typing import Any

import torch
from libauc.optimizers import PDSCA, PESG
from torch import Tensor


class ForeachPESG(PESG):  # type: ignore[misc]
    """PESG in mode 'sgd'; mode 'adam' is LibAUC's own step."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        if self.mode != "sgd" or self.distributed:
            super().step(closure)
            return
        for group in self.param_groups:
            params, places = _trained(group)
            directions = _directions(group, params, places)
            if group["momentum"] != 0:
                directions = _averaged(self.state, "momentum_buffer", params, directions, group["momentum"])
            torch._foreach_add_(params, directions, alpha=-group["lr"])
            _accumulate(group, params, places)
            _ascend(group)
        self.T += 1
        self.steps += 1


class ForeachPDSCA(PDSCA):  # type: ignore[misc]
    """PDSCA. A step is an AUC step where alpha has a gradient, else a cross-entropy step."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            params, places = _trained(group)
            directions = _directions(group, params, places)
            if group["alpha"].grad is None:
                torch._foreach_add_(params, directions, alpha=-group["lr0"])
                if group["beta1"] != 0:
                    means = _averaged(self.state, "weight_buffer", params, params, group["beta1"])
                    torch._foreach_copy_(params, means)
            else:
                if group["beta2"] != 0:
                    directions = _averaged(self.state, "momentum_buffer", params, directions, group["beta2"])
                torch._foreach_add_(params, directions, alpha=-group["lr"])
            _accumulate(group, params, places)
            _ascend(group)
        self.T += 1
        self.steps += 1


def _trained(group: dict[str, Any]) -> tuple[list[Tensor], list[int]]:
    """The parameters that have a gradient, and their places in the group."""
    places = [place for place, parameter in enumerate(group["params"]) if parameter.grad is not None]
    return [group["params"][place] for place in places], places


def _directions(group: dict[str, Any], params: list[Tensor], places: list[int]) -> list[Tensor]:
    """Clipped gradient + epoch decay x (weight - reference) + weight decay x weight, in the gradients' own memory."""
    directions = [parameter.grad for parameter in params if parameter.grad is not None]
    torch._foreach_clamp_min_(directions, -group["clip_value"])
    torch._foreach_clamp_max_(directions, group["clip_value"])
    decay = group["epoch_decay"]
    torch._foreach_add_(directions, params, alpha=decay + group["weight_decay"])
    if decay > 0:
        torch._foreach_add_(directions, [group["model_ref"][place] for place in places], alpha=-decay)
    return directions


def _averaged(state: Any, name: str, params: list[Tensor], new: list[Tensor], share: float) -> list[Tensor]:
    """The moving averages kept under `name`, moved towards `new` by `share`; they start as the first `new`."""
    known = [(state[p][name], value) for p, value in zip(params, new, strict=True) if name in state[p]]
    for parameter, value in zip(params, new, strict=True):
        if name not in state[parameter]:
            state[parameter][name] = value.detach().clone()
    if known:
        torch._foreach_lerp_([buffer for buffer, _ in known], [value for _, value in known], share)
    return [state[parameter][name] for parameter in params]


def _accumulate(group: dict[str, Any], params: list[Tensor], places: list[int]) -> None:
    """Sum the weights of every step, of which `update_regularizer` makes the next reference."""
    if group["epoch_decay"] > 0:
        torch._foreach_add_([group["model_acc"][place] for place in places], params)


def _ascend(group: dict[str, Any]) -> None:
    """Gradient ascent of the dual variable alpha, kept in [0, 999]; only where it has a gradient."""
    a, b, alpha = group["a"], group["b"], group["alpha"]
    if alpha is not None and alpha.grad is not None:
        alpha.add_(group["lr"] * (2 * (group["margin"] + b - a) - 2 * alpha)).clamp_(0, 999)
