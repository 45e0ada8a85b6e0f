"""The MLflow side of one task and recipe: a parent run, and a nested run for each seed.

Whatever is logged twice is logged once: a run is found again by its identity, completed where something is missing, and
left alone where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from torch import nn

from benchmark.config.run import RunConfig
from benchmark.config.tasks import STAMP, Task
from benchmark.data.load import TaskData
from benchmark.runs import cell
from benchmark.runs.folder import RunFolder
from benchmark.tracking import descriptions, found, pictures, registry, saved_views, store
from benchmark.tracking.line import Line
from benchmark.tracking.views import (
    against_published,
    dataset,
    epoch_metrics,
    flat_params,
    history_metrics,
    intervals,
    run_tags,
)
from benchmark.training.loop import Row

FILES = ("run.json", "history.csv", "metrics.json", "scores.npz")
"""Of a run folder, what becomes an artifact."""
AT_ONCE = 1000
"""Metrics in one request."""


class Tracker:
    """The MLflow side of one task and recipe (or of one trunk). Nothing here raises because of MLflow.

    Args:
        notes: whether the run folders are told where MLflow holds them, in `tracking.json`.
    """

    def __init__(
        self, experiment: str, name: str, standin: bool, line: Line, colour: str = "", notes: bool = True
    ) -> None:
        self.experiment, self.standin, self.line, self.notes = experiment, standin, line, notes
        self.colour = {"mlflow.runColor": colour} if colour else {}
        self.name = f"{STAMP}: {name}" if standin else name  # first, because tables cut long names
        self.parent_id: str | None = None
        self.experiment_id = ""
        self.cell: dict[str, str] = {}
        """Tags that all its runs have."""

    # -------------------------------------------------------------------------------------------- parent

    @contextmanager
    def open(self, tags: Mapping[str, str]) -> Iterator[None]:
        """Hold the parent run open.

        It is the one with the `identity` of these tags, where there is one; else the one that MLflow launched this
        process with, where it is this experiment's; else a new one.
        """
        store.prepare(self.line)
        self.parent_id = self.line.ask("start a run", lambda: self._start_parent(tags))
        try:
            yield
        except BaseException as error:
            status = _ended(error)
            self.line.ask("end the run", lambda: mlflow.end_run(status))
            raise
        self.line.ask("end the run", lambda: mlflow.end_run("FINISHED"))

    def _start_parent(self, tags: Mapping[str, str]) -> str:
        launched = found.launched()
        self.experiment_id = store.experiment_id(self.experiment)
        mlflow.set_experiment(experiment_id=self.experiment_id)
        _describe(self.experiment, self.experiment_id, trunks=tags.get("level") == "trunk")
        self.cell = {name: tags[name] for name in found.CELL if name in tags} | {"workspace": found.workspace()}
        own = launched if launched and launched.info.experiment_id == self.experiment_id else None
        run = found.same(self.experiment_id, tags) or own
        keep = {one.info.run_id for one in (run, own) if one}
        found.close_killed(self.experiment_id, self.cell, keep, own)
        if not found.is_whole(run):
            self._start(run, self.name, tags)
        parent_id = str(run.info.run_id if run else mlflow.active_run().info.run_id)
        found.sweep_up(self.experiment_id, parent_id)
        if launched and launched.info.run_id != parent_id:
            found.leave(launched, self.experiment, parent_id, beside=own is not None)
        return parent_id

    def _start(self, run: Any, name: str, tags: Mapping[str, str], **options: Any) -> None:
        """Make this the active run; a new one has its tags from its first moment, so that it is found by them."""
        every = {**tags, **self.cell, **self.colour, found.PROCESS: found.process()}
        if run is None:
            mlflow.start_run(run_name=name, tags=every, **options)
            return
        mlflow.start_run(run_id=run.info.run_id, **options)
        mlflow.set_tags({**every, "mlflow.runName": name})

    def log_parent(self, folders: Sequence[RunFolder], task: Task | None, again: str = "") -> None:
        """Means and spreads over the seeds, as metrics of the parent run; `again` is the command that makes them anew."""
        if self.parent_id is not None:
            self.line.ask("log the means over seeds", lambda: self._log_means(folders, task, again))

    def _log_means(self, folders: Sequence[RunFolder], task: Task | None, again: str) -> None:
        if (result := self._is_new(self.parent_id, folders)) is None:
            return
        records = [folder.trained() for folder in folders]
        params = flat_params(records[0].config)
        params["seed"] = ",".join(str(record.config.seed) for record in records)
        log_params(params)
        values, means, out_of_fold = [one.metrics() for one in folders], cell.figures(folders), cell.validation(folders)
        several = [name for name in values[0] if name not in out_of_fold] if len(values) > 1 else []
        spreads = {f"{name}_sd": float(np.std([value[name] for value in values], ddof=1)) for name in several}
        shown = means | spreads | against_published(task, means) | intervals(folders)
        mlflow.log_metrics(shown)
        own = {"seed": params["seed"], "identity": self._tag("identity") or records[0].identity}
        mlflow.set_tags({**run_tags(records[0]), **own})
        if task:
            description = descriptions.recipe(shown, self.standin, again, records[0].trained_on_val)
            mlflow.set_tag(descriptions.NOTE, description)
        self._log_pictures(folders)
        mlflow.set_tag(found.LOGGED, result)

    # -------------------------------------------------------------------------------------------- seeds

    @contextmanager
    def seed(self, config: RunConfig, identity: str, watched: bool = True) -> Iterator[LiveMetrics]:
        """Hold a nested run open and give an observer that logs every epoch to it while it is trained.

        It ends as finished once its results are in it; where they could not be logged it stays open, for whoever
        completes it.

        Args:
            watched: whether the load of the machine is logged to it.
        """
        live, status = LiveMetrics(self.line), "FINISHED"
        if self.parent_id is not None:
            self.line.ask("start a nested run", lambda: self._start_nested(live, config, identity, watched))
        try:
            yield live
        except BaseException as error:
            status = _ended(error)
            raise
        finally:
            if live.run_id:
                self.line.ask("end a nested run", lambda: end(live.run_id, status))

    def _start_nested(self, live: LiveMetrics, config: RunConfig, identity: str, watched: bool) -> None:
        tags = {"level": "seed", "identity": identity, "profile": config.profile}
        run = self._find_nested(tags)
        live.attach(run)
        if not found.is_whole(run):
            self._start(
                run,
                f"{self.name} seed {config.seed}",
                tags,
                nested=True,
                parent_run_id=self.parent_id,
                log_system_metrics=watched,
            )
            live.run_id = str(mlflow.active_run().info.run_id)
            log_params(flat_params(config))

    def _find_nested(self, tags: Mapping[str, str]) -> Any:
        """The run with this identity, from now on one of this parent's: the cell may have got more seeds."""
        run = found.same(self.experiment_id, tags)
        if run and run.data.tags.get(found.PARENT) != self.parent_id:
            MlflowClient().set_tag(run.info.run_id, found.PARENT, self.parent_id)
        return run

    def log_seed(self, live: LiveMetrics, folder: RunFolder, task: Task | None, data: Mapping[str, TaskData]) -> None:
        """Complete a seed's run from its folder: the epochs not seen live, results, tags, artifacts, data."""
        if live.run_id is None:
            return
        done = self.line.ask("log the results", lambda: self._log_folder(live, folder, task, data))
        if done:
            self._note(folder, done)

    def _log_folder(
        self,
        live: LiveMetrics,
        folder: RunFolder,
        task: Task | None,
        data: Mapping[str, TaskData],
        without_test: bool = False,
    ) -> dict[str, Any]:
        result = self._is_new(live.run_id, [folder], without_test)
        if result is None:
            return self._place(live.run_id, folder)
        client, points = MlflowClient(), history_metrics(folder, live.logged)
        for first in range(0, len(points), AT_ONCE):
            client.log_batch(live.run_id, points[first : first + AT_ONCE])
        mlflow.set_tags(run_tags(folder.record()))
        if folder.has("metrics.json"):
            metrics = found.shown_metrics(folder, without_test)
            alone = intervals([folder]) if live.run_id == self.parent_id else {}  # as predictions from elsewhere are
            mlflow.log_metrics(metrics | against_published(task, metrics, folder.record()) | alone)
            if "test_auc" in metrics:
                self._log_pictures([folder])
        for part in data.values():
            mlflow.log_input(dataset(part), context="training")
        for name in FILES:
            if folder.has(name):
                mlflow.log_artifact(str(folder.path / name))
        mlflow.set_tag(found.LOGGED, result)
        return self._place(live.run_id, folder)

    def _log_pictures(self, folders: Sequence[RunFolder]) -> None:
        if folders[0].has("scores.npz"):
            for name, figure in pictures.of(folders, self.name):
                mlflow.log_figure(figure, name)

    # -------------------------------------------------------------------------------------------- models

    def register(
        self,
        folder: RunFolder,
        task: Task,
        predictor: Callable[[], nn.Module],
        example: np.ndarray,
        serve: str,
        out_of_fold: Mapping[str, float] | None = None,
        seeds: Sequence[RunFolder] = (),
    ) -> None:
        """Make the run a version of the task's registered model, which an equal run's is not made twice; see `registry`.

        Args:
            predictor: makes the network, if there is no such version.
        """
        if self.parent_id is None:
            return
        record = folder.record()
        same = (task.name, record.identity, record.config.profile)
        known = self.line.ask("look for the model", lambda: registry.known_version(MlflowClient(), *same))
        if not self.line.is_open:
            return
        # Not in the line's thread: weights that can't be read are no fault of a store's.
        network = None if known else predictor()

        def make() -> str:
            if network is None:
                version = str(known)
            else:
                self._activate(self.parent_id)
                version = registry.add(folder, task, network, example, serve, out_of_fold)
            registry.complete(folder, task, version, out_of_fold, seeds)
            return version

        version = self.line.ask("register the model", make)
        if version and (place := folder.tracking()):
            self._note(folder, place | {"model_name": task.name, "model_version": version})

    # -------------------------------------------------------------------------------------------- parts

    def _is_new(self, run_id: str | None, folders: Sequence[RunFolder], without_test: bool = False) -> str | None:
        """The digest of what the folders show, and the run made the active one; None where the run has all that."""
        result = found.result(folders, without_test)
        if MlflowClient().get_run(run_id).data.tags.get(found.LOGGED) == result:
            return None
        self._activate(run_id)
        return result

    def _activate(self, run_id: str | None) -> None:
        active = mlflow.active_run()
        if active is None or active.info.run_id != run_id:
            mlflow.start_run(run_id=run_id, nested=True)

    def _tag(self, name: str) -> str | None:
        tags: dict[str, str] = MlflowClient().get_run(self.parent_id).data.tags
        return tags.get(name)

    def _place(self, run_id: str | None, folder: RunFolder) -> dict[str, Any]:
        """Where MLflow holds a run: the content of `tracking.json`."""
        place = {"experiment": self.experiment, "run_id": run_id, "parent_run_id": self.parent_id}
        place["identity"] = folder.record().identity
        return {"tracking_uri": store.shown(store.address())} | place

    def _note(self, folder: RunFolder, place: dict[str, Any]) -> None:
        """Write `tracking.json`."""
        known = folder.tracking()
        if self.notes and known | place != known:
            folder.write_tracking(known | place)


class LiveMetrics:
    """Observer that logs an epoch to the open nested run as soon as it is over, without keeping the training waiting."""

    def __init__(self, line: Line, run_id: str | None = None) -> None:
        self.line, self.run_id = line, run_id
        self.logged: set[int] = set()
        """Epochs that the run has."""

    def attach(self, run: Any) -> None:
        """Go on in a run that was found; None for a new one."""
        if run is not None:
            self.run_id, self.logged = str(run.info.run_id), found.epochs(run)

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None:
        pass

    def batch_done(self, images: int) -> None:
        pass

    def epoch_done(self, row: Row) -> None:
        if self.run_id is not None and int(row["epoch"]) not in self.logged:
            self.line.tell("log an epoch", lambda: self._log(row))

    def _log(self, row: Row) -> None:
        MlflowClient().log_batch(self.run_id, epoch_metrics(row))
        self.logged.add(int(row["epoch"]))


def log_params(params: Mapping[str, str]) -> None:
    """Those that the active run has not got: MLflow sets what a project was launched with, and no parameter changes."""
    known = MlflowClient().get_run(mlflow.active_run().info.run_id).data.params
    mlflow.log_params({name: value for name, value in params.items() if name not in known})


def end(run_id: str | None, status: str) -> None:
    active = mlflow.active_run()
    if active is not None and active.info.run_id == run_id:
        mlflow.end_run(status)


def _ended(error: BaseException) -> str:
    return "KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED"


def _describe(name: str, experiment_id: str, trunks: bool) -> None:
    """Description and views of an experiment; what a person has changed stays."""
    client = MlflowClient()
    known = client.get_experiment(experiment_id).tags
    wanted = {descriptions.NOTE: descriptions.experiment(name, experiment_id, trunks)} | saved_views.tags(trunks)
    for key in wanted.keys() - known.keys():
        client.set_experiment_tag(experiment_id, key, wanted[key])
