"""Finished runs of one task, with scores of every split, as files that a model could have left."""

from typing import Any

import numpy as np

from benchmark.config.tasks import Task
from benchmark.runs.folder import RunFolder
from benchmark.runs.scores import HeldOut, Scores, metrics
from benchmark.runs.workspace import Workspace
from tests.helpers import find, make_config, trained

COUNTS = {"train": 90, "val": 60, "test": 70}


def make_scores(task: Task, seed: int) -> Scores:
    """Scores that know something of the labels; seeds share the labels."""
    random, scores = np.random.default_rng(seed), {}
    for place, (split, count) in enumerate(COUNTS.items()):
        labels = (np.random.default_rng(place).random((count, task.label_count)) < 0.3).astype(np.uint8)
        raw = random.normal(size=labels.shape) + 2 * labels - 1
        scores[split] = (labels, (1 / (1 + np.exp(-raw))).astype(np.float32))
    return scores


def finished(
    workspace: Workspace,
    name: str,
    recipe: str = "test",
    seed: int = 0,
    held_out: HeldOut | None = None,
    record: dict[str, Any] | None = None,
    **changes: Any,
) -> RunFolder:
    """A run that is done; `changes` are of its configuration, `record` of its record."""
    task, folder = find(name), workspace.run("quick", name, recipe, seed)
    scores = make_scores(task, seed + len(recipe))
    folder.write_scores(scores, held_out=held_out)
    folder.write_metrics(metrics(folder.scores()))
    folder.write_history([{"epoch": 1, "train_loss": 0.7, "train_auc": 0.6, "val_auc": 0.55, "seconds": 1.0}])
    folder.write_weights({})
    config = make_config(name, recipe=recipe, seed=seed, profile="quick", **changes)
    own = {"data_md5": {name: "d" * 32}, "standin": task.is_standin, "identity": f"{name} {recipe} {seed}"}
    folder.seal(trained(config=config, **(own | (record or {}))))
    return folder
