"""What the report says, before it is put into words: runs, cells (task and recipe), tasks, the whole comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.comparison import Pair
from benchmark.published import PublishedResult
from benchmark.report.numbers import CellNumbers, RunNumbers, of_cell
from benchmark.runs import RunFolder
from benchmark.statistics import Ranking
from benchmark.tasks import Task


@dataclass(frozen=True)
class Figure:
    """Mean and spread over seeds."""

    mean: float
    """NaN where the AUROC of a seed is undefined, because a label has one class only."""
    spread: float | None
    """Sample standard deviation (n - 1); None for one seed."""
    seeds: int

    @staticmethod
    def of(values: Sequence[float]) -> Figure:
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return Figure(float(np.mean(values)), spread, len(values))


@dataclass(frozen=True)
class Run:
    """A run folder with its record read, and its metrics computed from its scores where it is done."""

    folder: RunFolder
    record: Mapping[str, Any]
    tracking: Mapping[str, Any]
    numbers: RunNumbers | None = None
    """None where the run is not done, and of a trunk, which has no scores."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """AUROC and accuracy of every split; empty without numbers."""
        return self.numbers.metrics if self.numbers else {}

    @property
    def config(self) -> Mapping[str, Any]:
        """A `RunConfig` as saved; a key may be missing in a record that was not written to its end."""
        config: Mapping[str, Any] = self.record.get("config", {})
        return config

    @property
    def status(self) -> str:
        return str(self.record.get("status", "not finished"))

    @property
    def is_done(self) -> bool:
        return self.status == "done"


@dataclass(frozen=True)
class Cell:
    """One task with one recipe."""

    recipe: str
    runs: tuple[Run, ...]
    """Of every seed that has a record, done or not."""
    refusal: str
    """'refused: ' and why the recipe does not accept the task; empty where it does."""
    reachable: bool
    """False where the task was left out because its data can't be reached."""
    external: bool = False
    """Whether these are predictions from elsewhere, of which no task lacks any."""

    @property
    def done(self) -> tuple[Run, ...]:
        """The runs that have figures."""
        return tuple(run for run in self.runs if run.is_done and run.metrics)

    @property
    def status(self) -> str:
        """One of: done, refused, failed, unfinished, not run, not given (of predictions from elsewhere)."""
        if self.done:
            return "done"
        if self.external and not self.runs:
            return "not given"
        if self.refusal:
            return "refused"
        if self.runs:
            return "failed" if any(run.status.startswith("failed") for run in self.runs) else "unfinished"
        return "not run"

    @property
    def problems(self) -> list[str]:
        """What of this cell is missing, and why."""
        if self.refusal:
            return [self.refusal]
        if not self.runs:
            return [] if self.external else ["not run" if self.reachable else "not run: data not reachable"]
        others = [run for run in self.runs if run not in self.done]
        lost = ", but scores.npz is missing"
        return [f"seed {run.config.get('seed', '?')}: {run.status}{lost if run.is_done else ''}" for run in others]

    @cached_property
    def numbers(self) -> CellNumbers | None:
        """Of the seeds together; None where none is done."""
        return of_cell([run.folder for run in self.done]) if self.done else None

    @cached_property
    def measures(self) -> dict[str, Figure]:
        """Of the test split, by the names of `benchmark.measures`, over the seeds that are done."""
        rows = [run.numbers.measures for run in self.done if run.numbers]
        return {name: Figure.of([row[name] for row in rows]) for name in (rows[0] if rows else ())}

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """By metric name, over the seeds that are done."""
        names = dict.fromkeys(name for run in self.done for name in run.metrics)
        return {name: Figure.of([run.metrics[name] for run in self.done if name in run.metrics]) for name in names}


@dataclass(frozen=True)
class TaskComparison:
    """One task: ours and what is published."""

    task: Task
    cells: tuple[Cell, ...]
    readme: PublishedResult | None
    baseline: PublishedResult | None
    """MedMNIST v2's ResNet-18 at 28 pixels."""
    medmnist: tuple[PublishedResult, ...]
    superseded: tuple[PublishedResult, ...]
    """Published for an older test set; never compared."""
    majority: float | None
    """Accuracy on test of always giving the commoner class (mean over labels); None where nothing was scored."""

    @property
    def runs(self) -> list[Run]:
        return [run for cell in self.cells for run in cell.done]

    @property
    def is_standin(self) -> bool:
        return self.task.is_standin or any(run.record.get("standin") for cell in self.cells for run in cell.runs)

    def delta(self, cell: Cell, row: PublishedResult | None) -> float | None:
        """Test AUROC, ours - published; None where either is missing or ours is of stand-in data."""
        ours = cell.figures.get("test_auc")
        if ours is None or row is None or row.test_auc is None or self.is_standin or math.isnan(ours.mean):
            return None
        return ours.mean - row.test_auc


@dataclass(frozen=True)
class Comparison:
    """Everything that the report shows of one profile."""

    title: str
    profile: str
    seeds: tuple[int, ...]
    recipes: Mapping[str, str]
    """What each column is about, by name: the recipes, then the methods from elsewhere."""
    tasks: tuple[TaskComparison, ...]
    trunks: Mapping[str, Run]
    """By dimension; a dimension without a trunk folder is absent."""
    pairs: Mapping[tuple[str, str], Pair]
    """The paired comparison of every two columns that share a task."""
    ranking: Ranking
    """Of the columns with a figure for every task."""
    external: tuple[str, ...] = ()
    """Which of `recipes` are methods from elsewhere, that can't be run here."""

    @property
    def is_standin(self) -> bool:
        return any(task.is_standin for task in self.tasks)

    def reference(self, name: str) -> str:
        """The official task that a task of this comparison stands for; any other name as it is."""
        known = {part.task.name: part.task.reference for part in self.tasks}
        return known.get(name) or name

    @property
    def missing(self) -> list[tuple[str, str, str]]:
        """Task, recipes and reason of all that has no figure; recipes that share a reason share an entry."""
        found: dict[tuple[str, str], list[str]] = {}
        for task in self.tasks:
            for cell in task.cells:
                for problem in cell.problems:
                    found.setdefault((task.task.name, problem), []).append(cell.recipe)
        return [(task, self._recipes(names), problem) for (task, problem), names in found.items()]

    def _recipes(self, names: list[str]) -> str:
        return "every recipe" if set(names) == set(self.recipes) - set(self.external) else ", ".join(names)
