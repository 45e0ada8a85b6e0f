"""A registered model's figures name the data that they were measured on."""

from functools import partial
from pathlib import Path

import mlflow
import pytest
import torch

from benchmark.runs.workspace import Workspace
from benchmark.tracking import registry, store
from benchmark.tracking.line import Line
from benchmark.tracking.tracker import Tracker
from benchmark.training import execute
from pipelines.console.mends import warn
from tests.helpers import CPU, make_data, make_narrow_config


def test_models_can_be_searched_by_a_figure_on_a_data_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    data = {"breastmnist": make_data("breastmnist")}
    part, config = data["breastmnist"], make_narrow_config("breastmnist")
    folder = Workspace().run("quick", "breastmnist", "test", 0)
    tracker, identity = Tracker("breastmnist", "test", False, Line(warn)), execute.identity(config, data, None)
    with tracker.open({"level": "recipe", "task": "breastmnist", "identity": identity}):
        with tracker.seed(config, identity) as live:
            execute.execute(config, data, folder, CPU, observers=[live])
            tracker.log_seed(live, folder, part.task, data)
        tracker.log_parent([folder], part.task)
        images = part.splits["train"].images[:2].squeeze(1).numpy()
        tracker.register(folder, part.task, partial(execute.predictor, folder, part.task), images, "serve it")

    def found(digest: str) -> list[dict[str, float]]:
        models = mlflow.search_logged_models(
            filter_string="metrics.test_auc >= 0",
            datasets=[{"dataset_name": "breastmnist", "dataset_digest": digest}],
            output_format="list",
        )
        return [{one.key: one.value for one in model.metrics if one.dataset_digest == digest} for model in models]

    assert found(part.md5) == [pytest.approx(folder.metrics())]
    assert found("0" * 32) == []
    client = mlflow.MlflowClient()
    inputs = [client.get_run(run).inputs.dataset_inputs for run in (tracker.parent_id, folder.tracking()["run_id"])]
    assert [[(one.dataset.name, one.dataset.digest) for one in of_run] for of_run in inputs] == [
        [("breastmnist", part.md5)]
    ] * 2


def test_an_equal_runs_version_is_not_made_twice_nor_its_network_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    data = {"breastmnist": make_data("breastmnist")}
    part, config = data["breastmnist"], make_narrow_config("breastmnist", epochs=1)
    folder = Workspace().run("quick", "breastmnist", "test", 0)
    execute.execute(config, data, folder, CPU)
    images, built = part.splits["train"].images[:2].squeeze(1).numpy(), []

    def network() -> torch.nn.Module:
        built.append(folder)
        return execute.predictor(folder, part.task)

    tracker = Tracker("breastmnist", "test", False, Line(warn))
    for _ in range(2):
        with tracker.open({"level": "recipe", "task": "breastmnist", "identity": "one"}):
            tracker.register(folder, part.task, network, images, "serve it")
    client = mlflow.MlflowClient()
    (version,) = client.search_model_versions("name = 'breastmnist'")
    assert client.get_model_version_by_alias("breastmnist", "champion").version == version.version
    assert built == [folder]


def test_a_recipe_is_chosen_by_the_mean_over_its_seeds_and_not_by_its_luckiest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    store.use()
    client = mlflow.MlflowClient()
    client.create_registered_model("breastmnist")

    def version(recipe: str, profile: str = "quick", **figures: object) -> str:
        tags = {"recipe": recipe, "profile": profile} | {name: str(value) for name, value in figures.items()}
        return str(client.create_model_version("breastmnist", str(tmp_path / recipe), tags=tags).version)

    version("uneven", val_auc=0.99, recipe_val_auc=0.80)
    version("even", val_auc=0.97, recipe_val_auc=0.96)  # which another one of the recipe has come after
    version("elsewhere", "full", val_auc=1.0, recipe_val_auc=1.0)
    part = version("lucky", val_auc=1.0, recipe_val_auc=1.0, recipe_val_is_whole="false")  # of a handful of images
    assert registry._champion(client, "breastmnist", "quick") != part
    expected = version("even", val_auc=0.90, recipe_val_auc=0.85)
    version("old", val_auc=0.84)
    assert registry._champion(client, "breastmnist", "quick") == expected
    only = version("lucky", "one", val_auc=1.0, recipe_val_auc=1.0, recipe_val_is_whole="false")
    assert registry._champion(client, "breastmnist", "one") == only


def test_a_version_says_what_its_recipe_is_chosen_by(tmp_path: Path) -> None:
    folders = [Workspace(tmp_path).run("quick", "breastmnist", "test", seed) for seed in (0, 1)]
    for folder, value in zip(folders, (0.9, 0.7), strict=True):
        folder.write_metrics({"val_auc": value})
    assert registry._judged(folders[0], None, folders) == pytest.approx(0.8)
    assert registry._judged(folders[0], {"val_auc": 0.6}, folders) == 0.6
    assert registry._judged(folders[0], None, []) == 0.9  # an ensemble
