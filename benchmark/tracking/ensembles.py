"""An ensemble, made and tracked as one: its run folder, a run of the tracking server, a registered model."""

from __future__ import annotations

from benchmark.core.errors import NoMember, Refused
from benchmark.core.files import alone
from benchmark.data.load import TaskData
from benchmark.runs import ensemble
from benchmark.runs.ensemble import Members
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import EnsembleConfig
from benchmark.runs.workspace import Workspace
from benchmark.tracking import descriptions
from benchmark.tracking.cell import examples
from benchmark.tracking.tracker import LiveMetrics, Tracker, intervals
from benchmark.training.ensemble import predictor


def make(
    data: TaskData,
    config: EnsembleConfig,
    members: Members,
    workspace: Workspace,
    colour: str,
    again: str,
    serve: str,
) -> tuple[RunFolder, bool]:
    """The mean of these runs: folder, run and registered model; arguments as of `cell.train_cell`.

    Returns:
        The folder, and False where it already held this very mean.
    """
    task = data.task
    tracker = Tracker(task.name, f"{config.recipe} {config.profile}", task.is_standin, colour)
    with alone(workspace.ensemble(config.profile, task.name, config.recipe).path):
        folder, made = ensemble.make(config, members, workspace)
        shown, trained_on_val = folder.metrics() | intervals([folder]), folder.record().trained_on_val
        note = descriptions.recipe(shown, task.is_standin, again, trained_on_val)
        with tracker.open({"level": "recipe", descriptions.NOTE: note}):
            tracker.log_seed(LiveMetrics(tracker, tracker.parent_id), folder, task, {task.name: data})
            tracker.register(folder, task, predictor(members, task), examples(data), serve)
    return folder, made


def leave_out(data: TaskData, config: EnsembleConfig, error: Refused | NoMember, workspace: Workspace) -> None:
    """Record in the ensemble's folder, and in a run of the tracking server, why the task has none."""
    task = data.task
    with alone(workspace.ensemble(config.profile, task.name, config.recipe).path):
        ensemble.leave_out(config, ensemble.status_of(error), workspace)
    tags = {"level": "refused", "task": task.name, "recipe": config.recipe, "profile": config.profile}
    status = ensemble.status_of(error)
    tracker = Tracker(task.name, f"{config.recipe} {config.profile} {status.state}", task.is_standin)
    with tracker.open(tags | {"refused": status.reason}):
        pass
