"""`make bench`: the statistics, and the report of a whole full profile, on made-up scores of the real sizes."""

import resource
import time
from pathlib import Path
from typing import Any

import medmnist
import numpy as np
import pytest

from benchmark.evaluation import statistics
from benchmark.report import kept
from benchmark.runs.workspace import Workspace
from tests.helpers import SEVEN, shipped
from tests.report.parts import make, sample_params, write_run

SEEDS = 5


def made_up(images: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth = (random.random((images, labels)) < np.linspace(0.05, 0.2, labels)).astype(np.uint8)
    return truth, (0.3 * truth + 0.7 * random.random(truth.shape)).astype(np.float32)


def test_bootstrap_of_chestmnists_test_split(benchmark: Any, table: Any) -> None:
    """2,000 resamples of 14 x 22,433 scores."""
    labels, scores = made_up(22433, 14)
    resamples = 2 if benchmark.disabled else 2000
    benchmark.pedantic(statistics.bootstrap, args=(labels, scores, resamples), rounds=1)
    if not benchmark.disabled:
        table("Statistics", {"what": f"{resamples} resamples of 14 x 22,433", "s": f"{benchmark.stats['mean']:.1f}"})


def test_delong_of_chestmnists_test_split(benchmark: Any, table: Any) -> None:
    labels, scores = made_up(22433, 14)
    benchmark(statistics.delong, labels, scores)
    if not benchmark.disabled:
        table("Statistics", {"what": "DeLong of 14 x 22,433", "s": f"{benchmark.stats['mean']:.3f}"})


def test_report_of_a_whole_profile(benchmark: Any, table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven tasks, five recipes, five seeds; then once more with one new run."""
    if benchmark.disabled:
        pytest.skip("a minute long; `make bench` runs it")
    sizes = {name: medmnist.INFO[name]["n_samples"] for name in SEVEN}
    workspace = Workspace(tmp_path)
    monkeypatch.setattr(kept, "CACHE", tmp_path / "cache")
    params = sample_params(SEVEN)
    recipes = (*shipped().finetune.recipes[:4], "again")
    params = params.model_copy(
        update={
            "recipes": params.recipes | {"again": params.recipes["readme"]},
            "finetune": params.finetune.model_copy(update={"recipes": recipes}),
        }
    )
    for name in SEVEN:
        for recipe in recipes:
            for seed in range(SEEDS):
                write_run(params, workspace, name, recipe, seed, sizes=sizes)

    def build() -> float:
        started = time.perf_counter()
        make(params, workspace)
        return time.perf_counter() - started

    first = benchmark.pedantic(build, rounds=1)
    write_run(params, workspace, "chestmnist", "again", SEEDS, sizes=sizes)
    table(
        "Report of 7 tasks, 5 recipes, 5 seeds",
        {
            "first call, s": f"{first:.1f}",
            "with one new run, s": f"{build():.1f}",
            "peak, MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "page, MB": f"{(workspace.reports / 'report.html').stat().st_size / 1e6:.1f}",
        },
    )
