"""Predictions from elsewhere, as a run of the tracking server."""

from __future__ import annotations

from benchmark.config.tasks import Task
from benchmark.runs.folder import RunFolder
from benchmark.tracking.tracker import LiveMetrics, Tracker


def track(folder: RunFolder, task: Task, note: str) -> None:
    """A run in the task's experiment, tagged `external`."""
    config = folder.record().config
    tracker = Tracker(task.name, f"{config.recipe} external seed {config.seed}", task.is_standin)
    tags = {"level": "recipe", "task": task.name, "recipe": config.recipe, "profile": config.profile}
    tags["external"] = "true"
    with tracker.open(tags | ({"note": note} if note else {})):
        tracker.log_seed(LiveMetrics(tracker, tracker.parent_id), folder, task, {})
