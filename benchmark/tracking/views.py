"""What of a run folder is shown in MLflow, and under which names."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import mlflow.data
import numpy as np
from mlflow.entities import Metric

from benchmark.config.run import RunConfig
from benchmark.config.tasks import STAMP, Task
from benchmark.core import provenance
from benchmark.core.settings import Section
from benchmark.data.load import TaskData
from benchmark.evaluation import statistics
from benchmark.evaluation.comparison import stack
from benchmark.published import table as published
from benchmark.published.verdict import Origin, obstacle
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Combined, FromElsewhere, RunRecord
from benchmark.runs.workspace import Workspace
from benchmark.training.loop import Row

RESULTS = ("train_auc", "train_acc", "val_auc", "val_acc", "test_auc", "test_acc")


def flat_params(config: RunConfig) -> dict[str, str]:
    """A run's configuration as flat parameters: the same names for every recipe, so that runs compare."""
    flat: dict[str, Any] = config.model_dump(mode="json", exclude={"objective", "tasks"})
    flat |= {"optimizer": config.objective.optimizer_name} | config.objective.model_dump(mode="json")
    flat |= {name: str(part) for name, part in config if name != "objective" and isinstance(part, Section)}
    flat["task"] = ",".join(config.tasks)
    flat["schedule"] = str(config.schedule or "none")
    return {name: str(value) for name, value in flat.items() if value is not None}


def run_tags(record: RunRecord) -> dict[str, str]:
    """Tags of a run, from its record."""
    config, hardware = record.config, record.hardware
    tags = {
        "task": ",".join(config.tasks),
        "recipe": config.recipe,
        "profile": config.profile,
        "git_commit": record.code.commit,
        "git_dirty": str(record.code.dirty),
        "dvc_lock": provenance.dvc_lock_hash(),
        "hardware": f"{hardware.gpu or hardware.cpu}, {hardware.threads} threads",
        "identity": record.identity,
    }
    if isinstance(record, Combined):
        tags |= {"ensemble": "true", "members": members(record)}
    else:
        tags["seed"] = str(config.seed)
    if record.trained_on_val:
        tags["trained_on_val"] = "true"
    return tags | ({"standin": STAMP} if record.standin else {})


def members(record: Combined) -> str:
    """The runs that an ensemble is the mean of, such as 'medmnist 0 1, dam 0 1'."""
    seeds = {
        recipe: [str(one.seed) for one in record.members if one.recipe == recipe] for recipe in record.config.members
    }
    return ", ".join(f"{recipe} {' '.join(numbers)}" for recipe, numbers in seeds.items())


def against_published(
    task: Task | None, metrics: Mapping[str, float], record: RunRecord | None = None
) -> dict[str, float]:
    """The README's figures beside ours; empty for stand-in data and where the README has none.

    Args:
        record: of ours; predictions from elsewhere that may not be set beside the README's get no difference.
    """
    row = published.readme_row(task.reference) if task and task.reference and not task.is_standin else None
    if row is None:
        return {}
    stated = {f"published_{name}": getattr(row, name, None) for name in RESULTS}
    figures = {name: value for name, value in stated.items() if value is not None}
    origin = Origin(record.config.pixels, record.config.external_weights) if isinstance(record, FromElsewhere) else None
    if row.test_auc is not None and "test_auc" in metrics and task and not obstacle(row, task, origin):
        figures["delta_test_auc"] = metrics["test_auc"] - row.test_auc
    return figures


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


def epoch_metrics(row: Row, seconds: float | None = None) -> list[Metric]:
    """What an epoch has to show, as points at its step; `seconds` since 1970 is when it was over, now where None."""
    moment = int((time.time() if seconds is None else seconds) * 1000)
    values = {f"epoch/{name}": value for name, value in row.items() if name != "epoch" and np.isfinite(value)}
    return [Metric(name, value, moment, int(row["epoch"])) for name, value in values.items()]


def history_metrics(folder: RunFolder, known: Collection[int]) -> list[Metric]:
    """The points of all epochs but those that are known, at the time that they were over."""
    moment, points = datetime.fromisoformat(folder.record().started).timestamp(), []
    for entry in folder.history().to_dict("records"):
        row = {str(name): float(value) for name, value in entry.items()}
        moment += row.get("seconds", 0.0)
        if int(row["epoch"]) not in known:
            points.extend(epoch_metrics(row, moment))
    return points


def dataset(part: TaskData) -> Any:
    """The training split, as MLflow describes a data set."""
    train = part.splits["train"]
    with warnings.catch_warnings():
        # Two of MLflow's source classes take a local path; whichever it picks shows the same.
        warnings.filterwarnings("ignore", message="The specified dataset source can be interpreted in multiple ways")
        return mlflow.data.from_numpy(
            train.images.squeeze(1).cpu().numpy(),
            targets=train.labels.cpu().numpy(),
            source=part.task.origin if part.task.source == "official" else str(Workspace().data(part.task.name)),
            name=part.task.name,
            digest=part.md5,
        )
