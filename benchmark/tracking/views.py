"""What of a run folder is shown in MLflow, and under which names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import mlflow.data

from benchmark.config.run import RunConfig
from benchmark.config.tasks import STAMP, Task
from benchmark.core import provenance
from benchmark.data.load import TaskData
from benchmark.published import table as published
from benchmark.published.verdict import Origin, obstacle
from benchmark.runs.record import Combined, FromElsewhere, RunRecord
from benchmark.runs.workspace import Workspace

RESULTS = ("train_auc", "train_acc", "val_auc", "val_acc", "test_auc", "test_acc")


def flat_params(config: RunConfig) -> dict[str, str]:
    """A run's configuration as flat parameters: the same names for every recipe, so that runs compare."""
    flat: dict[str, Any] = config.model_dump(mode="json", exclude={"objective", "schedule", "tasks"})
    flat |= {"optimizer": config.objective.optimizer_name} | config.objective.model_dump(mode="json")
    flat |= {"network": str(config.network), "recipe_network": str(config.recipe_network)}
    flat["augmentation"] = str(config.augmentation)
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
