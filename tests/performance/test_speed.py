"""`make bench`: what an epoch and its parts cost. Run once, without timing, by the plain test command."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark import training
from benchmark.checkpoint import Checkpoints
from benchmark.scoring import auroc
from benchmark.training import Run
from tests.helpers import CPU, OBJECTIVES, make_config, make_data


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
@pytest.mark.parametrize("task", ["breastmnist", "adrenalmnist3d"])
def test_epoch(benchmark: Any, task: str, loss: str) -> None:
    """One epoch with evaluation, on the cheap network; images per second is in the extra columns of the JSON."""
    config = make_config(task, objective=OBJECTIVES[loss], augmentation="none", batch_size=64)
    data = make_data(task, images=64 if benchmark.disabled else 512)
    run = Run(config, {task: data}, None, CPU)
    row = benchmark.pedantic(training._one_epoch, args=(run, 0, ()), rounds=1 if benchmark.disabled else 3)
    benchmark.extra_info["images_per_second"] = len(data.splits["train"]) / row["seconds"]


def test_checkpoint(benchmark: Any, tmp_path: Path) -> None:
    """Writing one checkpoint of a 2D run with PESG's extra state."""
    run = Run(
        make_config("breastmnist", objective=OBJECTIVES["aucm"]), {"breastmnist": make_data("breastmnist")}, None, CPU
    )
    checkpoints = Checkpoints(tmp_path, "bench")
    benchmark.pedantic(checkpoints.save, args=(1, run.state()), rounds=1 if benchmark.disabled else 3)


def test_auroc_of_chestmnists_test_split(benchmark: Any) -> None:
    """14 labels of 22,433 images."""
    random = np.random.default_rng(0)
    labels = (random.random((22433, 14)) < 0.05).astype(np.uint8)
    benchmark(auroc, labels, random.random(labels.shape))
