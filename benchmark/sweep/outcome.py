"""What became of the trials of a sweep, and which of them has won.

The winner is the trial with the best validation AUROC (mean over all seeds), of equals the one with the better validation
accuracy, then the first by name. The test split has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.runs.folder import RunFolder
from benchmark.runs.status import DONE, State, Status
from benchmark.sweep.grid import Trial

COLUMNS = ("trial", "seeds", "val_auc", "val_auc_sd", "val_acc", "status")
"""Of `trials.csv`. Between the first two stand what the grid varies and the settings of the objectives, a column each."""
COSTS = ("trial", "runs", "seconds", "commit", "cpu", "threads")
"""Of `cost.csv`."""


@dataclass(frozen=True)
class Outcome:
    """What became of a trial."""

    trial: Trial
    folders: tuple[RunFolder, ...]
    """Of its runs, in the order of their seeds; of a trial that was given up, of those that it had until then."""
    statuses: tuple[Status, ...]
    """Of its runs likewise; one alone where the trial has no runs."""
    given_up: bool = False
    """Whether others were better after so many seeds as it has folders."""

    @property
    def has_figures(self) -> bool:
        return all(status.is_done for status in self.statuses)

    @property
    def is_done(self) -> bool:
        """Whether it has figures of all its seeds."""
        return self.has_figures and not self.given_up

    @property
    def status_text(self) -> str:
        """As the table has it: of several seeds, those that are not done with their status."""
        if self.has_figures and self.given_up:
            reason = f"after {len(self.folders)} of {len(self.trial.runs)} seeds, others were better"
            return str(Status(State.STOPPED, reason))
        if len(self.statuses) == 1:
            return str(self.statuses[0])
        each = zip(self.trial.runs, self.statuses, strict=False)
        return "; ".join(f"seed {run.seed}: {status}" for run, status in each if not status.is_done) or str(DONE)

    def mean(self, metric: str) -> float:
        """Over its seeds; NaN where one of them is not done, and of an AUROC that is undefined."""
        return float(np.mean(self._values(metric))) if self.has_figures else float("nan")

    def spread(self, metric: str) -> float:
        """Sample standard deviation over the seeds; NaN for one seed."""
        return (
            float(np.std(self._values(metric), ddof=1)) if self.has_figures and len(self.folders) > 1 else float("nan")
        )

    def _values(self, metric: str) -> list[float]:
        return [folder.metrics()[metric] for folder in self.folders]


def choose(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The winner; None where no trial is done."""
    best = next(iter(rank(outcomes)), None)
    return best if best and best.is_done and not np.isnan(best.mean("val_auc")) else None


def rank(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Best first by validation, what was given up below all that went further; trials without figures last, by name."""

    def key(outcome: Outcome) -> tuple[float, float, float, str]:
        auc, acc = outcome.mean("val_auc"), outcome.mean("val_acc")
        if np.isnan(auc):
            return (np.inf, np.inf, np.inf, outcome.trial.name)
        return (-len(outcome.folders), -auc, -acc, outcome.trial.name)

    return sorted(outcomes, key=key)


def table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """`COLUMNS`, what the grid varies, and every setting of an objective; a row a trial, in the order of `rank`."""
    rows = [
        {
            "trial": outcome.trial.name,
            **outcome.trial.shown,
            **outcome.trial.objective.columns(),
            "seeds": len(outcome.folders),
            "val_auc": outcome.mean("val_auc"),
            "val_auc_sd": outcome.spread("val_auc"),
            "val_acc": outcome.mean("val_acc"),
            "status": outcome.status_text,
        }
        for outcome in rank(outcomes)
    ]
    settings = dict.fromkeys(name for row in rows for name in row if name not in COLUMNS)
    return pd.DataFrame(rows, columns=[COLUMNS[0], *settings, *COLUMNS[1:]])


def costs(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """What the runs took: a row a trial in the order of `rank`, of several commits, processors or thread counts all."""
    rows = []
    for outcome in rank(outcomes):
        each = zip(outcome.folders, outcome.statuses, strict=False)  # a refused trial has a status and no folder
        records = [folder.trained() for folder, status in each if status.is_done]
        places = [record.hardware for record in records]
        rows.append(
            {
                "trial": outcome.trial.name,
                "runs": len(records),
                "seconds": round(sum(record.seconds.total for record in records if record.seconds), 1),
                "commit": _each(record.code.commit for record in records),
                "cpu": _each(place.cpu for place in places),
                "threads": _each(place.threads for place in places),
            }
        )
    return pd.DataFrame(rows, columns=list(COSTS))


def _each(values: Iterable[object]) -> str:
    """Every value once."""
    return "; ".join(dict.fromkeys(map(str, values)))
