"""Train the trunk of one dimension on all its tasks together: `python -m pipelines.pretrain 2d`."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from pipelines import cli


def main(
    dim: Annotated[str, typer.Argument(help="2d or 3d")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Train the shared trunk of one dimension."""
    from benchmark import execute
    from benchmark.config import Dim, choose_profile, load_params, resolve_pretrain
    from benchmark.data import load
    from benchmark.errors import BadInput, allowed
    from benchmark.networks import pick_device
    from benchmark.objectives import loss_class
    from benchmark.runs import alone, trunk_folder
    from benchmark.tasks import find_task
    from benchmark.tracking import Tracker
    from pipelines.progress import Stage

    if dim not in get_args(Dim):
        raise allowed("dimension", dim, "argument DIM", get_args(Dim))
    params = load_params()
    config = resolve_pretrain(params, cast(Dim, dim), choose_profile(params, profile))
    if not config.tasks:
        raise BadInput(f"params.yaml: pretrain.{dim}.tasks: names no task to train a trunk on")
    tasks = [find_task(params, name, f"params.yaml: pretrain.{dim}.tasks") for name in config.tasks]
    for task in tasks:
        loss_class(config.objective, task, f"params.yaml: pretrain.{dim}.objective")
        if task.dim != dim:
            raise BadInput(f"params.yaml: pretrain.{dim}.tasks: {task.name} has {task.dimension} dimensions")
    device = pick_device()
    data = {task.name: load(task, device) for task in tasks}
    folder = trunk_folder(config.profile, dim)
    tracker = Tracker("pretrain", f"{dim} {config.profile}", standin=any(task.is_standin for task in tasks))
    stage = Stage(f"trunk {dim}", 1)
    with tracker.open({"level": "trunk", "dim": dim, "profile": config.profile}):
        with tracker.seed(config) as live:
            progress = stage.run(f"pretrain {dim} on {', '.join(config.tasks)}")
            with alone(folder.path):
                made = execute.execute(config, data, folder, device, observers=[progress, live])
            tracker.log_seed(live, folder, None, data)
        stage.run_done(f"{folder.path}: {'trained' if made else 'already there, nothing to train'}")
        stage.close()
        tracker.log_parent([folder], None)


if __name__ == "__main__":
    cli.run(main)
