"""`make bench`: how time grows with a network's width and depth, with epochs, and with the members of an ensemble."""

import statistics
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark import networks
from benchmark.training import loop
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.ensemble import Ensemble
from benchmark.training.loop import Training
from benchmark.training.model import Predictor, build
from tests.helpers import make_config, make_data
from tests.performance.contenders import DEVICE, PRECISION

FLAT = {"family": "resnet", "blocks": [2, 2, 2, 2], "stem_kernel": 3, "stem_stride": 1, "pool": False}
SLICES = {
    "family": "resnet-slices",
    "slices": 28,
    "blocks": [2, 2, 2, 2],
    "stem_kernel": 3,
    "stem_stride": 1,
    "pool": False,
}
VOLUMES = {"family": "resnet-3d", "blocks": [1, 1, 1, 1], "stem_kernel": 3, "stem_stride": 2, "pool": False}


@pytest.mark.parametrize("width", [8, 16, 32, 64])
@pytest.mark.parametrize("family", [FLAT, SLICES, VOLUMES], ids=lambda family: family["family"])
def test_growth_with_width(benchmark: Any, table: Any, family: dict[str, Any], width: int) -> None:
    """Training steps: multiplications grow with the square of the width, memory traffic with the width."""
    if benchmark.disabled and width > 8:
        pytest.skip("`make bench` runs it")
    task, batch = ("breastmnist", 64) if family is FLAT else ("adrenalmnist3d", 64)
    data = make_data(task, images=batch)
    config = make_config(task, network=family | {"width": width}, batch_size=batch, precision=PRECISION)
    run = Training(config, {task: data}, None, DEVICE)
    indices = torch.arange(batch)
    loop.train_step(run, task, indices)
    found: list[float] = []

    def step() -> None:
        started = time.perf_counter()
        loop.train_step(run, task, indices)
        found.append(time.perf_counter() - started)

    benchmark.pedantic(step, rounds=1 if benchmark.disabled else 7)
    parameters = sum(weights.numel() for weights in networks.build(config.network).parameters())
    table(
        "Growth with width",
        {
            "network": str(config.network),
            "million weights": f"{parameters / 1e6:.2f}",
            "images/s, training": f"{batch / statistics.median(found):.0f}",
            "ms per image": f"{1e3 * statistics.median(found) / batch:.2f}",
        },
    )


@pytest.mark.parametrize("epochs", [1, 2, 4, 8])
def test_growth_with_epochs(benchmark: Any, table: Any, tmp_path: Path, epochs: int) -> None:
    """A whole training of 546 images, checkpoints and looks at val included."""
    if benchmark.disabled and epochs > 1:
        pytest.skip("`make bench` runs it")
    data = {"breastmnist": make_data("breastmnist", images=32 if benchmark.disabled else 546)}
    config = make_config("breastmnist", network=FLAT | {"width": 8}, epochs=epochs, batch_size=64, precision=PRECISION)
    started = time.perf_counter()
    benchmark.pedantic(loop.train, args=(config, data, None, DEVICE, Checkpoints(tmp_path, "bench")), rounds=1)
    seconds = time.perf_counter() - started
    row = {"epochs": epochs, "s": f"{seconds:.2f}", "s per epoch": f"{seconds / epochs:.2f}"}
    table("Growth with epochs", row)


@pytest.mark.parametrize("members", [1, 2, 5, 10])
def test_growth_with_members(benchmark: Any, table: Any, members: int) -> None:
    """Scores of 256 images by one served model that is the mean of so many networks."""
    config = make_config("breastmnist", network=FLAT | {"width": 16})
    ones = [
        Predictor(build(config.network, {"breastmnist": 1}, seed), "breastmnist", torch.sigmoid).eval()
        for seed in range(members)
    ]
    ensemble = Ensemble([ones]).eval()
    images = torch.randint(0, 256, (16 if benchmark.disabled else 256, 28, 28), dtype=torch.uint8)
    found: list[float] = []

    @torch.no_grad()
    def score() -> None:
        started = time.perf_counter()
        ensemble(images)
        found.append(time.perf_counter() - started)

    score()
    found.clear()
    benchmark.pedantic(score, rounds=1 if benchmark.disabled else 5)
    seconds = statistics.median(found)
    row = {
        "members": members,
        "ms for 256 images": f"{1e3 * seconds:.0f}",
        "ms per member": f"{1e3 * seconds / members:.0f}",
    }
    table("Growth with the members of an ensemble", row)
