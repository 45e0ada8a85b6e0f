"""Runs that are trained and tracked as one: the trunk of a dimension, or every seed of a task and recipe."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch

from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task
from benchmark.core.files import alone
from benchmark.data.load import TaskData
from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
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


def train_trunk(
    config: RunConfig, data: Mapping[str, TaskData], workspace: Workspace, device: torch.device, watcher: Watcher
) -> None:
    """Make the trunk's folder hold this run, and log it."""
    dim = next(iter(data.values())).task.dim
    folder = workspace.trunk(config.profile, dim)
    standin = any(part.task.is_standin for part in data.values())
    tracker = Tracker("pretrain", f"{dim} {config.profile}", standin)
    with tracker.open({"level": "trunk", "dim": dim, "profile": config.profile}):
        with alone(folder.path):
            _train(tracker, config, folder, data, device, watcher, f"pretrain {dim} on {', '.join(config.tasks)}")
        watcher.close()
        tracker.log_parent([folder], None)


def train_cell(
    data: TaskData,
    configs: Sequence[RunConfig],
    workspace: Workspace,
    device: torch.device,
    watcher: Watcher,
    colour: str,
    again: str,
    serve: str,
) -> list[RunFolder]:
    """Every seed of one task and recipe: train, score, log; then the means, and the best seed as a registered model.

    Args:
        configs: of the seeds; what else the cell's folder holds is removed.
        colour: of the recipe, in the tracking UI.
        again: the command that makes the cell anew, for the description of its run.
        serve: the command that answers requests with the task's champion, for the description of the model.
    """
    task, first = data.task, configs[0]
    cell = workspace.cell(first.profile, task.name, first.recipe)
    tracker = Tracker(task.name, f"{first.recipe} {first.profile}", task.is_standin, colour)
    folders = [workspace.run(one.profile, task.name, one.recipe, one.seed) for one in configs]
    with alone(cell):
        _keep_only(cell, [folder.path.name for folder in folders])
        with tracker.open({"level": "recipe", "task": task.name, "recipe": first.recipe, "profile": first.profile}):
            for config, folder in zip(configs, folders, strict=True):
                name = f"{task.name} {config.recipe} seed {config.seed}"
                start = workspace.start(config, task.dim)
                with alone(folder.path):  # runs that are made side by side lock their own folders alone
                    _train(tracker, config, folder, {task.name: data}, device, watcher, name, task, start)
            watcher.close()
            tracker.log_parent(folders, task, again)
            best = max(folders, key=lambda folder: folder.metrics()["val_auc"])
            images = data.splits["train"].images[:2].squeeze(1).cpu().numpy()
            tracker.register(best, task, execute.predictor(best, task), images, serve)
    return folders


def refuse_cell(task: Task, config: RunConfig, workspace: Workspace, reason: str) -> None:
    """Record that task and recipe do not go together, in the cell's folder and in the run of the tracking server."""
    cell = workspace.cell(config.profile, task.name, config.recipe)
    with alone(cell):
        _keep_only(cell, [])
        workspace.write_refusal(config.profile, task.name, config.recipe, reason)
    tags = {"level": "refused", "task": task.name, "recipe": config.recipe, "profile": config.profile}
    tracker = Tracker(task.name, f"{config.recipe} {config.profile} refused", task.is_standin)
    with tracker.open(tags | {"refused": reason}):  # so that nobody takes it for a training
        pass


def _train(
    tracker: Tracker,
    config: RunConfig,
    folder: RunFolder,
    data: Mapping[str, TaskData],
    device: torch.device,
    watcher: Watcher,
    name: str,
    task: Task | None = None,
    start: RunFolder | None = None,
) -> None:
    progress = watcher.run(name)
    with tracker.seed(config) as live:
        made = execute.execute(config, data, folder, device, start, [progress, live])
        tracker.log_seed(live, folder, task, data)
    watcher.run_done(f"{folder.path}: {'trained' if made else 'already there, nothing to train'}")


def _keep_only(cell: Path, names: Sequence[str]) -> None:
    """Remove what an earlier configuration left in the cell's folder, such as a seed that is no longer asked for."""
    for path in cell.glob("*") if cell.is_dir() else ():
        if path.name not in names and path.suffix != ".lock":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
