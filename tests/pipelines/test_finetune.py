"""A pair of task and recipe that does not go together: a failure for a person, a finding in the grid."""

import json
import shutil
from pathlib import Path

import mlflow
import pytest

from benchmark.core.errors import BadInput, Refused
from benchmark.data import load
from benchmark.tracking import cell
from pipelines import finetune
from pipelines.console import prerequisites
from tests.helpers import ROOT, told


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_asked_for_by_itself_it_is_refused_before_anything_is_written(project: Path) -> None:
    with pytest.raises(Refused, match="'compositional-auc' does not accept chestmnist"):
        finetune.main("chestmnist", "dam-compositional")
    assert [path.name for path in project.iterdir()] == ["params.yaml"]


def test_in_the_grid_it_is_recorded_and_what_was_there_before_goes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites, "RUN_BY_DVC", True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow.db")
    cell = project / "runs" / "quick" / "chestmnist" / "dam-compositional"
    (cell / "seed0").mkdir(parents=True)
    finetune.main("chestmnist", "dam-compositional")
    assert [path.name for path in cell.iterdir()] == ["refused.json"]
    assert "does not accept chestmnist" in json.loads((cell / "refused.json").read_text())["status"]
    assert (project / "metrics" / "chestmnist" / "dam-compositional.json").is_file()
    (run,) = mlflow.search_runs(experiment_names=["chestmnist"], output_format="list")
    assert (run.info.run_name, run.data.tags["level"]) == ("dam-compositional quick refused", "refused")
    assert "does not accept chestmnist" in run.data.tags["refused"]


def test_a_recipe_from_a_trunk_that_no_stage_makes_says_which_list_to_mend(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites, "RUN_BY_DVC", True)
    with told(BadInput, r"recipe dam starts from a trunk .* name 3d in params.yaml: pretrain.dims"):
        finetune.main("vesselmnist3d", "dam")
    assert [path.name for path in project.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize(("profile", "shown"), [("", True), ("quick", True), ("smoke", False)])
def test_dvc_shows_the_profile_of_params_yaml_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch, profile: str, shown: bool
) -> None:
    monkeypatch.setattr(prerequisites, "ensure", lambda *_: None)
    monkeypatch.setattr(load, "load", lambda *_: None)
    monkeypatch.setattr(cell, "train_cell", lambda *_: [])
    finetune.main("breastmnist", "dam", profile)
    assert (project / "metrics" / "breastmnist" / "dam.json").is_file() is shown
