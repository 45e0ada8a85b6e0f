"""Score predictions made by any other program: `python -m pipelines.score --task breastmnist --name my-method FILE...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from pathlib import Path


def main(
    files: Annotated[
        list[str], typer.Argument(help="MedMNIST's evaluation CSVs, npz files of scores, or folders of these")
    ],
    task: Annotated[str, typer.Option(help="the task of params.yaml that they are predictions for")],
    name: Annotated[str, typer.Option(help="what the method is called in every table")],
    seed: Annotated[int, typer.Option(min=0, help="which of several runs of the method these are")] = 0,
    note: Annotated[str, typer.Option(help="how they were made, in a sentence")] = "",
    pixels: Annotated[
        str, typer.Option(help="edge length of the images that the network was given; not stated if left out")
    ] = "",
    external_weights: Annotated[
        str,
        typer.Option(
            help="weights that it started from, trained on anything but MedMNIST: a name, or 'none'; not stated if left out"
        ),
    ] = "",
) -> None:
    """Check the predictions, and give them a run folder, an MLflow run and a column in the report."""
    from benchmark.config.tasks import find_task
    from benchmark.evaluation import statistics
    from benchmark.runs import external
    from pipelines.console import project

    params, workspace = project.params(), project.WORKSPACE
    wanted = find_task(params, task, "option --task")
    external.check_name(name, (*params.recipes, *params.ensembles), "option --name")
    stated = external.Stated(note, edge_length(pixels), weights(external_weights))
    paths = expand(files)

    # Late: a mistyped name is told before PyTorch and MLflow are imported, in seconds less.
    import torch

    from benchmark.data.load import load
    from benchmark.tracking.given import track
    from benchmark.tracking.line import Line
    from pipelines.console import mends

    data = load(wanted, workspace.data(task), torch.device("cpu"))
    folder, made = external.score(data, name, seed, paths, workspace, stated)
    if made or not folder.tracking():
        track(folder, wanted, note, Line(mends.warn))
    print(f"{folder.path}: {'scored' if made else 'already there, the same predictions'}")
    scores = folder.scores()
    for split, part in scores.items():
        auroc = statistics.delong(*part)
        print(
            f"{split} AUROC {auroc.value:.4f}, 95 % interval of other images alone {auroc.low:.4f} to {auroc.high:.4f}"
        )
    if "val" not in scores:
        print("no scores of val: what depends on a threshold chosen there stays without a figure")
    print("`python -m pipelines.report` shows it beside the recipes")


def edge_length(text: str) -> int | None:
    """Of `--pixels`; None where it is empty, as an MLflow project passes what was left out."""
    import re

    from benchmark.core.errors import BadInput

    if not text:
        return None
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}", text):
        raise BadInput(
            f"option --pixels: '{text[:40]}' is no whole number above 0 of up to six digits; "
            "give the edge length of an image, as 224"
        )
    return int(text)


def weights(text: str) -> str | None:
    """Of `--external-weights`; None where it is empty."""
    plain = text.strip()
    return "none" if plain.lower() == "none" else plain or None


def expand(names: list[str]) -> list[Path]:
    """The files, a folder standing for every .csv and .npz in it."""
    from pathlib import Path

    from benchmark.core.errors import BadInput

    paths: list[Path] = []
    for path in map(Path, names):
        inside = sorted(file for file in path.glob("*") if file.suffix in (".csv", ".npz"))
        if path.is_dir() and not inside:
            raise BadInput(f"argument FILES: {path}: a folder without any .csv or .npz")
        paths.extend(inside if path.is_dir() else [path])
    return paths


if __name__ == "__main__":
    cli.run(main)
