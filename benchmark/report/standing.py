"""Where a task's figures stand: beside references that were named beforehand, the best published row, and every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmark.evaluation.statistics import ALPHA, holm
from benchmark.published.table import PublishedResult, for_task
from benchmark.published.verdict import Judgement, Verdict, comparable, judge
from benchmark.report import wording
from benchmark.report.model import Cell, TaskComparison


@dataclass(frozen=True)
class Reference:
    """A published figure that every recipe is set beside."""

    name: str
    row: PublishedResult
    among: tuple[PublishedResult, ...] = ()
    """The rows that it is the highest of, for which its verdict is corrected; empty of one that was named beforehand."""


@dataclass(frozen=True)
class Beside:
    """A published row, and what may be said of ours beside it."""

    row: PublishedResult
    judgement: Judgement
    together: Verdict
    """The word that is left where all of a table are looked at together: corrected for their number (Holm)."""

    @property
    def is_alone(self) -> bool:
        """Whether the word is of this pair alone, and not left beside the others."""
        return self.together is not self.judgement.verdict


def references(task: TaskComparison) -> list[Reference]:
    """The README's figure, MedMNIST's ResNet-18 at 28 pixels, and the best published row; those that there are."""
    fixed = (("README", task.readme), ("MedMNIST v2 ResNet-18", task.baseline))
    named = [Reference(name, row) for name, row in fixed if row and row.test_auc is not None]
    rows = tuple(comparable(_rows(task), task.task))
    return named + ([Reference(f"best of {len(rows)} comparable rows", rows[0], rows)] if rows else [])


def champion(task: TaskComparison) -> Cell | None:
    """The recipe or ensemble with the best validation AUROC; chosen without a look at the test split.

    One that has scores of a part of val alone, as one cross-fitted seed has, only where none has them of all.
    """
    return _best(task.cells)


def opponent(task: TaskComparison) -> Cell | None:
    """Whom every published row is set beside: likewise the best, of those with two seeds or more where there are any.

    Of one seed, or of an ensemble, which is one model, nothing would be decided.
    """
    several = [cell for cell in task.cells if cell.numbers and cell.numbers.over.seeds > 1]
    return _best(several) or champion(task)


def _best(cells: Sequence[Cell]) -> Cell | None:
    judged = [cell for cell in cells if "val_auc" in cell.figures and not cell.external]
    whole = [cell for cell in judged if cell.numbers and cell.numbers.has_all_of_val]
    return max(whole or judged, key=lambda cell: cell.figures["val_auc"].mean, default=None)


def judgement(
    task: TaskComparison, cell: Cell, row: PublishedResult, among: tuple[PublishedResult, ...] = ()
) -> Judgement | None:
    """A cell beside a published row, see `judge`; None where it has no figures, or is of stand-in data."""
    if cell.numbers is None or task.is_standin:
        return None
    trained = cell.done[0].trained
    network = str(trained.config.network) if trained else wording.seeds(cell) if cell.ensemble else "network not known"
    over, ours = cell.numbers.over, cell.trained_on_val
    return judge(row, over, task.task, network, among=among, origin=cell.origin, trained_on_val=ours)


def beside(task: TaskComparison, cell: Cell) -> Iterator[Beside]:
    """Every published row of the present test set, highest test AUROC first."""
    rows = sorted((row for row in _rows(task) if row.is_comparable), key=lambda row: -(row.test_auc or 0.0))
    return _together([(row, found) for row in rows if (found := judgement(task, cell, row))])


def beside_references(tasks: Sequence[TaskComparison]) -> dict[tuple[str, str, str], Beside]:
    """Every cell beside its task's references, by the names of task, recipe and reference.

    The words on figures that were named beforehand are corrected together, over tasks, recipes and references. Those on a
    best row have a correction of their own.
    """
    judged = {
        (task.task.name, cell.recipe, one.name): (one.row, found)
        for task in tasks
        for one in references(task)
        for cell in task.cells
        if (found := judgement(task, cell, one.row, one.among))
    }
    return dict(zip(judged, _together(list(judged.values())), strict=True))


def _together(judged: Sequence[tuple[PublishedResult, Judgement]]) -> Iterator[Beside]:
    for (row, found), p in zip(judged, holm([found.p for _, found in judged]), strict=True):
        yield Beside(row, found, Verdict.SAME if p >= ALPHA else found.verdict)


def _rows(task: TaskComparison) -> list[PublishedResult]:
    return for_task(task.task.reference) if task.task.reference else []
