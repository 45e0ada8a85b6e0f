"""Two further figures a task, of the test split: precision by recall, and how far scores are probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from sklearn.calibration import calibration_curve

from benchmark.config.colours import colour
from benchmark.report import wording
from benchmark.report.model import Cell, TaskComparison
from benchmark.report.numbers import RECALL
from benchmark.report.plots import figures
from benchmark.report.plots.figures import STYLE, Picture


def precision_recall(task: TaskComparison) -> Picture | None:
    """Mean over labels and seeds, with a band of 95 % over other images and seeds."""

    def draw(axes: Axes, cell: Cell, colour: str) -> None:
        curves = np.array([run.numbers.precision for run in cell.done if run.numbers])
        label = f"{wording.named(cell)}: {wording.measured(cell.measures['average_precision'])}"
        mean = curves.mean(axis=0)
        axes.plot(RECALL, mean, color=colour, label=label)
        if cell.numbers:
            figures.band(axes, RECALL, mean, cell.numbers.precision_band, colour)

    return _picture(
        task, "precision and recall, test split (95 % band)", ("recall", "precision"), "average_precision", draw
    )


def calibration(task: TaskComparison) -> Picture | None:
    """Share of label 1 by score, seeds and labels together; on the diagonal, scores are probabilities."""

    def draw(axes: Axes, cell: Cell, colour: str) -> None:
        pairs = list(_scored(cell))
        labels = np.concatenate([labels.ravel() for labels, _ in pairs])
        scores = np.concatenate([scores.ravel() for _, scores in pairs])
        shares, means = calibration_curve(labels, scores, n_bins=10)
        axes.plot(
            means,
            shares,
            "o-",
            color=colour,
            markersize=4,
            label=f"{wording.named(cell)}: {wording.measured(cell.measures['ece'])}",
        )

    return _picture(task, "calibration, test split", ("score", "share of label 1"), "ece", draw)


def _picture(
    task: TaskComparison, title: str, names: tuple[str, str], measure: str, draw: Callable[[Axes, Cell, str], None]
) -> Picture | None:
    cells = {column: cell for column, cell in enumerate(task.cells) if _is_defined(cell, measure)}
    if not cells:
        return None
    with mpl.rc_context(STYLE):
        figure, axes = figures.blank(task, title)
        if measure == "ece":
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.9, linestyle=":")
        for column, cell in cells.items():
            draw(axes, cell, colour(column))
        axes.set(xlabel=names[0], ylabel=names[1], xlim=(0, 1), ylim=(0, 1.015))
        heading = {"ece": "expected calibration error", "average_precision": "average precision"}[measure]
        axes.legend(title=heading, alignment="left", loc="lower left" if measure != "ece" else "upper left")
        alt = "; ".join(f"{wording.named(cell)} {wording.measured(cell.measures[measure])}" for cell in cells.values())
        return Picture(figures.svg_uri(figure), f"{title.capitalize()}. {heading}: {alt}")


def _is_defined(cell: Cell, measure: str) -> bool:
    return measure in cell.measures and np.isfinite(cell.measures["average_precision"].mean)


def _scored(cell: Cell) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for run in cell.done:
        yield run.folder.scores()["test"]
