"""What a run needs before it can start: the task's data, and the trunk where its recipe starts from one."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task
from benchmark.core.errors import BenchmarkError, NoTrunk
from benchmark.runs.workspace import Workspace

RUN_BY_DVC = "DVC_STAGE" in os.environ


def ensure(task: Task, config: RunConfig, workspace: Workspace) -> None:
    """Outside `dvc repro`, produce the data and the trunk where they are missing, and say so."""
    trunk_missing = config.start == "trunk" and not workspace.trunk(config.profile, task.dim).is_done
    if RUN_BY_DVC:  # and so were the stages that this one depends on
        if trunk_missing:
            raise NoTrunk(
                f"{task.name}: recipe {config.recipe} starts from a trunk and there is none", dim=str(task.dim)
            )
        return
    if workspace.data(task.name).is_file() and not trunk_missing:
        return
    # In a process of its own: what it takes to produce things is no part of what fine-tuning depends on.
    command = [sys.executable, "-m", "pipelines.prepare", task.name, "--profile", config.profile]
    done = subprocess.run([*command, *(["--trunk"] if trunk_missing else [])], check=False)
    if done.returncode:
        raise BenchmarkError(f"{task.name}: what fine-tuning needs could not be produced; the reason stands above")
