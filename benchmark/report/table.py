"""The comparison as plain text for the terminal."""

from __future__ import annotations

import io
import itertools
import textwrap
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benchmark.config.tasks import STAMP
from benchmark.evaluation import measures
from benchmark.evaluation.effect import Contest, Measure, Word
from benchmark.report import headline, wording
from benchmark.report.model import Cell, Comparison, TaskComparison

WIDTH = 120
ABOVE, BELOW = "\N{BLACK UP-POINTING TRIANGLE}", "\N{BLACK DOWN-POINTING TRIANGLE}"
MARKS = f"{ABOVE} better, {BELOW} worse, else it may be chance"
ABREAST = 4
"""Recipes side by side; the others stand in a table below, since figures cut in two can't be read."""
HEADING = 18
"""Letters of a name in a line; longer ones are broken behind a hyphen, where they have one."""
PAIR = 20
"""Likewise of two recipes' names."""
NARROW = 11
"""Likewise of a heading over few digits."""


def table_text(comparison: Comparison, width: int = WIDTH) -> str:
    """The answer; test AUROC of every task and recipe beside the published ones; then what has no figure and why."""
    stamp = f"{STAMP}\n" if comparison.is_standin else ""
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, color_system=None, highlight=False, markup=False)
    console.print(stamp + headline.answer(comparison))
    if ranks := headline.ranks(comparison):
        console.print(ranks)
    if comparison.contests:
        console.print(f"\n{headline.CAPTION}.")
        console.print(_answer(comparison))
        console.print("\nThe same of each task.")
        console.print(_of_tasks(comparison))
        console.print(f"\nDifference on test to the same training for another objective ({MARKS}, by Holm's p)")
        console.print(_differences(comparison))
    console.print(f"\nTest AUROC, profile {comparison.profile} (below it: difference to the README)")
    for first in range(0, max(1, len(comparison.recipes)), ABREAST):
        console.print(_table(comparison, slice(first, first + ABREAST)))
    if comparison.trained_on_val:
        console.print(f"{wording.LEGEND}.", soft_wrap=True)
    for name, recipes, problem in comparison.missing:
        console.print(f"{name}, {recipes}: {problem}", soft_wrap=True)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def _answer(comparison: Comparison) -> Table:
    """Of recipes that differ in the objective alone, over all tasks; without the further figures, which stand below."""
    table = _of_auroc(headline.HEADINGS[: headline.FURTHER])
    for name, *cells in headline.rows(comparison):
        table.add_row(textwrap.fill(name, PAIR), *cells[: headline.FURTHER])
    return table


def _of_tasks(comparison: Comparison) -> Table:
    """Likewise of each task: a line with the recipes, then one for each task."""
    recipes, _, *headings = headline.HEADINGS[: headline.FURTHER]
    table = _of_auroc([f"{recipes}, task", *headings])
    for name, rows in itertools.groupby(headline.rows_of_tasks(comparison), key=lambda row: row[0]):
        table.add_row(textwrap.fill(name, PAIR))
        for _, task, *cells in rows:
            table.add_row(f"  {task}", *cells)
    return table


def _of_auroc(headings: Sequence[str]) -> Table:
    table = _empty()
    *first, last = headings
    for heading in first:
        table.add_column(textwrap.fill(heading, NARROW), no_wrap=True)
    table.add_column(last)
    return table


def _differences(comparison: Comparison) -> Table:
    """Of recipes that differ in the objective alone, over all tasks and on each."""
    places = dict.fromkeys(place for one in comparison.contests for place in one.effects(Measure.AUROC))
    table = _empty()
    table.add_column("recipes", overflow="fold")
    table.add_column("figure")
    for place in places:
        table.add_column(place, justify="right", overflow="fold")
    for contest in comparison.contests:
        for measure in contest.measures:
            cells = [_difference(contest, measure, place) for place in places]
            pair = textwrap.fill(wording.two(comparison, contest.a, contest.b), PAIR)
            table.add_row(pair, textwrap.fill(measures.NAMES[measure], HEADING), *cells)
    return table


def _difference(contest: Contest, measure: Measure, place: str) -> str:
    found = contest.effects(measure).get(place)
    if found is None:
        return wording.NOTHING
    mark = {Word.BETTER: f" {ABOVE}", Word.WORSE: f" {BELOW}"}.get(contest.word(measure, place), "")
    return wording.difference(found.value) + mark


def _empty() -> Table:
    return Table(box=box.SIMPLE, padding=(0, 1), pad_edge=False, collapse_padding=True)


def _table(comparison: Comparison, part: slice) -> Table:
    """Every task, with this part of the recipes."""
    table = _empty()
    table.add_column("task", no_wrap=True)
    table.add_column("README", justify="right")
    table.add_column("MedMNIST v2\nResNet-18", justify="right")
    for recipe in list(comparison.recipes)[part]:
        heading = textwrap.fill(wording.marked(comparison, recipe), HEADING)
        table.add_column(heading, justify="right", overflow="fold")
    for task in comparison.tasks:
        table.add_row(*_row(task, part))
    return table


def _row(task: TaskComparison, part: slice) -> list[str]:
    published = [wording.published(row.test_auc if row else None) for row in (task.readme, task.baseline)]
    return [task.task.name, *published, *(_cell(task, cell) for cell in task.cells[part])]


def _cell(task: TaskComparison, cell: Cell) -> str:
    if not cell.status.is_done:
        return cell.status.state
    delta = task.delta(cell, task.readme)
    return wording.measured(cell.figures.get("test_auc")) + (
        f"\n{wording.difference(delta)}" if delta is not None else ""
    )
