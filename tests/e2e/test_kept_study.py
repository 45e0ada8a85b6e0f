"""What a fresh clone shows of the study that git holds, through the real commands: no data, no training."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from sklearn.metrics import roc_auc_score

from tests.e2e.clone import BIN, environment, make_clone, run
from tests.helpers import free_port, wait_for_server

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
A, B = "plain-aucm", "plain-cross-entropy"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("study") / "clone")


def auroc(clone: Path, task: str, recipe: str) -> float:
    """Test AUROC, mean over the kept seeds, by scikit-learn."""
    figures = []
    for path in sorted((clone / "results/study" / task / recipe).glob("seed*/scores.npz")):
        with np.load(path) as kept:
            figures.append(roc_auc_score(kept["test_labels"][:, 0], kept["test_scores"][:, 0]))
    assert len(figures) == 5
    return float(np.mean(figures))


def test_the_report_is_made_of_it(clone: Path) -> None:
    run([sys.executable, "-m", "pipelines.report", "--profile", "study"], clone)
    page = (clone / "reports" / "report.html").read_text(encoding="utf-8")
    (answer,) = re.findall(r"^\*\*(Training for AUROC .*)\*\*$", (clone / "README.md").read_text(), re.MULTILINE)
    assert answer in page
    assert f"{auroc(clone, 'breastmnist', A):.4f}" in page
    assert not (clone / "data").exists()


def test_two_recipes_of_it_are_compared(clone: Path) -> None:
    said = run([sys.executable, "-m", "pipelines.compare", A, B, "--profile", "study"], clone).stdout
    difference = auroc(clone, "vesselmnist3d", A) - auroc(clone, "vesselmnist3d", B)
    assert f"{difference:+.4f}".replace("-", "\N{MINUS SIGN}") in said


def test_it_is_in_the_mlflow_ui_after_one_command_and_once_after_two(clone: Path) -> None:
    address, records = f"sqlite:///{clone}/study.db", list((clone / "results/study").glob("*/*/seed*/run.json"))
    for _ in range(2):
        run([sys.executable, "-m", "pipelines.track", "--profile", "study", "--to", address], clone)
    port = str(free_port())
    command = [f"{BIN}/mlflow", "ui", "--backend-store-uri", address, "--host", "127.0.0.1", "--port", port]
    with subprocess.Popen(command, cwd=clone, env=environment(), stderr=subprocess.DEVNULL) as ui:
        try:
            wait_for_server(f"http://127.0.0.1:{port}/health")
            client = MlflowClient(f"http://127.0.0.1:{port}")
            named = {one.name: one.experiment_id for one in client.search_experiments()}
            runs = [
                run for task in sorted({path.parents[2].name for path in records}) for run in seeds(client, named[task])
            ]
        finally:
            ui.terminate()
    shown = {(one.data.tags["recipe"], one.data.params["seed"], one.data.tags["identity"]) for one in runs}
    kept = [json.loads(path.read_text()) for path in records]
    assert len(runs) == len(records)
    assert shown == {(one["config"]["recipe"], str(one["config"]["seed"]), one["identity"]) for one in kept}
    assert all(0.5 < one.data.metrics["test_auc"] <= 1 for one in runs)


def seeds(client: MlflowClient, experiment: str) -> list[object]:
    return list(client.search_runs([experiment], "tags.level = 'seed'", max_results=1000))
