"""An ensemble by its command: folder, tracked run, registered model that is asked for the test images; or why not."""

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML
from sklearn.metrics import roc_auc_score

from benchmark.core.errors import BadInput, NoMember
from benchmark.data import load
from benchmark.runs.workspace import Workspace
from pipelines import ensemble as command
from pipelines.console import project
from pipelines.console.sides import side
from tests.helpers import ROOT, make_data, running, told
from tests.training.test_ensemble import train

TASK, DATA = "breastmnist", make_data("breastmnist")
INFERRED = {"softmax": "medmnist", "sigmoid": "dam"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with recipes of these names and an ensemble of them, two seeds."""
    yaml = YAML()
    content: Any = yaml.load((ROOT / "params.yaml").read_text())
    for name, like in INFERRED.items():
        content["recipes"][name] = content["recipes"][like]
    content["ensembles"] = {"both": {"about": "a test", "members": list(INFERRED)}}
    content.update(running(*INFERRED, ensembles=["both"]))
    content["profile"] = "smoke"
    content["profiles"]["smoke"]["seeds"] = [0, 1]
    with (tmp_path / "params.yaml").open("w") as file:
        yaml.dump(content, file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(load, "load", lambda *_: DATA)
    return tmp_path


def test_it_is_made_tracked_registered_served_and_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(Workspace(), TASK, cross_fit=2)
    command.main(TASK, "both")
    made = Workspace().ensemble("smoke", TASK, "both")
    assert made.is_done
    metrics, scores = made.metrics(), made.scores()
    (run,) = mlflow.search_runs(experiment_names=[TASK], output_format="list")
    assert run.data.metrics["val_auc"] == pytest.approx(metrics["val_auc"])
    tags = {"level": "recipe", "recipe": "both", "ensemble": "true", "trained_on_val": "true"}
    assert tags | {"members": "softmax 0 1, sigmoid 0 1"} == {name: run.data.tags[name] for name in (*tags, "members")}
    assert "val AUROC, out of fold (val was trained on)" in run.data.tags["mlflow.note.content"]

    version = MlflowClient().get_model_version_by_alias(TASK, "champion")
    assert (version.tags["recipe"], version.tags["members"]) == ("both", "softmax 0 1, sigmoid 0 1")
    assert float(version.tags["val_auc"]) == pytest.approx(metrics["val_auc"], abs=1e-6)
    assert "the mean of 4 networks; val was trained on" in version.description
    model = mlflow.pyfunc.load_model(f"models:/{TASK}@champion")
    images = DATA.splits["test"].images.squeeze(1).numpy()
    assert np.asarray(model.predict(images)) == pytest.approx(scores["test"][1], abs=1e-6)
    assert side("both", "smoke").cells == side(f"models:/{TASK}@champion", "smoke").cells == {TASK: (made,)}
    shown = json.loads((folder / "metrics" / TASK / "both.json").read_text())
    assert shown["test_auc"] == pytest.approx(roc_auc_score(*scores["test"]), abs=5e-5)
    assert (folder / "plots" / TASK / "both" / "roc.csv").is_file()

    command.main(TASK, "both")
    assert "already there, nothing to do" in capsys.readouterr().out
    assert len(MlflowClient().search_model_versions(f"name = '{TASK}'")) == 1
    made.write_metrics({"test_auc": 1.0})
    ((brought,),) = side(f"models:/{TASK}@champion", "smoke").cells.values()
    assert (brought.path != made.path, brought.metrics()) == (True, metrics)


def test_without_its_members_it_is_recorded_as_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error for a person, a finding in the grid of all tasks and ensembles."""
    reason = "member softmax, seed 0: not run"
    with told(NoMember, f"{reason}; run `python -m pipelines.finetune breastmnist softmax --profile smoke` before"):
        command.main(TASK, "both")
    monkeypatch.setattr(project, "RUN_BY_DVC", True)
    command.main(TASK, "both")
    (refusal,) = project.WORKSPACE.list_refusals("smoke")
    assert str(refusal.status) == f"not run: {reason}"
    assert json.loads((folder / "metrics" / TASK / "both.json").read_text()) == {}
    run = mlflow.search_runs(experiment_names=[TASK], output_format="list")[0]
    assert (run.data.tags["level"], run.data.tags["refused"]) == ("refused", reason)


def test_an_unknown_name_is_told_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match="argument NAME: unknown ensemble 'x'; known: both"):
        command.main(TASK, "x")
