"""What a run needs before it can start: the task's data, and what its recipe starts from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from benchmark.config.recipes import StartFrom
from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task
from benchmark.core.errors import BadInput, BenchmarkError, NoStart, NoTrunk
from benchmark.core.files import alone
from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
from pipelines.console import project

PRODUCING = "data/missing"
"""What those who wait for it are told of; beside it lies the lock."""


def ensure(task: Task, configs: Sequence[RunConfig], workspace: Workspace) -> None:
    """Outside `dvc repro`, produce the data, and what these runs of one recipe start from, where it is missing; say so."""
    starts = [workspace.start(config, task.dim) for config in configs]
    missing = [start for start in starts if start and not start.is_done]
    first = configs[0]
    if project.RUN_BY_DVC:
        if missing:
            raise _nothing_to_start_from(task, first, missing[0])
        return
    if missing and isinstance(first.start, StartFrom):
        # It sees to its own data and trunk.
        _produce(["pipelines.finetune", task.name, first.start.recipe, "--profile", first.profile], task)
        if still := [start for start in missing if not start.is_done]:
            raise _nothing_to_start_from(task, first, still[0])
    elif missing or not workspace.data(task.name).is_file():
        with alone(workspace.root / PRODUCING):  # of several commands that miss it, one produces it and the others wait
            trunk = ["--trunk"] if any(not start.is_done for start in missing) else []
            if trunk or not workspace.data(task.name).is_file():
                _produce(["pipelines.prepare", task.name, "--profile", first.profile, *trunk], task)


def _nothing_to_start_from(task: Task, config: RunConfig, start: RunFolder) -> BadInput:
    if isinstance(config.start, StartFrom):
        return NoStart(
            f"{task.name}: recipe {config.recipe} starts from {start.path}, where no run is finished",
            task=task.name,
            recipe=config.start.recipe,
            profile=config.profile,
        )
    return NoTrunk(f"{task.name}: recipe {config.recipe} starts from a trunk and there is none", dim=str(task.dim))


def _produce(command: Sequence[str], task: Task) -> None:
    """In a process of its own: what it takes to produce things is no part of what fine-tuning depends on."""
    ask_the_store_once()
    if subprocess.run([sys.executable, "-m", *command], env=environment(), check=False).returncode:
        raise BenchmarkError(f"{task.name}: what fine-tuning needs could not be produced; the reason stands above")


def ask_the_store_once() -> None:
    """Before a chain of commands: where the store doesn't answer, one warning says so, and none of them asks it again."""
    # Late, for a command that finds all it needs asks no store here.
    from benchmark.tracking import store
    from benchmark.tracking.line import SWITCH, Line
    from pipelines.console import mends

    if not store.prepare(Line(mends.warn)):
        os.environ[SWITCH] = "off"


def environment() -> dict[str, str]:
    """Of what is produced first: the run that `mlflow run` opened belongs to the caller."""
    return {name: value for name, value in os.environ.items() if name not in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")}
