"""Every figure of every split of a recipe's runs: `python -m pipelines.figures dam --csv figures.csv`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    name: Annotated[str, typer.Argument(help="what `pipelines.compare` takes as a side")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
    csv: Annotated[str, typer.Option(help="a file to write the table to, in full precision")] = "",
) -> None:
    """Print AUROC with both intervals and all other measures, by task, seed, split and label."""
    from pathlib import Path

    import pandas as pd

    from benchmark.config.run import choose_profile
    from benchmark.config.tasks import find_task
    from benchmark.core.files import atomic
    from benchmark.evaluation import measures
    from pipelines.console import project
    from pipelines.console.sides import side

    params = project.params()
    asked = side(name, choose_profile(params, profile, "option --profile"))
    table = pd.DataFrame(
        {"task": task, "seed": folder.record().config.seed, **row}
        for task, folders in asked.cells.items()
        for folder in folders
        for row in measures.every_split(folder.scores(), find_task(params, task, "params.yaml").label_names)
    )
    print(table.to_string(index=False, float_format="{:.4f}".format))
    if csv:
        with atomic(Path(csv)) as partial:
            table.to_csv(partial, index=False, lineterminator="\n")
        print(f"\ntable: {csv}")


if __name__ == "__main__":
    cli.run(main)
