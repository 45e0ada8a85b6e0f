"""What the report says, before it is put into words: runs, cells (task and recipe), tasks, the whole comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.config.tasks import Task
from benchmark.core.terms import Dimension
from benchmark.evaluation.comparison import Pair
from benchmark.evaluation.effect import Contest
from benchmark.evaluation.ranks import Ranking
from benchmark.evaluation.statistics import Estimate
from benchmark.published.table import PublishedResult
from benchmark.published.verdict import Origin, obstacle
from benchmark.report.numbers import CellNumbers, RunNumbers, of_cell
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Combined, FromElsewhere, RunRecord, Trained
from benchmark.runs.status import DONE, NOT_FINISHED, State, Status


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
class MeasuredRun:
    """A run folder with its record read, and its metrics computed from its scores where it is done."""

    folder: RunFolder
    status: Status
    """As recorded; damaged, with the reason, where that can't be read."""
    record: RunRecord | None
    """None where the run is damaged."""
    tracking: Mapping[str, Any]
    numbers: RunNumbers | None = None
    """None where the run is not done, and of a trunk, which has no scores."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """AUROC and accuracy of every split; empty without numbers."""
        return self.numbers.metrics if self.numbers else {}

    @property
    def trained(self) -> Trained | None:
        """The record where the run was trained here."""
        return self.record if isinstance(self.record, Trained) else None

    @property
    def seed(self) -> int | None:
        """None where the run is damaged, and of an ensemble."""
        return self.record.config.seed if self.record else None

    @property
    def is_standin(self) -> bool:
        return self.record is not None and self.record.standin

    @property
    def problem(self) -> str:
        """Why it has no figures."""
        if self.record is None or self.seed is None:
            return str(self.status)  # which names the file where that can't be read
        return f"seed {self.seed}: {self.status}"


@dataclass(frozen=True)
class Cell:
    """One task with one recipe."""

    recipe: str
    runs: tuple[MeasuredRun, ...]
    """Of every seed that has a record, done or not."""
    refusal: Status | None
    """Why the recipe does not accept the task; None where it does."""
    reachable: bool
    """False where the task was left out because its data can't be reached."""
    external: bool = False
    """Whether these are predictions from elsewhere, of which no task lacks any."""
    ensemble: bool = False
    """Whether its one run is the mean of other cells' runs."""

    @property
    def done(self) -> tuple[MeasuredRun, ...]:
        """The runs that have figures."""
        return tuple(run for run in self.runs if run.numbers is not None)

    @property
    def status(self) -> Status:
        """Done where a seed has figures; else why none has, of several reasons the most final."""
        if self.done:
            return DONE
        if self.refusal:
            return self.refusal
        if not self.runs:
            if self.external:
                return Status(State.NOT_GIVEN)
            return Status(State.NOT_RUN, "" if self.reachable else "data not reachable")
        ended = {run.status.state: run.status for run in reversed(self.runs)}
        final = (State.FAILED, State.ERROR, State.DAMAGED)
        return next((ended[state] for state in final if state in ended), NOT_FINISHED)

    @property
    def problems(self) -> list[str]:
        """What of this cell is missing, and why."""
        if self.refusal:
            return [str(self.refusal)]
        if not self.runs:
            return [] if self.external else [str(self.status)]
        return [run.problem for run in self.runs if run.numbers is None]

    @property
    def origin(self) -> Origin | None:
        """What predictions from elsewhere state of their network; None of what was trained here."""
        configs = [run.record.config for run in self.done if isinstance(run.record, FromElsewhere)]
        return Origin(configs[0].pixels, configs[0].external_weights) if configs else None

    @property
    def trained_on_val(self) -> bool:
        """Whether val images were trained on, so that the val figures are out of fold."""
        return any(run.record.trained_on_val for run in self.runs if run.record)

    @property
    def networks(self) -> int:
        """How many the ensemble is the mean of; 0 of a cell that is none, or that has no figures."""
        return sum(len(run.record.members) for run in self.done if isinstance(run.record, Combined))

    @property
    def interval(self) -> Estimate | None:
        """Test AUROC on other images, and of other seeds where there are several; None without figures."""
        if self.numbers is None:
            return None
        over = self.numbers.over
        return over.images if over.seeds == 1 else over.both

    @cached_property
    def numbers(self) -> CellNumbers | None:
        """Of the seeds together; None where none is done."""
        return of_cell([(run.folder, run.numbers.digest) for run in self.done if run.numbers]) if self.done else None

    @cached_property
    def measures(self) -> dict[str, Figure]:
        """Of the test split, by the names of `evaluation.measures`, over the seeds that are done."""
        rows = [run.numbers.measures for run in self.done if run.numbers]
        return {name: Figure.of([row[name] for row in rows]) for name in (rows[0] if rows else ())}

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """By metric name, over the seeds that are done; the val figures of cross-fitted ones are out of fold."""
        names = dict.fromkeys(name for run in self.done for name in run.metrics)
        own = {name: Figure.of([run.metrics[name] for run in self.done if name in run.metrics]) for name in names}
        found = self.numbers.out_of_fold if self.numbers else {}
        return own | {name: Figure(value, None, len(self.done)) for name, value in found.items()}


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
    def runs(self) -> list[MeasuredRun]:
        """Those that have figures."""
        return [run for cell in self.cells for run in cell.done]

    @property
    def is_standin(self) -> bool:
        return self.task.is_standin or any(run.is_standin for cell in self.cells for run in cell.runs)

    def delta(self, cell: Cell, row: PublishedResult | None) -> float | None:
        """Test AUROC, ours - published; None where either is missing, or the two may not be compared."""
        ours = cell.figures.get("test_auc")
        if ours is None or row is None or row.test_auc is None or self.is_standin or math.isnan(ours.mean):
            return None
        return None if obstacle(row, self.task, cell.origin) else ours.mean - row.test_auc


@dataclass(frozen=True)
class Comparison:
    """Everything that the report shows of one profile."""

    title: str
    profile: str
    seeds: tuple[int, ...]
    recipes: Mapping[str, str]
    """What each column is about, by name: the recipes, the ensembles, then the methods from elsewhere."""
    tasks: tuple[TaskComparison, ...]
    trunks: Mapping[Dimension, MeasuredRun]
    """A dimension without a trunk folder is absent."""
    pairs: Mapping[tuple[str, str], Pair]
    """The paired comparison of every two columns that share a task."""
    ranking: Ranking
    """Of the recipes, and methods from elsewhere, with a figure for every task."""
    external: tuple[str, ...] = ()
    """Which of `recipes` are methods from elsewhere, that can't be run here."""
    ensembles: tuple[str, ...] = ()
    """Which of `recipes` are ensembles."""
    contests: tuple[Contest, ...] = ()
    """Recipes that train for AUROC, beside those that differ from them in nothing else."""

    @property
    def is_standin(self) -> bool:
        return any(task.is_standin for task in self.tasks)

    @property
    def trained_on_val(self) -> set[str]:
        """Which of `recipes` were trained on val too, on any task."""
        return {cell.recipe for task in self.tasks for cell in task.cells if cell.trained_on_val}

    def reference(self, name: str) -> str:
        """The official task that a task of this comparison stands for; any other name as it is."""
        known = {part.task.name: part.task.reference for part in self.tasks}
        return known.get(name) or name

    @property
    def missing(self) -> list[tuple[str, str, str]]:
        """Task, recipes and reason of all that has no figure; recipes that share a reason share an entry."""
        without: dict[tuple[str, str], list[str]] = {}
        for task in self.tasks:
            for cell in task.cells:
                for problem in cell.problems:
                    without.setdefault((task.task.name, problem), []).append(cell.recipe)
        return [(task, self._recipes(names), problem) for (task, problem), names in without.items()]

    def _recipes(self, names: list[str]) -> str:
        return "every recipe" if set(names) == set(self.recipes) - set(self.external) else ", ".join(names)
