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

from benchmark.colours import COLOURS
from benchmark.comparison import Pair, Row
from benchmark.report import wording
from benchmark.report.figures import STYLE, Picture, svg_uri
from benchmark.report.rendering import templates
from benchmark.runs import atomic
from benchmark.tasks import STAMP

WIDTH = 120


def text(pair: Pair) -> str:
    """A row a task: both means, the difference with its interval, p and verdict."""
    table = Table(box=box.SIMPLE, padding=(0, 1), pad_edge=False, collapse_padding=True)
    table.add_column("task", no_wrap=True)
    for name in (pair.a, pair.b, "difference (95 %)", "p, Holm"):
        table.add_column(name, justify="right", overflow="fold")
    table.add_column("verdict", overflow="fold")
    for row in pair.rows:
        figures = (wording.number(row.a.mean), wording.number(row.b.mean), interval(row), p_value(row.p_holm))
        table.add_row(row.task, *figures, row.verdict)
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
    """What belongs to the table: the ranks, and the tasks that only one side has."""
    found = []
    if pair.ranking.tasks > 1:
        ranks = ", ".join(f"{name.partition(': ')[2]} {rank:.2f}" for name, rank in pair.ranking.ranks.items())
        found.append(f"Mean rank over {pair.ranking.tasks} tasks: {ranks}; sign test p = {p_value(pair.ranking.p)}.")
    if pair.unpaired:
        found.append(f"Left out, because only one side has runs: {', '.join(pair.unpaired)}.")
    return found


def write(pair: Pair, out: Path) -> Path:
    """Write the page into `out` and return its path."""
    name = "-".join(re.sub(r"[^\w.]+", "-", side).strip("-") for side in (pair.a, pair.b))
    content = {
        "pair": pair,
        "stamp": STAMP if pair.is_standin else "",
        "picture": forest(pair),
        "remarks": remarks(pair),
        "interval": interval,
        "p_value": p_value,
    }
    path = out / f"compare-{name}.html"
    with atomic(path) as partial:
        partial.write_text(templates().get_template("compare.html.j2").render(content), encoding="utf-8")
    return path


def forest(pair: Pair) -> Picture:
    """The difference of every task with its interval."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 1.4 + 0.5 * len(pair.rows)), layout="constrained", facecolor="white")
        axes = figure.subplots()
        for place, row in enumerate(pair.rows):
            one = row.difference
            axes.plot([one.low, one.high], [place, place], color=COLOURS[0])
            axes.plot([one.value], [place], "o", color=COLOURS[0])
        axes.axvline(0, color="#666666", linewidth=1)
        axes.set_yticks(range(len(pair.rows)), [row.task for row in pair.rows])
        axes.set_ylim(len(pair.rows) - 0.5, -0.5)
        left, right = (f"{pair.b} better \N{LEFTWARDS ARROW}", f"\N{RIGHTWARDS ARROW} {pair.a} better")
        axes.set_xlabel(f"{left}   difference in test AUROC   {right}")
        if pair.is_standin:
            axes.set_title(STAMP, fontsize=11)
        alt = "; ".join(f"{row.task} {interval(row)}" for row in pair.rows)
        return Picture(svg_uri(figure), f"Differences in test AUROC with their intervals. {alt}")


def interval(row: Row) -> str:
    one = row.difference
    return f"{wording.difference(one.value)} [{wording.difference(one.low)}, {wording.difference(one.high)}]"


def p_value(p: float) -> str:
    return wording.NOTHING if p != p else "< 0.001" if p < 0.001 else f"{p:.3f}"
