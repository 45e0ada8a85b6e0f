"""Two figures a task: ROC curves of the test split, and AUROC by epoch. As SVG data URIs, equal for equal runs."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from benchmark.config.colours import colour
from benchmark.config.tasks import STAMP
from benchmark.report import wording
from benchmark.report.model import Cell, TaskComparison
from benchmark.report.numbers import FPR

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FEW_EPOCHS = 12
"""Up to this many epochs, each is marked by a point: one epoch alone makes no line."""
STYLE: Any = {
    "svg.hashsalt": "report",  # equal runs give equal bytes
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "axes.axisbelow": True,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True)
class Picture:
    """A figure to embed."""

    uri: str
    alt: str


def roc(task: TaskComparison) -> Picture | None:
    """Test ROC of every recipe, mean over labels and seeds, with a band of 95 % over other images and seeds.

    None where nothing was scored. The AUROC in the legend is the table's, not the area under the averaged curve.
    """
    cells = {column: cell for column, cell in enumerate(task.cells) if "test_auc" in cell.figures}
    if not cells:
        return None
    with mpl.rc_context(STYLE):
        figure, axes = blank(task, "ROC, test split (95 % band)")
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.9, linestyle=":")
        for column, cell in cells.items():
            label = f"{wording.named(cell)}: {wording.measured(cell.figures['test_auc'])}"
            curves = np.array([run.numbers.roc for run in cell.done if run.numbers])
            axes.plot([0, *FPR], [0, *curves.mean(axis=0)], color=colour(column), label=label)
            if cell.numbers:
                band(axes, FPR, curves.mean(axis=0), cell.numbers.roc_band, colour(column))
        if task.readme and task.readme.test_auc is not None:
            axes.plot([], [], " ", label=f"README, published: {wording.published(task.readme.test_auc)}")
        else:
            axes.plot([], [], " ", label="README: no figure published")
        axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.015, 1), ylim=(0, 1.015))
        axes.set_aspect("equal")
        axes.legend(loc="lower right", title="AUROC", alignment="left")
        return Picture(svg_uri(figure), f"ROC curves of the test split. {_alt(cells.values(), 'test_auc')}")


def band(axes: Axes, grid: np.ndarray, mean: np.ndarray, half_width: np.ndarray, colour: str) -> None:
    """Shade between the limits of a curve that lies between 0 and 1."""
    low, high = np.maximum(0, mean - half_width), np.minimum(1, mean + half_width)
    axes.fill_between(grid, low, high, color=colour, alpha=0.12, linewidth=0)


def learning(task: TaskComparison) -> Picture | None:
    """AUROC by epoch of every recipe, mean over seeds: val solid, train dashed; None without a history."""
    curves = {column: _mean_history(cell) for column, cell in enumerate(task.cells)}
    curves = {column: curve for column, curve in curves.items() if not curve.empty}
    if not curves:
        return None
    with mpl.rc_context(STYLE):
        figure, axes = blank(task, "AUROC by epoch", "constrained")  # its legend lies below the axes
        for column, curve in curves.items():
            few = len(curve) <= FEW_EPOCHS
            for split, line in (("val_auc", "-"), ("train_auc", "--")):
                if split in curve:
                    marker = MARKERS[column % len(MARKERS)] if few else None
                    axes.plot(curve.index, curve[split], line, color=colour(column), marker=marker, markersize=5)
        readme = task.readme.val_auc if task.readme else None
        if readme is not None:
            axes.axhline(readme, color="#666666", linewidth=1.1, linestyle=":")
        axes.set(xlabel="epoch", ylabel="AUROC")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        handles = list(_legend([wording.named(task.cells[column]) for column in curves], list(curves), readme))
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
        cells = [task.cells[column] for column in curves]
        return Picture(svg_uri(figure), f"AUROC on val and train by epoch. {_alt(cells, 'val_auc')}")


def _mean_history(cell: Cell) -> pd.DataFrame:
    histories = [run.folder.history() for run in cell.done if run.folder.has("history.csv")]
    if not histories:
        return pd.DataFrame()
    return pd.concat(histories).groupby("epoch").mean(numeric_only=True)


def blank(task: TaskComparison, title: str, layout: Literal["constrained"] | None = None) -> tuple[Figure, Axes]:
    """A figure of a task, with its title; stamped where the data is a stand-in.

    Without a layout the margins are fixed: finding them takes as long as drawing the figure.
    """
    figure = Figure(figsize=(6.2, 5.4), layout=layout, facecolor="white")
    if layout is None:
        figure.subplots_adjust(left=0.11, right=0.97, bottom=0.1, top=0.89 if task.is_standin else 0.93)
    axes = figure.subplots()
    axes.set_title(f"{task.task.name}: {title}" + (f"\n{STAMP}" if task.is_standin else ""), fontsize=12)
    return figure, axes


def _legend(recipes: list[str], columns: list[int], readme: float | None) -> Iterator[Line2D]:
    for recipe, column in zip(recipes, columns, strict=True):
        yield Line2D([], [], color=colour(column), marker=MARKERS[column % len(MARKERS)], markersize=5, label=recipe)
    yield Line2D([], [], color="#333333", label="val")
    yield Line2D([], [], color="#333333", linestyle="--", label="train")
    if readme is not None:
        label = f"README, published, val: {wording.published(readme)}"
        yield Line2D([], [], color="#666666", linewidth=1.1, linestyle=":", label=label)


def _alt(cells: Iterable[Cell], name: str) -> str:
    """The AUROC of every recipe, for those who don't see the figure."""
    return "; ".join(
        f"{wording.named(cell)} {wording.measured(cell.figures[name])}" for cell in cells if name in cell.figures
    )


def svg_uri(figure: Figure) -> str:
    """The figure to embed in a page; under `STYLE`, equal figures give equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
