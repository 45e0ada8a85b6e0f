"""Run folder → MLflow. The only module that knows MLflow.

The run folder is the truth, MLflow a view of it: a server that does not answer costs a warning and a few seconds,
never a result. Running the same stage again writes the view anew from the folders.

One experiment a task; a parent run for each task and recipe, a nested run for each seed. Metrics without a prefix
are of the selected epoch, `epoch/…` has every epoch as a step. Parent runs hold means and spreads over seeds.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmark import provenance, published
from benchmark.config import RunConfig
from benchmark.data import TaskData
from benchmark.networks import Predictor
from benchmark.runs import RunFolder
from benchmark.tasks import STAMP, Task
from benchmark.training import Row

RESULTS = ("train_auc", "train_acc", "val_auc", "val_acc", "test_auc", "test_acc")
Answer = TypeVar("Answer")

# A server that is gone must not hold up a training: MLflow's own defaults block for minutes. Set before its import.
for variable, value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}.items():
    os.environ.setdefault(variable, value)


def use_default_store() -> None:
    """Where MLFLOW_TRACKING_URI says nothing: a SQLite file and an artifact folder at the repository's root."""
    import mlflow

    if "MLFLOW_TRACKING_URI" not in os.environ:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{provenance.ROOT / 'mlflow.db'}"
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])


def prepare() -> bool:
    """Make the default store's tables once: several processes that start on an empty database race.

    Returns:
        Whether the store answers; where it does not, a warning was printed.
    """
    from filelock import FileLock
    from mlflow import MlflowClient

    with FileLock(provenance.ROOT / "mlflow.db.lock"):
        use_default_store()
        answers, _ = _attempt("ask the tracking store", lambda: MlflowClient().search_experiments(max_results=1))
    return answers


class Tracker:
    """The MLflow side of one task and recipe (or of one trunk). Nothing here raises because of MLflow."""

    def __init__(self, experiment: str, name: str, standin: bool) -> None:
        self.experiment, self.standin = experiment, standin
        self.name = f"{STAMP}: {name}" if standin else name  # first, because tables cut long names
        self.parent_id: str | None = None
        self.answers = True

    @contextmanager
    def open(self, tags: Mapping[str, str]) -> Iterator[None]:
        """Hold the parent run open: the one that `mlflow run` made where it is this experiment's, else a new one."""
        self.answers = prepare()
        self.parent_id = self._try("start a run", lambda: self._start_parent(tags))
        try:
            yield
        except BaseException:
            self._try("end the run", lambda: _end("FAILED"))
            raise
        self._try("end the run", lambda: _end("FINISHED"))

    def _start_parent(self, tags: Mapping[str, str]) -> str:
        import mlflow

        launched = os.environ.pop("MLFLOW_RUN_ID", None)
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
        experiment = mlflow.get_experiment_by_name(self.experiment)
        experiment_id = experiment.experiment_id if experiment else mlflow.create_experiment(self.experiment)
        mlflow.set_experiment(experiment_id=experiment_id)
        if launched and mlflow.get_run(launched).info.experiment_id == experiment_id:
            mlflow.start_run(run_id=launched)
            mlflow.set_tag("mlflow.runName", self.name)
        else:
            mlflow.start_run(run_id=_killed_sweep(experiment_id, tags), run_name=self.name)
        parent_id = str(_active().info.run_id)
        if launched and launched != parent_id:  # `mlflow run` without --experiment-name: leave a pointer there
            mlflow.MlflowClient().set_tag(launched, "logged_as_run", parent_id)
            mlflow.MlflowClient().set_tag(launched, "logged_in_experiment", self.experiment)
        mlflow.set_tags(dict(tags))
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
                self._try("end a nested run", lambda: _end(status))

    def _start_nested(self, config: RunConfig) -> str:
        import mlflow

        name = f"{self.name} seed {config.seed}"
        run = mlflow.start_run(run_name=name, nested=True, log_system_metrics=True)
        mlflow.log_params(flat_params(config))
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
        import mlflow

        record = folder.record()
        for row in folder.history().to_dict("records")[live.logged :]:
            log_epoch({str(key): float(value) for key, value in row.items()})
        metrics = folder.metrics()
        mlflow.log_metrics(metrics | against_published(task, metrics))
        mlflow.set_tags(run_tags(record))
        for part in data.values():
            mlflow.log_input(_dataset(part), context="training")
        for name in ("run.json", "history.csv", "metrics.json", "scores.npz"):
            if (folder.path / name).is_file():
                mlflow.log_artifact(str(folder.path / name))
        if "test_auc" in metrics:
            mlflow.log_figure(roc_figure(folder, self.name), "roc.png")
        return self._place(live.run_id)

    def _place(self, run_id: str | None) -> dict[str, Any]:
        """Where MLflow holds a run: the content of `tracking.json`."""
        import mlflow

        place = {"experiment": self.experiment, "run_id": run_id, "parent_run_id": self.parent_id}
        return {"tracking_uri": _without_password(mlflow.get_tracking_uri())} | place

    def log_parent(self, folders: list[RunFolder], task: Task | None) -> None:
        """Means and spreads over the seeds, as metrics of the parent run."""
        if self.parent_id is not None:
            self._try("log the means over seeds", lambda: self._log_means(folders, task))

    def _log_means(self, folders: list[RunFolder], task: Task | None) -> None:
        import mlflow

        records = [folder.record() for folder in folders]
        params = flat_params(RunConfig.model_validate(records[0]["config"]))
        params["seed"] = ",".join(str(record["config"]["seed"]) for record in records)
        mlflow.log_params(params)
        values = [folder.metrics() for folder in folders]
        means = {name: float(np.mean([value[name] for value in values])) for name in values[0]}
        if len(values) > 1:
            spreads = {f"{name}_sd": float(np.std([value[name] for value in values], ddof=1)) for name in values[0]}
        else:
            spreads = {}
        mlflow.log_metrics(means | spreads | against_published(task, means))
        mlflow.set_tags({**run_tags(records[0]), "seed": params["seed"]})

    def log_trial(self, config: RunConfig, folder: RunFolder, task: Task, status: str) -> None:
        """A nested run for a sweep's run, written from its folder; one without figures has its reason as a tag."""
        from filelock import FileLock

        with FileLock(folder.path.with_suffix(".lock")):  # another sweep may be about to log the same
            if self.parent_id is None or folder.tracking().get("parent_run_id") == self.parent_id:
                return
            done = self._try("log a trial", lambda: self._log_trial(config, folder, task, status))
            if done and not status.startswith(("error", "stopped")):  # those may still become something else
                folder.write_tracking(done)

    def _log_trial(self, config: RunConfig, folder: RunFolder, task: Task, status: str) -> dict[str, Any]:
        import mlflow

        run = mlflow.start_run(run_name=f"{config.recipe} seed {config.seed}", nested=True)
        try:
            mlflow.log_params(flat_params(config))
            mlflow.set_tag("status", status)
            if status == "done":
                return self._log_folder(LiveMetrics(self, run.info.run_id), folder, task, {})
            return self._place(run.info.run_id)
        finally:
            _end("FINISHED" if status == "done" else "FAILED")

    def log_sweep(self, files: list[Path], winner: Mapping[str, Any]) -> None:
        """The winner and the files of a sweep, on its parent run."""
        if self.parent_id is not None:
            self._try("log the sweep's result", lambda: self._log_sweep(files, winner))

    def _log_sweep(self, files: list[Path], winner: Mapping[str, Any]) -> None:
        import mlflow

        for path in files:
            mlflow.log_artifact(str(path))
        if winner:
            mlflow.set_tag("winner", winner["trial"])  # no parameter: a sweep that goes on may find another
            mlflow.log_metrics(winner["metrics"])

    def register(self, folder: RunFolder, task: Task, predictor: Predictor, example: np.ndarray) -> None:
        """Log the best seed's model and make it a version of the task's registered model; see `_register`."""
        if self.parent_id is not None:
            done = self._try("register the model", lambda: self._register(folder, task, predictor, example))
            if done:
                folder.write_tracking(folder.tracking() | done)

    def _register(self, folder: RunFolder, task: Task, predictor: Predictor, example: np.ndarray) -> dict[str, Any]:
        """pt2 (torch.export, no pickle), uint8 images as in the file → probabilities, any batch size.

        An equal run's version is not made twice. Alias `champion` goes to the best validation AUROC among each
        recipe's newest version of this profile.
        """
        import mlflow

        record, metrics = folder.record(), folder.metrics()
        client, config = mlflow.MlflowClient(), record["config"]
        tags = {name: str(config[name]) for name in ("recipe", "profile", "seed")}
        tags |= {"identity": record["identity"], "run_folder": str(folder.path)}
        tags |= {name: f"{metrics[name]:.6f}" for name in RESULTS if name in metrics}
        if task.is_standin:
            tags["standin"] = STAMP
        version = self._known_version(client, task.name, tags)
        if version is None:
            info = _log_model(predictor, example, tags, metrics)
            made = mlflow.register_model(info.model_uri, task.name, tags=tags)
            version = str(made.version)
        client.set_registered_model_alias(task.name, "champion", _champion(client, task.name, config["profile"]))
        return {"model_name": task.name, "model_version": version}

    @staticmethod
    def _known_version(client: Any, name: str, tags: Mapping[str, str]) -> str | None:
        for version in client.search_model_versions(f"name = '{name}'"):
            if all(version.tags.get(key) == tags[key] for key in ("identity", "profile")):
                return str(version.version)
        return None

    def _try(self, what: str, call: Callable[[], Answer]) -> Answer | None:
        """Call MLflow; after the first call that fails, leave it alone for the rest of this stage."""
        if not self.answers:
            return None
        self.answers, answer = _attempt(what, call)
        return answer


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
    import mlflow

    values = {f"epoch/{name}": value for name, value in row.items() if name != "epoch" and np.isfinite(value)}
    mlflow.log_metrics(values, step=int(row["epoch"]))


def flat_params(config: RunConfig) -> dict[str, str]:
    """A run's configuration as flat parameters: the same names for every recipe, so that runs compare."""
    content = config.model_dump(mode="json")
    objective, schedule = content.pop("objective"), content.pop("schedule")
    libauc = {"aucm": "pesg", "compositional-auc": "pdsca"}
    flat = content | {"optimizer": libauc.get(objective["loss"], "")} | objective
    flat["task"] = ",".join(content.pop("tasks"))
    flat["schedule"] = f"x{schedule['factor']} at {schedule['at']}" if schedule else "none"
    return {name: str(value) for name, value in flat.items() if name != "tasks" and value is not None}


def run_tags(record: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a run, from its `run.json`."""
    config, hardware = record["config"], record["hardware"]
    tags = {
        "task": ",".join(config["tasks"]),
        "recipe": config["recipe"],
        "seed": str(config["seed"]),
        "profile": config["profile"],
        "git_commit": record["code"]["commit"],
        "git_dirty": str(record["code"]["dirty"]),
        "dvc_lock": provenance.dvc_lock_hash(),
        "hardware": f"{hardware['gpu'] or hardware['cpu']}, {hardware['threads']} threads",
        "identity": record["identity"],
    }
    return tags | ({"standin": STAMP} if record["standin"] else {})


def against_published(task: Task | None, metrics: Mapping[str, float]) -> dict[str, float]:
    """The README's figures beside ours; empty for stand-in data and where the README has none."""
    row = published.readme_row(task.reference) if task and task.reference and not task.is_standin else None
    if row is None:
        return {}
    found = {f"published_{name}": getattr(row, name, None) for name in RESULTS}
    figures = {name: value for name, value in found.items() if value is not None}
    if row.test_auc is not None and "test_auc" in metrics:
        figures["delta_test_auc"] = metrics["test_auc"] - row.test_auc
    return figures


def roc_figure(folder: RunFolder, title: str) -> Any:
    """Test ROC curves of one run, a curve for each label."""
    from matplotlib.figure import Figure
    from sklearn.metrics import RocCurveDisplay

    labels, scores = folder.scores()["test"]
    figure = Figure(figsize=(5, 5), layout="tight")
    axes = figure.subplots()
    for column in range(labels.shape[1]):
        RocCurveDisplay.from_predictions(labels[:, column], scores[:, column], ax=axes, name="test")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    axes.set_title(title)
    return figure


def _killed_sweep(experiment_id: str, tags: Mapping[str, str]) -> str | None:
    """The parent run of the same sweep, which goes on where it was killed; None for anything but a sweep."""
    import mlflow

    if "sweep" not in tags:
        return None
    found = mlflow.search_runs([experiment_id], f"tags.sweep = '{tags['sweep']}'", max_results=1, output_format="list")
    return str(found[0].info.run_id) if found else None


def _dataset(part: TaskData) -> Any:
    import mlflow

    train = part.splits["train"]
    with warnings.catch_warnings():
        # Two of MLflow's source classes take a local path; whichever it picks shows the same.
        warnings.filterwarnings("ignore", message="The specified dataset source can be interpreted in multiple ways")
        return mlflow.data.from_numpy(
            train.images.squeeze(1).cpu().numpy(),
            targets=train.labels.cpu().numpy(),
            source=part.task.origin if part.task.source == "official" else str(part.task.path),
            name=part.task.name,
            digest=part.md5,
        )


def _log_model(predictor: Predictor, example: np.ndarray, tags: Mapping[str, str], metrics: Mapping[str, float]) -> Any:
    import mlflow
    import torch
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    predictor.eval().cpu()
    with torch.no_grad():
        shape = predictor(torch.from_numpy(example)).shape
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("uint8"), (-1, *example.shape[1:]))]),
        outputs=Schema([TensorSpec(np.dtype("float32"), (-1, *shape[1:]))]),
    )
    versions = provenance.versions()
    info = mlflow.pytorch.log_model(
        predictor,
        name="model",
        signature=signature,
        input_example=example,
        serialization_format="pt2",
        pip_requirements=[f"{name}=={versions[name]}" for name in ("mlflow", "torch", "torchvision", "numpy")],
        tags=dict(tags),
    )
    for name, value in metrics.items():
        mlflow.log_metric(name, value, model_id=info.model_id)
    return info


def _champion(client: Any, name: str, profile: str) -> str:
    """The version with the best validation AUROC among each recipe's newest one of this profile."""
    newest: dict[str, Any] = {}
    for version in client.search_model_versions(f"name = '{name}'"):
        recipe = version.tags.get("recipe", "")
        if version.tags.get("profile") != profile:
            continue
        if recipe not in newest or int(version.version) > int(newest[recipe].version):
            newest[recipe] = version
    # Equal AUROC: the older version keeps the title.
    best = max(newest.values(), key=lambda version: (float(version.tags["val_auc"]), -int(version.version)))
    return str(best.version)


def _attempt(what: str, call: Callable[[], Answer]) -> tuple[bool, Answer | None]:
    """Whether the call went through, and its answer; a failure is one line on stderr."""
    try:
        return True, call()
    except Exception as error:  # whatever MLflow or its server raises: the run folder is what counts
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        print(
            f"warning: MLflow: could not {what} ({reason[:200]}); the run folder is complete without it, "
            "and running the stage again writes MLflow's view of it",
            file=sys.stderr,
        )
        return False, None


def _end(status: str) -> None:
    import mlflow

    mlflow.end_run(status)


def _active() -> Any:
    import mlflow

    return mlflow.active_run()


def _without_password(uri: str) -> str:
    """The address without user and password; a local store's without the machine's own path."""
    if uri.startswith("sqlite:///"):
        return f"sqlite:///{Path(uri.removeprefix('sqlite:///')).name}"
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
