"""Train the trunk of one dimension on all its tasks together: `python -m pipelines.pretrain 2d`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    dim: Annotated[str, typer.Argument(help="2d or 3d")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Train the shared trunk of one dimension."""
    from benchmark import objectives
    from benchmark.config.run import choose_profile, resolve_pretrain
    from benchmark.config.tasks import find_task
    from benchmark.core.errors import BadInput, allowed
    from benchmark.core.terms import Dimension
    from pipelines.console import project

    if dim not in list(Dimension):
        raise allowed("dimension", dim, "argument DIM", Dimension)
    params, wanted = project.params(), Dimension(dim)
    config = resolve_pretrain(params, wanted, choose_profile(params, profile, "option --profile"))
    listed = f"params.yaml: pretrain.{dim}.tasks"
    if not config.tasks:
        raise BadInput(f"{listed}: names no task to train a trunk on")
    tasks = [find_task(params, name, listed) for name in config.tasks]
    for task in tasks:
        objectives.for_task(config.objective, task, f"params.yaml: pretrain.{dim}.objective")
        if task.dim is not wanted:
            raise BadInput(f"{listed}: {task.name} is a {task.dim} task")

    # Late, as everywhere in these files: a typing error is told before PyTorch and MLflow are imported, in seconds less.
    from benchmark.data.load import load
    from benchmark.tracking.cell import train_trunk
    from benchmark.tracking.line import Line
    from benchmark.training.model import pick_device
    from pipelines.console import mends
    from pipelines.console.progress import Stage

    device = pick_device()
    data = {task.name: load(task, project.WORKSPACE.data(task.name), device) for task in tasks}
    train_trunk(config, data, project.WORKSPACE, device, Stage(f"trunk {dim}", 1), Line(mends.warn))


if __name__ == "__main__":
    cli.run(main)
