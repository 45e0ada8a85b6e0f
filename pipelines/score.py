"""Score predictions made by any other program: `python -m pipelines.score --task breastmnist --name my-method FILE...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import cli

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.runs import RunFolder
    from benchmark.tasks import Task


def main(
    files: Annotated[
        list[str], typer.Argument(help="MedMNIST's evaluation CSVs, npz files of scores, or folders of these")
    ],
    task: Annotated[str, typer.Option(help="the task of params.yaml that they are predictions for")],
    name: Annotated[str, typer.Option(help="what the method is called in every table")],
    seed: Annotated[int, typer.Option(min=0, help="which of several runs of the method these are")] = 0,
    note: Annotated[str, typer.Option(help="how they were made, in a sentence")] = "",
) -> None:
    """Check the predictions, and give them a run folder, an MLflow run and a column in the report."""
    from benchmark import external, statistics
    from benchmark.config import load_params
    from benchmark.data import load
    from benchmark.tasks import find_task

    params = load_params()
    found = find_task(params, task, "option --task")
    external.check_name(name, params)
    paths = expand(files)
    import torch  # takes seconds, which a mistyped name need not

    folder, made = external.score(load(found, torch.device("cpu")), name, seed, paths, note)
    if made or not folder.tracking():
        track(folder, found, note)
    print(f"{folder.path}: {'scored' if made else 'already there, the same predictions'}")
    scores = folder.scores()
    for split, part in scores.items():
        auroc = statistics.delong(*part)
        print(f"{split} AUROC {auroc.value:.4f}, 95 % interval {auroc.low:.4f} to {auroc.high:.4f}")
    if "val" not in scores:
        print("no scores of val: what depends on a threshold chosen there stays without a figure")
    print("`python -m pipelines.report` shows it beside the recipes")


def expand(names: list[str]) -> list[Path]:
    """The files, a folder standing for every .csv and .npz in it."""
    from pathlib import Path

    from benchmark.errors import BadInput

    found: list[Path] = []
    for path in map(Path, names):
        inside = sorted(file for file in path.glob("*") if file.suffix in (".csv", ".npz"))
        if path.is_dir() and not inside:
            raise BadInput(f"argument FILES: {path}: a folder without any .csv or .npz")
        found.extend(inside if path.is_dir() else [path])
    return found


def track(folder: RunFolder, task: Task, note: str) -> None:
    """An MLflow run in the task's experiment, tagged `external`."""
    from benchmark.tracking import LiveMetrics, Tracker

    config = folder.record()["config"]
    tracker = Tracker(task.name, f"{config['recipe']} external seed {config['seed']}", standin=task.is_standin)
    tags = {"level": "recipe", "task": task.name, "recipe": config["recipe"], "profile": config["profile"]}
    tags["external"] = "true"
    with tracker.open(tags | ({"note": note} if note else {})):
        tracker.log_seed(LiveMetrics(tracker, tracker.parent_id), folder, task, {})


if __name__ == "__main__":
    cli.run(main)
