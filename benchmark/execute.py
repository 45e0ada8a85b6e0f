"""One run, from configuration and data to a complete run folder.

A folder that already holds this very run (same configuration, data, trunk, code and library versions) is left as
it is; one that was killed in the middle goes on; one that holds something else is made anew.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import torch

from benchmark import networks, objectives, provenance, training
from benchmark.checkpoint import Checkpoints
from benchmark.config import RunConfig
from benchmark.data import TaskData
from benchmark.errors import DataError, TrainingFailed
from benchmark.networks import Predictor, trunk_weights
from benchmark.runs import RunFolder, Scores
from benchmark.scoring import metrics
from benchmark.tasks import Task
from benchmark.training import Observer, Run


def identity(config: RunConfig, data: Mapping[str, TaskData], trunk: RunFolder | None) -> str:
    """Digest of all that the result's bytes depend on, apart from the machine."""
    versions = provenance.versions()
    return provenance.digest_of(
        {
            "config": config.model_dump(mode="json", exclude={"profile", "recipe_epochs", "recipe_network"}),
            "data": {name: part.md5 for name, part in data.items()},
            "trunk": trunk.record()["identity"] if trunk else None,
            "code": provenance.code()["digest"],
            "versions": {name: versions[name] for name in ("torch", "torchvision", "libauc", "kornia")},
        }
    )


def execute(
    config: RunConfig,
    data: Mapping[str, TaskData],
    folder: RunFolder,
    device: torch.device,
    trunk: RunFolder | None = None,
    observers: Sequence[Observer] = (),
) -> bool:
    """Make `folder` hold this run.

    Returns:
        False where it already did, and nothing was trained.

    Raises:
        DataError: a split of one class, before anything is written.
        TrainingFailed: after the folder was given status 'failed: reason' and the history so far.
    """
    for part in data.values():
        _need_both_classes(part)
    key = identity(config, data, trunk)
    known = folder.record().get("identity") if folder.exists else None
    if known == key and folder.is_done:
        return False
    if known != key and folder.path.exists():
        shutil.rmtree(folder.path)
    for partial in folder.path.glob(".*.partial"):  # of a process that was killed while it wrote
        partial.unlink(missing_ok=True)
    record = _record(config, data, key)
    folder.write_record(record | {"status": "running"})
    started = time.perf_counter()
    checkpoints = Checkpoints(folder.path / "checkpoint", key)
    weights = trunk_weights(trunk.weights()) if trunk else None
    try:
        run = training.train(config, data, weights, device, checkpoints, observers)
        _write_results(folder, run)
    except TrainingFailed as failure:
        folder.write_history(failure.history)
        folder.write_record(record | {"status": f"failed: {failure}"})
        raise
    seconds = {"train": sum(row["seconds"] for row in run.history), "total": time.perf_counter() - started}
    count = sum(parameter.numel() for parameter in run.model.parameters())
    folder.write_record(
        record | {"status": "done", "best_epoch": run.best.epoch, "seconds": seconds, "parameters": count}
    )
    shutil.rmtree(folder.path / "checkpoint", ignore_errors=True)
    return True


def _need_both_classes(part: TaskData) -> None:
    """AUROC is not defined on a split of one class, and nothing can be learnt from one."""
    for name, split in part.splits.items():
        for column, label in enumerate(split.labels.T):
            if label.min() == label.max():
                raise DataError(
                    f"{part.task.path}: split '{name}' has only images with {int(label[0])} for label {column}; "
                    f"AUROC needs both classes: take {part.task.name} out of params.yaml, or mend the file"
                )


def _record(config: RunConfig, data: Mapping[str, TaskData], key: str) -> dict[str, Any]:
    return {
        "identity": key,
        "config": config.model_dump(mode="json"),
        "data_md5": {name: part.md5 for name, part in data.items()},
        "standin": any(part.task.is_standin for part in data.values()),
        "code": provenance.code(),
        "versions": provenance.versions(),
        "hardware": provenance.hardware(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _write_results(folder: RunFolder, run: Run) -> None:
    """Weights of the selected epoch, history and scores. The test split is opened here, once."""
    run.model.load_state_dict(run.best.weights)
    folder.write_weights(run.best.weights)
    folder.write_history(run.history)
    if run.config.stage == "finetune":
        (task,) = run.data
        scores: Scores = {name: training.predict(run, task, name) for name in run.data[task].splits}
        folder.write_scores(scores)
        folder.write_metrics(metrics(scores))
    else:
        best = run.history[run.best.epoch - 1]
        folder.write_metrics({name: value for name, value in best.items() if name.startswith("val_auc")})


def predictor(folder: RunFolder, task: Task) -> Predictor:
    """The selected network of a finished run, ready to serve: see `networks.Predictor`. On the CPU."""
    config = RunConfig.model_validate(folder.record()["config"])
    loss = objectives.loss_class(config.objective, task, f"recipe {config.recipe}")
    model = networks.build(config.network, {task.name: loss.outputs(task.label_count)}, seed=0)
    model.load_state_dict(folder.weights())
    return Predictor(model.eval(), task.name, loss.probabilities)
