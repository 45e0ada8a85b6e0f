"""Predictions from elsewhere, as a run of the tracking server."""

from __future__ import annotations

from benchmark.config.tasks import Task
from benchmark.runs.folder import RunFolder
from benchmark.tracking.line import Line
from benchmark.tracking.tracker import LiveMetrics, Tracker


def track(folder: RunFolder, task: Task, note: str, line: Line) -> None:
    """A run in the task's experiment, tagged `external`."""
    _log(folder, task, note, line)
    line.once_more(lambda: _log(folder, task, note, line))


def _log(folder: RunFolder, task: Task, note: str, line: Line) -> None:
    record = folder.record()
    config = record.config
    tracker = Tracker(task.name, f"{config.recipe} external seed {config.seed}", task.is_standin, line)
    tags = {"level": "recipe", "task": task.name, "recipe": config.recipe, "profile": config.profile}
    tags |= {"external": "true", "identity": record.identity}
    with tracker.open(tags | ({"note": note} if note else {})):
        tracker.log_seed(LiveMetrics(line, tracker.parent_id), folder, task, {})
