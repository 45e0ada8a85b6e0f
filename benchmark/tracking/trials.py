"""The MLflow side of a grid search: a parent run, and a nested run for each of its trials' runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient

from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task
from benchmark.core.files import alone, digest_of
from benchmark.runs.folder import RunFolder
from benchmark.runs.status import State, Status
from benchmark.tracking import found
from benchmark.tracking.tracker import LiveMetrics, Tracker, end, log_params
from benchmark.tracking.views import flat_params


class SweepTracker(Tracker):
    """The MLflow side of one grid on one task. Nothing here raises because of MLflow."""

    def log_trial(self, config: RunConfig, folder: RunFolder, task: Task, status: Status) -> None:
        """A nested run for a sweep's run, written from its folder; one without figures has its reason as a tag."""
        with alone(folder.path):  # another sweep may be about to log the same
            if self.parent_id is None or folder.tracking().get("parent_run_id") == self.parent_id:
                return
            done = self.line.ask("log a trial", lambda: self._log_trial(config, folder, task, status))
            if done and status.state not in (State.ERROR, State.STOPPED):  # those may still become something else
                self._note(folder, done)

    def _log_trial(self, config: RunConfig, folder: RunFolder, task: Task, status: Status) -> dict[str, Any]:
        live, name = LiveMetrics(self.line), f"{config.recipe} seed {config.seed}"
        tags = {"level": "trial", "identity": folder.record().identity, "profile": config.profile}
        run = self._find_nested(tags)
        live.attach(run)
        if not found.is_whole(run):
            self._start(run, name, tags, nested=True, parent_run_id=self.parent_id)
            live.run_id = str(mlflow.active_run().info.run_id)
            log_params(flat_params(config))
        MlflowClient().set_tag(live.run_id, "status", str(status))
        # Where its results can't be logged it stays open, for whoever completes it.
        if status.is_done:
            place, ended = self._log_folder(live, folder, task, {}, without_test=True), "FINISHED"
        else:
            place, ended = self._place(live.run_id, folder), "FAILED"
        end(live.run_id, ended)
        return place

    def log_row(self, name: str, params: Mapping[str, str], metrics: Mapping[str, float], status: str) -> None:
        """A nested run for a row of a sweep's table: means over the seeds of a trial whose runs are not here."""
        if self.parent_id is not None:
            self.line.ask("log a trial", lambda: self._log_row(name, params, metrics, status))

    def _log_row(self, name: str, params: Mapping[str, str], metrics: Mapping[str, float], status: str) -> None:
        row = {"name": name, "params": dict(params), "metrics": dict(metrics), "status": status}
        tags = {"level": "trial", "identity": digest_of(row), "status": status, "recipe": name}
        if not found.is_whole(run := self._find_nested(tags)):
            self._start(run, name, self.cell | tags, nested=True, parent_run_id=self.parent_id)
            log_params(params)
            mlflow.log_metrics(dict(metrics))
            mlflow.set_tag(found.LOGGED, digest_of(row))
            mlflow.end_run("FINISHED" if status == "done" else "FAILED")

    def log_sweep(self, files: Sequence[Path], winner: Mapping[str, Any]) -> None:
        """The winner and the files of a sweep, on its parent run."""
        if self.parent_id is not None:
            self.line.ask("log the sweep's result", lambda: self._log_sweep(files, winner))

    def _log_sweep(self, files: Sequence[Path], winner: Mapping[str, Any]) -> None:
        result = digest_of({path.name: path.read_text(encoding="utf-8") for path in files})
        if self._tag(found.LOGGED) == result:
            return
        self._activate(self.parent_id)
        for path in files:
            mlflow.log_artifact(str(path))
        if winner:
            mlflow.set_tag("winner", winner["trial"])  # no parameter: a sweep that goes on may find another
            mlflow.log_metrics(winner["metrics"])
        mlflow.set_tag(found.LOGGED, result)


@contextmanager
def in_background(tracker: Tracker, tags: Mapping[str, str]) -> Iterator[Callable[..., Any]]:
    """The parent run held open, and what is logged to it one after the other: no trial waits for it.

    Yields:
        What submits a call to be made later, as `Executor.submit` does.
    """
    with tracker.open(tags), ThreadPoolExecutor(max_workers=1) as thread:
        yield thread.submit
