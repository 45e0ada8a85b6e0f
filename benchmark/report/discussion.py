"""What the figures support, as sentences made by rule; never more than the test behind them says."""

from __future__ import annotations

import math
from collections.abc import Iterator

from benchmark.evaluation.comparison import Answer, Pair
from benchmark.report import wording
from benchmark.report.model import Cell, Comparison, TaskComparison

BETTER = (Answer.A_BETTER, Answer.B_BETTER)


def discussion(comparison: Comparison) -> list[str]:
    """Where training for AUROC and another loss differ, task by task, then the gaps between train and test."""
    return [*_pairs(comparison), *_gaps(comparison)]


def _pairs(comparison: Comparison) -> Iterator[str]:
    # An ensemble is trained with no loss of its own.
    ours = set(comparison.recipes) - set(comparison.external) - set(comparison.ensembles)
    auc = {name for name in ours if any(_trains_for_auc(task, name) for task in comparison.tasks)}
    for (a, b), pair in comparison.pairs.items():
        if {a, b} <= ours and len({a, b} & auc) == 1:
            yield from _told(comparison, pair)


def _told(comparison: Comparison, pair: Pair) -> Iterator[str]:
    """Of each task on which one of the two is better, or nothing can be said; the others are in the task's section."""
    for row in pair.rows:
        answer = wording.answer(pair, row)
        if row.answer in BETTER:
            value, p = wording.interval(row), wording.p_equals(row.p_holm)
            difference = f"{wording.two(comparison, pair.a, pair.b)} is {value} in test AUROC"
            yield f"{row.task}: {difference}, so {answer} (p {p}, Holm)."
        elif row.answer is Answer.UNDEFINED:
            yield f"{row.task}: {pair.a} and {pair.b}: {answer}."


def _trains_for_auc(task: TaskComparison, recipe: str) -> bool:
    return any(
        run.trained.config.objective.for_auc
        for cell in task.cells
        if cell.recipe == recipe
        for run in cell.done[:1]
        if run.trained
    )


def _gaps(comparison: Comparison) -> Iterator[str]:
    for task in comparison.tasks:
        gaps = {cell.recipe: gap for cell in task.cells if (gap := _gap(cell)) is not None}
        if gaps:
            each = ", ".join(
                f"{wording.marked(comparison, name)} {wording.difference(gap)}" for name, gap in gaps.items()
            )
            yield f"{task.task.name}: AUROC on train less test, which grows with overfitting: {each}."


def _gap(cell: Cell) -> float | None:
    train, test = cell.figures.get("train_auc"), cell.figures.get("test_auc")
    gap = train.mean - test.mean if train and test else math.nan
    return None if math.isnan(gap) else gap
