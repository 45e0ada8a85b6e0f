"""An ensemble, made and tracked as one: its run folder, a run of the tracking server, a registered model."""

from __future__ import annotations

from functools import partial

from benchmark.config.tasks import Task
from benchmark.core.errors import NoMember, Refused
from benchmark.core.files import alone
from benchmark.data.load import TaskData
from benchmark.runs import ensemble
from benchmark.runs.ensemble import Members
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import EnsembleConfig
from benchmark.runs.workspace import Workspace
from benchmark.tracking import descriptions
from benchmark.tracking.cell import Texts, examples, log_refusal
from benchmark.tracking.line import Line
from benchmark.tracking.tracker import LiveMetrics, Tracker
from benchmark.tracking.views import intervals
from benchmark.training.ensemble import predictor


def make(
    data: TaskData, config: EnsembleConfig, members: Members, workspace: Workspace, texts: Texts, line: Line
) -> tuple[RunFolder, bool]:
    """The mean of these runs: folder, run and registered model.

    Returns:
        The folder, and False where it already held this very mean.
    """
    with alone(workspace.ensemble(config.profile, data.task.name, config.recipe).path):
        folder, made = ensemble.make(config, members, workspace)
        log(folder, data.task, data, members, texts, line)
        line.once_more(lambda: log(folder, data.task, data, members, texts, line))
    return folder, made


def log(
    folder: RunFolder,
    task: Task,
    data: TaskData | None,
    members: Members | None,
    texts: Texts,
    line: Line,
    notes: bool = True,
) -> None:
    """Log an ensemble from its folder; a model only where data and its members' weights are at hand."""
    record = folder.record()
    config, shown = record.config, folder.metrics() | intervals([folder])
    tracker = Tracker(task.name, f"{config.recipe} {config.profile}", task.is_standin, line, texts.colour, notes)
    tags = {"level": "recipe", "task": task.name, "recipe": config.recipe, "profile": config.profile}
    tags |= {"identity": record.identity}
    tags[descriptions.NOTE] = descriptions.recipe(shown, task.is_standin, texts.again, record.trained_on_val)
    with tracker.open(tags):
        tracker.log_seed(LiveMetrics(line, tracker.parent_id), folder, task, {task.name: data} if data else {})
        if members and data:
            tracker.register(folder, task, partial(predictor, members, task), examples(data), texts.serve)


def leave_out(
    data: TaskData, config: EnsembleConfig, error: Refused | NoMember, workspace: Workspace, line: Line
) -> None:
    """Record in the ensemble's folder, and in a run of the tracking server, why the task has none."""
    task, status = data.task, ensemble.status_of(error)
    with alone(workspace.ensemble(config.profile, task.name, config.recipe).path):
        ensemble.leave_out(config, status, workspace)
        log_refusal(task, config.recipe, config.profile, status.reason, line)
