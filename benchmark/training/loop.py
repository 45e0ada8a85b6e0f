"""The training loop: pretraining and fine-tuning, every objective, 2D and 3D pass through it.

It sees train and val alone. It tells observers what happens and knows none of them; it writes nothing but
checkpoints, through the object that it is handed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark import augmentations, objectives
from benchmark.config.run import RunConfig
from benchmark.config.schedules import ByBatch, Steps
from benchmark.core.errors import NotFinite, OutOfMemory
from benchmark.core.seeding import derive, generator, isolated
from benchmark.data.load import TaskData
from benchmark.objectives.shared.base import Criterion, Objective, Problem
from benchmark.runs.scores import accuracy, auroc
from benchmark.training import averaging, model, precision, schedule, sharpness
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.model import MultiHead

EVAL_BATCH = 256
CHECKPOINT_SHARE = 0.04
"""Of a run's time, at most, goes to its checkpoints: where one takes long beside an epoch, there is not one after each."""
NO_MEMORY = ("allocate memory", "could not create a primitive")
"""What PyTorch says on a CPU without memory left, and oneDNN where there is no room for the code of a kernel."""
Row = dict[str, float]


class Observer(Protocol):
    """Whoever wants to see a run while it goes on: a progress bar, live metrics."""

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None: ...

    def batch_done(self, images: int) -> None: ...

    def epoch_done(self, row: Row) -> None: ...


@dataclass
class Best:
    """The epoch with the best validation AUROC so far (the earlier one of two equals)."""

    val_auc: float = -math.inf
    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """One task of a run: its data, and what it is trained by."""

    data: TaskData
    objective: Objective
    problem: Problem
    criterion: Criterion


class Training:
    """A network in training: everything that the next step depends on."""

    def __init__(
        self, config: RunConfig, data: Mapping[str, TaskData], start: Mapping[str, Tensor] | None, device: torch.device
    ) -> None:
        self.config, self.device = config, device
        self.lessons = {name: _lesson(config, part, device) for name, part in data.items()}
        outputs = {name: one.objective.outputs(one.data.task.label_count) for name, one in self.lessons.items()}
        self.seed = derive(config.seed, *config.tasks)
        self.model = model.build(config.network, outputs, self.seed)
        if start is not None:
            model.take_over(self.model, start, config.start, self.seed)
        if config.trainable != "all":
            model.freeze_all_but_last(self.model, config.trainable)
        self.model.to(device)
        model.lay_out(self.model, config.memory_format)
        if config.precision == "bf16":
            precision.guard(self.model, device)
        criteria = {name: one.criterion for name, one in self.lessons.items()}
        self.optimizer = config.objective.make_optimizer(self.model.parameters(), criteria, device, self.seed)
        average = config.averaging
        self.average = averaging.averaged(self.model, average.decay) if average else None
        self.augment: nn.Module = augmentations.build(config.augmentation)
        self.best = Best()
        self.history: list[Row] = []

    @property
    def scored(self) -> MultiHead:
        """The network that is looked at: the average of the weights where there is one."""
        return cast(MultiHead, self.average.module) if self.average else self.model

    def state(self) -> dict[str, Any]:
        # The best weights may be the present ones: named twice, a checkpoint stores them once.
        weights = self.scored.state_dict()
        best_weights = weights if self.best.epoch == len(self.history) else self.best.weights
        return {
            "model": self.model.state_dict() if self.average else weights,
            "average": self.average.state_dict() if self.average else {},
            "best": {"val_auc": self.best.val_auc, "epoch": self.best.epoch, "weights": best_weights},
            "history": self.history,
            "optimizer": self.optimizer.state(),
            "criteria": {name: one.criterion.state() for name, one in self.lessons.items()},
        }

    def load(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.optimizer.load(state["optimizer"])
        for name, one in self.lessons.items():
            one.criterion.load(state["criteria"][name])
        self.best, self.history = Best(**state["best"]), state["history"]


def _lesson(config: RunConfig, data: TaskData, device: torch.device) -> Lesson:
    objective = objectives.for_task(config.objective, data.task, f"recipe {config.recipe}")
    problem = Problem(data.task, data.splits["train"].labels.cpu().numpy())
    return Lesson(data, objective, problem, objective.make_criterion(problem, device))


def train(
    config: RunConfig,
    data: Mapping[str, TaskData],
    start: Mapping[str, Tensor] | None,
    device: torch.device,
    checkpoints: Checkpoints,
    observers: Sequence[Observer] = (),
) -> Training:
    """Train to the last epoch, from the newest checkpoint where there is one.

    Args:
        data: each task of `config.tasks`.
        start: weights of the run that this one starts from, as in its `model.safetensors`; None from scratch.

    Returns:
        The finished run; `best.weights` are those of the selected epoch.

    Raises:
        NotFinite: a loss or gradient that is not finite, before the update that it would have spoilt; or a score of val.
        OutOfMemory: no memory left. The rows so far are in the exception's `history`.
    """
    torch.backends.cudnn.deterministic = True
    run = Training(config, data, start, device)
    if (state := checkpoints.load(device)) is not None:
        run.load(state)
    for row in run.history:
        for observer in observers:
            observer.epoch_done(row)
    saved, pause = time.monotonic(), 0.0
    for epoch in range(len(run.history), config.epochs):
        row = one_epoch(run, epoch, observers)
        run.history.append(row)
        if config.keep == "last" or row["val_auc"] > run.best.val_auc:
            run.best = Best(row["val_auc"], epoch + 1, _copy(run.scored))
        for observer in observers:
            observer.epoch_done(row)
        if epoch + 1 < config.epochs and (started := time.monotonic()) - saved >= pause:
            checkpoints.save(epoch + 1, run.state())
            saved = time.monotonic()
            pause = (saved - started) / CHECKPOINT_SHARE
    return run


def one_epoch(run: Training, epoch: int, observers: Sequence[Observer]) -> Row:
    """Train on every batch of every task once, then look at val. Epochs count from 0 here, from 1 in the row."""
    config, started = run.config, time.perf_counter()
    if isinstance(config.schedule, Steps) and epoch > 0:
        # Two shares of a short run can fall on one epoch: one update with both factors, since an AUC optimizer's
        # regularizer has no mean weights to start from a second time.
        due = sum(epoch == int(share * config.epochs) for share in config.schedule.at)
        if due:
            run.optimizer.decay(config.schedule.factor**due)
    plan = epoch_plan(run, epoch)
    for observer in observers:
        observer.epoch_started(epoch + 1, config.epochs, sum(len(indices) for _, indices in plan))
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {task: [] for task in run.lessons}
    losses = []
    run.model.train()
    with isolated(derive(run.seed, "augmentation", epoch)):
        for step, (task, indices) in enumerate(plan):
            if isinstance(config.schedule, ByBatch):
                done, whole = epoch * len(plan) + step, config.epochs * len(plan)
                run.optimizer.set_rate(schedule.rate(config.schedule, done, whole))
            with _failures_named(run, f"in epoch {epoch + 1}, step {step + 1}", len(indices)):
                loss, labels, probabilities = train_step(run, task, indices.to(run.device))
            losses.append(loss)
            seen[task].append((labels, probabilities))
            for observer in observers:
                observer.batch_done(len(indices))
    row: Row = {"epoch": epoch + 1, "lr": run.optimizer.lr, "train_loss": float(torch.stack(losses).mean())}
    row |= _judge("train", {task: _join(parts) for task, parts in seen.items()})
    row |= _judge("val", {task: predict(run, task, "val") for task in run.lessons})
    return row | {"seconds": time.perf_counter() - started}


def train_step(run: Training, task: str, indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One update on one batch; the batch's loss, labels and probabilities."""
    lesson = run.lessons[task]
    split = lesson.data.splits["train"]
    labels = split.labels[indices]
    images = run.augment(model.normalise(split.images[indices]))

    def forward() -> tuple[Tensor, Tensor]:
        with precision.autocast(run.device, run.config.precision):
            outputs = run.model(images, task)
        outputs = outputs.float()
        return lesson.criterion(outputs, labels, indices), outputs

    loss, outputs = forward()
    gradients = run.optimizer.backward(loss)
    if run.config.sharpness:
        with sharpness.uphill(run.model, run.config.sharpness.radius):
            gradients = gradients + run.optimizer.backward(forward()[0])
    finite = torch.stack((loss.detach(), gradients)).isfinite().tolist()
    if not all(finite):
        raise FloatingPointError("gradient" if finite[0] else "loss")
    run.optimizer.step()
    if run.average:
        run.average.update_parameters(run.model)
    return loss.detach(), labels, lesson.objective.probabilities(outputs.detach())


def epoch_plan(run: Training, epoch: int) -> list[tuple[str, Tensor]]:
    """The epoch's batches, those of several tasks in a drawn order."""
    plan = [
        (task, indices)
        for task, one in run.lessons.items()
        for indices in one.objective.batches(one.problem, run.config.batch_size, run.config.seed, epoch)
    ]
    if len(run.lessons) == 1:
        return plan
    order = torch.randperm(len(plan), generator=generator(run.seed, "task order", epoch))
    return [plan[i] for i in order.tolist()]


@torch.no_grad()
def predict(run: Training, task: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Labels uint8 and probabilities float32 of one split, both (n, L), in file order; no augmentation.

    Raises:
        NotFinite: a probability, as after a last update that was too large.
        OutOfMemory: no memory left.
    """
    lesson = run.lessons[task]
    split = lesson.data.splits[name]
    network, flips = run.scored.eval(), model.flipped_axes(run.config.flips_at_test)
    with _failures_named(run, f"on {task}'s {name} split", min(EVAL_BATCH, len(split.images))):
        parts = [
            model.over_flips(
                lambda one: lesson.objective.probabilities(network(one, task)), model.normalise(images), flips
            )
            for images in torch.split(split.images, EVAL_BATCH)
        ]
        probabilities = torch.cat(parts).float().cpu()
        if not probabilities.isfinite().all():
            raise FloatingPointError("score")
    return split.labels.cpu().numpy(), probabilities.numpy()


def _judge(split: str, scored: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Row:
    """AUROC, accuracy and log loss (cross-entropy of the probabilities), mean over tasks; several tasks also singly.

    The train figures of an epoch are of its batches as they were seen: augmented, resampled, in training mode, by
    weights that were still moving. The final train figures come from `scores.npz` and are of the plain split.
    """
    aucs = {task: auroc(*pair) for task, pair in scored.items()}
    row = {
        f"{split}_auc": float(np.mean(list(aucs.values()))),
        f"{split}_acc": float(np.mean([accuracy(*pair) for pair in scored.values()])),
        f"{split}_log_loss": float(np.mean([_log_loss(*pair) for pair in scored.values()])),
    }
    return row | ({f"{split}_auc_{task}": value for task, value in aucs.items()} if len(aucs) > 1 else {})


def _log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(F.binary_cross_entropy(torch.from_numpy(probabilities), torch.from_numpy(labels).float()))


def _join(parts: list[tuple[Tensor, Tensor]]) -> tuple[np.ndarray, np.ndarray]:
    labels, probabilities = zip(*parts, strict=True)
    return torch.cat(labels).cpu().numpy(), torch.cat(probabilities).float().cpu().numpy()


def _copy(network: MultiHead) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


@contextmanager
def _failures_named(run: Training, where: str, batch: int) -> Iterator[None]:
    """Say where training ended; the facts are what a person may have to change."""
    config = run.config
    facts = {"recipe": config.recipe, "profile": config.profile, "precision": config.precision}
    try:
        yield
    except FloatingPointError as error:
        settings = f"{config.objective.loss}, lr {run.optimizer.lr:g}, {config.precision}"
        raise NotFinite(f"{error} not finite {where} ({settings})", run.history, **facts) from error
    except (MemoryError, RuntimeError) as error:
        # torch.OutOfMemoryError is a RuntimeError; on a CPU only the words tell.
        told = any(words in str(error) for words in NO_MEMORY)
        if not told and not isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            raise
        images = next(iter(run.lessons.values())).data.splits["train"].images
        shape = "x".join(str(side) for side in images.shape[2:])
        raise OutOfMemory(
            f"out of memory {where}, with {batch} images of {shape} through {config.network} in {config.precision}",
            run.history,
            # Else it is a split that is looked at, in batches of `EVAL_BATCH`.
            in_a_batch=batch <= config.batch_size,
            **facts,
        ) from error
