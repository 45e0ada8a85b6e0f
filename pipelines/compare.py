"""Compare two methods on the same test images: `python -m pipelines.compare dam readme`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import cli


def main(
    a: Annotated[str, typer.Argument(help="a recipe, a run folder, or a folder of seeds")],
    b: Annotated[str, typer.Argument(help="the same of the other side")],
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Print the paired comparison, and write its page into reports/."""
    from pathlib import Path

    from benchmark import comparison
    from benchmark.config import choose_profile, load_params
    from benchmark.report import compare_page

    chosen = choose_profile(load_params(), profile)
    pair = comparison.compare(comparison.find(a, chosen), comparison.find(b, chosen))
    print(compare_page.text(pair))
    print(f"\npage: {compare_page.write(pair, Path('reports'))}")


if __name__ == "__main__":
    cli.run(main)
