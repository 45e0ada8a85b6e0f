"""Search a grid on Ray Tune: `python -m pipelines.sweep breastmnist vesselmnist3d --grid readme`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from benchmark.sweep.cluster import Share
    from benchmark.sweep.search import Sweep
    from benchmark.sweep.trial import Job


def main(
    tasks: Annotated[list[str], typer.Argument(help="tasks of params.yaml")],
    grid: Annotated[str, typer.Option(help="a grid of params.yaml, section sweep")] = "readme",
    profile: Annotated[str, typer.Option(help="a profile of params.yaml; its own `profile` where empty")] = "",
    address: Annotated[str, typer.Option(help="HOST:PORT of a Ray cluster; Ray on this machine where empty")] = "",
    at_once: Annotated[int, typer.Option(min=0, help="trials side by side; 0: as many as fit")] = 0,
    cpus: Annotated[float, typer.Option(min=0, help="CPUs, and so threads, of a trial")] = 1,
    gpus: Annotated[float, typer.Option(min=0, help="GPUs of a trial, or a fraction of one")] = 0,
    seeds: Annotated[int, typer.Option(min=0, help="seeds 0, 1, ... of each trial; 0: the profile's seeds")] = 0,
    asha: Annotated[bool, typer.Option("--asha", help="give up trials that fall behind")] = False,
    max_trials: Annotated[int, typer.Option(min=0, help="run so many and leave the rest; 0: all")] = 0,
    max_minutes: Annotated[float, typer.Option(min=0, help="end after so many; 0: no limit")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only print the trials and how long they take")] = False,
) -> None:
    """Search a grid, choose the winner by validation AUROC, and score it on the test split."""
    from benchmark import objectives
    from benchmark.config.run import choose_profile
    from benchmark.config.tasks import find_task
    from benchmark.core.errors import BadInput
    from benchmark.sweep.grid import trials
    from pipelines.console import prerequisites, project

    if cpus == 0:
        raise BadInput("option --cpus: should be greater than 0, got 0")
    params, workspace = project.params(), project.WORKSPACE
    chosen = choose_profile(params, profile, option("profile"))
    numbers = tuple(range(seeds)) or params.profiles[chosen].seeds
    wanted = [find_task(params, name, "argument TASK") for name in tasks]
    searches = [trials(params, task, grid, chosen, numbers, option("grid")) for task in wanted]
    for points in searches:
        if all(point.refusal for point in points):  # then the first one's reason is the command's
            objectives.for_task(points[0].objective, points[0].task, f"{option('grid')} {grid}")

    # Late: what is wrong with names is told before PyTorch is imported, in seconds less.
    from benchmark.sweep import cluster, search

    share = cluster.Share(cpus, gpus, at_once or None)
    if dry_run:
        for points in searches:
            plan = search.plan(points, share, workspace)
            for name, statuses in plan.statuses.items():
                print(f"  {name}: {', '.join(map(str, statuses))}")
            print(f"{points[0].task.name}: {plan}")
        return
    cluster.require(address, option)
    for points in searches:
        prerequisites.ensure(points[0].task, points[0].runs[0], workspace)
        sweep = search.Sweep(grid, params.sweep.grids[grid].recipe, points, workspace)
        run(sweep, address, share, asha, max_trials, max_minutes)


def option(setting: str) -> str:
    """What the library calls by its name, a person has given as this."""
    return f"option --{setting}"


def run(sweep: Sweep, address: str, share: Share, asha: bool, max_trials: int, max_minutes: float) -> None:
    """Run what is missing, choose, score, write, track."""
    from benchmark.core.errors import NothingDone
    from benchmark.tracking.line import PATIENCE_S, Line
    from benchmark.tracking.trials import SweepTracker, in_background
    from pipelines.console import mends

    task, missing, ended = sweep.task, sweep.missing(asha), 0
    due = [job for runs in missing[: max_trials or None] for job in runs]
    print(f"{task.name}: {len(sweep.trials)} trials, {len(missing)} of them to run", flush=True)
    line = Line(mends.warn, seconds=PATIENCE_S * len(sweep.trials))  # in the background, but for the end
    tracker = SweepTracker(task.name, f"sweep {sweep.grid_name} {sweep.profile}", task.is_standin, line)
    with in_background(tracker, {"level": "sweep", **sweep.tags, "identity": sweep.identity}) as submit:

        def track(job: Job) -> None:
            if not (status := job.status).is_open:
                submit(tracker.log_trial, job.config, job.folder, task, status)

        def on_end(job: Job) -> None:
            nonlocal ended
            ended += 1
            print(f"[{ended}/{len(due)}] {job}", flush=True)
            track(job)

        for job in sweep.runs:
            if job not in due:
                track(job)
        sweep.run(due, address, share, asha, max_minutes, on_end, option)
        submit(int).result()  # wait for the tracking: a trial is logged as it was before the test split is opened
        conclusion = sweep.conclude()
        files, winner = conclusion.files, conclusion.winner
        submit(tracker.log_sweep, files, winner.model_dump(mode="json") if winner else {}).result()
    if winner is None:
        raise NothingDone(f"{task.name}: no trial is done; the reasons are in {files[0]}", left=conclusion.left)
    print(conclusion)


if __name__ == "__main__":
    cli.run(main)
