"""The few calls that training makes of an optimizer, PyTorch's own or LibAUC's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn


class Optimizer:
    """One of PyTorch's, or any with its interface."""

    rates: ClassVar[Sequence[str]] = ("lr",)
    """What a schedule moves in the groups of parameters, where they have it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.highest = [{name: group[name] for name in self.rates if name in group} for group in inner.param_groups]

    @property
    def lr(self) -> float:
        return float(self.inner.param_groups[0]["lr"])

    def backward(self, loss: Tensor) -> Tensor:
        """Fresh gradients of the loss.

        Returns:
            Their `probe`.
        """
        self.inner.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        return probe([p.grad for group in self.inner.param_groups for p in group["params"] if p.grad is not None])

    def step(self) -> None:
        self.inner.step()

    def decay(self, factor: float) -> None:
        """Multiply the learning rate, as a schedule asks for it."""
        for group in self.inner.param_groups:
            group["lr"] *= factor

    def set_rate(self, share: float) -> None:
        """Make the learning rate this share of what it was at the start, as a schedule by batch asks for it."""
        for group, highest in zip(self.inner.param_groups, self.highest, strict=True):
            group.update({name: share * rate for name, rate in highest.items()})

    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = self.inner.state_dict()
        return content

    def load(self, state: dict[str, Any]) -> None:
        self.inner.load_state_dict(state)


class LibaucOptimizer(Optimizer):
    """LibAUC's, with the regularizer that pulls the weights towards their mean over the last stage.

    Args:
        criterion: LibAUC's loss, whose own variables the optimizer may update.
        decayed: further rates that a schedule divides, as arguments of LibAUC's `update_lr`.
    """

    rates = ("lr", "lr0")  # PDSCA's steps on cross-entropy have a rate of their own

    def __init__(self, inner: Any, criterion: Any, decayed: Sequence[str] = ()) -> None:
        super().__init__(inner)
        self.criterion, self.decayed = criterion, decayed

    def backward(self, loss: Tensor) -> Tensor:
        if hasattr(self.criterion, "alpha"):
            # PDSCA tells an AUC step from a cross-entropy step by whether alpha has a gradient, and no optimizer group
            # holds alpha: a gradient left over would turn every later step into an AUC step.
            self.criterion.alpha.grad = None
        return super().backward(loss)

    def decay(self, factor: float) -> None:
        """The regularizer, where there is one, starts anew from the mean weights."""
        regularized = self.inner.param_groups[0]["epoch_decay"] > 0
        update = self.inner.update_regularizer if regularized else self.inner.update_lr
        update(decay_factor=1 / factor, **dict.fromkeys(self.decayed, 1 / factor))


class LibaucPairOptimizer(Optimizer):
    """LibAUC's SOPA, SOPAs, SOTAs, STACO or SOAP.

    Unlike PESG they leave the steps since the last update of their regularizer out of their state.
    """

    def decay(self, factor: float) -> None:
        """The regularizer, where there is one, starts anew from the mean weights."""
        if self.inner.param_groups[0]["epoch_decay"] > 0:
            self.inner.update_regularizer(decay_factor=1 / factor)
        else:
            super().decay(factor)  # LibAUC's `update_lr` prints, whatever `verbose` says

    def state(self) -> dict[str, Any]:
        return super().state() | {"T": self.inner.T, "steps": self.inner.steps}

    def load(self, state: dict[str, Any]) -> None:
        inner = self.inner
        super().load({name: value for name, value in state.items() if name not in ("T", "steps")})
        inner.T, inner.steps = state["T"], state["steps"]
        # PyTorch loads copies of these lists into the group, from which a step reads; an update of the regularizer
        # writes to those that the optimizer itself holds.
        inner.model_ref, inner.model_acc = (inner.param_groups[0][name] for name in ("model_ref", "model_acc"))


def probe(gradients: Sequence[Tensor]) -> Tensor:
    """A scalar on their device that is not finite where any of their values is not."""
    if gradients[0].is_cuda:
        return nn.utils.get_total_norm(gradients)  # one launch for all of them
    return torch.stack([gradient.sum() for gradient in gradients]).sum()  # on a CPU twice as fast as their norm
