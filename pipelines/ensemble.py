"""Make one model of other recipes' runs on a task, their mean score: `python -m pipelines.ensemble breastmnist champion`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    task: Annotated[str, typer.Argument(help="a task of params.yaml")],
    name: Annotated[str, typer.Argument(help="an ensemble of params.yaml")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Average, score, track and register one ensemble on one task; its members' runs must be there."""
    from benchmark.config import colours
    from benchmark.config.run import choose_profile
    from benchmark.config.tasks import find_task
    from benchmark.core.errors import NoMember, Refused, allowed
    from pipelines.console import project
    from pipelines.console.commands import Commands

    params, workspace = project.params(), project.WORKSPACE
    wanted = find_task(params, task, "argument TASK")
    if name not in params.ensembles:
        raise allowed("ensemble", name, "argument NAME", params.ensembles)
    chosen = choose_profile(params, profile, "option --profile")

    # Late: a typing error is told before PyTorch and MLflow are imported, in seconds less.
    import torch

    from benchmark.data.load import load
    from benchmark.runs import ensemble
    from benchmark.runs.record import EnsembleConfig
    from benchmark.tracking import ensembles
    from benchmark.tracking.cell import Texts
    from benchmark.tracking.line import Line
    from pipelines.console import mends

    data = load(wanted, workspace.data(task), torch.device("cpu"))
    config = EnsembleConfig(
        stage="ensemble", tasks=(task,), recipe=name, profile=chosen, members=params.ensembles[name].members
    )
    folders, line = [], Line(mends.warn)
    try:
        members = ensemble.members(config, params.profiles[chosen].seeds, data.md5, workspace)
        again, serve = Commands().ensemble(chosen, task, name), Commands().serve(task)
        texts = Texts(again, serve, colours.of_recipe(params, name))
        folder, made = ensembles.make(data, config, members, workspace, texts, line)
        print(f"{folder.path}: {'made' if made else 'already there, nothing to do'}")
        folders.append(folder)
    except (Refused, NoMember) as error:
        ensembles.leave_out(data, config, error, workspace, line)
        if not project.RUN_BY_DVC:
            raise
        # In the grid of all tasks and ensembles, one that can't be made is a finding, not a failure.
        print(f"{ensemble.status_of(error)}; recorded as such")
    if chosen == params.profile:  # DVC's metrics and plots are of the profile that params.yaml names
        from pipelines.console import outputs

        outputs.write_figures(task, name, folders)


if __name__ == "__main__":
    cli.run(main)
