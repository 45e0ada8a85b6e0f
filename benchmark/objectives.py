"""Objectives: loss, optimizer and sampler that belong together.

A loss says which kinds of task it accepts, how many outputs it needs, and what those mean as probabilities.
Adding one: a class here, a line in `LOSSES`, and its settings in `config.Objective`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.config import AucmObjective, CompositionalObjective, GradientObjective, Kind, Objective
from benchmark.errors import Refused
from benchmark.seeding import derive, generator, isolated
from benchmark.tasks import Task


class Loss(nn.Module):
    """Training loss of one task: outputs (n, `outputs`) and labels uint8 (n, L) → a scalar."""

    accepts: ClassVar[frozenset[Kind]]

    @staticmethod
    def outputs(label_count: int) -> int:
        """Width of the head."""
        return label_count

    @staticmethod
    def probabilities(outputs: Tensor) -> Tensor:
        """Probabilities of label 1, (n, L). AUC losses give rankings in [0, 1], not calibrated probabilities."""
        return outputs.sigmoid()

    def state(self) -> dict[str, Any]:
        """What the loss carries from step to step; the network's weights are not part of it."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        pass


class CrossEntropy(Loss):
    """Softmax over the two classes of a binary task."""

    accepts = frozenset({"binary"})

    @staticmethod
    def outputs(label_count: int) -> int:
        return 2

    @staticmethod
    def probabilities(outputs: Tensor) -> Tensor:
        return outputs.softmax(dim=1)[:, 1:]

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(outputs, labels[:, 0].long())


class NegativeLogLikelihood(CrossEntropy):
    """NLL on log-softmax, which is cross-entropy exactly: the published grid counts it twice."""

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return F.nll_loss(F.log_softmax(outputs, dim=1), labels[:, 0].long())


class BinaryCrossEntropy(Loss):
    """A sigmoid for each label."""

    accepts = frozenset({"binary", "multi-label"})

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs, labels.float())


class LibaucLoss(Loss):
    """A LibAUC loss on probabilities, with the rarer class as its positive one.

    LibAUC counts on rare positives, and so does its dual sampler. Where label 1 is the majority (BreastMNIST,
    PneumoniaMNIST), labels and probabilities are mirrored inside the loss; the outputs keep meaning label 1.
    """

    def __init__(self, inner: Any, mirrored: bool) -> None:
        super().__init__()
        self.inner, self.mirrored = inner, mirrored

    def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
        if self.mirrored:
            return cast(Tensor, self.inner(outputs.neg().sigmoid(), 1.0 - labels.float()).sum())
        return cast(Tensor, self.inner(outputs.sigmoid(), labels.float()).sum())

    def state(self) -> dict[str, Any]:
        """LibAUC's running means a and b, the dual variable alpha, and the position in the inner/outer cycle."""
        carried = {name: getattr(self.inner, name).detach().clone() for name in ("a", "b", "alpha")}
        return carried | {"step": getattr(self.inner, "step", 0)}

    def load(self, state: dict[str, Any]) -> None:
        for name in ("a", "b", "alpha"):
            getattr(self.inner, name).data.copy_(state[name])
        if hasattr(self.inner, "step"):
            self.inner.step = state["step"]


class Aucm(LibaucLoss):
    """AUC margin loss (Yuan et al., ICCV 2021), LibAUC's version v1.

    Version v2 of LibAUC 2.0.1 subtracts the positives' mean from every sample before it averages, which weighs the
    term by the batch instead of by the class; v1 follows the paper's equation.
    """

    accepts = frozenset({"binary", "multi-label"})


class CompositionalAuc(LibaucLoss):
    """Compositional AUC loss (Yuan et al., ICLR 2022): cross-entropy steps and AUC steps take turns."""

    accepts = frozenset({"binary"})


LOSSES: Mapping[str, type[Loss]] = {
    "cross-entropy": CrossEntropy,
    "nll": NegativeLogLikelihood,
    "bce-with-logits": BinaryCrossEntropy,
    "aucm": Aucm,
    "compositional-auc": CompositionalAuc,
}


def loss_class(objective: Objective, task: Task, where: str) -> type[Loss]:
    """The loss of that objective for that task.

    Raises:
        Refused: the loss does not accept this kind of task; known before any training.
    """
    name: str = objective.loss
    if task.kind == "multi-label" and isinstance(objective, GradientObjective) and objective.multi_label_loss:
        name = objective.multi_label_loss
    if task.kind not in LOSSES[name].accepts:
        fitting = ", ".join(sorted(other for other, loss in LOSSES.items() if task.kind in loss.accepts))
        raise Refused(f"{where}: loss '{name}' does not accept {task.name}, a {task.kind} task; these do: {fitting}")
    return LOSSES[name]


def rarer_share(labels: np.ndarray) -> float:
    """Share of the rarer class among binary labels (n, 1)."""
    share = float(np.mean(labels))
    return min(share, 1.0 - share)


def make_loss(objective: Objective, task: Task, labels: np.ndarray, device: torch.device, where: str) -> Loss:
    """The loss of one task; `labels` are those of its training split, uint8 (n, L)."""
    kind = loss_class(objective, task, where)
    if isinstance(objective, GradientObjective):
        return kind()
    from libauc.losses import AUCMLoss, CompositionalAUCLoss, MultiLabelAUCMLoss  # late: takes seconds

    common: dict[str, Any] = {"margin": objective.margin, "device": device}
    if task.kind == "multi-label":
        return kind(MultiLabelAUCMLoss(num_labels=labels.shape[1], **common), mirrored=False)
    mirrored = float(np.mean(labels)) > 0.5
    if isinstance(objective, AucmObjective):
        return kind(AUCMLoss(**common), mirrored)
    return kind(CompositionalAUCLoss(k=objective.inner_steps, **common), mirrored)


def probe(gradients: Sequence[Tensor]) -> Tensor:
    """A scalar on their device that is not finite where any of their values is not."""
    if gradients[0].is_cuda:
        return nn.utils.get_total_norm(gradients)  # one launch for all of them
    return torch.stack([gradient.sum() for gradient in gradients]).sum()  # on a CPU twice as fast as their norm


class Optimizer:
    """The optimizer that goes with an objective, stock or LibAUC's, behind the few calls that training makes."""

    def __init__(self, inner: Any, objective: Objective, losses: Mapping[str, Loss]) -> None:
        self.inner, self.objective, self.losses = inner, objective, losses

    @property
    def lr(self) -> float:
        return float(self.inner.param_groups[0]["lr"])

    def backward(self, loss: Tensor) -> Tensor:
        """Fresh gradients of the loss.

        Returns:
            Their `probe`.
        """
        self.inner.zero_grad(set_to_none=True)
        for part in self.losses.values():
            if isinstance(part, LibaucLoss):
                # PDSCA tells an AUC step from a cross-entropy step by whether alpha has a gradient, and no
                # optimizer group holds alpha: a gradient left over would turn every later step into an AUC step.
                part.inner.alpha.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for group in self.inner.param_groups for p in group["params"] if p.grad is not None]
        return probe(gradients)

    def step(self) -> None:
        self.inner.step()

    def decay(self, factor: float) -> None:
        """Multiply the learning rate; the AUC optimizers also start their regularizer anew from the mean weights."""
        if isinstance(self.objective, GradientObjective):
            for group in self.inner.param_groups:
                group["lr"] *= factor
            return
        inner_rate = {"decay_factor0": 1 / factor} if isinstance(self.objective, CompositionalObjective) else {}
        regularized = self.objective.epoch_decay > 0
        update = self.inner.update_regularizer if regularized else self.inner.update_lr
        update(decay_factor=1 / factor, **inner_rate)

    def state(self) -> dict[str, Any]:
        return {"optimizer": self.inner.state_dict(), "losses": {t: loss.state() for t, loss in self.losses.items()}}

    def load(self, state: dict[str, Any]) -> None:
        self.inner.load_state_dict(state["optimizer"])
        for task, loss in self.losses.items():
            loss.load(state["losses"][task])


def make_optimizer(
    objective: Objective,
    parameters: Iterable[nn.Parameter],
    losses: Mapping[str, Loss],
    device: torch.device,
    seed: int,
) -> Optimizer:
    """The optimizer over `parameters`; LibAUC's also over its loss's own variables (one task only)."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if isinstance(objective, GradientObjective):
        return Optimizer(_stock(objective, trained), objective, losses)
    from benchmark.optimizers import ForeachPDSCA, ForeachPESG  # late: imports LibAUC

    (loss,) = (loss for loss in losses.values() if isinstance(loss, LibaucLoss))
    common: dict[str, Any] = {
        "loss_fn": loss.inner,
        "lr": objective.lr,
        "margin": objective.margin,
        "epoch_decay": objective.epoch_decay,
        "weight_decay": objective.weight_decay,
        "verbose": False,
        "device": device,
    }
    # Both draw the reference weights of their regularizer from the global generator.
    with isolated(derive(seed, "regularizer")):
        if isinstance(objective, AucmObjective):
            inner = ForeachPESG(trained, momentum=objective.momentum, **common)
        else:
            inner = ForeachPDSCA(trained, beta1=objective.beta1, beta2=objective.beta2, **common)
    return Optimizer(inner, objective, losses)


def _stock(objective: GradientObjective, trained: list[nn.Parameter]) -> torch.optim.Optimizer:
    """PyTorch's own; one kernel for all parameters where it has one (a third of Adam's time on a CPU)."""
    lr, momentum, decay = objective.lr, objective.momentum, objective.weight_decay
    if objective.optimizer == "sgd":
        # Not fused: that step breaks off where a head joins later than the trunk, as in pretraining on several tasks.
        return torch.optim.SGD(trained, lr=lr, momentum=momentum, weight_decay=decay)
    if objective.optimizer == "rmsprop":
        return torch.optim.RMSprop(trained, lr=lr, momentum=momentum, weight_decay=decay)
    return torch.optim.Adam(trained, lr=lr, betas=(momentum, 0.999), weight_decay=decay, fused=True)


def batches(
    objective: Objective, task: Task, labels: np.ndarray, batch_size: int, seed: int, epoch: int
) -> list[Tensor]:
    """Indices into the training split for one epoch, int64. A function of its arguments: nothing to resume."""
    batch_size = min(batch_size, len(labels))
    if isinstance(objective, GradientObjective) or task.kind == "multi-label":
        # An image of a multi-label task is rare for one label and common for another: no resampling there.
        order = torch.randperm(len(labels), generator=generator(seed, task.name, "order", epoch))
        return _split(order, batch_size)
    from libauc.sampler import DualSampler

    rare = labels[:, 0] if np.mean(labels) <= 0.5 else 1 - labels[:, 0]
    rate = min(0.5, rarer_share(labels) + objective.sampling_above)
    draw = derive(seed, task.name, "order", epoch)
    with isolated(draw):
        sampler = DualSampler(None, batch_size, labels=rare.astype(np.int64), sampling_rate=rate, random_seed=draw)
        indices = torch.from_numpy(np.fromiter(sampler, dtype=np.int64))
    return list(torch.split(indices, batch_size))


def _split(order: Tensor, batch_size: int) -> list[Tensor]:
    """Batches of that size; a last one of a single image joins the one before (batch normalisation needs two)."""
    parts = list(torch.split(order, batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
