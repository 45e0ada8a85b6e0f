"""What DVC shows of a task and recipe: `metrics/<task>/<recipe>.json` and two tables for `dvc plots`.

No times and no ids, so that equal runs give equal bytes. All figures are means over the seeds.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from benchmark.runs import RunFolder, atomic

GRID = np.linspace(0.0, 1.0, 101)
SHOWN = ["val_auc", "test_auc", "test_acc"]
"""What `dvc metrics diff` compares: few, so that it fits a screen; the rest is in the run folders."""
LEARNING = ["epoch", "split", "auroc"]


def write(task: str, recipe: str, folders: list[RunFolder]) -> None:
    """Write all three; of a refused pair (no folders) they are empty."""
    metrics = pd.DataFrame([folder.metrics() for folder in folders]).mean().reindex(SHOWN).dropna().round(4)
    _write(Path("metrics") / task / f"{recipe}.json", json.dumps(metrics.to_dict(), indent=2, sort_keys=True) + "\n")
    plots = Path("plots") / task / recipe
    _write(plots / "learning.csv", learning_curve(folders).to_csv(index=False, lineterminator="\n"))
    _write(plots / "roc.csv", roc(folders).to_csv(index=False, lineterminator="\n"))


def learning_curve(folders: list[RunFolder]) -> pd.DataFrame:
    """A row an epoch and split, for one plot with both (`.dvc/plots/learning.json`)."""
    if not folders:
        return pd.DataFrame(columns=LEARNING)
    means = pd.concat([folder.history() for folder in folders]).groupby("epoch", as_index=False).mean()
    wide = means.rename(columns={"val_auc": "val", "train_auc": "train"})
    return wide.melt("epoch", ["val", "train"], "split", "auroc")


def roc(folders: list[RunFolder]) -> pd.DataFrame:
    """True positive rate of the test split on a grid of false positive rates; mean over labels and seeds."""
    curves = []
    for folder in folders:
        labels, scores = folder.scores()["test"]
        for column in range(labels.shape[1]):
            fpr, tpr, _ = roc_curve(labels[:, column], scores[:, column])
            curves.append(np.interp(GRID, fpr, tpr))
    if not curves:
        return pd.DataFrame(columns=["fpr", "tpr"])
    return pd.DataFrame({"fpr": GRID, "tpr": np.mean(curves, axis=0)})


def _write(path: Path, text: str) -> None:
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8")
