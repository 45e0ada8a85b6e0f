"""Successive halving over seeds: the better a trial looks, the more seeds it gets (Jamieson and Talwalkar, AISTATS 2016).

Every trial runs the first seed; of a rung's trials one in `by`, the best by validation AUROC, goes on to the next rung,
which ends at `by` times as many seeds; the last rung has all of them. What was decided is read from the run folders each
time, so a search that was killed decides the same again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.sweep.grid import Trial
from benchmark.sweep.outcome import rank
from benchmark.sweep.trial import Job, outcome


@dataclass(frozen=True)
class Rung:
    """Trials that have come so far, and the seeds that each of them has at its end."""

    seeds: int
    trials: Sequence[Trial]


def seeds_of_rungs(seeds: int, by: int) -> list[int]:
    """How many seeds a trial has at the end of each rung: 1, `by`, its square and so on, and all; all at once by 0."""
    if not by:
        return [seeds]
    return [*(by**k for k in range(seeds) if by**k < seeds), seeds]


def kept(count: int, by: int) -> int:
    """How many of a rung's trials go on: one in `by`, rounded up, and two at least where there are two."""
    return max(math.ceil(count / by), min(count, 2))


def reached(trials: Sequence[Trial], jobs: Mapping[str, Sequence[Job]], by: int) -> list[Rung]:
    """The rungs that are over, and the one after them; one alone where there is no halving.

    Args:
        jobs: the runs of each trial by its name; none of one that is refused, which is in no rung.
    """
    going, rungs = [trial for trial in trials if jobs[trial.name]], list[Rung]()
    for seeds in seeds_of_rungs(len(trials[0].runs), by):
        if not going:
            break
        rungs.append(Rung(seeds, going))
        if any(job.status.is_open for trial in going for job in jobs[trial.name][:seeds]):
            break
        going = best(going, jobs, seeds, by) if by else []
    return rungs


def best(trials: Sequence[Trial], jobs: Mapping[str, Sequence[Job]], seeds: int, by: int) -> list[Trial]:
    """Those that go on after so many seeds, in the order of `trials`; one without figures never does."""
    ranked = rank([outcome(trial, jobs[trial.name][:seeds]) for trial in trials])
    names = [one.trial.name for one in ranked if not math.isnan(one.mean("val_auc"))][: kept(len(trials), by)]
    return [trial for trial in trials if trial.name in names]


def planned(trials: int, seeds: int, by: int, before: int = 0) -> list[int]:
    """Runs that so many trials make at most, rung by rung, where each has `before` of the seeds already."""
    counts = []
    for after in seeds_of_rungs(seeds, by):
        if after > before:
            counts.append(trials * (after - before))
            trials, before = kept(trials, by) if by else 0, after
    return counts


def planned_after(rung: Rung, seeds: int, by: int) -> list[int]:
    """The same of those that go on from a rung."""
    return planned(kept(len(rung.trials), by), seeds, by, rung.seeds) if by else []
