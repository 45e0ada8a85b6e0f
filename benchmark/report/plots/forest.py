"""One task's test AUROCs above each other: ours with intervals, the published ones as points."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmark.config.colours import COLOURS
from benchmark.published.table import for_task
from benchmark.published.verdict import obstacle
from benchmark.report import wording
from benchmark.report.model import TaskComparison
from benchmark.report.plots.figures import STYLE, Picture, svg_uri

SHOWN = 12
"""Published figures: the README's, MedMNIST's ResNet-18, and the best of the others."""
WIDTH = 42
"""Letters of a published figure's name."""
OURS, COMPARABLE, OTHER = COLOURS[0], COLOURS[1], "#777777"


def forest(task: TaskComparison) -> Picture | None:
    """None where nothing was scored, or the data is a stand-in."""
    cells = [(cell, cell.numbers.over, cell.interval) for cell in task.cells if cell.numbers and cell.interval]
    ours = [(wording.named(cell), over, interval) for cell, over, interval in cells if np.isfinite(over.mean)]
    if not ours or task.is_standin:
        return None
    published = _published(task)
    with mpl.rc_context(STYLE):
        figure = Figure(
            figsize=(7.2, 1.3 + 0.26 * (len(ours) + len(published))), layout="constrained", facecolor="white"
        )
        axes = figure.subplots()
        for y, (_, over, interval) in enumerate(ours):
            axes.plot([interval.low, interval.high], [y, y], color=OURS, linewidth=2)
            axes.plot([over.images.low, over.images.high], [y, y], color=OURS, linewidth=4, alpha=0.45)
            axes.plot([over.mean], [y], "o", color=OURS)
        for y, (_, auroc, comparable) in enumerate(published, len(ours)):
            axes.plot(
                [auroc],
                [y],
                "D",
                color=COMPARABLE if comparable else OTHER,
                fillstyle="full" if comparable else "none",
            )
        axes.set_yticks(
            range(len(ours) + len(published)),
            [name for name, _, _ in ours] + [name for name, _, _ in published],
            fontsize=9,
        )
        axes.set_ylim(len(ours) + len(published) - 0.5, -0.5)
        axes.axhline(len(ours) - 0.5, color="#bbbbbb", linewidth=0.8)
        axes.set_xlabel("test AUROC")
        figure.suptitle(task.task.name, fontsize=12)
        handles = [
            Line2D(
                [],
                [],
                color=OURS,
                marker="o",
                label="ours; thick: other images, thin: and other seeds, where there are several",
            ),
            Line2D([], [], color=COMPARABLE, marker="D", linestyle="", label="published, comparable"),
            Line2D([], [], color=OTHER, marker="D", linestyle="", fillstyle="none", label="published, not comparable"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=1, fontsize=9)
        alt = "; ".join(f"{name} {wording.spanned(interval)}" for name, _, interval in ours)
        return Picture(
            svg_uri(figure), f"Test AUROC of {task.task.name} with 95 % intervals, beside published ones. {alt}"
        )


def _published(task: TaskComparison) -> list[tuple[str, float, bool]]:
    rows = [row for row in for_task(task.task.reference or "") if row.test_auc is not None and row.is_comparable]
    first = [row for row in rows if row in (task.readme, task.baseline)]
    others = sorted((row for row in rows if row not in first), key=lambda row: -(row.test_auc or 0.0))
    shown = [
        (
            textwrap.shorten(f"{row.source_key}: {row.method}", WIDTH, placeholder="\N{HORIZONTAL ELLIPSIS}"),
            row.test_auc or 0.0,
            not obstacle(row, task.task),
        )
        for row in [*first, *others][:SHOWN]
    ]
    return sorted(shown, key=lambda entry: -entry[1])
