"""Compare two methods on the same test images: `python -m pipelines.compare dam readme`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    a: Annotated[
        str,
        typer.Argument(
            help="a recipe, ensemble or method from elsewhere, a folder of a run or of seeds, or models:/TASK@champion"
        ),
    ],
    b: Annotated[str, typer.Argument(help="the same of the other side")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Print the paired comparison, and write its page into reports/."""
    from benchmark.config.run import choose_profile
    from benchmark.evaluation import comparison
    from benchmark.report import compare_page
    from pipelines.console import project
    from pipelines.console.sides import side

    chosen = choose_profile(project.params(), profile, "option --profile")
    pair = comparison.compare(side(a, chosen), side(b, chosen))
    print(compare_page.text(pair))
    print(f"\npage: {compare_page.write(pair, project.WORKSPACE.reports)}")


if __name__ == "__main__":
    cli.run(main)
