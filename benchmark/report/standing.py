"""Where a task's figures stand: beside the best published figure that is comparable, and beside every published row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.published.table import PublishedResult, for_task
from benchmark.published.verdict import Judgement, best_comparable, judge
from benchmark.report import wording
from benchmark.report.model import Cell, TaskComparison


@dataclass(frozen=True)
class Beside:
    """A published row, and what may be said of ours beside it."""

    row: PublishedResult
    judgement: Judgement


def best(task: TaskComparison) -> PublishedResult | None:
    """The published row that the first table sets beside ours."""
    return best_comparable(_rows(task), task.task)


def champion(task: TaskComparison) -> Cell | None:
    """The recipe or ensemble with the best validation AUROC; chosen without a look at the test split."""
    cells = [cell for cell in task.cells if "val_auc" in cell.figures and not cell.external]
    return max(cells, key=lambda cell: cell.figures["val_auc"].mean, default=None)


def judgement(task: TaskComparison, cell: Cell, row: PublishedResult | None) -> Judgement | None:
    """A cell beside a published row; None where one of them is missing, or ours is of stand-in data."""
    if row is None or cell.numbers is None or task.is_standin:
        return None
    trained = cell.done[0].trained
    network = str(trained.config.network) if trained else wording.seeds(cell) if cell.ensemble else "network not known"
    # HERE: cell.trained_on_val goes to `judge` as its `trained_on_val`, once it takes that.
    return judge(row, cell.numbers.over, task.task, network)


def beside(task: TaskComparison, cell: Cell) -> Iterator[Beside]:
    """Every published row of the present test set, highest test AUROC first."""
    for row in sorted(_rows(task), key=lambda row: -(row.test_auc or 0.0)):
        judged = judgement(task, cell, row)
        if judged and row.is_comparable:
            yield Beside(row, judged)


def _rows(task: TaskComparison) -> list[PublishedResult]:
    return for_task(task.task.reference) if task.task.reference else []
