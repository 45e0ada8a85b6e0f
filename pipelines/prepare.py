"""Produce what fine-tuning one task needs and does not find: `python -m pipelines.prepare breastmnist --trunk`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import cli


def main(
    task: Annotated[str, typer.Argument(help="a task of params.yaml")],
    trunk: Annotated[bool, typer.Option(help="the trunk of its dimension too")] = False,
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Fetch a task's data, and pretrain its trunk on the data that can be reached."""
    from dataclasses import replace

    from benchmark.data import mirror_from_environment, reachable

    from benchmark.config import choose_profile, load_params
    from benchmark.errors import DataUnreachable
    from benchmark.tasks import find_task
    from benchmark.tracking import prepare
    from pipelines import selection

    params = load_params()
    found, chosen_profile = find_task(params, task), choose_profile(params, profile)
    reach = reachable(found, mirror_from_environment(), params.fetch.timeout_s)
    if reach.source is None:
        raise DataUnreachable(f"{task}: data not reachable ({reach.reason})")
    if not trunk:
        _say_and_run([f"fetch@{task}"] if task in params.fetch.tasks else [], [["pipelines.fetch", task]])
        return
    if not found.is_standin:
        chosen = replace(selection.choose(params, params.profile), profile=params.profile)
        if selection.write(chosen):
            print("params.yaml: task lists set to the data that can be reached (see `git diff params.yaml`)")
        params = load_params()
    prepare()
    pool = params.pretrain.of(found.dim).tasks
    stages = [f"fetch@{name}" for name in dict.fromkeys((*pool, task)) if name in params.fetch.tasks]
    if chosen_profile == params.profile:
        _say_and_run(
            [*stages, f"pretrain@{found.dim}"], [] if task in params.fetch.tasks else [["pipelines.fetch", task]]
        )
    else:  # DVC's stages are those of params.yaml's own profile
        _say_and_run(
            stages, [["pipelines.fetch", task], ["pipelines.pretrain", found.dim, "--profile", chosen_profile]]
        )


def _say_and_run(stages: list[str], modules: list[list[str]]) -> None:
    """Run DVC stages, then modules, each told before it starts."""
    import os
    import subprocess
    import sys

    # The run that `mlflow run` opened belongs to the caller, not to what is produced for it.
    own = {name: value for name, value in os.environ.items() if name not in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")}
    commands = [["dvc", "repro", *stages]] if stages else []
    for command in [*commands, *([] if stages and not modules else modules)]:
        print(f"missing, so producing it first: {' '.join(command)}", flush=True)
        done = subprocess.run([sys.executable, "-m", *command], env=own, check=False)
        if done.returncode:
            sys.exit(done.returncode)


if __name__ == "__main__":
    cli.run(main)
