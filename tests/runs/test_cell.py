"""Figures of all seeds of a cell: means, and out of fold where the seeds have other val images."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.runs import cell
from benchmark.runs.workspace import Workspace
from tests.runs.test_ensemble import LABELS, scores_of, write


def test_of_seeds_on_the_official_splits_all_figures_are_means(tmp_path: Path) -> None:
    folders = [write(Workspace(tmp_path), "plain", seed) for seed in range(3)]
    means = {name: np.mean([one.metrics()[name] for one in folders]) for name in folders[0].metrics()}
    assert cell.figures(folders) == pytest.approx(means)
    assert cell.validation(folders) == {}


def test_of_cross_fitted_seeds_val_is_out_of_fold_and_the_rest_means(tmp_path: Path) -> None:
    folders = [write(Workspace(tmp_path), "fitted", seed, parts=3) for seed in range(3)]
    image = np.arange(len(LABELS["val"]))
    out = np.stack([scores_of(one, "val") for one in folders])[image % 3, image]
    found = cell.figures(folders)
    assert found["val_auc"] == pytest.approx(roc_auc_score(LABELS["val"], out))
    assert found["val_acc"] == pytest.approx(np.mean((out > 0.5) == LABELS["val"]))
    assert found["test_auc"] == pytest.approx(np.mean([one.metrics()["test_auc"] for one in folders]))
    assert found["val_auc"] != pytest.approx(np.mean([one.metrics()["val_auc"] for one in folders]))
    assert cell.is_judged_on_all_of_val(folders)
    assert not cell.is_judged_on_all_of_val(folders[:2])
