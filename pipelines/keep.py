"""Keep what a profile's runs found out where git holds it: `python -m pipelines.keep --profile study`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.console import cli


def main(
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
) -> None:
    """Copy records, histories, metrics and scores of all its runs to results/, weights aside; commit that folder."""
    from benchmark.config.run import choose_profile
    from benchmark.runs.kept import keep
    from pipelines.console import project

    chosen = choose_profile(project.params(), profile, "option --profile")
    kept = keep(chosen, project.WORKSPACE)
    size = sum(file.stat().st_size for folder in kept.folders for file in folder.iterdir())
    print(f"{project.WORKSPACE.results}: {len(kept.folders)} runs of profile {chosen}, {size / 2**20:.1f} MiB")
    if kept.others:
        print(f"left as they were, for nothing of them was run here: {', '.join(map(str, kept.others))}")


if __name__ == "__main__":
    cli.run(main)
