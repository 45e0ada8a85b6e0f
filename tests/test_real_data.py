"""The real BreastMNIST and AdrenalMNIST3D files from fetch to scores, judged by medmnist's own evaluator."""

from pathlib import Path

import numpy as np
import pytest
from medmnist import INFO, Evaluator

from benchmark.data.fetch import fetch
from benchmark.data.load import load
from benchmark.runs import external
from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
from benchmark.training import execute
from pipelines.console import project
from tests.helpers import CPU, find, make_config

MIRROR = project.mirror()
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(MIRROR is None or not Path(MIRROR).is_dir(), reason="no folder of real files"),
]


def test_another_programs_predictions_have_the_evaluators_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """scikit-learn's naive Bayes, so sure of itself that single precision would make ties of its probabilities."""
    from sklearn.naive_bayes import GaussianNB

    task, mirror = find("breastmnist"), Path(str(MIRROR)).resolve()
    monkeypatch.chdir(tmp_path)
    fetch(task, Workspace().data(task.name), str(mirror), retries=0, timeout_s=5)
    data = load(task, Workspace().data(task.name), CPU)
    pixels = {split: part.images.reshape(len(part), -1).numpy() for split, part in data.splits.items()}
    model = GaussianNB().fit(pixels["train"], data.splits["train"].labels.numpy()[:, 0])
    judged = {}
    for split in pixels:
        evaluator = Evaluator("breastmnist", split, root=str(tmp_path / "data"))
        judged[split] = evaluator.evaluate(model.predict_proba(pixels[split]), save_folder=str(tmp_path), run="nb")
    files = sorted(tmp_path.glob("breastmnist_*@nb.csv"))
    assert len(files) == 3
    folder, _ = external.score(data, "naive-bayes", 0, files, Workspace())
    for split, figures in judged.items():
        assert folder.metrics()[f"{split}_auc"] == pytest.approx(figures.AUC, abs=1e-12)
        assert folder.metrics()[f"{split}_acc"] == pytest.approx(figures.ACC, abs=1e-12)
    scores = folder.scores()["test"][1]
    assert len(np.unique(scores.astype(np.float32))) < len(np.unique(scores))


@pytest.mark.parametrize("name", ["breastmnist", "adrenalmnist3d"])
def test_a_short_run_on_the_official_file_has_the_evaluators_figures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, mirror = find(name), Path(str(MIRROR)).resolve()
    monkeypatch.chdir(tmp_path)
    fetch(task, Workspace().data(task.name), str(mirror), retries=0, timeout_s=5)
    data, folder = {name: load(task, Workspace().data(task.name), CPU)}, RunFolder(tmp_path / "run")
    execute.execute(make_config(name, epochs=1, batch_size=64), data, folder, CPU)
    metrics = folder.metrics()
    for split, (labels, scores) in folder.scores().items():
        assert len(labels) == INFO[name]["n_samples"][split]
        judged = Evaluator(name, split, root=str(tmp_path / "data")).evaluate(scores)
        assert metrics[f"{split}_auc"] == pytest.approx(judged.AUC, abs=1e-12)
        assert metrics[f"{split}_acc"] == pytest.approx(judged.ACC, abs=1e-12)
