"""Compare what was measured with what is published: `python -m pipelines.report`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
    docs: Annotated[
        bool, typer.Option("--docs", help="also rebuild what README.md and docs/findings.md show of it")
    ] = False,
) -> None:
    """Write reports/report.md and reports/report.html, and print their table."""
    from benchmark.config.run import choose_profile
    from benchmark.report.build import build
    from benchmark.report.table import table_text
    from pipelines.console import project
    from pipelines.console.commands import Commands

    params, out = project.params(), project.WORKSPACE.reports
    comparison = build(params, choose_profile(params, profile, "option --profile"), project.WORKSPACE, Commands())
    print(table_text(comparison))
    print(f"\nreport: {out / 'report.html'} and {out / 'report.md'}")
    if docs:
        from benchmark.report.rebuilt import write

        print(f"rebuilt: {', '.join(map(str, write(comparison, project.WORKSPACE.root)))}")


if __name__ == "__main__":
    cli.run(main)
