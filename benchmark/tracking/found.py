"""Runs that are in the store already: found again by their identity, and closed where they were killed."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import psutil
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from benchmark.core.files import digest_of
from benchmark.runs.folder import RunFolder

KEY = ("level", "identity", "profile")
"""Tags by which a run is known again."""
CELL = ("task", "recipe", "grid", "dim", "profile")
"""Tags of all runs of one task and recipe, of one sweep, of one trunk."""
LOGGED = "logged"
"""Tag with the digest of all that a run's folder has to show; set last, so without it a run is not whole."""
LAUNCH = "launch"
"""Level of a run that MLflow opened to launch a process, of which another run came to hold the figures."""
OF_A_FOLDER = ("seed", "recipe")
"""Levels of the run of one folder: of a seed, or of an ensemble, whose figures are the recipe's own."""
PARENT = "mlflow.parentRunId"
PROCESS = "process"
"""Tag: which process is at work on a run, or was when it was killed."""
ENTRY_POINT, SOURCE = "mlflow.project.entryPoint", "mlflow.source.name"


def same(experiment_id: str, tags: Mapping[str, str]) -> Any:
    """The run with this level, identity and profile, a whole one before any other; None where there is none."""
    if "identity" not in tags:
        return None
    runs = _search(experiment_id, {name: tags[name] for name in KEY if name in tags})
    return min(runs, key=lambda run: (not is_whole(run), run.info.start_time), default=None)


def is_whole(run: Any) -> bool:
    """Whether it came to its end, and all that there was to log is in it."""
    return run is not None and run.info.status == "FINISHED" and LOGGED in run.data.tags


def with_files_of(experiment_id: str, identity: str) -> Any:
    """A run whose artifacts are the files of the run folder with this identity; None where there is none."""
    runs = _search(experiment_id, {"identity": identity})
    return next((run for run in runs if is_whole(run) and run.data.tags.get("level") in OF_A_FOLDER), None)


def result(folders: Collection[RunFolder], without_test: bool = False) -> str:
    """Digest of what these folders have to show."""
    shown = [
        {
            "record": folder.record().model_dump(mode="json"),
            "metrics": shown_metrics(folder, without_test) if folder.has("metrics.json") else {},
        }
        for folder in folders
    ]
    return digest_of({"folders": shown})


def shown_metrics(folder: RunFolder, without_test: bool) -> dict[str, float]:
    """Of a trial the test split stays closed, also where it is the winner's, whose figures the sweep's run has."""
    return {name: value for name, value in folder.metrics().items() if not (without_test and name.startswith("test_"))}


def workspace() -> str:
    """Tells the runs of this folder of this machine from others' in the same store."""
    return digest_of({"host": platform.node(), "folder": str(Path.cwd().resolve())})[:16]


def launched() -> Any:
    """The run that MLflow opened for this process, if it is there; no later run of this process is taken for it."""
    run_id = os.environ.pop("MLFLOW_RUN_ID", None)
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    if run_id is None:
        return None
    try:
        run = MlflowClient().get_run(run_id)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":  # the variable is of some other store or day
            return None
        raise
    return run if run.info.lifecycle_stage == "active" else None


def leave(run: Any, experiment: str, parent_id: str, beside: bool) -> None:
    """Let the run that this process was launched with point to the one that stands for it.

    It can't go yet, for its launcher has a last word to say. `beside`: it stands in the same experiment.
    """
    client, run_id = MlflowClient(), run.info.run_id
    client.set_tag(run_id, "logged_as_run", parent_id)
    client.set_tag(run_id, "logged_in_experiment", experiment)
    if beside:
        client.set_tag(run_id, "level", LAUNCH)
        client.set_tag(run_id, PARENT, parent_id)


def sweep_up(experiment_id: str, parent_id: str = "") -> None:
    """Delete the runs that only launched what another run stands for, once their launchers have ended them.

    Those that point to `parent_id` and were never ended are ended: their launchers could not.
    """
    client = MlflowClient()
    for run in _search(experiment_id, {"level": LAUNCH}):
        if run.info.status != "RUNNING":
            client.delete_run(run.info.run_id)
        elif run.data.tags.get(PARENT) == parent_id:
            client.set_terminated(run.info.run_id, "KILLED")


def close_killed(experiment_id: str, cell: Mapping[str, str], keep: Collection[str], own: Any) -> None:
    """Runs of this cell that an earlier process left open: it was killed, where none like it is at work here any more.

    Args:
        keep: runs that go on.
        own: the run that MLflow opened for this process; others that it opened for the like may have got no further.
    """
    client = MlflowClient()
    open_runs = _search(experiment_id, cell, "RUNNING")
    if own is not None:
        likewise = {name: own.data.tags[name] for name in (ENTRY_POINT, SOURCE) if name in own.data.tags}
        for run in _search(experiment_id, likewise, "RUNNING"):
            if "workspace" not in run.data.tags and run.data.params == own.data.params:
                open_runs.append(run)
    for run in open_runs:
        if run.info.run_id not in keep and not _is_at_work(run.data.tags.get(PROCESS, "")):
            client.set_terminated(run.info.run_id, "KILLED")


def process() -> str:
    """This process, for the tag."""
    return _named(psutil.Process())


def _named(one: psutil.Process) -> str:
    """By its machine, its number, and when it began, for numbers come again."""
    return f"{digest_of({'host': platform.node()})[:8]}+{one.pid}+{int(one.create_time())}"


def _is_at_work(named: str) -> bool:
    """Whether it is another process than this one, and still there; as two searches on one task may be."""
    try:
        other = psutil.Process(int(named.split("+")[1]))
        return named == _named(other) and other.pid != os.getpid()
    except (psutil.Error, ValueError, IndexError):
        return False


def epochs(run: Any) -> set[int]:
    """Those that a run has already."""
    name = next((name for name in run.data.metrics if name.startswith("epoch/")), None)
    return {metric.step for metric in MlflowClient().get_metric_history(run.info.run_id, name)} if name else set()


def _search(experiment_id: str, tags: Mapping[str, str], status: str = "") -> list[Any]:
    """MLflow's filters know no way to write an apostrophe, as the path of a clone may have one: such a tag is compared here."""
    parts = [f"tags.`{name}` = '{value}'" for name, value in tags.items() if not set(value) & set("'\\")]
    parts += [f"attributes.status = '{status}'"] if status else []
    runs = MlflowClient().search_runs([experiment_id], " and ".join(parts), max_results=1000)
    return [run for run in runs if all(run.data.tags.get(name) == value for name, value in tags.items())]
