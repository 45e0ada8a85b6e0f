"""What the figures support, as sentences made by rule; never more than the test behind them says."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.comparison import ONE_SEED, SAME, Row
from benchmark.report import wording
from benchmark.report.compare_page import interval, p_value
from benchmark.report.model import Cell, Comparison, TaskComparison

AUC_LOSSES = ("aucm", "compositional-auc")


def discussion(comparison: Comparison) -> list[str]:
    """About training for AUROC against cross-entropy, task by task, then the gaps between train and test, then ranks."""
    return [*_pairs(comparison), *_gaps(comparison), *_ranks(comparison)]


def _pairs(comparison: Comparison) -> Iterator[str]:
    ours = {name for name in comparison.recipes if name not in comparison.external}
    auc = {name for name in ours if any(_trains_for_auc(task, name) for task in comparison.tasks)}
    for (a, b), pair in comparison.pairs.items():
        if {a, b} - ours or len({a, b} & auc) != 1:
            continue
        told = {row.task: row for row in pair.rows if row.verdict not in (SAME, ONE_SEED)}
        for row in told.values():
            yield f"{row.task}: {_told(row, a, b)}."
        open_ones = [row for row in pair.rows if row.task not in told]
        if open_ones:
            each = ", ".join(f"{row.task} {interval(row)}" for row in open_ones)
            one_seed = any(row.verdict == ONE_SEED for row in open_ones)
            why = "not decided, because a recipe with one seed shows no spread" if one_seed else "not distinguishable"
            yield f"{a} and {b}: {why}, on {each} (difference in test AUROC)."


def _told(row: Row, a: str, b: str) -> str:
    if not row.verdict.endswith("better"):
        return f"{a} and {b}: {row.verdict}"
    return (
        f"{a} \N{MINUS SIGN} {b} is {interval(row)} in test AUROC, so {row.verdict} (p = {p_value(row.p_holm)}, Holm)"
    )


def _trains_for_auc(task: TaskComparison, recipe: str) -> bool:
    return any(
        cell.recipe == recipe and cell.done and cell.done[0].config.get("objective", {}).get("loss") in AUC_LOSSES
        for cell in task.cells
    )


def _gaps(comparison: Comparison) -> Iterator[str]:
    for task in comparison.tasks:
        gaps = {cell.recipe: gap for cell in task.cells if (gap := _gap(cell)) is not None}
        if gaps:
            each = ", ".join(f"{name} {wording.difference(gap)}" for name, gap in gaps.items())
            yield f"{task.task.name}: AUROC on train less test, which grows with overfitting: {each}."


def _gap(cell: Cell) -> float | None:
    train, test = cell.figures.get("train_auc"), cell.figures.get("test_auc")
    return train.mean - test.mean if train and test and train.mean == train.mean and test.mean == test.mean else None


def _ranks(comparison: Comparison) -> Iterator[str]:
    ranking = comparison.ranking
    if ranking.tasks < 2 or len(ranking.ranks) < 2:
        return
    each = ", ".join(f"{name} {rank:.2f}" for name, rank in sorted(ranking.ranks.items(), key=lambda item: item[1]))
    p = ranking.p
    meaning = "no difference can be told" if not p < 0.05 else "they do not all rank alike"
    yield f"Mean rank over {ranking.tasks} tasks (1 is best): {each}; Friedman's test p = {p_value(p)}: {meaning}."
