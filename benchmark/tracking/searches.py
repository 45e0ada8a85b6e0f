"""A grid search, as it lies on disk, as a run of the tracking server with its trials in it.

Its trials lie outside of what git and DVC hold: in a fresh clone they are the rows of its table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.config.tasks import Task
from benchmark.core.errors import BadInput
from benchmark.core.files import digest_of
from benchmark.core.settings import read_yaml
from benchmark.runs.folder import RunFolder
from benchmark.runs.status import State
from benchmark.runs.workspace import Workspace, seeds_of
from benchmark.tracking.line import Line
from benchmark.tracking.trials import SweepTracker

FIGURES = ("val_auc", "val_auc_sd", "val_acc")
BESIDE = ("trial", "seeds", "status")
"""Columns of the table that are neither figures nor settings."""


@dataclass(frozen=True)
class Search:
    """One grid on one task."""

    folder: Path
    """Of its table and its winner."""
    winner: Mapping[str, Any]
    table: pd.DataFrame
    runs: tuple[RunFolder, ...]
    """Of its trials, as far as they are here."""
    damaged: tuple[str, ...] = ()
    """Which of these are not what was made, and why: the search is not known again by what they say."""

    @property
    def task(self) -> str:
        return str(self.winner["task"])

    @property
    def files(self) -> list[Path]:
        """As `sweep.results` writes them."""
        names = ("trials.csv", "winner.yaml", "cost.csv")
        return [path for name in names if (path := self.folder / name).is_file()]

    @property
    def identity(self) -> str:
        """The same as while it ran, where its runs are here: by the word of its winner, or its runs' own where that has none."""
        grid, profile = str(self.winner["grid"]), str(self.winner["profile"])
        if not self.runs:
            return digest_of({"grid": grid, "profile": profile, "table": self.files[0].read_text(encoding="utf-8")})
        if known := self.winner.get("identity"):
            return str(known)
        halve_by = int(self.winner.get("search", {}).get("halve_by", 0))
        return identity(grid, profile, [folder.record().identity for folder in self.runs], halve_by)


def identity(grid: str, profile: str, runs: list[str], halve_by: int = 0) -> str:
    """Of the search whose runs have these identities."""
    how = {"halve_by": halve_by} if halve_by else {}
    return digest_of({"grid": grid, "profile": profile, "runs": sorted(runs), **how})


def of(workspace: Workspace, profile: str) -> Iterator[Search]:
    """Every search of the profile that has chosen a winner."""
    for path in sorted(workspace.sweeps.glob("*/*/winner.yaml")):
        table = path.with_name("trials.csv")
        try:
            winner = read_yaml(path)
            if winner.get("profile") != profile or not table.is_file():
                continue
            rows = pd.read_csv(table, keep_default_na=False, na_values=[""])  # a label may be "null"
            trials = workspace.trials / profile / str(winner["task"])
            seeds = {f"seed{seed}" for seed in winner["seeds"]}
            names = sorted(map(str, rows["trial"]))
        except (BadInput, ValueError, LookupError, TypeError) as error:
            yield Search(path.parent, {}, pd.DataFrame(), (), (f"can't be read ({error})",))
            continue
        runs = [run for trial in names for run in seeds_of(trials / trial)]
        here = [(run, run.status) for run in runs if run.path.name in seeds and run.exists]
        damaged = [
            f"{one.path.parent.name} {one.path.name} {status}" for one, status in here if status.state is State.DAMAGED
        ]
        ended = tuple(run for run, status in here if not status.is_open)
        yield Search(path.parent, winner, rows, ended, tuple(damaged))


def log(search: Search, task: Task, line: Line) -> None:
    """The search with its files and its winner, and a run for each of its runs, or for each row of its table."""
    winner = search.winner
    tags = {"level": "sweep", "task": task.name, "grid": str(winner["grid"]), "profile": str(winner["profile"])}
    tags |= {"identity": search.identity}
    tracker = SweepTracker(task.name, f"sweep {winner['grid']} {winner['profile']}", task.is_standin, line)
    with tracker.open(tags):
        for folder in search.runs:
            tracker.log_trial(folder.trained().config, folder, task, folder.status)
        if not search.runs:
            for row in search.table.to_dict("records"):
                known = {str(name): value for name, value in row.items() if pd.notna(value)}
                figures = {name: float(known[name]) for name in FIGURES if name in known}
                params = {name: str(value) for name, value in known.items() if name not in (*FIGURES, *BESIDE)}
                tracker.log_row(str(known["trial"]), params, figures, str(known["status"]))
        tracker.log_sweep(search.files, winner)
