"""Search a grid on Ray Tune: `python -m pipelines.sweep breastmnist vesselmnist3d --grid readme`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import cli

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.cluster import Share
    from benchmark.sweep import Outcome, Trial
    from benchmark.tasks import Task
    from benchmark.tracking import Tracker
    from benchmark.trial import Job


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
    from benchmark import cluster, sweep
    from benchmark.config import choose_profile, load_params
    from benchmark.errors import BadInput
    from benchmark.objectives import loss_class
    from benchmark.tasks import find_task
    from benchmark.trial import refusal

    if cpus == 0:
        raise BadInput("option --cpus: should be greater than 0, got 0")
    params = load_params()
    chosen = choose_profile(params, profile)
    numbers = tuple(range(seeds)) or params.profiles[chosen].seeds
    found = [find_task(params, name) for name in tasks]
    plans = [(task, sweep.trials(params, task, grid, chosen, numbers)) for task in found]
    for task, trials in plans:
        if all(refusal(trial, task) for trial in trials):  # then the first one's reason is the command's
            loss_class(trials[0].objective, task, f"option --grid {grid}")
    share = cluster.Share(cpus, gpus, at_once or None)
    if dry_run:
        for task, trials in plans:
            announce(task, trials, share)
        return
    cluster.require(address)
    recipe = params.sweep.grids[grid].recipe
    for task, trials in plans:
        Sweep(task, grid, recipe, trials).run(address, share, asha, max_trials, max_minutes)


class Sweep:
    """One grid on one task."""

    def __init__(self, task: Task, grid: str, recipe: str, trials: Sequence[Trial]) -> None:
        from benchmark.data import load
        from benchmark.networks import pick_device
        from benchmark.trial import jobs
        from pipelines.finetune import ensure_prerequisites

        self.task, self.grid, self.recipe, self.trials = task, grid, recipe, trials
        ensure_prerequisites(task, trials[0].runs[0])
        self.device = pick_device()
        self.data = load(task, self.device)
        self.jobs = jobs(trials, task, self.data)

    def run(self, address: str, share: Share, asha: bool, max_trials: int, max_minutes: float) -> None:
        """Run what is missing, choose, score, write, track."""
        from benchmark import cluster
        from benchmark.errors import BenchmarkError
        from benchmark.tracking import Tracker

        missing = [runs for runs in self.jobs.values() if not all(job.is_settled(asha) for job in runs)]
        due = [job for runs in missing[: max_trials or None] for job in runs if not job.is_settled(asha)]
        print(f"{self.task.name}: {len(self.trials)} trials, {len(missing)} of them to run", flush=True)
        tracker = Tracker(self.task.name, f"sweep {self.grid} {self.profile}", standin=self.task.is_standin)
        with in_background(tracker, self.tags()) as submit:
            for job in (job for runs in self.jobs.values() for job in runs if job not in due):
                self.track(submit, tracker, job)
            if due:
                progress = Progress(len(due))

                def finished(job: Job) -> None:
                    progress.show(job)
                    self.track(submit, tracker, job)

                with cluster.connect(address, share):
                    cluster.run(due, share, asha, max_minutes, finished)
            submit(int).result()  # wait for the tracking: a trial is logged as it was before the test split is opened
            files, winner = self.finish(asha)
            submit(tracker.log_sweep, files, winner).result()
        if not winner:
            left = "some are not finished: give the command again; " if self.left else ""
            raise BenchmarkError(f"{self.task.name}: no trial is done; {left}the reasons are in {files[0]}")

    @property
    def left(self) -> int:
        """Runs that have not come to their end."""
        return sum(job.status in ("not run", "not finished") for runs in self.jobs.values() for job in runs)

    @property
    def profile(self) -> str:
        return self.trials[0].runs[0].profile

    def tags(self) -> Mapping[str, str]:
        """Of the parent run; `sweep` is the same for the same trials, so that a killed sweep goes on in its run."""
        from benchmark.provenance import digest_of

        identities = sorted(job.identity for runs in self.jobs.values() for job in runs)
        content = {"grid": self.grid, "profile": self.profile, "runs": identities}
        names = {"level": "sweep", "task": self.task.name, "grid": self.grid, "profile": self.profile}
        return names | {"sweep": digest_of(content)}

    def track(self, submit: Callable[..., Any], tracker: Tracker, job: Job) -> None:
        if job.status not in ("not run", "not finished"):
            submit(tracker.log_trial, job.config, job.folder, self.task, job.status)

    def finish(self, asha: bool) -> tuple[list[Path], Mapping[str, Any]]:
        """Choose the winner, score it on the test split where every trial has come to its end, write both files.

        Returns:
            The files, and the content of `winner.yaml`; empty where no trial is done.
        """
        from benchmark import sweep
        from benchmark.trial import outcome, score_test

        outcomes = [outcome(trial, self.jobs[trial.name], self.task) for trial in self.trials]
        winner = sweep.choose(outcomes)
        if winner is None:
            return sweep.write(self.task.name, sweep.table(outcomes), None), {}
        left = self.left
        if not left:
            for folder in winner.folders:
                score_test(folder, self.data, self.device)
        found = sweep.summary(outcomes, winner, self.grid, self.recipe, self.task, left)
        files = sweep.write(self.task.name, sweep.table(outcomes), found)
        show(self.task, outcomes, winner, left, files)
        return files, found


class Progress:
    """A line for each run that has come to its end."""

    def __init__(self, count: int) -> None:
        self.count, self.done = count, 0

    def show(self, job: Job) -> None:
        status, seconds = job.status, job.seconds
        if seconds is not None:
            status = f"val AUROC {job.folder.metrics()['val_auc']:.4f}, {seconds:.1f} s"
        self.done += 1
        print(f"[{self.done}/{self.count}] {job.config.recipe} seed {job.config.seed}: {status}", flush=True)


def show(task: Task, outcomes: Sequence[Outcome], winner: Outcome, left: int, files: Sequence[Path]) -> None:
    """The result in a few lines."""
    done = sum(outcome.is_done for outcome in outcomes)
    stamp = "STAND-IN DATA, NOT A RESULT: " if task.is_standin else ""
    print(f"{stamp}{task.name}: {done} of {len(outcomes)} trials done; winner {winner.trial.name}")
    test = f"{winner.mean('test_auc'):.4f}" if not left else f"closed, {left} runs are left"
    print(f"val AUROC {winner.mean('val_auc'):.4f}, test AUROC {test}; see {', '.join(map(str, files))}")


def announce(task: Task, trials: Sequence[Trial], share: Share) -> None:
    """The trials of a dry run, which of their runs are there, and how long the others take."""
    import os

    from benchmark.data import load
    from benchmark.networks import pick_device
    from benchmark.runs import trunk_folder
    from benchmark.trial import estimate, jobs, refusal

    wanted = [trial for trial in trials if not refusal(trial, task)]
    first = wanted[0].runs[0]
    has_trunk = first.start == "scratch" or trunk_folder(first.profile, task.dim).is_done
    data = load(task, pick_device()) if task.path.is_file() else None
    runs = jobs(trials, task, data) if data and has_trunk else {}
    for trial in trials:
        statuses = dict.fromkeys(job.status for job in runs.get(trial.name, ()))
        print(f"  {trial.name}: {refusal(trial, task) or ', '.join(statuses) or 'not run'}")
    flat = [job for each in runs.values() for job in each]
    open_ones = sum(not job.is_settled(asha=False) for job in flat) if runs else len(wanted) * len(wanted[0].runs)
    if data is None:
        print(f"{task.name}: {open_ones} runs to make; how long they take is known once the data is there")
        return
    known = [job.seconds for job in flat if job.seconds is not None]
    seconds = sum(known) / len(known) if known else estimate(first, data, pick_device())
    fitting = int((os.cpu_count() or 1) / share.cpus)
    side_by_side = max(1, min(share.at_once or fitting, fitting, open_ones))
    source = f"{len(known)} finished runs" if known else "one epoch here"
    total = open_ones * seconds / side_by_side / 60
    trunk = "" if has_trunk else ", and the trunk has to be pretrained before"
    print(
        f"{task.name}: {open_ones} runs to make, {side_by_side} side by side, about {seconds:.1f} s each "
        f"(from {source}): about {total:.1f} minutes{trunk}"
    )


@contextmanager
def in_background(tracker: Tracker, tags: Mapping[str, str]) -> Iterator[Callable[..., Any]]:
    """The parent run held open in a thread of its own (MLflow's open runs belong to a thread): no trial waits for it."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=1) as thread:
        opened = tracker.open(tags)
        thread.submit(opened.__enter__).result()
        try:
            yield thread.submit
        except BaseException as error:
            thread.submit(opened.__exit__, type(error), error, error.__traceback__).result()
            raise
        thread.submit(opened.__exit__, None, None, None).result()


if __name__ == "__main__":
    cli.run(main)
