"""Where the figures come from: one row a run, and the environments and data files that the rows share."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from benchmark.config.run import RunConfig
from benchmark.report import wording
from benchmark.report.model import Comparison, MeasuredRun
from benchmark.runs.record import Code, Hardware, RunRecord, Trained

TRAINING = ("network", "objective", "epochs", "best_epoch", "parameters")
"""Columns that only a run that was trained here has."""


@dataclass(frozen=True)
class Environment:
    """Code, versions and machine, which many runs share."""

    letter: str
    code: str
    versions: str
    hardware: str


@dataclass(frozen=True)
class Origin:
    """Of one run."""

    task: str
    recipe: str
    seed: str
    status: str
    environment: str
    network: str
    objective: str
    epochs: str
    best_epoch: str
    parameters: str
    started: str
    seconds: str
    mlflow_run: str
    model: str
    folder: str
    """The run folder, from where the report lies."""


@dataclass(frozen=True)
class Origins:
    rows: tuple[Origin, ...]
    environments: tuple[Environment, ...]
    data: tuple[tuple[str, str], ...]
    """Task and MD5 of the file that was trained on, once for each pair."""
    stores: tuple[str, ...]
    """The MLflow tracking stores that hold the runs."""
    time: str
    """Wall time of all runs together."""


def origins(comparison: Comparison, out: Path) -> Origins:
    """Of the trunks first, then of every run, done or not; `out` is the folder of the report."""
    named = [(f"trunk {dim}", run) for dim, run in comparison.trunks.items()]
    named += [(task.task.name, run) for task in comparison.tasks for cell in task.cells for run in cell.runs]
    known: dict[str, Environment] = {}
    rows = tuple(_origin(name, run, _environment(run.record, known), out) for name, run in named)
    records = [run.record for _, run in named if run.record]
    data = dict.fromkeys((task, md5) for record in records for task, md5 in record.data_md5.items())
    stores = dict.fromkeys(str(run.tracking["tracking_uri"]) for _, run in named if "tracking_uri" in run.tracking)
    times = [record.seconds.total for record in records if isinstance(record, Trained) and record.seconds]
    time = wording.seconds(sum(times)) if times else wording.NOTHING
    return Origins(rows, tuple(known.values()), tuple(sorted(data)), tuple(stores), time)


def _environment(record: RunRecord | None, known: dict[str, Environment]) -> str:
    """The letter of the run's environment, entered under `known` where it is new."""
    if record is None:
        return wording.NOTHING
    key = json.dumps(record.model_dump(mode="json", include={"code", "versions", "hardware"}), sort_keys=True)
    if key not in known:
        versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
        known[key] = Environment(_letter(len(known)), _code(record.code), versions, _hardware(record.hardware))
    return known[key].letter


def _letter(index: int) -> str:
    """A to Z, then AA, as in a spreadsheet."""
    letters = ""
    while index >= 0:
        letters, index = chr(ord("A") + index % 26) + letters, index // 26 - 1
    return letters


def _code(code: Code) -> str:
    state = "with uncommitted changes" if code.dirty else "clean"
    return f"commit {code.commit}, {state}; training code {(code.digest or '?')[:12]}"


def _hardware(hardware: Hardware) -> str:
    return (
        f"{hardware.cpu}, {hardware.cores} cores, {hardware.threads} threads, {hardware.memory_gb} GB, "
        f"GPU: {hardware.gpu or 'none'}"
    )


def _origin(name: str, run: MeasuredRun, environment: str, out: Path) -> Origin:
    record, trained, tracking = run.record, run.trained, run.tracking
    model, folder = tracking.get("model_name"), Path(os.path.relpath(run.folder.path, out)).as_posix()
    return Origin(
        task=name,
        recipe=record.config.recipe if record else wording.NOTHING,
        seed=wording.NOTHING if run.seed is None else str(run.seed),
        status=str(run.status),
        environment=environment,
        **(_training(trained) if trained else dict.fromkeys(TRAINING, wording.NOTHING)),
        started=record.started if record else wording.NOTHING,
        seconds=wording.seconds(trained.seconds.total if trained and trained.seconds else None),
        mlflow_run=str(tracking.get("run_id", wording.NOTHING)),
        model=f"{model} version {tracking['model_version']}" if model else wording.NOTHING,
        folder=folder,
    )


def _training(record: Trained) -> dict[str, str]:
    """The columns of `TRAINING`."""
    config = record.config
    return {
        "network": _changed(config.network, config.recipe_network, "for"),
        "objective": _objective(config),
        "epochs": _changed(config.epochs, config.recipe_epochs, "of"),
        "best_epoch": wording.NOTHING if record.best_epoch is None else str(record.best_epoch),
        "parameters": f"{record.parameters:,}" if record.parameters else wording.NOTHING,
    }


def _changed(ran: object, asked: object, word: str) -> str:
    """What ran, and what the recipe asks for where that is something else."""
    return str(ran) if ran == asked else f"{ran} ({word} {asked})"


def _objective(config: RunConfig) -> str:
    one, several = config.objective, config.objective.of("multi-label")
    loss = one.loss if several.loss == one.loss else f"{one.loss} (multi-label: {several.loss})"
    lr = one.columns().get("lr")
    return ", ".join((loss, one.optimizer_name, *([] if lr is None else [f"lr {lr}"])))
