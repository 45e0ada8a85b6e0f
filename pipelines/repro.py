"""Everything, on what this machine or a cluster has: `make repro`, or `python -m pipelines.repro`.

Finds out which data can be reached, writes that and the profile into params.yaml, runs `dvc repro`, and prints
where the report lies and its table. With `--jobs` or `--address`, all that is missing is trained before that, side by
side on Ray, and logged and recorded at once; `dvc repro` then finds it done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.config.params import Params
    from benchmark.sweep.cluster import Share
    from benchmark.sweep.trial import Job
    from pipelines.console.selection import Selection


def main(
    profile: Annotated[
        str, typer.Option(envvar="PROFILE", help="a profile of params.yaml; what fits where empty")
    ] = "",
    jobs: Annotated[int, typer.Option(envvar="JOBS", min=0, help="runs side by side; 0: as many as fit")] = 0,
    address: Annotated[
        str, typer.Option(envvar="ADDRESS", help="HOST:PORT of a Ray cluster; Ray on this machine where empty")
    ] = "",
    cpus: Annotated[
        float, typer.Option(envvar="CPUS", min=0, help="CPUs, and so threads, of a run; 0: its share of this machine")
    ] = 0,
    gpus: Annotated[
        float | None, typer.Option(envvar="GPUS", min=0, help="GPUs of a run, or a fraction; else its share likewise")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="only print what is missing and how long it takes")
    ] = False,
) -> None:
    """Run the whole pipeline on the data that can be reached."""
    import os
    from pathlib import Path

    from benchmark.core.addresses import without_passwords
    from benchmark.core.errors import BadInput, BenchmarkError, allowed
    from pipelines.console import prerequisites, project, selection
    from pipelines.launch import MADE

    params = project.params()
    if profile and profile not in params.profiles:
        raise allowed("profile", profile, "PROFILE or option --profile", params.profiles)
    if not any((folder / ".git").exists() for folder in (Path.cwd(), *Path.cwd().parents)):
        raise BadInput(f"{Path.cwd()}: not a git clone, and DVC needs one; clone the repository, or `git init` here")
    beside = jobs or address or cpus or gpus
    if beside and not dry_run:
        from benchmark.sweep import cluster

        cluster.require(address, option)
    print(f"mirror: {without_passwords(project.mirror() or 'none; asking the official addresses')}")
    chosen = selection.choose(params, profile)
    announce(chosen)
    if dry_run:
        foretell(selection.applied(chosen, project.PARAMS), share_of(jobs, address, cpus, gpus) if beside else None)
        return
    if selection.write(chosen, project.PARAMS):
        print("params.yaml: profile and task lists set to what this machine can run (see `git diff params.yaml`)")
    prerequisites.ask_the_store_once()
    if beside:
        os.environ[MADE] = "yes"
        train(address, share_of(jobs, address, cpus, gpus))
    code, text = run_dvc()
    if "Data and pipelines are up to date" in text:
        print("Nothing to do: every stage is up to date.")
    show(project.params())
    if code:
        raise BenchmarkError("dvc repro: a stage failed; its reason stands above, and everything else was run")


def option(setting: str) -> str:
    """What the library calls by its name, a person has given as this."""
    return f"{setting.upper()} or option --{setting}"


def share_of(jobs: int, address: str, cpus: float, gpus: float | None) -> Share:
    """What one run gets: what was asked for, else an equal part of what this process may use of the machine; of a cluster, one CPU."""
    import joblib
    import torch

    from benchmark.sweep.cluster import Share

    cores, cards = joblib.cpu_count(), torch.cuda.device_count()
    if not cpus:
        cpus = 1 if address or not jobs else cores // jobs or cores / jobs
    if gpus is None:
        on_each = -(-max(jobs, 1) // cards) if cards else 0  # a run has no parts of two
        gpus = 0 if address or not cards else int(10_000 / on_each) / 10_000  # Ray counts in these parts
    return Share(cpus, gpus, jobs or None)


def foretell(params: Params, share: Share | None) -> None:
    """Say what is missing, and how long it takes; without a share, one run after the other on the whole machine."""
    import joblib

    from benchmark.sweep import cells
    from benchmark.sweep.forecast import forecast
    from pipelines.console import project

    missing = cells.missing(cells.jobs(params, params.profile, project.WORKSPACE))
    cores = joblib.cpu_count()
    cpus = share.cpus if share else cores
    at_once = (share.at_once or int(cores / cpus)) if share else 1
    foreseen = forecast(missing, at_once, cpus, project.WORKSPACE)
    if params.sweep.tasks:
        print(f"  first a search of grid readme on {', '.join(params.sweep.tasks)}")
    for job in missing:
        seconds = foreseen.seconds.get(job.folder.path)
        print(f"  {job.folder.path}: {job.status}" + ("" if seconds is None else f", about {seconds:.1f} s"))
    if missing and params.ensemble.names:
        print(f"  then the ensembles of each task: {', '.join(params.ensemble.names)}")
    print(
        f"{foreseen}; starting, scoring and tracking its stages, one after the other, takes DVC some seconds each more"
    )


def train(address: str, share: Share) -> None:
    """Every run that is missing, side by side, into its own folder; what they need is fetched and searched before.

    Then they are logged and recorded, as `dvc repro` would have done it stage by stage.
    """
    from benchmark.sweep import cells, cluster
    from pipelines.console import project
    from pipelines.console.cells import record

    params = project.params()
    run_dvc("fetch", *(["sweep"] if params.sweep.tasks else []))
    every = cells.jobs(params, params.profile, project.WORKSPACE)
    due = cells.missing(cells.with_data(every))
    print(f"{len(due)} runs to make side by side", flush=True)
    ended = 0

    def on_end(job: Job) -> None:
        nonlocal ended
        ended += 1
        print(f"[{ended}/{len(due)}] {job.folder.path}: {job.outcome}", flush=True)

    if due:
        with cluster.connect(address, share, option):
            cluster.run(due, share, project.WORKSPACE, False, 0, on_end)
        run_dvc("pretrain")
        record(params, made_now(due, every))


def made_now(due: Sequence[Job], every: Sequence[Job]) -> list[tuple[str, str]]:
    """Task and recipe of these runs, where every seed is done."""

    def cell_of(job: Job) -> tuple[str, str]:
        return job.config.tasks[0], job.config.recipe

    open_cells = {cell_of(job) for job in every if not job.status.is_done}
    cells = dict.fromkeys(cell_of(job) for job in due if job.config.stage == "finetune")
    return [cell for cell in cells if cell not in open_cells]


def announce(chosen: Selection) -> None:
    """Say what runs on what, and what doesn't and why, before anything runs."""
    from benchmark.core.addresses import without_passwords

    for name, reach in chosen.reach.items():
        where = reach.source or f"NOT RUN, data not reachable ({reach.reason})"
        print(f"  {name}: {without_passwords(where)}")
    if not chosen.real:
        print("no real data can be reached: STAND-IN DATA, NOT A RESULT, in all that follows")
    for dim, names in chosen.pretrain.items():
        if names:
            print(f"trunk {dim}: trained on {', '.join(names)}")
    print(f"profile: {chosen.profile}")


def run_dvc(*stages: str) -> tuple[int, str]:
    """`dvc repro` of these stages, or of all, its output shown and returned. A stage that fails keeps back only what depends on it."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "dvc", "repro", "--keep-going", *stages]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
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
