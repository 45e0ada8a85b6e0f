"""From a registered version back to the run that it was made of."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from benchmark.core.errors import BadInput, NoStore
from benchmark.runs.folder import RESULTS, WEIGHTS, RunFolder
from benchmark.tracking import found, store
from benchmark.tracking.line import Line

UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What MLflow answers where a store has no such version."""
PATIENCE_S = 60.0


def run_of_version(address: str, where: str, cache: Path) -> RunFolder:
    """The run that a registered version was made of: its folder or, where that holds another run by now or not what this
    one has made, the files that the store has of it, brought into `cache`.

    Args:
        address: as MLflow writes it, `models:/breastmnist/3` or `models:/breastmnist@champion`.
        where: what an error's sentence starts with.

    Raises:
        NoStore: the store does not answer.
        BadInput: there is no such version, or neither its folder nor the store has its run as it was made.
    """
    line = Line(_fail, seconds=PATIENCE_S, of_one=PATIENCE_S)
    answer = line.ask(f"look up {address}", lambda: _look_up(address, where))
    if isinstance(answer, BadInput):
        raise answer
    if answer is None:
        raise NoStore(f"{where} '{address}': MLflow is switched off here")
    name, tags = answer
    folder, identity = RunFolder(Path(tags.get("run_folder", ""))), tags.get("identity", "")
    kept = RunFolder(cache / "mlflow" / identity)
    whole = next((one for one in (folder, kept) if _holds_whole(one, identity)), None)
    if whole or line.ask(f"bring the run of {address}", lambda: _bring(name, identity, kept.path)):
        return whole or kept
    problem = f"is {folder.status_of_figures}" if folder.holds(identity) else "now holds another run"
    raise BadInput(f"{where} '{address}': its folder {folder.path} {problem}, and the store has no files of it")


def _holds_whole(folder: RunFolder, identity: str) -> bool:
    """Whether the figures of that very run are there, as it has made them."""
    return folder.holds(identity) and folder.status_of_figures.is_done


def _fail(error: NoStore) -> None:
    raise error


def _look_up(address: str, where: str) -> tuple[str, dict[str, str]] | BadInput:
    """The model's name and the version's tags."""
    store.use()
    name, _, alias = address.removeprefix("models:/").partition("@")
    name, _, number = name.partition("/")
    client = MlflowClient()
    try:
        version: Any = (
            client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)
        )
    except MlflowException as error:
        if error.error_code not in UNKNOWN:
            raise
        known = sorted(f"models:/{one.name}" for one in client.search_registered_models())
        reason = str(error).splitlines()[0]
        return BadInput(f"{where} '{address}': {reason}; registered are: {', '.join(known) or 'none'}")
    return name, dict(version.tags)


def _bring(name: str, identity: str, path: Path) -> bool:
    """Download the files of the run with this identity; False where the store has none, or not as the run has made them."""
    experiment = mlflow.get_experiment_by_name(name)
    run = found.with_files_of(experiment.experiment_id, identity) if experiment else None
    if run is None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as temporary:
        folder = RunFolder(Path(temporary) / identity)
        folder.path.mkdir()
        _download(run, "run.json", folder)
        for file in RESULTS[folder.record().config.stage]:
            if file != WEIGHTS:  # no run has them as a file of its own
                _download(run, file, folder)
        if not _holds_whole(folder, identity):
            return False
        shutil.rmtree(path, ignore_errors=True)
        folder.path.replace(path)
    return True


def _download(run: Any, file: str, folder: RunFolder) -> None:
    MlflowClient().download_artifacts(run.info.run_id, file, str(folder.path))
