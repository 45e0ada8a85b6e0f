"""Train one task with one recipe, every seed of the profile: `python -m pipelines.finetune breastmnist dam`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import cli

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.config import RunConfig
    from benchmark.runs import RunFolder
    from benchmark.tasks import Task

RUN_BY_DVC = "DVC_STAGE" in os.environ


def main(
    task: Annotated[str, typer.Argument(help="a task of params.yaml")],
    recipe: Annotated[str, typer.Argument(help="a recipe of params.yaml")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Train, score and track one task with one recipe."""
    from benchmark import colours
    from benchmark.config import choose_profile, load_params, resolve_finetune
    from benchmark.errors import Refused, allowed
    from benchmark.objectives import loss_class
    from benchmark.runs import alone, cell_folder, write_refusal
    from benchmark.tasks import find_task

    params = load_params()
    found = find_task(params, task)
    if recipe not in params.recipes:
        raise allowed("recipe", recipe, "argument RECIPE", params.recipes)
    chosen = choose_profile(params, profile)
    configs = [
        resolve_finetune(params, task, found.reference or task, found.dim, recipe, chosen, seed)
        for seed in params.profiles[chosen].seeds
    ]
    cell = cell_folder(chosen, task, recipe)
    try:
        loss_class(configs[0].objective, found, f"params.yaml: recipes.{recipe}")
    except Refused as refusal:
        if not RUN_BY_DVC:
            raise
        # In the grid of all tasks and recipes, a pair that does not go together is a finding, not a failure.
        keep_only(cell, [])
        write_refusal(cell, task, recipe, str(refusal))
        track_refusal(found, configs[0], str(refusal))
        write_outputs(task, recipe, [])
        print(f"refused, and recorded as such: {refusal}")
        return
    ensure_prerequisites(found, configs[0])
    with alone(cell):
        keep_only(cell, [f"seed{config.seed}" for config in configs])
        folders = train_cell(found, configs, colours.of_recipe(params, recipe))
    if chosen == params.profile:  # DVC's metrics and plots are of the profile that params.yaml names
        write_outputs(task, recipe, folders)


def write_outputs(task: str, recipe: str, folders: list[RunFolder]) -> None:
    from pipelines import outputs  # late: imports scikit-learn, and training starts without it

    outputs.write(task, recipe, folders)


def ensure_prerequisites(task: Task, config: RunConfig) -> None:
    """Outside `dvc repro`, produce the data and the trunk where they are missing, and say so."""
    import subprocess
    import sys

    from benchmark.errors import BadInput, BenchmarkError
    from benchmark.runs import trunk_folder

    trunk_missing = config.start == "trunk" and not trunk_folder(config.profile, task.dim).is_done
    if RUN_BY_DVC:  # and so were the stages that this one depends on
        if trunk_missing:
            raise BadInput(
                f"{task.name}: recipe {config.recipe} starts from a trunk and there is none; name {task.dim} in "
                f"params.yaml: pretrain.dims, and the tasks to train it on in pretrain.{task.dim}.tasks"
            )
        return
    if task.path.is_file() and not trunk_missing:
        return
    # In a process of its own: what it takes to produce things is no part of what fine-tuning depends on.
    command = [sys.executable, "-m", "pipelines.prepare", task.name, "--profile", config.profile]
    done = subprocess.run([*command, *(["--trunk"] if trunk_missing else [])], check=False)
    if done.returncode:
        raise BenchmarkError(f"{task.name}: what fine-tuning needs could not be produced; the reason stands above")


def track_refusal(task: Task, config: RunConfig, reason: str) -> None:
    """Name and tag the run that `mlflow run` has made for this stage, so that nobody takes it for a training."""
    from benchmark.tracking import Tracker

    tags = {"level": "refused", "task": task.name, "recipe": config.recipe, "profile": config.profile}
    tracker = Tracker(task.name, f"{config.recipe} {config.profile} refused", standin=task.is_standin)
    with tracker.open(tags | {"refused": reason}):
        pass


def train_cell(task: Task, configs: list[RunConfig], colour: str) -> list[RunFolder]:
    """Every seed of one task and recipe: train, score, track (in this colour); then the means and the registered model."""
    from benchmark import execute
    from benchmark.data import load
    from benchmark.networks import pick_device
    from benchmark.runs import run_folder, trunk_folder
    from benchmark.tracking import Tracker
    from pipelines.progress import Stage

    first, device = configs[0], pick_device()
    data = {task.name: load(task, device)}
    trunk = trunk_folder(first.profile, task.dim) if first.start == "trunk" else None
    tracker = Tracker(task.name, f"{first.recipe} {first.profile}", standin=task.is_standin, colour=colour)
    folders: list[RunFolder] = []
    stage = Stage(f"{task.name} {first.recipe}", len(configs))
    with tracker.open({"level": "recipe", "task": task.name, "recipe": first.recipe, "profile": first.profile}):
        for config in configs:
            folder = run_folder(config.profile, task.name, config.recipe, config.seed)
            progress = stage.run(f"{task.name} {config.recipe} seed {config.seed}")
            with tracker.seed(config) as live:
                made = execute.execute(config, data, folder, device, trunk, [progress, live])
                tracker.log_seed(live, folder, task, data)
            stage.run_done(f"{folder.path}: {'trained' if made else 'already there, nothing to train'}")
            folders.append(folder)
        stage.close()
        tracker.log_parent(folders, task)
        best = max(folders, key=lambda folder: folder.metrics()["val_auc"])
        images = data[task.name].splits["train"].images[:2].squeeze(1).cpu().numpy()
        tracker.register(best, task, execute.predictor(best, task), images)
    return folders


def keep_only(cell: Path, names: list[str]) -> None:
    """Remove what an earlier configuration left in the cell's folder, such as a seed that is no longer asked for."""
    import shutil

    for path in cell.glob("*") if cell.is_dir() else ():
        if path.name in names:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    cli.run(main)
