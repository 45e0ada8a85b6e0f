"""What a run needs before it can start: the task's data, and the trunk where its recipe starts from one."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task
from benchmark.core.errors import BenchmarkError, NoTrunk
from benchmark.core.files import alone
from benchmark.runs.workspace import Workspace

PRODUCING = "data/missing"
"""What those who wait for it are told of; beside it lies the lock."""
RUN_BY_DVC = "DVC_STAGE" in os.environ


def ensure(task: Task, config: RunConfig, workspace: Workspace) -> None:
    """Outside `dvc repro`, produce the data and the trunk where they are missing, and say so.

    Of several commands that miss something, one produces it and the others wait.
    """
    if RUN_BY_DVC:  # and so were the stages that this one depends on
        if _trunk_missing(task, config, workspace):
            raise NoTrunk(
                f"{task.name}: recipe {config.recipe} starts from a trunk and there is none", dim=str(task.dim)
            )
        return
    if not _missing(task, config, workspace):
        return
    with alone(workspace.root / PRODUCING):
        if _missing(task, config, workspace):
            _produce(task, config, _trunk_missing(task, config, workspace))


def _missing(task: Task, config: RunConfig, workspace: Workspace) -> bool:
    return not workspace.data(task.name).is_file() or _trunk_missing(task, config, workspace)


def _trunk_missing(task: Task, config: RunConfig, workspace: Workspace) -> bool:
    return config.start == "trunk" and not workspace.trunk(config.profile, task.dim).is_done


def _produce(task: Task, config: RunConfig, trunk_missing: bool) -> None:
    # In a process of its own: what it takes to produce things is no part of what fine-tuning depends on.
    command = [sys.executable, "-m", "pipelines.prepare", task.name, "--profile", config.profile]
    done = subprocess.run([*command, *(["--trunk"] if trunk_missing else [])], check=False)
    if done.returncode:
        raise BenchmarkError(f"{task.name}: what fine-tuning needs could not be produced; the reason stands above")
