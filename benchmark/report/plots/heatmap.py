"""The figure of a swept grid: validation AUROC over optimizer and learning rate, a map for each loss."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmark.report import wording
from benchmark.report.plots.figures import STYLE, Picture, svg_uri

AXES = ["loss", "optimizer", "lr"]
"""Settings of a trial: a map for each of the first, over the other two."""
COLOURS = "cividis"  # told apart by colour-blind readers, and in grey
DARK = 0.55
"""Below this height on the colour scale, text is white."""


def heatmap(rows: pd.DataFrame, choice: str | None, winner: str, title: str) -> Picture | None:
    """A map a loss, all on one colour scale; None where the grid has no optimizer and learning rate to span one.

    Args:
        rows: a sweep's table. Where other values differ too, a cell shows the best trial.
        choice: the trial that is marked by a frame, the recipe's own; None where it isn't in the grid.
        winner: the trial that is marked by a star.
    """
    cells = _cells(rows)
    if cells["lr"].nunique() < 2:
        return None
    losses, optimizers, lrs = (sorted(cells[name].unique()) for name in AXES)
    known = cells["val_auc"].dropna()
    limits = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        size = (1.1 + 0.95 * len(lrs) * len(losses), 1.9 + 0.55 * len(optimizers))
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        maps = figure.subplots(1, len(losses), sharey=True, squeeze=False)[0]
        for axes, loss in zip(maps, losses, strict=True):
            part = cells[cells["loss"] == loss]
            grid = part.pivot(index="optimizer", columns="lr", values="val_auc").reindex(index=optimizers, columns=lrs)
            image = axes.imshow(grid.to_numpy(float), cmap=COLOURS, vmin=limits[0], vmax=limits[1], aspect="auto")
            axes.set(title=loss, xlabel="learning rate")
            axes.set_xticks(range(len(lrs)), [f"{lr:g}" for lr in lrs])
            axes.set_yticks(range(len(optimizers)), optimizers)
            axes.spines[:].set_visible(False)
            _write_cells(axes, part, optimizers, lrs, limits, choice, winner)
        figure.colorbar(image, ax=list(maps), label="validation AUROC", fraction=0.03)
        figure.suptitle(title, fontsize=12)
        return Picture(svg_uri(figure), f"Validation AUROC by loss, optimizer and learning rate. {_alt(cells)}")


def equal_losses(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    """Losses whose maps show the same figures in every cell, two or more together."""
    cells, by_map = _cells(rows), dict[str, tuple[str, ...]]()
    for loss in sorted(cells["loss"].unique()):
        part = cells.loc[cells["loss"] == loss, ["optimizer", "lr", "val_auc"]].dropna()
        if len(part):
            key = part.sort_values(["optimizer", "lr"]).to_csv(index=False)
            by_map[key] = (*by_map.get(key, ()), loss)
    return [losses for losses in by_map.values() if len(losses) > 1]


def _cells(rows: pd.DataFrame) -> pd.DataFrame:
    """The best trial of each cell, since the table is best first; none without an optimizer and a learning rate."""
    if not set(AXES) <= set(rows):
        return pd.DataFrame(columns=[*AXES, "val_auc"])
    return rows.dropna(subset=AXES).drop_duplicates(AXES)


def _write_cells(
    axes: Axes,
    part: pd.DataFrame,
    optimizers: Sequence[str],
    lrs: Sequence[float],
    limits: tuple[float, float],
    choice: str | None,
    winner: str,
) -> None:
    for row in part.to_dict("records"):
        x, y, auc = lrs.index(row["lr"]), optimizers.index(row["optimizer"]), row["val_auc"]
        missing = np.isnan(auc)
        height = 0.0 if missing else (auc - limits[0]) / max(limits[1] - limits[0], 1e-9)
        text = "none" if missing else f"{auc:.3f}"
        star = " \N{BLACK STAR}" if row["trial"] == winner else ""
        colour = "black" if missing or height > DARK else "white"
        axes.text(x, y, text + star, ha="center", va="center", color=colour, fontsize=9)
        if row["trial"] == choice:
            axes.add_patch(Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, fill=False, edgecolor="#D55E00", linewidth=2.5))


def _alt(cells: pd.DataFrame) -> str:
    rows = cells.to_dict("records")
    return "; ".join(f"{r['loss']} {r['optimizer']} {r['lr']:g}: {wording.number(r['val_auc'])}" for r in rows)
