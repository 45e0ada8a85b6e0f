"""A search from its trials to its winner: what there is to run, running it, choosing, and scoring the winner."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmark.config.tasks import STAMP
from benchmark.core.files import digest_of
from benchmark.data.load import load
from benchmark.runs.workspace import Workspace
from benchmark.sweep import cluster, halving, results
from benchmark.sweep.cluster import Share, Where
from benchmark.sweep.grid import EVERY_POINT, Search, Trial
from benchmark.sweep.halving import Rung
from benchmark.sweep.outcome import Outcome, choose, costs, table
from benchmark.sweep.results import Winner
from benchmark.sweep.trial import Job, jobs, outcome, score_test
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


@dataclass(frozen=True)
class Budget:
    """How much of a search is run before the rest is left for another time; 0 for no limit."""

    trials: int = 0
    minutes: float = 0

    def minutes_left(self, started: float) -> float | None:
        """Of time that `time.monotonic` tells; None where there is no limit."""
        return self.minutes - (time.monotonic() - started) / 60 if self.minutes else None


class Sweep:
    """One grid on one task, whose data and trunk are there."""

    def __init__(
        self,
        grid_name: str,
        recipe: str,
        trials: Sequence[Trial],
        workspace: Workspace,
        search: Search = EVERY_POINT,
    ) -> None:
        self.grid_name, self.recipe, self.trials, self.workspace = grid_name, recipe, trials, workspace
        self.search = search
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
        how = {"halve_by": self.search.halve_by} if self.search.halve_by else {}
        return digest_of({"grid": self.grid_name, "profile": self.profile, "runs": identities, **how})

    @property
    def tags(self) -> Mapping[str, str]:
        """Of the run that a tracking server shows for it."""
        return {"task": self.task.name, "grid": self.grid_name, "profile": self.profile}

    def rungs(self) -> list[Rung]:
        """Those that are over and the one after them; see `halving`."""
        return halving.reached(self.trials, self.jobs, self.search.halve_by)

    @property
    def left(self) -> int:
        """Runs that have not come to their end, with those of the rungs that come later."""
        rungs = self.rungs()
        if not rungs:
            return 0
        last, seeds = rungs[-1], len(self.trials[0].runs)
        now = sum(job.status.is_open for trial in last.trials for job in self.jobs[trial.name][: last.seeds])
        return now + sum(halving.planned_after(last, seeds, self.search.halve_by)) if now else 0

    def due(self, asha: bool, tried: Collection[str] = ()) -> list[list[Job]]:
        """For each trial of the first rung with runs to make, these runs.

        Args:
            tried: identities of runs that had their try, and are not made now however they ended.
        """
        for rung in self.rungs():
            runs = (self.jobs[trial.name][: rung.seeds] for trial in rung.trials)
            due = [[job for job in each if job.identity not in tried and not job.is_settled(asha)] for each in runs]
            if any(due):
                return [each for each in due if each]
        return []

    def run(
        self,
        address: str,
        share: Share,
        asha: bool,
        budget: Budget,
        on_rung: Callable[[Sequence[Sequence[Job]]], None],
        on_end: Callable[[Job], None],
        where: Where = str,
    ) -> None:
        """Run what is due on Ray, rung after rung; see `cluster.connect` and `cluster.run`.

        Args:
            on_rung: called with the runs of each trial before they start.
        """
        started, tried, count = time.monotonic(), set[str](), 0
        with ExitStack() as stack:
            while due := self.due(asha, tried)[: budget.trials - count if budget.trials else None]:
                left = budget.minutes_left(started)
                if left is not None and left <= 0:
                    break
                if not tried:
                    stack.enter_context(cluster.connect(address, share, where))
                on_rung(due)
                now = [job for each in due for job in each]
                cluster.run(now, share, self.workspace, asha, left or 0, on_end)
                tried |= {job.identity for job in now}
                count += len(due)
                if count == budget.trials:
                    break

    def outcomes(self) -> list[Outcome]:
        """Of every trial, in their order."""
        rungs, seeds = self.rungs(), len(self.trials[0].runs)
        came_to = {trial.name: rung for rung in rungs for trial in rung.trials}
        goes_on = bool(rungs) and (self.left > 0 or rungs[-1].seeds == seeds)
        going = {trial.name for trial in rungs[-1].trials} if goes_on else set()
        made = []
        for trial in self.trials:
            if trial.name in came_to and trial.name not in going:
                made.append(outcome(trial, self.jobs[trial.name][: came_to[trial.name].seeds], given_up=True))
            else:
                made.append(outcome(trial, self.jobs[trial.name]))
        return made

    def conclude(self) -> Conclusion:
        """Choose the winner, score it on the test split where every trial has come to its end, write the files."""
        outcomes, left = self.outcomes(), self.left
        chosen = choose(outcomes)
        if chosen and not left:
            for folder in chosen.folders:
                score_test(folder, self.data, self.device)
        how = (self.grid_name, self.recipe, left, self.search, self.identity)
        winner = results.summary(outcomes, chosen, *how) if chosen else None
        files = results.paths(self.task.name, self.grid_name, self.workspace)
        return Conclusion(winner, left, results.write(files, table(outcomes), winner, costs(outcomes)))
