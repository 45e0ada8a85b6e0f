"""`make bench`: what is beside training. Training once, without timing, by the plain test command."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmark.runs.scores import auroc
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.loop import Training
from tests.helpers import CPU, OBJECTIVES, make_config, make_data


def test_checkpoint(benchmark: Any, tmp_path: Path) -> None:
    """Writing one checkpoint of a 2D run with PESG's extra state."""
    run = Training(
        make_config("breastmnist", objective=OBJECTIVES["aucm"]), {"breastmnist": make_data("breastmnist")}, None, CPU
    )
    checkpoints = Checkpoints(tmp_path, "bench")
    benchmark.pedantic(checkpoints.save, args=(1, run.state()), rounds=1 if benchmark.disabled else 3)


def test_auroc_of_chestmnists_test_split(benchmark: Any) -> None:
    """14 labels of 22,433 images."""
    random = np.random.default_rng(0)
    labels = (random.random((22433, 14)) < 0.05).astype(np.uint8)
    benchmark(auroc, labels, random.random(labels.shape))
