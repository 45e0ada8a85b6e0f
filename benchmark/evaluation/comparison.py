"""Two methods on the same test images: whose AUROC is higher, and whether that is more than chance.

A side is a recipe, an ensemble or a method from elsewhere (every task that it has runs of), one task of it, or one run. The rule: a
side is called better where both have two seeds or more and the p-value of their difference, other seeds on other images,
is below `ALPHA` after Holm's correction over all the tests that are made together: every pair of sides on every task. With
one seed nothing is called better: its spread over seeds is unknown, and no such test is made.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

import numpy as np

from benchmark.core.errors import BadInput, DamagedRun
from benchmark.evaluation import ranks, statistics
from benchmark.evaluation.chance import ALPHA
from benchmark.evaluation.ranks import Ranking
from benchmark.evaluation.statistics import Difference, OverSeeds
from benchmark.runs.folder import RunFolder
from benchmark.runs.status import State
from benchmark.runs.workspace import Workspace, seeds_of

Measured = tuple[OverSeeds, OverSeeds, Difference]
"""Of one task: both sides, and how they differ."""


@dataclass(frozen=True)
class Side:
    """What one name of a comparison stands for."""

    name: str
    cells: Mapping[str, tuple[RunFolder, ...]]
    """Finished runs by task, in the order of their seeds."""

    @property
    def trained_on_val(self) -> bool:
        return any(folder.record().trained_on_val for folders in self.cells.values() for folder in folders)


class Answer(Enum):
    """What may be said of the two sides on one task."""

    A_BETTER = auto()
    B_BETTER = auto()
    NOT_DISTINGUISHABLE = auto()
    ONE_SEED = auto()
    """A side has no spread over seeds, so nothing is decided."""
    UNDEFINED = auto()
    """A label has one class only."""


@dataclass(frozen=True)
class TaskPair:
    """Both sides on one task."""

    task: str
    a: OverSeeds
    b: OverSeeds
    difference: Difference
    p_holm: float
    """`difference.p`, corrected for the number of tests that were made together."""
    answer: Answer
    standin: bool


@dataclass(frozen=True)
class Pair:
    """Two sides, and what the test splits say of them."""

    a: str
    b: str
    rows: tuple[TaskPair, ...]
    ranking: Ranking
    """Of 'a' and 'b'."""
    unpaired: tuple[str, ...] = ()
    """Tasks that only one of the sides was run on."""
    trained_on_val: tuple[str, ...] = ()
    """Which of the sides were trained on the val split too, or have members that were."""

    @property
    def is_standin(self) -> bool:
        return any(row.standin for row in self.rows)


def find(name: str, profile: str, workspace: Workspace) -> Side:
    """What a name stands for: a run folder, the folder of a task's recipe, or a recipe of the profile (git's, see `of_figures`).

    An ensemble and a method from elsewhere are named as a recipe is.

    Raises:
        BadInput: it is none of them, or nothing of it is finished.
        DamagedRun: one of them is, see `RunFolder.status`.
    """
    path = Path(name)
    if path.is_dir():
        folders = [RunFolder(path)] if RunFolder(path).exists else seeds_of(path)
    else:
        folders = workspace.of_figures(profile).list_named(profile, name)
    cells: dict[str, list[tuple[int, RunFolder]]] = {}
    for folder in folders:
        config, status = folder.record().config, folder.status_of_figures
        if status.state is State.DAMAGED:
            raise DamagedRun(f"{folder.path}: {status.reason}")
        if status.is_done:
            cells.setdefault(config.tasks[0], []).append(
                (config.seed or 0, folder)
            )  # an ensemble has none, and no second run
    if not cells:
        raise BadInput(
            f"{name}: no finished run; give a run folder, a folder of seeds, or a recipe (or ensemble, or method from elsewhere) that "
            f"profile {profile} has runs of: {', '.join(workspace.of_figures(profile).list_names(profile)) or 'none'}"
        )
    return Side(name, {task: tuple(folder for _, folder in sorted(runs, key=_seed)) for task, runs in cells.items()})


def compare(a: Side, b: Side, resamples: int = statistics.RESAMPLES) -> Pair:
    """Compare two sides on every task that both were run on.

    Raises:
        BadInput: they share no task, or a run, or were scored on other test images.
    """
    shared = [task for task in a.cells if task in b.cells]
    if not shared:
        raise BadInput(f"'{a.name}' and '{b.name}' have no task in common: {', '.join({**a.cells, **b.cells})}")
    if both := sorted(_paths(a) & _paths(b)):
        raise BadInput(f"'{a.name}' and '{b.name}' both stand for {both[0]}: a run can't be compared with itself")
    measured = {task: _measured(task, a, b, resamples) for task in shared}
    standins = {task for task in shared if a.cells[task][0].record().standin}
    (pair,) = judge({(a.name, b.name): measured}, standins)
    trained_on_val = tuple(side.name for side in (a, b) if side.trained_on_val)
    return replace(pair, unpaired=tuple(sorted(set(a.cells) ^ set(b.cells))), trained_on_val=trained_on_val)


def judge(family: Mapping[tuple[str, str], Mapping[str, Measured]], standins: Collection[str]) -> list[Pair]:
    """Correct the tests of all pairs on all tasks for their number together, and say what they mean.

    Args:
        family: by the names of both sides and by task.
        standins: the tasks of stand-in data.
    """
    corrected = iter(statistics.holm([measured[2].p for tasks in family.values() for measured in tasks.values()]))
    return [
        _pair(*names, [_row(task, measured, next(corrected), task in standins) for task, measured in tasks.items()])
        for names, tasks in family.items()
    ]


def stack(folders: Sequence[RunFolder], split: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Labels (n, L), and the scores of every seed (S, n, L).

    Raises:
        BadInput: the runs were not scored on the same images.
    """
    parts = [folder.scores()[split] for folder in folders]
    labels = parts[0][0]
    for folder, (other, _) in zip(folders, parts, strict=True):
        if not np.array_equal(labels, other):
            raise BadInput(
                f"{folders[0].path} and {folder.path}: other labels in split {split}, so these are other images; "
                "compare runs on the same data file"
            )
    return labels, np.stack([scores for _, scores in parts])


def _measured(task: str, a: Side, b: Side, resamples: int) -> Measured:
    labels, both = stack((*a.cells[task], *b.cells[task]))
    of_a, of_b = np.split(both, [len(a.cells[task])])
    measured = statistics.over_seeds(labels, of_a), statistics.over_seeds(labels, of_b)
    return *measured, statistics.difference(labels, of_a, of_b, resamples)


def _row(task: str, measured: Measured, p: float, standin: bool) -> TaskPair:
    return TaskPair(task, *measured, p, _answer(measured[2], p), standin)


def _pair(a: str, b: str, rows: Sequence[TaskPair]) -> Pair:
    table = {"a": {row.task: row.a.mean for row in rows}, "b": {row.task: row.b.mean for row in rows}}
    return Pair(a, b, tuple(rows), ranks.ranking(table))


def _answer(difference: Difference, p: float) -> Answer:
    if math.isnan(difference.value):
        return Answer.UNDEFINED
    if min(difference.seeds) < 2:
        return Answer.ONE_SEED
    if not p < ALPHA:  # NaN where one image of a class shows no spread over images
        return Answer.NOT_DISTINGUISHABLE
    return Answer.A_BETTER if difference.value > 0 else Answer.B_BETTER


def _seed(run: tuple[int, RunFolder]) -> int:
    return run[0]


def _paths(side: Side) -> set[Path]:
    return {folder.path.resolve() for folders in side.cells.values() for folder in folders}
