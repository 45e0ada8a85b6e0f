"""Each form of `mlflow run` that the docs have, and what is in the store behind it. That of a sweep: test_sweep.py."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
from benchmark.tracking import found
from tests.e2e.clone import BIN, configure, make_clone, of_one_task, run
from tests.helpers import running

pytestmark = pytest.mark.e2e
TASK = "standin-breastmnist"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with two recipes from scratch and an ensemble of both; nothing is made yet."""
    folder = make_clone(tmp_path_factory.mktemp("forms") / "clone")

    def add(params: dict[str, Any]) -> None:
        params["recipes"]["twice"] = params["recipes"]["medmnist"] | {"batch_size": {"2d": 64, "3d": 64}}
        params["ensembles"]["both"] = {"about": "two recipes", "members": ["medmnist", "twice"]}

    configure(folder, add)
    of_one_task(folder, TASK, running("medmnist", "twice", ensembles=["both"]))
    return folder


def mlflow_run(clone: Path, entry_point: str, *arguments: str, **parameters: str) -> Run:
    """The run that MLflow opened for it, as it stands afterwards."""
    command = [f"{BIN}/mlflow", "run", ".", "-e", entry_point, "--env-manager", "local", *arguments]
    command += [part for name, value in parameters.items() for part in ("-P", f"{name}={value}")]
    done = run(command, clone)
    (number,) = re.findall(r"Run \(ID '(\w+)'\) succeeded", done.stdout + done.stderr)
    return store_of(clone).get_run(number)


def store_of(clone: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{clone}/mlflow.db")


def of(clone: Path, recipe: str, level: str) -> Run:
    """The one run that there is of it."""
    store = store_of(clone)
    experiment = store.get_experiment_by_name(TASK)
    assert experiment is not None
    asked = f"tags.recipe = '{recipe}' and tags.level = '{level}'"
    (one,) = store.search_runs([experiment.experiment_id], asked)
    return one


def is_complete(clone: Path, recipe: str, folder: RunFolder) -> bool:
    """Whether the recipe's run, the seed's below it and a registered version have the folder's figures."""
    parent, seed = of(clone, recipe, "recipe"), of(clone, recipe, "seed")
    version = next(v for v in store_of(clone).search_model_versions(f"name = '{TASK}'") if v.tags["recipe"] == recipe)
    expected = folder.metrics()["test_auc"]
    return (
        parent.data.metrics["test_auc"] == pytest.approx(expected)
        and seed.data.metrics["test_auc"] == pytest.approx(expected)
        and seed.data.tags["mlflow.parentRunId"] == parent.info.run_id
        and found.is_whole(parent)
        and found.is_whole(seed)
        and version.tags["identity"] == folder.record().identity
    )


@pytest.mark.parametrize(
    ("recipe", "experiment", "given"),
    [
        ("medmnist", [], {}),
        ("twice", ["--experiment-name", TASK], {}),
        ("medmnist", [], {"profile": "smoke"}),
        ("twice", ["--experiment-name", TASK], {"profile": "smoke"}),
    ],
    ids=["from anywhere", "in the task's experiment", "from anywhere, again", "in the task's experiment, again"],
)
def test_a_fine_tuning_is_in_the_store_once(
    clone: Path, recipe: str, experiment: list[str], given: dict[str, str]
) -> None:
    seed = RunFolder(clone / "runs" / "smoke" / TASK / recipe / "seed0")
    was_there = seed.is_done
    launched = mlflow_run(clone, "finetune", *experiment, task=TASK, recipe=recipe, **given)
    assert is_complete(clone, recipe, seed)
    own = of(clone, recipe, "recipe").info.run_id
    if experiment and not was_there:
        assert launched.info.run_id == own
    else:
        assert launched.data.tags["logged_as_run"] == own
    assert launched.info.status == "FINISHED"


def test_an_ensemble_is_in_the_store_with_its_model(clone: Path) -> None:
    mlflow_run(clone, "ensemble", task=TASK, name="both")
    folder = RunFolder(clone / "ensembles" / "smoke" / TASK / "both")
    assert folder.is_done
    one = of(clone, "both", "recipe")
    assert one.data.metrics["test_auc"] == pytest.approx(folder.metrics()["test_auc"])
    assert found.is_whole(one)
    versions = store_of(clone).search_model_versions(f"name = '{TASK}'")
    assert sorted(version.tags["recipe"] for version in versions) == ["both", "medmnist", "twice"]


def test_predictions_from_elsewhere_are_in_the_store(clone: Path, tmp_path: Path) -> None:
    labels, scores = RunFolder(clone / "runs" / "smoke" / TASK / "medmnist" / "seed0").scores()["test"]
    np.savez(tmp_path / "theirs.npz", test_scores=scores, test_labels=labels)
    mlflow_run(clone, "score", task=TASK, name="my-method", files=str(tmp_path / "theirs.npz"))
    expected = Workspace(clone).given(TASK, "my-method", 0).metrics()["test_auc"]
    one = of(clone, "my-method", "recipe")
    assert one.data.metrics["test_auc"] == pytest.approx(expected)
    assert found.is_whole(one)
