"""The MLflow side of one task and recipe: a parent run, and a nested run for each seed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from torch import nn

from benchmark.config.run import RunConfig
from benchmark.config.tasks import STAMP, Task
from benchmark.core.files import alone
from benchmark.data.load import TaskData
from benchmark.evaluation import statistics
from benchmark.evaluation.comparison import stack
from benchmark.runs import cell
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Combined
from benchmark.runs.status import State, Status
from benchmark.tracking import descriptions, pictures, registry, saved_views
from benchmark.tracking.store import Answer, attempt, prepare, without_password
from benchmark.tracking.views import against_published, dataset, flat_params, run_tags
from benchmark.training.loop import Row


class Tracker:
    """The MLflow side of one task and recipe (or of one trunk). Nothing here raises because of MLflow."""

    def __init__(self, experiment: str, name: str, standin: bool, colour: str = "") -> None:
        self.experiment, self.standin = experiment, standin
        self.colour = {"mlflow.runColor": colour} if colour else {}
        self.name = f"{STAMP}: {name}" if standin else name  # first, because tables cut long names
        self.parent_id: str | None = None
        self.answers = True

    @contextmanager
    def open(self, tags: Mapping[str, str]) -> Iterator[None]:
        """Hold the parent run open: the one that MLflow launched this process with where it is this experiment's, else a new one."""
        self.answers = prepare()
        self.parent_id = self._try("start a run", lambda: self._start_parent(tags))
        try:
            yield
        except BaseException:
            self._try("end the run", lambda: mlflow.end_run("FAILED"))
            raise
        self._try("end the run", lambda: mlflow.end_run("FINISHED"))

    def _start_parent(self, tags: Mapping[str, str]) -> str:
        launched = os.environ.pop("MLFLOW_RUN_ID", None)
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
        experiment = mlflow.get_experiment_by_name(self.experiment)
        experiment_id = experiment.experiment_id if experiment else mlflow.create_experiment(self.experiment)
        mlflow.set_experiment(experiment_id=experiment_id)
        known = experiment.tags if experiment else {}
        _describe(self.experiment, experiment_id, known, trunks=tags.get("level") == "trunk")
        if launched and mlflow.get_run(launched).info.experiment_id == experiment_id:
            mlflow.start_run(run_id=launched)
            mlflow.set_tag("mlflow.runName", self.name)
        else:
            mlflow.start_run(run_id=_killed_sweep(experiment_id, tags), run_name=self.name)
        parent_id = str(mlflow.active_run().info.run_id)
        if launched and launched != parent_id:  # launched in another experiment: leave a pointer there
            mlflow.MlflowClient().set_tag(launched, "logged_as_run", parent_id)
            mlflow.MlflowClient().set_tag(launched, "logged_in_experiment", self.experiment)
        mlflow.set_tags({**tags, **self.colour})
        return parent_id

    @contextmanager
    def seed(self, config: RunConfig) -> Iterator[LiveMetrics]:
        """Hold a nested run open and give an observer that logs every epoch to it while it is trained."""
        run_id = self._try("start a nested run", lambda: self._start_nested(config))
        live = LiveMetrics(self, run_id)
        status = "FAILED"
        try:
            yield live
            status = "FINISHED"
        finally:
            if run_id:
                self._try("end a nested run", lambda: mlflow.end_run(status))

    def _start_nested(self, config: RunConfig) -> str:
        name = f"{self.name} seed {config.seed}"
        run = mlflow.start_run(run_name=name, nested=True, log_system_metrics=True)
        mlflow.log_params(flat_params(config))
        mlflow.set_tags({"level": "seed", **self.colour})
        return str(run.info.run_id)

    def log_seed(self, live: LiveMetrics, folder: RunFolder, task: Task | None, data: Mapping[str, TaskData]) -> None:
        """Complete the open nested run from its folder: the epochs not seen live, results, tags, artifacts, data."""
        if live.run_id is None:
            return
        done = self._try("log the results", lambda: self._log_folder(live, folder, task, data))
        if done:
            folder.write_tracking(done)

    def _log_folder(
        self, live: LiveMetrics, folder: RunFolder, task: Task | None, data: Mapping[str, TaskData]
    ) -> dict[str, Any]:
        for row in folder.history().to_dict("records")[live.logged :]:
            log_epoch({str(key): float(value) for key, value in row.items()})
        metrics = folder.metrics()
        alone = intervals([folder]) if live.run_id == self.parent_id else {}  # as predictions from elsewhere are
        mlflow.log_metrics(metrics | against_published(task, metrics, folder.record()) | alone)
        mlflow.set_tags(run_tags(folder.record()))
        for part in data.values():
            mlflow.log_input(dataset(part), context="training")
        for name in ("run.json", "history.csv", "metrics.json", "scores.npz"):
            if folder.has(name):
                mlflow.log_artifact(str(folder.path / name))
        if "test_auc" in metrics:
            self._log_pictures([folder])
        return self._place(live.run_id)

    def _place(self, run_id: str | None) -> dict[str, Any]:
        """Where MLflow holds a run: the content of `tracking.json`."""
        place = {"experiment": self.experiment, "run_id": run_id, "parent_run_id": self.parent_id}
        return {"tracking_uri": without_password(mlflow.get_tracking_uri())} | place

    def log_parent(self, folders: Sequence[RunFolder], task: Task | None, again: str = "") -> None:
        """Means and spreads over the seeds, as metrics of the parent run; `again` is the command that makes them anew."""
        if self.parent_id is not None:
            self._try("log the means over seeds", lambda: self._log_means(folders, task, again))

    def _log_means(self, folders: Sequence[RunFolder], task: Task | None, again: str) -> None:
        records = [folder.trained() for folder in folders]
        params = flat_params(records[0].config)
        params["seed"] = ",".join(str(record.config.seed) for record in records)
        mlflow.log_params(params)
        values, means, out_of_fold = [one.metrics() for one in folders], cell.figures(folders), cell.validation(folders)
        several = [name for name in values[0] if name not in out_of_fold] if len(values) > 1 else []
        spreads = {f"{name}_sd": float(np.std([value[name] for value in values], ddof=1)) for name in several}
        shown = means | spreads | against_published(task, means) | intervals(folders)
        mlflow.log_metrics(shown)
        mlflow.set_tags({**run_tags(records[0]), "seed": params["seed"]})
        if task:
            description = descriptions.recipe(shown, self.standin, again, records[0].trained_on_val)
            mlflow.set_tag(descriptions.NOTE, description)
        self._log_pictures(folders)

    def _log_pictures(self, folders: Sequence[RunFolder]) -> None:
        if folders[0].has("scores.npz"):
            for name, figure in pictures.of(folders, self.name):
                mlflow.log_figure(figure, name)

    def log_trial(self, config: RunConfig, folder: RunFolder, task: Task, status: Status) -> None:
        """A nested run for a sweep's run, written from its folder; one without figures has its reason as a tag."""
        with alone(folder.path):  # another sweep may be about to log the same
            if self.parent_id is None or folder.tracking().get("parent_run_id") == self.parent_id:
                return
            done = self._try("log a trial", lambda: self._log_trial(config, folder, task, status))
            if done and status.state not in (State.ERROR, State.STOPPED):  # those may still become something else
                folder.write_tracking(done)

    def _log_trial(self, config: RunConfig, folder: RunFolder, task: Task, status: Status) -> dict[str, Any]:
        run = mlflow.start_run(run_name=f"{config.recipe} seed {config.seed}", nested=True)
        try:
            mlflow.log_params(flat_params(config))
            mlflow.set_tags({"level": "trial", "status": str(status)})
            if status.is_done:
                return self._log_folder(LiveMetrics(self, run.info.run_id), folder, task, {})
            return self._place(run.info.run_id)
        finally:
            mlflow.end_run("FINISHED" if status.is_done else "FAILED")

    def log_sweep(self, files: Sequence[Path], winner: Mapping[str, Any]) -> None:
        """The winner and the files of a sweep, on its parent run."""
        if self.parent_id is not None:
            self._try("log the sweep's result", lambda: self._log_sweep(files, winner))

    def _log_sweep(self, files: Sequence[Path], winner: Mapping[str, Any]) -> None:
        for path in files:
            mlflow.log_artifact(str(path))
        if winner:
            mlflow.set_tag("winner", winner["trial"])  # no parameter: a sweep that goes on may find another
            mlflow.log_metrics(winner["metrics"])

    def register(
        self,
        folder: RunFolder,
        task: Task,
        predictor: nn.Module,
        example: np.ndarray,
        serve: str,
        out_of_fold: Mapping[str, float] | None = None,
    ) -> None:
        """Log a model and make it a version of the task's registered model; see `registry.register`."""
        if self.parent_id is not None:
            given = (folder, task, predictor, example, serve, out_of_fold)
            done = self._try("register the model", lambda: registry.register(*given))
            if done:
                folder.write_tracking(folder.tracking() | done)

    def _try(self, what: str, call: Callable[[], Answer]) -> Answer | None:
        """Call MLflow; after the first call that fails, leave it alone for the rest of this stage."""
        if not self.answers:
            return None
        self.answers, answer = attempt(what, call)
        return answer


def intervals(folders: Sequence[RunFolder]) -> dict[str, float]:
    """Test AUROC with its limits over other images and other seeds, and that of the seeds' mean score.

    An ensemble is one model, so its limits are over other images.
    """
    if not all(folder.has("scores.npz") and "test" in folder.scores() for folder in folders):
        return {}
    labels, scores = stack(tuple(folders))
    all_of_it = statistics.over_seeds(labels, scores)
    over = all_of_it.images if isinstance(folders[0].record(), Combined) else all_of_it.both
    together = statistics.delong(labels, statistics.ensemble(scores)).value
    figures = {"test_auc_low": over.low, "test_auc_high": over.high, "test_auc_ensemble": together}
    return {name: value for name, value in figures.items() if np.isfinite(value)}


class LiveMetrics:
    """Observer that logs an epoch to the open nested run as soon as it is over."""

    def __init__(self, tracker: Tracker, run_id: str | None) -> None:
        self.tracker, self.run_id, self.logged = tracker, run_id, 0

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None:
        pass

    def batch_done(self, images: int) -> None:
        pass

    def epoch_done(self, row: Row) -> None:
        if self.run_id is not None:
            self.tracker._try("log an epoch", lambda: log_epoch(row))
            self.logged += 1


def log_epoch(row: Row) -> None:
    values = {f"epoch/{name}": value for name, value in row.items() if name != "epoch" and np.isfinite(value)}
    mlflow.log_metrics(values, step=int(row["epoch"]))


def _describe(name: str, experiment_id: str, known: Mapping[str, str], trunks: bool) -> None:
    """Description and views of an experiment; what a person has changed stays."""
    client = mlflow.MlflowClient()
    wanted = {descriptions.NOTE: descriptions.experiment(name, experiment_id, trunks)} | saved_views.tags(trunks)
    for key in wanted.keys() - known.keys():
        client.set_experiment_tag(experiment_id, key, wanted[key])


def _killed_sweep(experiment_id: str, tags: Mapping[str, str]) -> str | None:
    """The parent run of the same sweep, which goes on where it was killed; None for anything but a sweep."""
    if "sweep" not in tags:
        return None
    runs = mlflow.search_runs([experiment_id], f"tags.sweep = '{tags['sweep']}'", max_results=1, output_format="list")
    return str(runs[0].info.run_id) if runs else None


@contextmanager
def in_background(tracker: Tracker, tags: Mapping[str, str]) -> Iterator[Callable[..., Any]]:
    """The parent run held open in a thread of its own (MLflow's open runs belong to a thread): no trial waits for it.

    Yields:
        What submits a call to that thread, as `Executor.submit` does.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        opened = tracker.open(tags)
        thread.submit(opened.__enter__).result()
        try:
            yield thread.submit
        except BaseException as error:
            thread.submit(opened.__exit__, type(error), error, error.__traceback__).result()
            raise
        thread.submit(opened.__exit__, None, None, None).result()
