"""Compare two methods on the same test images: `python -m pipelines.compare dam readme`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import cli

if TYPE_CHECKING:
    from benchmark.comparison import Side


def main(
    a: Annotated[
        str,
        typer.Argument(
            help="a recipe or method from elsewhere, a folder of a run or of seeds, or models:/TASK@champion"
        ),
    ],
    b: Annotated[str, typer.Argument(help="the same of the other side")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Print the paired comparison, and write its page into reports/."""
    from pathlib import Path

    from benchmark import comparison
    from benchmark.config import choose_profile, load_params
    from benchmark.report import compare_page

    chosen = choose_profile(load_params(), profile)
    pair = comparison.compare(side(a, chosen), side(b, chosen))
    print(compare_page.text(pair))
    print(f"\npage: {compare_page.write(pair, Path('reports'))}")


def side(name: str, profile: str) -> Side:
    """What a name of the command line stands for; the run behind it where it is a registered model."""
    from benchmark import comparison

    if not name.startswith("models:/"):
        return comparison.find(name, profile)
    from benchmark.tracking import run_of_version  # late: imports MLflow

    found = comparison.find(str(run_of_version(name)), profile)
    return comparison.Side(name, found.cells)


if __name__ == "__main__":
    cli.run(main)
