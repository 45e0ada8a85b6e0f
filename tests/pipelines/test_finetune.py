"""A pair of task and recipe that does not go together: a failure for a person, a finding in the grid."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import mlflow
import pytest

from benchmark.core.errors import BadInput, Refused
from benchmark.core.terms import Dimension
from benchmark.runs.workspace import Workspace
from pipelines import finetune
from pipelines.console import cells, prerequisites, project
from tests.helpers import ROOT, find, make_config, told


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_asked_for_by_itself_it_is_refused_before_anything_is_written(folder: Path) -> None:
    with pytest.raises(Refused, match="'compositional-auc' does not accept chestmnist"):
        finetune.main("chestmnist", "dam-compositional")
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]


def test_in_the_grid_it_is_recorded_and_what_was_there_before_goes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "RUN_BY_DVC", True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    cell = folder / "runs" / "quick" / "chestmnist" / "dam-compositional"
    (cell / "seed0").mkdir(parents=True)
    finetune.main("chestmnist", "dam-compositional")
    assert [path.name for path in cell.iterdir()] == ["refused.json"]
    assert "does not accept chestmnist" in json.loads((cell / "refused.json").read_text())["status"]
    assert (folder / "metrics" / "chestmnist" / "dam-compositional.json").is_file()
    (run,) = mlflow.search_runs(experiment_names=["chestmnist"], output_format="list")
    assert (run.info.run_name, run.data.tags["level"]) == ("dam-compositional quick refused", "refused")
    assert "does not accept chestmnist" in run.data.tags["refused"]


def test_a_recipe_from_a_trunk_that_no_stage_makes_says_which_list_to_mend(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "RUN_BY_DVC", True)
    with told(BadInput, r"recipe dam starts from a trunk .* name 3d in params.yaml: pretrain.dims"):
        finetune.main("vesselmnist3d", "dam")
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]


def test_a_trunk_whose_record_was_cut_short_is_made_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, asked = Workspace(), list[Sequence[str]]()
    config = make_config("breastmnist", profile="quick", start="trunk")
    for path in (workspace.trunk("quick", Dimension.D2).path / "run.json", workspace.data("breastmnist")):
        path.parent.mkdir(parents=True)
        path.write_text("{")
    monkeypatch.setattr(project, "RUN_BY_DVC", False)
    monkeypatch.setattr(prerequisites, "_produce", lambda command, _: asked.append(command))
    prerequisites.ensure(find("breastmnist"), [config], workspace)
    assert asked == [["pipelines.prepare", "breastmnist", "--profile", "quick", "--trunk"]]


@pytest.mark.parametrize(("profile", "shown"), [("", True), ("quick", True), ("smoke", False)])
def test_dvc_shows_the_profile_of_params_yaml_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, profile: str, shown: bool
) -> None:
    monkeypatch.setattr(prerequisites, "ensure", lambda *_: None)
    monkeypatch.setattr(cells, "load", lambda *_: None)
    monkeypatch.setattr(cells, "train_cell", lambda *_: [])
    finetune.main("breastmnist", "dam", profile)
    assert (folder / "metrics" / "breastmnist" / "dam.json").is_file() is shown
