"""One run, from configuration and data to a complete run folder.

A folder that already holds this very run (same configuration, data, trunk, code and library versions) is left as
it is; one that was killed in the middle goes on; one that holds something else is made anew.
"""

from __future__ import annotations

import inspect
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmark import augmentations, networks, objectives
from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task
from benchmark.core import provenance
from benchmark.core.errors import BadInput, OneClass, TrainingFailed
from benchmark.core.files import digest_of
from benchmark.data.load import TaskData
from benchmark.runs.folder import WEIGHTS, RunFolder
from benchmark.runs.record import Code, Hardware, Seconds, Trained, now
from benchmark.runs.scores import HeldOut, Scores, metrics
from benchmark.runs.status import DONE, RUNNING, State, Status
from benchmark.training import folds, loop, model
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.loop import Observer, Training
from benchmark.training.model import Predictor

APART = (
    "benchmark/__init__.py",
    "benchmark/config/",  # what it makes of a configuration is part of the identity, as values
    "benchmark/core/__init__.py",
    "benchmark/core/archive.py",  # refuses a file or lets it pass, whose MD5 is part of the identity
    "benchmark/core/discovery.py",
    "benchmark/core/errors.py",
    "benchmark/core/files.py",
    "benchmark/core/provenance.py",
    "benchmark/core/settings.py",
    "benchmark/core/terms.py",
    "benchmark/data/__init__.py",
    "benchmark/data/structure.py",  # likewise
    "benchmark/runs/__init__.py",
    "benchmark/runs/folder.py",
    "benchmark/runs/record.py",
    "benchmark/runs/status.py",
)
"""Of all that a run imports, what changes no byte of its scores and weights. A file that is not named here counts."""


def identity(config: RunConfig, data: Mapping[str, TaskData], start: RunFolder | None) -> str:
    """Digest of all that the result's bytes depend on, apart from the machine.

    Args:
        start: the finished run that this one takes its trunk from.
    """
    return digest_of(
        {
            "config": config.model_dump(mode="json", exclude={"profile", "recipe_epochs", "recipe_network"}),
            "data": {name: part.md5 for name, part in data.items()},
            "kinds": {name: part.task.kind for name, part in data.items()},
            "start": _started_from(start) if start else None,
            "code": _code_digest(config, data),
            "versions": provenance.arithmetic(),
        }
    )


def _started_from(start: RunFolder) -> Mapping[str, str | None]:
    """What the bytes depend on of it: on another machine the same run may have other weights."""
    record = start.record()
    return {"identity": record.identity, "weights": record.results.get(WEIGHTS)}


def fingerprint() -> dict[str, str]:
    """What has to be the same on every machine for the same run to have the same result."""
    rooms = (provenance.ROOT / "benchmark" / name for name in ("objectives", "networks", "augmentations"))
    every_part = [file for room in rooms for file in room.rglob("*.py")]
    return {"code": provenance.digest_of_code(_counting(Path(__file__), *every_part))} | provenance.arithmetic()


def _code_digest(config: RunConfig, data: Mapping[str, TaskData]) -> str:
    """Of the shared training code, and of the objective, network and augmentation that this run uses."""
    trained_by = [type(config.objective.of(part.task.kind)) for part in data.values()]
    parts: list[Callable[..., Any]] = [type(config.objective), *trained_by]
    parts += [networks.maker(config.network), augmentations.maker(config.augmentation)]
    return provenance.digest_of_code(_counting(Path(__file__), *(Path(inspect.getfile(part)) for part in parts)))


def _counting(*files: Path) -> set[Path]:
    """These files and all that they import, less what is `APART`."""
    reached = {file for path in files for file in provenance.imported(path)}
    return {file for file in reached if not str(file.relative_to(provenance.ROOT)).startswith(APART)}


def execute(
    config: RunConfig,
    data: Mapping[str, TaskData],
    folder: RunFolder,
    device: torch.device,
    start: RunFolder | None = None,
    observers: Sequence[Observer] = (),
) -> bool:
    """Make `folder` hold this run; `start` is the finished one that it takes its trunk from.

    Returns:
        False where it already did, and nothing was trained.

    Raises:
        OneClass: a split of one class, before anything is written.
        BadInput: images that the network or the augmentation can't take, likewise.
        TrainingFailed: after the folder was given status 'failed: reason' and the history so far.
    """
    for part in data.values():
        _need_both_classes(part)
        _need_fitting_images(config, part)
    key = identity(config, data, start)
    mine = folder.holds(key)
    if mine and folder.is_done:
        return False
    if not mine and folder.path.exists():
        shutil.rmtree(folder.path)
    for partial in folder.path.glob(".*.partial"):  # of a process that was killed while it wrote
        partial.unlink(missing_ok=True)
    record = new_record(config, data, key)
    folder.write_record(record)
    started = time.perf_counter()
    checkpoints = Checkpoints(folder.path / "checkpoint", key)
    weights = start.weights() if start else None
    held_out = {
        name: folds.held_out(part, config.cross_fit, config.seed) for name, part in data.items() if config.cross_fit
    }
    seen = {name: folds.as_seen(part, held_out[name]) if held_out else part for name, part in data.items()}
    try:
        run = loop.train(config, seen, weights, device, checkpoints, observers)
        _write_results(folder, run, held_out)
    except TrainingFailed as failure:
        folder.write_history(failure.history)
        folder.write_record(record.model_copy(update={"status": Status(State.FAILED, str(failure))}))
        raise
    seconds = Seconds(train=sum(row["seconds"] for row in run.history), total=time.perf_counter() - started)
    count = sum(parameter.numel() for parameter in run.model.parameters())
    results = {"status": DONE, "best_epoch": run.best.epoch, "seconds": seconds, "parameters": count}
    folder.seal(record.model_copy(update=results))
    shutil.rmtree(folder.path / "checkpoint", ignore_errors=True)
    return True


def _need_both_classes(part: TaskData) -> None:
    """AUROC is not defined on a split of one class, and nothing can be learnt from one."""
    for name, split in part.splits.items():
        for column, label in enumerate(split.labels.T):
            if label.min() == label.max():
                raise OneClass(
                    f"{part.task.name}: split '{name}' has only images with {int(label[0])} for label {column}; "
                    "AUROC needs both classes",
                    task=part.task.name,
                )


def _need_fitting_images(config: RunConfig, part: TaskData) -> None:
    sides = part.splits["train"].images.shape[2:]
    for what, own, reason in (
        ("network", config.network, networks.refusal(config.network, sides)),
        ("augmentation", config.augmentation, augmentations.refusal(config.augmentation, sides)),
    ):
        if reason:
            raise BadInput(f"recipe {config.recipe}: {what} {own} does not take {part.task.name}: {reason}")


def new_record(config: RunConfig, data: Mapping[str, TaskData], key: str) -> Trained:
    """The record of a run that starts now, here."""
    return Trained(
        status=RUNNING,
        identity=key,
        config=config,
        data_md5={name: part.md5 for name, part in data.items()},
        standin=any(part.task.is_standin for part in data.values()),
        code=Code(**provenance.commit(), digest=_code_digest(config, data)),
        versions=provenance.versions(),
        hardware=Hardware(**provenance.hardware()),
        started=now(),
    )


def _write_results(folder: RunFolder, run: Training, held_out: Mapping[str, HeldOut]) -> None:
    """Weights of the selected epoch, history and scores. The test split is opened here, once."""
    run.scored.load_state_dict(run.best.weights)
    folder.write_weights(run.best.weights)
    folder.write_history(run.history)
    if run.config.stage == "finetune":
        ((task, lesson),) = run.lessons.items()
        scores: Scores = {name: loop.predict(run, task, name) for name in lesson.data.splits}
        out = held_out.get(task)
        folder.write_scores(folds.in_place(scores, out) if out else scores, held_out=out)
        folder.write_metrics(metrics(scores))
    else:
        best = run.history[run.best.epoch - 1]
        folder.write_metrics({name: value for name, value in best.items() if name.startswith("val_auc")})


def predictor(folder: RunFolder, task: Task) -> Predictor:
    """The selected network of a finished run, ready to serve: see `model.Predictor`. On the CPU."""
    config = folder.trained().config
    objective = objectives.for_task(config.objective, task, f"recipe {config.recipe}")
    network = model.build(config.network, {task.name: objective.outputs(task.label_count)}, seed=0)
    network.load_state_dict(folder.weights())
    model.lay_out(network, config.memory_format)
    return Predictor(network.eval(), task.name, objective.probabilities, model.flipped_axes(config.flips_at_test))
