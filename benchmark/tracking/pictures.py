"""Figures of run folders, as artifacts that the MLflow UI previews."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmark.runs.folder import RunFolder


def of(folders: Sequence[RunFolder], title: str) -> Iterator[tuple[str, Any]]:
    """File name and figure: the curves of the test split and of training, a line a seed (and label)."""
    if all("val_auc" in folder.history() for folder in folders):  # predictions from elsewhere have no epochs
        yield "learning.png", _learning(folders, title)
    if all("test" in folder.scores() for folder in folders):
        yield "roc.png", _by_label(folders, title, "RocCurveDisplay")
        yield "precision_recall.png", _by_label(folders, title, "PrecisionRecallDisplay")
        yield "calibration.png", _calibration(folders, title)


def _by_label(folders: Sequence[RunFolder], title: str, display: str) -> Any:
    from sklearn import metrics  # late: takes over a second, and training starts without it

    figure, axes = _blank(title)
    for folder in folders:
        labels, scores = folder.scores()["test"]
        for column in range(labels.shape[1]):
            name = _seed(folder) if labels.shape[1] == 1 else None
            getattr(metrics, display).from_predictions(labels[:, column], scores[:, column], ax=axes, name=name)
    if labels.shape[1] > 1 and axes.get_legend():
        axes.get_legend().remove()
    return figure


def _calibration(folders: Sequence[RunFolder], title: str) -> Any:
    from sklearn.calibration import CalibrationDisplay  # late: see `_by_label`

    figure, axes = _blank(title)
    for folder in folders:
        labels, scores = folder.scores()["test"]
        CalibrationDisplay.from_predictions(labels.ravel(), scores.ravel(), n_bins=10, ax=axes, name=_seed(folder))
    return figure


def _learning(folders: Sequence[RunFolder], title: str) -> Any:
    figure, axes = _blank(title)
    for folder in folders:
        history = folder.history()
        (line,) = axes.plot(history["epoch"], history["val_auc"], label=f"{_seed(folder)}, val")
        axes.plot(history["epoch"], history["train_auc"], "--", color=line.get_color(), label=f"{_seed(folder)}, train")
    axes.set(xlabel="epoch", ylabel="AUROC")
    axes.legend()
    return figure


def _blank(title: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # late: see `_by_label`

    figure = Figure(figsize=(5, 5), layout="tight")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def _seed(folder: RunFolder) -> str:
    seed = folder.record().config.seed
    return "ensemble" if seed is None else f"seed {seed}"
