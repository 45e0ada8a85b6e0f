"""Every figure of every split of the runs of a recipe or ensemble: `python -m pipelines.figures dam --csv figures.csv`.

And their model cards: `python -m pipelines.figures models:/breastmnist@champion --cards cards`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.config.params import Params
    from benchmark.evaluation.comparison import Side
    from benchmark.runs.folder import RunFolder


def main(
    name: Annotated[str, typer.Argument(help="what `pipelines.compare` takes as a side")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
    csv: Annotated[str, typer.Option(help="a file to write the table to, in full precision")] = "",
    cards: Annotated[str, typer.Option(help="a folder to write a model card of each run to, as Markdown")] = "",
) -> None:
    """Print AUROC with both intervals and all other measures, by task, seed, split and label."""
    from pathlib import Path

    import pandas as pd

    from benchmark.config.run import choose_profile
    from benchmark.config.tasks import find_task
    from benchmark.core.errors import BadInput
    from benchmark.core.files import atomic
    from benchmark.evaluation import measures
    from pipelines.console import project
    from pipelines.console.sides import side

    if csv and Path(csv).is_dir():
        raise BadInput(f"option --csv: {csv} is a folder; name a file")
    if cards and Path(cards).is_file():
        raise BadInput(f"option --cards: {cards} is a file; name a folder")
    params = project.params()
    asked = side(name, choose_profile(params, profile, "option --profile"))
    table = pd.DataFrame(
        {"task": task, "seed": _seed(folder), **row}
        for task, folders in asked.cells.items()
        for folder in folders
        for row in measures.every_split(folder.scores(), find_task(params, task, "params.yaml").label_names)
    )
    print(table.to_string(index=False, float_format="{:.4f}".format))
    if asked.trained_on_val:
        print(
            f"\n{asked.name} was trained on val too: its split val is of images that were held out, train of the others"
        )
    if csv:
        with atomic(Path(csv)) as partial:
            table.to_csv(partial, index=False, lineterminator="\n")
        print(f"\ntable: {csv}")
    if cards:
        _write_cards(asked, params, Path(cards))


def _write_cards(asked: Side, params: Params, out: Path) -> None:
    from benchmark.config.tasks import find_task
    from benchmark.core.files import write_text
    from benchmark.tracking.card import Card
    from pipelines.console import project

    for task, folders in asked.cells.items():
        for folder in folders:
            seed = _seed(folder)
            seeds = folders if seed else ()  # an ensemble is one model
            workspace = project.WORKSPACE.of_figures(folder.record().config.profile)
            card = Card(folder, find_task(params, task, "params.yaml"), seeds, workspace)
            name = "-".join((task, card.record.config.recipe, *([f"seed{seed}"] if seed else [])))
            write_text(out / f"{name}.md", card.whole())
            print(f"model card: {out / name}.md")


def _seed(folder: RunFolder) -> str:
    seed = folder.record().config.seed
    return "" if seed is None else str(seed)


if __name__ == "__main__":
    cli.run(main)
