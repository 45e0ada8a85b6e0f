"""The command that scores predictions from elsewhere: a run folder, an MLflow run, a column; errors in one sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.config.params import Params
from benchmark.config.tasks import STAMP
from benchmark.core.errors import BadInput
from benchmark.data.fetch import fetch
from benchmark.data.load import load
from benchmark.report.build import build
from benchmark.report.gather import collect
from benchmark.report.table import table_text
from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
from pipelines.console.commands import Commands
from pipelines.score import edge_length, expand, weights
from tests.helpers import CPU, ROOT, find, shipped

TASK = "standin-breastmnist"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with params.yaml, a small task's data, and predictions for its three splits in two files."""
    root = tmp_path_factory.mktemp("score")
    shutil.copy(ROOT / "params.yaml", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        task = find(TASK)
        fetch(task, Workspace().data(TASK), None, retries=0, timeout_s=1)
        labels = {split: part.labels.numpy() for split, part in load(task, Workspace().data(TASK), CPU).splits.items()}
    random = np.random.default_rng(0)
    scores = {split: np.clip(0.2 * part + 0.8 * random.random(part.shape), 0, 1) for split, part in labels.items()}
    (root / "given").mkdir()
    lines = [f"{image},{1 - score},{score}" for image, score in enumerate(scores["test"][:, 0])]
    (root / "given" / f"{TASK}_test_@1.csv").write_text("\n".join(lines))
    np.savez(root / "given" / "others.npz", train_scores=scores["train"], val_scores=scores["val"])
    np.savez(root / "expected.npz", labels=labels["test"], scores=scores["test"])
    return root


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [sys.executable, "-m", "pipelines.score", *arguments]
    return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def scored(project: Path) -> tuple[subprocess.CompletedProcess[str], RunFolder]:
    done = run(
        project, "--task", TASK, "--name", "my-method", "--seed", "3", "--note", "a <test>", "--pixels", "28", "given"
    )
    return done, Workspace(project).given(TASK, "my-method", 3)


def test_it_makes_a_run_folder_with_the_figures_of_the_files(
    project: Path, scored: tuple[subprocess.CompletedProcess[str], RunFolder]
) -> None:
    done, folder = scored
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    with np.load(project / "expected.npz") as expected:
        auroc = roc_auc_score(expected["labels"][:, 0], expected["scores"][:, 0])
    assert folder.metrics()["test_auc"] == pytest.approx(auroc, abs=1e-12)
    assert {"train_auc", "val_auc"} < folder.metrics().keys()
    assert f"test AUROC {auroc:.4f}, 95 % interval" in done.stdout
    assert folder.record().config.note == "a <test>"


def test_it_makes_an_mlflow_run_in_the_tasks_experiment(
    project: Path, scored: tuple[subprocess.CompletedProcess[str], RunFolder]
) -> None:
    from mlflow import MlflowClient

    client, folder = MlflowClient(f"sqlite:///{project}/mlflow.db"), scored[1]
    found = client.get_run(folder.tracking()["run_id"])
    assert client.get_experiment(found.info.experiment_id).name == TASK
    assert found.info.status == "FINISHED"
    assert found.info.run_name == f"{STAMP}: my-method external seed 3"
    assert (found.data.tags["external"], found.data.tags["recipe"]) == ("true", "my-method")
    assert found.data.tags["note"] == "a <test>"
    assert found.data.metrics["test_auc"] == folder.metrics()["test_auc"]
    names = {artifact.path for artifact in client.list_artifacts(found.info.run_id)}
    assert {"run.json", "metrics.json", "scores.npz", "roc.png"} <= names


def test_the_same_again_makes_nothing_new(
    project: Path, scored: tuple[subprocess.CompletedProcess[str], RunFolder]
) -> None:
    place = scored[1].tracking()
    done = run(project, "--task", TASK, "--name", "my-method", "--seed", "3", "--pixels", "28", "given")
    assert done.returncode == 0
    assert "already there, the same predictions" in done.stdout
    assert scored[1].tracking() == place


def with_task(params: Params) -> Params:
    fetched = params.fetch.model_copy(update={"tasks": (TASK, "breastmnist"), "left_out": ()})
    return params.model_copy(update={"fetch": fetched})


def test_the_report_has_it_as_a_column_behind_the_recipes(
    project: Path, scored: tuple[subprocess.CompletedProcess[str], RunFolder]
) -> None:
    params = with_task(shipped())
    comparison = build(params, "quick", Workspace(project), Commands())
    assert list(comparison.recipes) == [*params.finetune.names, *params.ensemble.names, "my-method"]
    assert comparison.external == ("my-method",)
    assert comparison.recipes["my-method"] == "predictions from elsewhere; a <test>"
    given, other = (task.cells[-1] for task in comparison.tasks)
    assert given.figures["test_auc"].mean == pytest.approx(scored[1].metrics()["test_auc"], abs=1e-12)
    assert (str(given.status), str(other.status), other.problems) == ("done", "not given", [])
    assert all(method != "my-method" for _, method, _ in comparison.missing)
    assert {recipes for _, recipes, _ in comparison.missing} == {"every recipe"}
    text = table_text(comparison)
    assert "my-method" in text
    assert f"{scored[1].metrics()['test_auc']:.4f}" in text
    for name in ("report.html", "report.md"):
        page = (project / "reports" / name).read_text(encoding="utf-8")
        assert f"{scored[1].metrics()['test_auc']:.4f}" in page
        assert "a &lt;test&gt;" in page
        assert "my-method: image size 28, external weights not stated, as given; on which data it was trained" in page


def test_it_is_in_no_report_of_other_tasks(
    project: Path, scored: tuple[subprocess.CompletedProcess[str], RunFolder]
) -> None:
    params = shipped()
    fetched = params.fetch.model_copy(update={"tasks": ("breastmnist",), "left_out": ()})
    comparison = collect(params.model_copy(update={"fetch": fetched}), "quick", Workspace(project))
    assert list(comparison.recipes) == [*params.finetune.names, *params.ensemble.names]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--task", "breast", "--name", "x", "given"], "error: option --task: unknown task 'breast'; known: "),
        (["--task", TASK, "--name", "dam", "given"], "error: option --name: 'dam' is the name of a recipe"),
        (
            ["--task", TASK, "--name", "x", "--pixels", "big", "given"],
            "error: option --pixels: 'big' is no whole number",
        ),
        (["--task", TASK, "--name", "x", "gone.csv"], "error: gone.csv: no such file"),
        (["--task", "breastmnist", "--name", "x", "given"], "error: data/breastmnist.npz: not there; run `dvc repro"),
        (["--task", TASK, "--name", "x", "expected.npz"], "error: expected.npz: unknown array labels, scores"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(project: Path, arguments: list[str], sentence: str) -> None:
    done = run(project, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert not (project / "external" / TASK / "x").exists()


def test_what_an_mlflow_project_leaves_out_is_not_stated() -> None:
    assert (edge_length(""), edge_length("224"), weights(""), weights("None"), weights("ImageNet, timm's")) == (
        None,
        224,
        None,
        "none",
        "ImageNet, timm's",
    )


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT TWO}", 5000 * "1"])
def test_what_is_no_edge_length_is_one_short_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="no whole number above 0") as caught:
        edge_length(text)
    assert len(str(caught.value)) < 200


def test_a_folder_stands_for_the_files_in_it(tmp_path: Path) -> None:
    for name in ("b.csv", "a.npz", "notes.txt"):
        (tmp_path / name).touch()
    assert expand([str(tmp_path), "c.csv"]) == [tmp_path / "a.npz", tmp_path / "b.csv", Path("c.csv")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"empty: a folder without any \.csv or \.npz"):
        expand([str(tmp_path / "empty")])
