"""Where the figures come from: one row a run, and the environments and data files that the rows share."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.report import wording
from benchmark.report.model import Comparison, Run


@dataclass(frozen=True)
class Environment:
    """Code, versions and machine, which many runs share."""

    letter: str
    code: str
    versions: str
    hardware: str


@dataclass(frozen=True)
class Row:
    """One run."""

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
    rows: tuple[Row, ...]
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
    environments: dict[str, Environment] = {}
    rows = tuple(_row(name, run, _environment(run, environments), out) for name, run in named)
    data = dict.fromkeys((task, md5) for _, run in named for task, md5 in run.record.get("data_md5", {}).items())
    stores = dict.fromkeys(str(run.tracking["tracking_uri"]) for _, run in named if "tracking_uri" in run.tracking)
    times = [run.record["seconds"]["total"] for _, run in named if "total" in run.record.get("seconds", {})]
    time = wording.seconds(sum(times)) if times else wording.NOTHING
    return Origins(rows, tuple(environments.values()), tuple(sorted(data)), tuple(stores), time)


def _environment(run: Run, known: dict[str, Environment]) -> str:
    """The letter of the run's environment, entered under `known` where it is new."""
    parts = {name: run.record.get(name, {}) for name in ("code", "versions", "hardware")}
    key = json.dumps(parts, sort_keys=True)
    if key not in known:
        place, letter = len(known), ""
        while place >= 0:  # A to Z, then AA, as in a spreadsheet
            letter, place = chr(ord("A") + place % 26) + letter, place // 26 - 1
        versions = ", ".join(f"{name} {version}" for name, version in parts["versions"].items())
        known[key] = Environment(letter, _code(parts["code"]), versions, _hardware(parts["hardware"]))
    return known[key].letter


def _code(code: Mapping[str, Any]) -> str:
    if not code:
        return wording.NOTHING
    state = "with uncommitted changes" if code.get("dirty") else "clean"
    return f"commit {code.get('commit', '?')}, {state}; training code {str(code.get('digest', '?'))[:12]}"


def _hardware(hardware: Mapping[str, Any]) -> str:
    if not hardware:
        return wording.NOTHING
    cores, threads = hardware.get("cores", "?"), hardware.get("threads", "?")
    return (
        f"{hardware.get('cpu', '?')}, {cores} cores, {threads} threads, {hardware.get('memory_gb', '?')} GB, "
        f"GPU: {hardware.get('gpu') or 'none'}"
    )


def _row(name: str, run: Run, environment: str, out: Path) -> Row:
    record, config, tracking = run.record, run.config, run.tracking
    parameters, model = record.get("parameters"), tracking.get("model_name")
    return Row(
        task=name,
        recipe=str(config.get("recipe", wording.NOTHING)),
        seed=str(config.get("seed", wording.NOTHING)),
        status=run.status,
        environment=environment,
        network=_changed(config.get("network"), config.get("recipe_network"), "for"),
        objective=_objective(config.get("objective") or {}),
        epochs=_changed(config.get("epochs"), config.get("recipe_epochs"), "of"),
        best_epoch=str(record.get("best_epoch", wording.NOTHING)),
        parameters=f"{parameters:,}" if parameters else wording.NOTHING,
        started=str(record.get("started", wording.NOTHING)),
        seconds=wording.seconds(record.get("seconds", {}).get("total")),
        mlflow_run=str(tracking.get("run_id", wording.NOTHING)),
        model=f"{model} version {tracking['model_version']}" if model else wording.NOTHING,
        folder=Path(os.path.relpath(run.folder.path, out)).as_posix(),
    )


def _changed(ran: object, asked: object, word: str) -> str:
    """What ran, and what the recipe asks for where that is something else."""
    if ran is None:
        return wording.NOTHING
    return str(ran) if asked in (None, ran) else f"{ran} ({word} {asked})"


def _objective(objective: Mapping[str, Any]) -> str:
    multi = objective.get("multi_label_loss")
    loss = f"{objective.get('loss', '?')}{f' (multi-label: {multi})' if multi else ''}"
    parts = [loss, objective.get("optimizer"), f"lr {objective.get('lr', '?')}"]
    return ", ".join(str(part) for part in parts if part) if objective else wording.NOTHING
