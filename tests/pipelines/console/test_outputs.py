"""What DVC shows: means over seeds, and curves that scikit-learn would draw."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc

from benchmark.runs.folder import RunFolder
from benchmark.runs.scores import metrics
from pipelines.console import outputs


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    monkeypatch.chdir(tmp_path)
    found = []
    for seed in (0, 1):
        random = np.random.default_rng(seed)
        labels = (random.random((400, 1)) < 0.3).astype(np.uint8)
        scores = (0.4 * labels + random.random((400, 1)) * 0.6).astype(np.float32)
        folder = RunFolder(tmp_path / "runs" / f"seed{seed}")
        folder.write_scores({"test": (labels, scores)})
        folder.write_metrics(metrics(folder.scores()))
        rows = [{"epoch": e, "train_loss": 1 / e, "train_auc": 0.5, "val_auc": 0.5 + seed / 10} for e in (1, 2)]
        folder.write_history(rows)
        found.append(folder)
    return found


def test_metrics_are_means_over_seeds(folders: list[RunFolder]) -> None:
    outputs.write("breastmnist", "dam", folders)
    shown = json.loads(Path("metrics/breastmnist/dam.json").read_text())
    means = {name: np.mean([folder.metrics()[name] for folder in folders]) for name in ("test_acc", "test_auc")}
    assert shown == pytest.approx(means, abs=5e-5)
    assert all(len(str(value)) <= 6 for value in shown.values())


def test_learning_curves_have_a_row_an_epoch_and_split(folders: list[RunFolder]) -> None:
    outputs.write("breastmnist", "dam", folders)
    curve = pd.read_csv("plots/breastmnist/dam/learning.csv")
    assert curve["epoch"].tolist() == [1, 2, 1, 2]
    assert curve["split"].tolist() == ["val", "val", "train", "train"]
    assert curve["auroc"].tolist() == pytest.approx([0.55, 0.55, 0.5, 0.5])


def test_the_area_under_the_roc_table_is_the_auroc(folders: list[RunFolder]) -> None:
    outputs.write("breastmnist", "dam", folders)
    table = pd.read_csv("plots/breastmnist/dam/roc.csv")
    expected = np.mean([folder.metrics()["test_auc"] for folder in folders])
    assert auc(table["fpr"], table["tpr"]) == pytest.approx(expected, abs=0.01)


def test_a_refused_pair_has_empty_outputs(folders: list[RunFolder]) -> None:
    outputs.write("chestmnist", "dam-compositional", [])
    assert json.loads(Path("metrics/chestmnist/dam-compositional.json").read_text()) == {}
    assert pd.read_csv("plots/chestmnist/dam-compositional/roc.csv").empty
