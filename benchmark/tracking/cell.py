"""Runs that are trained and tracked as one: the trunk of a dimension, or every seed of a task and recipe."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task
from benchmark.core.files import alone, digest_of
from benchmark.data.load import TaskData
from benchmark.runs.cell import validation
from benchmark.runs.folder import WEIGHTS, RunFolder
from benchmark.runs.workspace import Workspace
from benchmark.tracking.line import Line
from benchmark.tracking.tracker import Tracker
from benchmark.training import execute
from benchmark.training.loop import Observer


class Watcher(Protocol):
    """Whoever shows how many runs are done, such as a terminal."""

    def run(self, name: str) -> Observer:
        """A run of this name begins; what it returns is told of its epochs."""
        ...

    def run_done(self, result: str) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Texts:
    """What a person reads and sees in MLflow's view of a task and recipe."""

    again: str = ""
    """The command that makes it anew, for the description of its run."""
    serve: str = ""
    """The command that answers requests with the task's champion, for the description of the model."""
    colour: str = ""
    """Of the recipe."""


@dataclass(frozen=True)
class Cell:
    """Finished runs that are logged as one: a trunk, or seeds of a task and recipe."""

    folders: Sequence[RunFolder]
    tags: Mapping[str, str]
    """Of the parent run."""
    task: Task | None = None
    """None of a trunk, which no model is registered of."""
    data: Mapping[str, TaskData] = field(default_factory=dict)
    """What they were trained on, as far as it is at hand."""
    texts: Texts = Texts()


def train_trunk(
    config: RunConfig,
    data: Mapping[str, TaskData],
    workspace: Workspace,
    device: torch.device,
    watcher: Watcher,
    line: Line,
) -> None:
    """Make the trunk's folder hold this run, and log it."""
    dim = next(iter(data.values())).task.dim
    folder = workspace.trunk(config.profile, dim)
    identity = execute.identity(config, data, None)
    cell = Cell([folder], trunk_tags(dim, config.profile, identity), data=data)
    tracker = Tracker("pretrain", f"{dim} {config.profile}", any(part.task.is_standin for part in data.values()), line)
    with alone(folder.path):
        with tracker.open(cell.tags):
            name = f"pretrain {dim} on {', '.join(config.tasks)}"
            _train(tracker, config, cell, folder, identity, device, watcher, name)
            watcher.close()
            _conclude(tracker, cell)
        line.once_more(lambda: log_cell(tracker, cell))


def train_cell(
    data: TaskData,
    configs: Sequence[RunConfig],
    workspace: Workspace,
    device: torch.device,
    watcher: Watcher,
    texts: Texts,
    line: Line,
) -> list[RunFolder]:
    """Every seed of one task and recipe: train, score, log; then the means, and the best seed as a registered model.

    Args:
        configs: of the seeds; what else the cell's folder holds is removed.
    """
    task, first = data.task, configs[0]
    path = workspace.cell(first.profile, task.name, first.recipe)
    tracker = Tracker(task.name, f"{first.recipe} {first.profile}", task.is_standin, line, texts.colour)
    folders = [workspace.run(one.profile, task.name, one.recipe, one.seed) for one in configs]
    identities = [execute.identity(one, {task.name: data}, workspace.start(one, task.dim)) for one in configs]
    tags = cell_tags(task.name, first.recipe, first.profile, identities)
    cell = Cell(folders, tags, task, {task.name: data}, texts)
    with alone(path):
        _keep_only(path, [folder.path.name for folder in folders])
        with tracker.open(tags):
            for config, folder, identity in zip(configs, folders, identities, strict=True):
                name = f"{task.name} {config.recipe} seed {config.seed}"
                start = workspace.start(config, task.dim)
                with alone(folder.path):  # runs that are made side by side lock their own folders alone
                    _train(tracker, config, cell, folder, identity, device, watcher, name, start)
            watcher.close()
            _conclude(tracker, cell)
        line.once_more(lambda: log_cell(tracker, cell))
    return folders


def examples(data: TaskData) -> np.ndarray:
    """Two images as a model is given them, uint8 (2, *spatial)."""
    images: np.ndarray = data.splits["train"].images[:2].squeeze(1).cpu().numpy()
    return images


def refuse_cell(task: Task, config: RunConfig, workspace: Workspace, reason: str, line: Line) -> None:
    """Record that task and recipe do not go together, in the cell's folder and in the run of the tracking server."""
    cell = workspace.cell(config.profile, task.name, config.recipe)
    with alone(cell):
        _keep_only(cell, [])
        workspace.write_refusal(config.profile, task.name, config.recipe, reason)
        log_refusal(task, config.recipe, config.profile, reason, line)


def log_refusal(task: Task, recipe: str, profile: str, reason: str, line: Line) -> None:
    """A run that says so, of its own level, so that nobody takes it for a training."""
    tags = {"level": "refused", "task": task.name, "recipe": recipe, "profile": profile, "refused": reason}
    with Tracker(task.name, f"{recipe} {profile} refused", task.is_standin, line).open(
        tags | {"identity": digest_of(tags)}
    ):
        pass


def log_cell(tracker: Tracker, cell: Cell) -> None:
    """Log finished runs from their folders, as they were or would have been logged while they were trained."""
    with tracker.open(cell.tags):
        for folder in cell.folders:
            record = folder.trained()
            with tracker.seed(record.config, record.identity, watched=False) as live:
                tracker.log_seed(live, folder, cell.task, cell.data)
        _conclude(tracker, cell)


def trunk_tags(dim: str, profile: str, identity: str) -> dict[str, str]:
    """Of the parent run of a trunk."""
    return {"level": "trunk", "dim": str(dim), "profile": profile, "identity": digest_of({"runs": [identity]})}


def cell_tags(task: str, recipe: str, profile: str, identities: Sequence[str]) -> dict[str, str]:
    """Of the parent run of a task and recipe, known again by the identities of its seeds."""
    tags = {"level": "recipe", "task": task, "recipe": recipe, "profile": profile}
    return tags | {"identity": digest_of({"runs": sorted(identities)})}


def _train(
    tracker: Tracker,
    config: RunConfig,
    cell: Cell,
    folder: RunFolder,
    identity: str,
    device: torch.device,
    watcher: Watcher,
    name: str,
    start: RunFolder | None = None,
) -> None:
    progress = watcher.run(name)
    with tracker.seed(config, identity) as live:
        made = execute.execute(config, cell.data, folder, device, start, [progress, live])
        tracker.log_seed(live, folder, cell.task, cell.data)
    watcher.run_done(f"{folder.path}: {'trained' if made else 'already there, nothing to train'}")


def _conclude(tracker: Tracker, cell: Cell) -> None:
    """The means over the seeds, and the best one as a model, where its weights and images for it are at hand."""
    tracker.log_parent(cell.folders, cell.task, cell.texts.again)
    if cell.task is None or cell.task.name not in cell.data:
        return
    # Of cross-fitted seeds each has held out other images, so that this takes a lucky part with a good network; the recipe
    # is then judged by all of them together, and an ensemble of one member serves their mean.
    best = max(cell.folders, key=lambda folder: folder.metrics()["val_auc"])
    if best.has(WEIGHTS):
        task, example, known = cell.task, examples(cell.data[cell.task.name]), validation(cell.folders)
        network = partial(execute.predictor, best, task)
        tracker.register(best, task, network, example, cell.texts.serve, known, cell.folders)


def _keep_only(cell: Path, names: Sequence[str]) -> None:
    """Remove what an earlier configuration left in the cell's folder, such as a seed that is no longer asked for."""
    for path in cell.glob("*") if cell.is_dir() else ():
        if path.name not in names and path.suffix != ".lock":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
