"""`make bench`: what is beside training. Training once, without timing, by the plain test command."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from benchmark import augmentations
from benchmark.augmentations import AnyAugmentation
from benchmark.runs.scores import auroc
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.loop import Training
from tests.helpers import CPU, OBJECTIVES, make_config, make_data
from tests.performance.contenders import DEVICE


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


FLIPS = {"depth": 0.5, "height": 0.5, "width": 0.5}
MOVED = {"degrees": 10, "shift": 0.1, "scale": [0.9, 1.1]}
AUGMENTATIONS: list[Any] = [
    "flip-affine",
    {"kind": "affine", "flips": {"width": 0.5}, **MOVED},
    "flip",
    {"kind": "volume", "flips": FLIPS},
    {"kind": "volume", "flips": FLIPS, "permute_axes": True},
    {"kind": "volume", "flips": FLIPS, "permute_axes": True, **MOVED},
    {"kind": "in-plane", "flips": FLIPS, **MOVED},
]


@pytest.mark.parametrize("given", AUGMENTATIONS, ids=lambda given: given if isinstance(given, str) else given["kind"])
def test_augmentation(benchmark: Any, table: Any, given: Any) -> None:
    """One batch: 128 images of 28 pixels, or 32 volumes."""
    augmentation: AnyAugmentation = TypeAdapter(AnyAugmentation).validate_python(given)
    flat = "affine" in str(augmentation)
    images = torch.rand(*((128, 1, 28, 28) if flat else (32, 1, 28, 28, 28)), device=DEVICE)
    change = augmentations.build(augmentation)

    def one_batch() -> None:
        change(images)
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()

    one_batch()  # the first one pays for imports
    benchmark.pedantic(one_batch, rounds=1 if benchmark.disabled else 50)
    if not benchmark.disabled:
        shown = {"augmentation": str(augmentation), "batch": "x".join(map(str, images.shape)), "device": DEVICE.type}
        table("Augmentation", shown | {"ms a batch": f"{1e3 * benchmark.stats.stats.median:.2f}"})
