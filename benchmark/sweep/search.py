"""A search from its trials to its winner: what there is to run, running it, choosing, and scoring the winner."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.config.tasks import STAMP
from benchmark.core.files import digest_of
from benchmark.data.load import load
from benchmark.runs.status import NOT_RUN, State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep import cluster, grid
from benchmark.sweep.cluster import Share, Where
from benchmark.sweep.grid import Trial, Winner
from benchmark.sweep.trial import Job, estimate, jobs, outcome, score_test
from benchmark.training.model import pick_device


@dataclass(frozen=True)
class Conclusion:
    """What a search has come to."""

    winner: Winner | None
    """None where no trial is done."""
    left: int
    """Runs that have not come to their end."""
    files: Sequence[Path]
    """The table and, where there is one, the winner."""

    def __str__(self) -> str:
        """In two lines."""
        if (winner := self.winner) is None:
            return "no trial is done"
        stamp = f"{STAMP}: " if winner.standin else ""
        test = f"closed, {self.left} runs are left" if self.left else f"{winner.metrics['test_auc']:.4f}"
        return (
            f"{stamp}{winner.task}: {winner.done} of {winner.trials} trials done; winner {winner.trial}\n"
            f"val AUROC {winner.metrics['val_auc']:.4f}, test AUROC {test}; see {', '.join(map(str, self.files))}"
        )


class Sweep:
    """One grid on one task, whose data and trunk are there."""

    def __init__(self, grid_name: str, recipe: str, trials: Sequence[Trial], workspace: Workspace) -> None:
        self.grid_name, self.recipe, self.trials, self.workspace = grid_name, recipe, trials, workspace
        self.task, self.profile = trials[0].task, trials[0].runs[0].profile
        self.device = pick_device()
        self.data = load(self.task, workspace.data(self.task.name), self.device)
        self.jobs = jobs(trials, self.data, workspace)

    @property
    def runs(self) -> list[Job]:
        """Of all trials."""
        return [job for runs in self.jobs.values() for job in runs]

    @property
    def identity(self) -> str:
        """The same for the same trials, so that a search that was killed is known again."""
        identities = sorted(job.identity for job in self.runs)
        return digest_of({"grid": self.grid_name, "profile": self.profile, "runs": identities})

    @property
    def tags(self) -> Mapping[str, str]:
        """Of the run that a tracking server shows for it."""
        names = {"task": self.task.name, "grid": self.grid_name, "profile": self.profile}
        return names | {"sweep": self.identity}

    @property
    def left(self) -> int:
        """Runs that have not come to their end."""
        return sum(job.status.is_open for job in self.runs)

    def missing(self, asha: bool) -> list[list[Job]]:
        """For each trial that is not settled, its runs that are not."""
        unsettled = ([job for job in runs if not job.is_settled(asha)] for runs in self.jobs.values())
        return [runs for runs in unsettled if runs]

    def run(
        self,
        due: Sequence[Job],
        address: str,
        share: Share,
        asha: bool,
        minutes: float,
        on_end: Callable[[Job], None],
        where: Where = str,
    ) -> None:
        """Run these on Ray; see `cluster.connect` and `cluster.run`."""
        if due:
            with cluster.connect(address, share, where):
                cluster.run(due, share, self.workspace, asha, minutes, on_end)

    def conclude(self) -> Conclusion:
        """Choose the winner, score it on the test split where every trial has come to its end, write both files."""
        outcomes = [outcome(trial, self.jobs[trial.name]) for trial in self.trials]
        chosen, left = grid.choose(outcomes), self.left
        if chosen and not left:
            for folder in chosen.folders:
                score_test(folder, self.data, self.device)
        winner = grid.summary(outcomes, chosen, self.grid_name, self.recipe, left) if chosen else None
        return Conclusion(winner, left, grid.write(self.task.name, grid.table(outcomes), winner, self.workspace))


@dataclass(frozen=True)
class Plan:
    """What a search has to do, found out without training more than one epoch."""

    statuses: Mapping[str, Sequence[Status]]
    """By trial: those that its runs have, each once."""
    to_run: int
    side_by_side: int
    seconds: float | None
    """Of one run, about; None where the data is not there."""
    finished: int
    """Runs that `seconds` is the mean of; 0 where it is from one epoch here."""
    start_missing: bool

    @property
    def minutes(self) -> float | None:
        """Of all of them, about."""
        return None if self.seconds is None else self.to_run * self.seconds / self.side_by_side / 60

    def __str__(self) -> str:
        if self.seconds is None:
            return f"{self.to_run} runs to make; how long they take is known once the data is there"
        source = f"{self.finished} finished runs" if self.finished else "one epoch here"
        start = ", and what they start from has to be trained before" if self.start_missing else ""
        return (
            f"{self.to_run} runs to make, {self.side_by_side} side by side, about {self.seconds:.1f} s each "
            f"(from {source}): about {self.minutes:.1f} minutes{start}"
        )


def plan(trials: Sequence[Trial], share: Share, workspace: Workspace) -> Plan:
    """The trials on one task, which of their runs are there, and how long the others take.

    Args:
        trials: at least one of them accepts the task.
    """
    task, wanted = trials[0].task, [trial for trial in trials if not trial.refusal]
    first, path = wanted[0].runs[0], workspace.data(task.name)
    starts = [workspace.start(run, task.dim) for run in wanted[0].runs]
    start_missing = any(start and not start.is_done for start in starts)
    data = load(task, path, pick_device()) if path.is_file() else None
    known = jobs(trials, data, workspace) if data and not start_missing else {}
    runs = [job for each in known.values() for job in each]
    to_run = sum(not job.is_settled(asha=False) for job in runs) if known else sum(len(trial.runs) for trial in wanted)
    took = [job.seconds for job in runs if job.seconds is not None]
    seconds = sum(took) / len(took) if took else None
    if data and seconds is None:
        seconds = estimate(first, data, pick_device())
    fitting = int((os.cpu_count() or 1) / share.cpus)
    return Plan(
        statuses={trial.name: _statuses(trial, known.get(trial.name, ())) for trial in trials},
        to_run=to_run,
        side_by_side=max(1, min(share.at_once or fitting, fitting, to_run)),
        seconds=seconds,
        finished=len(took),
        start_missing=start_missing,
    )


def _statuses(trial: Trial, runs: Sequence[Job]) -> Sequence[Status]:
    if trial.refusal:
        return [Status(State.REFUSED, trial.refusal)]
    return list(dict.fromkeys(job.status for job in runs)) or [NOT_RUN]
