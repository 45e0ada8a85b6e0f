"""Two methods compared, as text for the terminal and as a page."""

from __future__ import annotations

import io
import re
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table

from benchmark.config.colours import COLOURS
from benchmark.config.tasks import STAMP
from benchmark.core.files import write_text
from benchmark.evaluation.comparison import Answer, Pair
from benchmark.report import wording
from benchmark.report.plots.figures import STYLE, Picture, svg_uri
from benchmark.report.rendering import templates

WIDTH = 120


def text(pair: Pair) -> str:
    """A row a task: both means, the difference with its interval, p and verdict."""
    table = Table(box=box.SIMPLE, padding=(0, 1), pad_edge=False, collapse_padding=True)
    table.add_column("task", no_wrap=True)
    for name in (pair.a, pair.b, "difference (95 %)", "p, Holm"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("verdict", overflow="fold")
    for row in pair.rows:
        means, difference = map(wording.number, (row.a.mean, row.b.mean)), wording.interval(row)
        table.add_row(row.task, *means, difference, wording.p_value(row.p_holm), wording.answer(pair, row))
    buffer = io.StringIO()
    console = Console(file=buffer, width=WIDTH, color_system=None, highlight=False, markup=False)
    if pair.is_standin:
        console.print(STAMP)
    console.print("Test AUROC, mean over seeds")
    console.print(table)
    for line in remarks(pair):
        console.print(line, soft_wrap=True)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def remarks(pair: Pair) -> list[str]:
    """What belongs to the table: where one seed decides nothing, the ranks, and the tasks that only one side has."""
    said, ranking = [], pair.ranking
    if single := [row.task for row in pair.rows if row.answer is Answer.ONE_SEED]:
        said.append(
            f"One seed shows no spread: there is no p, and the interval is of images alone, on {', '.join(single)}."
        )
    if ranking.tasks > 1:
        ranks = f"{pair.a} {ranking.ranks['a']:.2f}, {pair.b} {ranking.ranks['b']:.2f}"
        said.append(f"Mean rank over {ranking.tasks} tasks: {ranks}; {ranking.test} p {wording.p_equals(ranking.p)}.")
    if pair.trained_on_val:
        said.append(f"Trained on val too: {', '.join(pair.trained_on_val)}.")
    if pair.unpaired:
        said.append(f"Left out, because only one side has runs: {', '.join(pair.unpaired)}.")
    return said


def write(pair: Pair, out: Path) -> Path:
    """Write the page into `out` and return its path."""
    name = "-".join(re.sub(r"[^\w.]+", "-", side).strip("-") for side in (pair.a, pair.b))
    content = {
        "pair": pair,
        "stamp": STAMP if pair.is_standin else "",
        "picture": forest(pair),
        "remarks": remarks(pair),
        "few": min(min(row.difference.seeds) for row in pair.rows),
    }
    path = out / f"compare-{name}.html"
    write_text(path, templates().get_template("compare.html.j2").render(content))
    return path


def forest(pair: Pair) -> Picture:
    """The difference of every task with its interval."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 1.4 + 0.5 * len(pair.rows)), layout="constrained", facecolor="white")
        axes = figure.subplots()
        for y, row in enumerate(pair.rows):
            one = row.difference
            axes.plot([one.low, one.high], [y, y], color=COLOURS[0])
            axes.plot([one.value], [y], "o", color=COLOURS[0])
        axes.axvline(0, color="#666666", linewidth=1)
        axes.set_yticks(range(len(pair.rows)), [row.task for row in pair.rows])
        axes.set_ylim(len(pair.rows) - 0.5, -0.5)
        left, right = (f"{pair.b} better \N{LEFTWARDS ARROW}", f"\N{RIGHTWARDS ARROW} {pair.a} better")
        axes.set_xlabel(f"{left}   difference in test AUROC   {right}")
        if pair.is_standin:
            axes.set_title(STAMP, fontsize=11)
        alt = "; ".join(f"{row.task} {wording.interval(row)}" for row in pair.rows)
        return Picture(svg_uri(figure), f"Differences in test AUROC with their intervals. {alt}")
