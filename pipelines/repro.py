"""Everything, on what this machine has: `make repro`, or `python -m pipelines.repro`.

Finds out which data can be reached, writes that and the profile into params.yaml, runs `dvc repro`, and prints
where the report lies and its table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from benchmark.config.params import Params
    from pipelines.console.selection import Selection


def main(
    profile: Annotated[str, typer.Option(envvar="PROFILE", help="smoke, quick or full; what fits where empty")] = "",
) -> None:
    """Run the whole pipeline on the data that can be reached."""
    from pathlib import Path

    from benchmark.core.errors import BadInput, BenchmarkError, allowed
    from benchmark.data.download import shown
    from benchmark.tracking.store import prepare
    from pipelines.console import project, selection

    params = project.params()
    if profile and profile not in params.profiles:
        raise allowed("profile", profile, "PROFILE or option --profile", params.profiles)
    if not any((folder / ".git").exists() for folder in (Path.cwd(), *Path.cwd().parents)):
        raise BadInput(f"{Path.cwd()}: not a git clone, and DVC needs one; clone the repository, or `git init` here")
    mirror = project.mirror()
    print(f"mirror: {shown(mirror) if mirror else 'none; asking the official addresses'}")
    chosen = selection.choose(params, profile)
    announce(chosen)
    if selection.write(chosen, project.PARAMS):
        print("params.yaml: profile and task lists set to what this machine can run (see `git diff params.yaml`)")
    prepare()
    code, text = run_dvc()
    if "Data and pipelines are up to date" in text:
        print("Nothing to do: every stage is up to date.")
    show(project.params())
    if code:
        raise BenchmarkError("dvc repro: a stage failed; its reason stands above, and everything else was run")


def announce(chosen: Selection) -> None:
    """Say what runs on what, and what doesn't and why, before anything runs."""
    for name, reach in chosen.reach.items():
        print(
            f"  {name}: {reach.source}" if reach.source else f"  {name}: NOT RUN, data not reachable ({reach.reason})"
        )
    if not chosen.real:
        print("no real data can be reached: STAND-IN DATA, NOT A RESULT, in all that follows")
    for dim, names in chosen.pretrain.items():
        if names:
            print(f"trunk {dim}: trained on {', '.join(names)}")
    print(f"profile: {chosen.profile}")


def run_dvc() -> tuple[int, str]:
    """`dvc repro`, its output shown and returned. A stage that fails keeps back only what depends on it."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "dvc", "repro", "--keep-going"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines = []
        try:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        except BaseException:
            process.terminate()  # the stage that it is in sees that and ends too
            raise
    return process.returncode, "".join(lines)


def show(params: Params) -> None:
    """Where the report lies, and its table."""
    from benchmark.report.gather import collect
    from benchmark.report.table import table_text
    from pipelines.console import project

    if (project.WORKSPACE.reports / "report.html").is_file():
        print(table_text(collect(params, params.profile, project.WORKSPACE)))
        print("\nreport: reports/report.html and reports/report.md; models and runs: make ui")


if __name__ == "__main__":
    cli.run(main)
