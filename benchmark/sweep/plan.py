"""What a search has to do, found out without training more than one epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import joblib

from benchmark.data.load import load
from benchmark.runs.status import NOT_RUN, State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep import halving
from benchmark.sweep.cluster import Share
from benchmark.sweep.grid import Trial
from benchmark.sweep.trial import Job, estimate, jobs
from benchmark.training.model import pick_device


@dataclass(frozen=True)
class Plan:
    """What a search has to do, found out without training more than one epoch."""

    statuses: Mapping[str, Sequence[Status]]
    """By trial: those that its runs have, each once."""
    rungs: Sequence[int]
    """Runs to make in each; those of a later one are the most that it may have."""
    side_by_side: int
    seconds: float | None
    """Of one run, about; None where the data is not there."""
    finished: int
    """Runs that `seconds` is the mean of; 0 where it is from one epoch here."""
    start_missing: bool

    @property
    def to_run(self) -> int:
        return sum(self.rungs)

    @property
    def minutes(self) -> float | None:
        """Of all of them, about; a rung begins when the one before it is over."""
        if self.seconds is None:
            return None
        return sum(runs * self.seconds / min(self.side_by_side, runs) for runs in self.rungs if runs) / 60

    def __str__(self) -> str:
        rungs = f" in rungs of {' + '.join(map(str, self.rungs))}" if len(self.rungs) > 1 else ""
        if self.seconds is None:
            return f"{self.to_run} runs to make{rungs}; how long they take is known once the data is there"
        source = f"{self.finished} finished runs" if self.finished else "one epoch here"
        start = ", and what they start from has to be trained before" if self.start_missing else ""
        return (
            f"{self.to_run} runs to make{rungs}, {self.side_by_side} side by side, about {self.seconds:.1f} s each "
            f"(from {source}): about {self.minutes:.1f} minutes{start}"
        )


def plan(trials: Sequence[Trial], share: Share, workspace: Workspace, halve_by: int = 0) -> Plan:
    """The trials on one task, which of their runs are there, and how long the others take.

    Args:
        trials: at least one of them accepts the task.
        halve_by: see `halving`.
    """
    task, wanted = trials[0].task, [trial for trial in trials if not trial.refusal]
    first, path = wanted[0].runs[0], workspace.data(task.name)
    starts = [workspace.start(run, task.dim) for run in wanted[0].runs]
    start_missing = any(start and not start.is_done for start in starts)
    data = load(task, path, pick_device()) if path.is_file() else None
    known = jobs(trials, data, workspace) if data and not start_missing else {}
    runs = [job for each in known.values() for job in each]
    rungs = _rungs(wanted, known, halve_by) if known else halving.planned(len(wanted), len(wanted[0].runs), halve_by)
    took = [job.seconds for job in runs if job.seconds is not None]
    seconds = sum(took) / len(took) if took else None
    if data and seconds is None:
        epochs = sum(trial.runs[0].epochs for trial in wanted) / len(wanted)
        seconds = estimate(first, data, pick_device()) * epochs / first.epochs
    fitting = int(joblib.cpu_count() / share.cpus)
    return Plan(
        statuses={trial.name: _statuses(trial, known.get(trial.name, ())) for trial in trials},
        rungs=rungs,
        side_by_side=max(1, min(share.at_once or fitting, fitting, max(rungs))),
        seconds=seconds,
        finished=len(took),
        start_missing=start_missing,
    )


def _rungs(trials: Sequence[Trial], known: Mapping[str, Sequence[Job]], halve_by: int) -> list[int]:
    """Runs to make: of the rungs that were reached those that are missing, then what is planned."""
    counts, before = list[int](), 0
    rungs = halving.reached(trials, known, halve_by)
    for rung in rungs:
        runs = [job for trial in rung.trials for job in known[trial.name][before : rung.seeds]]
        counts.append(sum(not job.is_settled(asha=False) for job in runs))
        before = rung.seeds
    later = halving.planned_after(rungs[-1], len(trials[0].runs), halve_by) if counts[-1] else []
    return [*counts, *later]


def _statuses(trial: Trial, runs: Sequence[Job]) -> Sequence[Status]:
    if trial.refusal:
        return [Status(State.REFUSED, trial.refusal)]
    return list(dict.fromkeys(job.status for job in runs)) or [NOT_RUN]
