"""A task and recipe as its stage makes it; and many of them, whose runs are made, as `dvc repro` would have recorded them.

Imported late by the commands: PyTorch and MLflow come with it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from joblib import Parallel, cpu_count, delayed

from benchmark.config import colours
from benchmark.config.params import Params
from benchmark.config.run import RunConfig, resolve_finetune
from benchmark.config.tasks import Task, find_task
from benchmark.core.errors import BenchmarkError
from benchmark.data.load import load
from benchmark.tracking.cell import Texts, train_cell
from benchmark.tracking.line import Line
from benchmark.training.model import pick_device
from pipelines.console import mends, outputs, project
from pipelines.console.commands import Commands
from pipelines.console.progress import Stage

Cell = tuple[str, str]
"""Task and recipe."""
MOST = 8
"""Processes that log at once: a store has one writer."""


def make(params: Params, task: Task, configs: Sequence[RunConfig]) -> None:
    """Train, score and track every seed of one recipe on one task, and write what DVC shows of it."""
    device, workspace, recipe, profile = pick_device(), project.WORKSPACE, configs[0].recipe, configs[0].profile
    data, stage = load(task, workspace.data(task.name), device), Stage(f"{task.name} {recipe}", len(configs))
    again, serve = Commands().cell(profile, task.name, recipe), Commands().serve(task.name)
    texts = Texts(again, serve, colours.of_recipe(params, recipe))
    folders = train_cell(data, configs, workspace, device, stage, texts, Line(mends.warn))
    if profile == params.profile:  # DVC's metrics and plots are of the profile that params.yaml names
        outputs.write(task.name, recipe, folders)


def record(params: Params, cells: Sequence[Cell]) -> None:
    """What the stages of these cells would do, whose runs are all made: several at once, with one start for many.

    A cell that can't be recorded is left to its own stage, which says why.
    """
    recorded = Parallel(n_jobs=min(cpu_count(), MOST))(delayed(_record)(params, *cell) for cell in cells)
    if stages := [stage_of(params, *cell) for cell, is_recorded in zip(cells, recorded, strict=True) if is_recorded]:
        # What DVC does not commit it runs: nothing hangs on this.
        subprocess.run([sys.executable, "-m", "dvc", "commit", "--force", "--quiet", *stages], check=False)


def _record(params: Params, task: str, recipe: str) -> bool:
    """Whether it could be; why not has been said."""
    wanted, seeds = find_task(params, task, "params.yaml: fetch.tasks"), params.profiles[params.profile].seeds
    try:
        make(params, wanted, [resolve_finetune(params, wanted, recipe, params.profile, seed) for seed in seeds])
    except BenchmarkError as error:
        mends.warn(error)
        return False
    return True


def stage_of(params: Params, task: str, recipe: str) -> str:
    """Its name in dvc.yaml."""
    second = [one.recipe for one in params.finetune.second]
    if recipe in second:
        return f"finetune-second@{task}-second{second.index(recipe)}"
    return f"finetune@{task}-{recipe}"
