"""Search a grid on Ray Tune: `python -m pipelines.sweep breastmnist vesselmnist3d --grid readme`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.console import cli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.sweep.cluster import Share
    from benchmark.sweep.search import Budget, Sweep
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
    random: Annotated[int, typer.Option(min=0, help="so many points of the grid, drawn; 0: all")] = 0,
    draw_seed: Annotated[int, typer.Option(min=0, help="of the draw: more points contain fewer")] = 0,
    halving: Annotated[bool, typer.Option("--halving", help="all trials run a seed, the best third go on")] = False,
    halve_by: Annotated[int, typer.Option(min=0, help="the best of so many go on; 0: all, or 3 by --halving")] = 0,
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
    from benchmark.sweep.grid import Search, trials
    from pipelines.console import prerequisites, project

    if cpus == 0:
        raise BadInput("option --cpus: should be greater than 0, got 0")
    params, workspace = project.params(), project.WORKSPACE
    chosen = choose_profile(params, profile, option("profile"))
    numbers = tuple(range(seeds)) or params.profiles[chosen].seeds
    wanted = [find_task(params, name, "argument TASK") for name in tasks]
    how = Search(random=random, draw_seed=draw_seed, halve_by=halve_by or (3 if halving else 0))
    if how.halve_by:
        must_halve(how.halve_by, asha, len(numbers))
    searches = [trials(params, task, grid, chosen, numbers, option("grid"), how) for task in wanted]
    for points in searches:
        if all(point.refusal for point in points):  # then the first one's reason is the command's
            objectives.for_task(points[0].objective, points[0].task, f"{option('grid')} {grid}")

    # Late: what is wrong with names is told before PyTorch is imported, in seconds less.
    from benchmark.sweep import cluster
    from benchmark.sweep.plan import plan
    from benchmark.sweep.search import Budget, Sweep

    share = cluster.Share(cpus, gpus, at_once or None)
    if dry_run:
        for points in searches:
            planned = plan(points, share, workspace, how.halve_by)
            for name, statuses in planned.statuses.items():
                print(f"  {name}: {', '.join(map(str, statuses))}")
            print(f"{points[0].task.name}: {planned}")
        return
    cluster.require(address, option)
    for points in searches:
        prerequisites.ensure(points[0].task, points[0].runs, workspace)
        sweep = Sweep(grid, params.sweep.grids[grid].recipe, points, workspace, how)
        run(sweep, address, share, asha, Budget(max_trials, max_minutes))


def must_halve(by: int, asha: bool, seeds: int) -> None:
    """Halving goes with the other options, or a sentence says why not."""
    from benchmark.core.errors import BadInput

    if by == 1:
        raise BadInput(f"{option('halve-by')}: should be 2 or more, or 0 for no halving, got 1")
    if asha:
        raise BadInput(f"{option('asha')}: does not go with --halving: one gives up by epoch, the other by seed")
    if seeds < 2:
        raise BadInput(f"{option('halving')}: gives up by seed, and there is one seed; ask for more by --seeds")


def option(setting: str) -> str:
    """What the library calls by its name, a person has given as this."""
    return f"option --{setting}"


def run(sweep: Sweep, address: str, share: Share, asha: bool, budget: Budget) -> None:
    """Run what is missing, choose, score, write, track."""
    from benchmark.core.errors import NothingDone
    from benchmark.tracking.line import PATIENCE_S, Line
    from benchmark.tracking.trials import SweepTracker, in_background
    from pipelines.console import mends

    task, missing = sweep.task, sweep.due(asha)
    print(f"{task.name}: {len(sweep.trials)} trials, {len(missing)} of them to run", flush=True)
    line = Line(mends.warn, seconds=PATIENCE_S * len(sweep.trials))  # in the background, but for the end
    tracker = SweepTracker(task.name, f"sweep {sweep.grid_name} {sweep.profile}", task.is_standin, line)
    with in_background(tracker, {"level": "sweep", **sweep.tags, "identity": sweep.identity}) as submit:
        ended = due = 0

        def track(job: Job) -> None:
            if not (status := job.status).is_open:
                submit(tracker.log_trial, job.config, job.folder, task, status)

        def on_rung(runs: Sequence[Sequence[Job]]) -> None:
            nonlocal ended, due
            ended, due = 0, sum(map(len, runs))
            if sweep.search.halve_by:
                print(f"{task.name}: rung {len(sweep.rungs())}, {len(runs)} trials, {due} runs", flush=True)

        def on_end(job: Job) -> None:
            nonlocal ended
            ended += 1
            print(f"[{ended}/{due}] {job}", flush=True)
            track(job)

        now = {job.identity for runs in missing[: budget.trials or None] for job in runs}
        for job in sweep.runs:
            if job.identity not in now:
                track(job)
        sweep.run(address, share, asha, budget, on_rung, on_end, option)
        submit(int).result()  # wait for the tracking: a trial is logged as it was before the test split is opened
        conclusion = sweep.conclude()
        files, winner = conclusion.files, conclusion.winner
        submit(tracker.log_sweep, files, winner.model_dump(mode="json") if winner else {}).result()
    if winner is None:
        raise NothingDone(f"{task.name}: no trial is done; the reasons are in {files[0]}", left=conclusion.left)
    print(conclusion)


if __name__ == "__main__":
    cli.run(main)
