"""Experiments that DVC runs in a copy of the repository are logged to the store of the repository itself."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.e2e.clone import BIN, make_clone, of_one_task, run
from tests.helpers import running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TASK = "standin-breastmnist"
STAGE = f"finetune@{TASK}-medmnist"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_clone(tmp_path_factory.mktemp("experiments") / "clone")
    of_one_task(folder, TASK, running("medmnist"))
    run(["git", "commit", "-qam", "One task"], folder)
    return folder


def rates(clone: Path) -> set[str]:
    """Learning rates of the finished seeds in the clone's store."""
    store = MlflowClient(f"sqlite:///{clone}/mlflow.db")
    experiment = store.get_experiment_by_name(TASK)
    assert experiment is not None
    runs = store.search_runs([experiment.experiment_id], "tags.level = 'seed' and attributes.status = 'FINISHED'")
    return {one.data.params["lr"] for one in runs if "test_auc" in one.data.metrics}


def test_in_a_temporary_copy(clone: Path) -> None:
    run([f"{BIN}/dvc", "exp", "run", "--temp", "-S", "recipes.medmnist.objective.lr=0.002", STAGE], clone)
    assert "0.002" in rates(clone)


def test_from_the_queue(clone: Path) -> None:
    run([f"{BIN}/dvc", "exp", "run", "--queue", "-S", "recipes.medmnist.objective.lr=0.003", STAGE], clone)
    run([f"{BIN}/dvc", "exp", "run", "--run-all"], clone)
    assert "0.003" in rates(clone)
