"""What DVC shows of a task and recipe: `metrics/<task>/<recipe>.json` and two tables for `dvc plots`.

No times and no ids, so that equal runs give equal bytes. All figures are means over the seeds, but for the val AUROC of
cross-fitted ones, which is out of fold. An ensemble has no epochs, so no learning curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.core.files import json_text, write_text
from benchmark.evaluation.curves import mean_roc
from benchmark.runs import cell
from benchmark.runs.folder import RunFolder

GRID = np.linspace(0.0, 1.0, 101)
SHOWN = ["val_auc", "test_auc", "test_acc"]
"""What `dvc metrics diff` compares: few, so that it fits a screen; the rest is in the run folders."""
LEARNING = ["epoch", "split", "auroc"]


def write(task: str, recipe: str, folders: Sequence[RunFolder]) -> None:
    """Write all three; of a refused pair (no folders) they are empty."""
    write_figures(task, recipe, folders)
    _write_plot(task, recipe, "learning", learning_curve(folders))


def write_figures(task: str, name: str, folders: Sequence[RunFolder]) -> None:
    """Write what is there without epochs, as of an ensemble."""
    metrics = pd.Series(cell.figures(folders) if folders else {}, dtype=float).reindex(SHOWN).dropna().round(4)
    content = {str(name): value for name, value in metrics.items()}
    write_text(Path("metrics") / task / f"{name}.json", json_text(content))
    _write_plot(task, name, "roc", roc(folders))


def _write_plot(task: str, name: str, plot: str, table: pd.DataFrame) -> None:
    write_text(Path("plots") / task / name / f"{plot}.csv", table.to_csv(index=False, lineterminator="\n"))


def learning_curve(folders: Sequence[RunFolder]) -> pd.DataFrame:
    """A row an epoch and split, for one plot with both (`.dvc/plots/learning.json`)."""
    if not folders:
        return pd.DataFrame(columns=LEARNING)
    means = pd.concat([folder.history() for folder in folders]).groupby("epoch", as_index=False).mean()
    wide = means.rename(columns={"val_auc": "val", "train_auc": "train"})
    return wide.melt("epoch", ["val", "train"], "split", "auroc")


def roc(folders: Sequence[RunFolder]) -> pd.DataFrame:
    """True positive rate of the test split on a grid of false positive rates; mean over labels and seeds."""
    if not folders:
        return pd.DataFrame(columns=["fpr", "tpr"])
    return pd.DataFrame({"fpr": GRID, "tpr": mean_roc((folder.scores()["test"] for folder in folders), GRID)})
