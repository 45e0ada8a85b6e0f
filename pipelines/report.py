"""Compare what was measured with what is published: `python -m pipelines.report`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import cli


def main(
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Write reports/report.md and reports/report.html, and print their table."""
    from pathlib import Path

    from benchmark import report
    from benchmark.config import choose_profile, load_params

    params, out = load_params(), Path("reports")
    comparison = report.build(params, choose_profile(params, profile), out)
    print(report.table_text(comparison))
    print(f"\nreport: {out / 'report.html'} and {out / 'report.md'}")


if __name__ == "__main__":
    cli.run(main)
