"""Produce what fine-tuning one task needs and does not find: `python -m pipelines.prepare breastmnist --trunk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from benchmark.config.params import Params
    from benchmark.config.tasks import Task


def main(
    task: Annotated[str, typer.Argument(help="a task of params.yaml")],
    trunk: Annotated[bool, typer.Option(help="the trunk of its dimension too")] = False,
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Fetch a task's data, and pretrain its trunk on the data that can be reached."""
    from benchmark.config.run import choose_profile
    from benchmark.config.tasks import find_task
    from benchmark.core.errors import BadInput, DataUnreachable
    from benchmark.data.fetch import reachable
    from pipelines.console import prerequisites, project, selection

    params = project.params()
    wanted, chosen_profile = (
        find_task(params, task, "argument TASK"),
        choose_profile(params, profile, "option --profile"),
    )
    reach = reachable(wanted, project.WORKSPACE.data(task), project.mirror(), params.fetch.timeout_s)
    if reach.source is None:
        raise DataUnreachable(
            f"{task}: data not reachable ({reach.reason})",
            origin=wanted.origin,
            own=wanted.source == "own",
            file_name=wanted.file_name,
            dim=wanted.dim,
        )
    if trunk and not wanted.is_standin:
        # The trunk is trained on what can be reached, as `make repro` would have it; the profile stays as it is.
        chosen = selection.choose(params, params.profile)
        if not chosen.real:
            raise BadInput(
                f"{task}: no task of params.yaml that is to be run has data in reach, so there is nothing to train a trunk "
                f"on; name {task} in fetch.tasks"
            )
        if selection.write(chosen, project.PARAMS):
            print("params.yaml: task lists set to the data that can be reached (see `git diff params.yaml`)")
        params = project.params()
    prerequisites.ask_the_store_once()
    for command in commands(params, wanted, trunk, chosen_profile):
        say_and_run(command)


def commands(params: Params, task: Task, trunk: bool, profile: str) -> list[list[str]]:
    """Modules with their arguments: DVC's stages where params.yaml has them, else the stage's file itself."""
    wanted = dict.fromkeys((*params.pretrain.of(task.dim).tasks, task.name) if trunk else (task.name,))
    stages = [f"fetch@{name}" for name in wanted if name in params.fetch.tasks]
    others = [["pipelines.fetch", name] for name in wanted if name not in params.fetch.tasks]
    if not trunk:
        return [["dvc", "repro", *stages]] if stages else others
    if profile == params.profile:
        return [*others, ["dvc", "repro", *stages, f"pretrain@{task.dim}"]]
    fetched = [["dvc", "repro", *stages]] if stages else []
    return [*others, *fetched, ["pipelines.pretrain", str(task.dim), "--profile", profile]]


def say_and_run(command: list[str]) -> None:
    """Run a module in a process of its own; end as it ends."""
    import subprocess
    import sys

    from pipelines.console.prerequisites import environment

    print(f"missing, so producing it first: {' '.join(command)}", flush=True)
    done = subprocess.run([sys.executable, "-m", *command], env=environment(), check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    cli.run(main)
