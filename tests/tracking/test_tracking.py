"""The MLflow view: flat parameters, published figures beside ours, and nothing lost when MLflow is not there."""

from functools import partial
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from sklearn.metrics import roc_auc_score

from benchmark.config.run import resolve_finetune
from benchmark.core.errors import BadInput
from benchmark.evaluation import comparison, statistics
from benchmark.published import table as published
from benchmark.runs.folder import RunFolder
from benchmark.runs.scores import out_of_fold
from benchmark.runs.workspace import Workspace
from benchmark.tracking import saved_views, store, views
from benchmark.tracking.cell import Texts, train_cell
from benchmark.tracking.line import Line
from benchmark.tracking.tracker import Tracker
from benchmark.training import execute
from pipelines.console.mends import warn
from pipelines.console.progress import Stage
from pipelines.console.sides import side
from tests.helpers import CPU, PARAMS, find, from_elsewhere, make_config, make_data, make_narrow_config, shipped

DATA = {"breastmnist": make_data("breastmnist")}


@pytest.mark.parametrize("recipe", sorted(PARAMS["recipes"]))
def test_parameters_are_flat_and_comparable_between_recipes(recipe: str) -> None:
    config = resolve_finetune(shipped(), find("breastmnist"), recipe, "quick", 0)
    flat = views.flat_params(config)
    assert {"task", "recipe", "seed", "profile", "loss", "optimizer", "lr", "epochs", "network"} <= set(flat)
    assert flat["optimizer"] == config.objective.optimizer_name != ""
    assert all(isinstance(value, str) and "{" not in value for value in flat.values())


def test_an_augmentation_by_settings_is_shown_as_its_text() -> None:
    config = make_config("breastmnist", augmentation={"kind": "affine", "flips": {"width": 0.5}, "degrees": 10})
    assert views.flat_params(config)["augmentation"] == "affine-flip-w0.5-deg10"


def test_a_network_by_settings_is_shown_as_its_text() -> None:
    settings = {"width": 16, "blocks": [2, 2, 2, 2], "stem_kernel": 3, "stem_stride": 2, "pool": False}
    config = make_config("breastmnist", network={"family": "resnet"} | settings)
    flat = views.flat_params(config)
    assert (flat["network"], flat["recipe_network"]) == ("resnet18-w16-s2", "resnet18-strided")


def test_the_readmes_figures_stand_beside_ours_with_the_difference() -> None:
    task = DATA["breastmnist"].task
    found = views.against_published(task, {"test_auc": 0.9})
    row = published.readme_row("breastmnist")
    assert row is not None
    assert found["published_test_auc"] == row.test_auc == 0.9121
    assert found["delta_test_auc"] == pytest.approx(0.9 - 0.9121)


@pytest.mark.parametrize(("weights", "compared"), [("ImageNet", False), ("none", True), (None, True)])
def test_predictions_from_external_weights_get_no_difference_to_the_readmes(
    weights: str | None, compared: bool
) -> None:
    record = from_elsewhere(external_weights=weights)
    found = views.against_published(DATA["breastmnist"].task, {"test_auc": 0.9}, record)
    assert "published_test_auc" in found
    assert ("delta_test_auc" in found) == compared


@pytest.mark.parametrize("name", ["standin-breastmnist", "chestmnist"])
def test_stand_ins_and_tasks_without_published_figures_have_none_beside_them(name: str) -> None:
    task = find(name)
    assert views.against_published(task, {"test_auc": 0.9}) == {}


def test_a_dead_server_costs_one_warning_and_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    config, folder = make_narrow_config("breastmnist"), RunFolder(tmp_path / "run")
    tracker = Tracker("breastmnist", "test", False, Line(warn))
    with tracker.open({}), tracker.seed(config, execute.identity(config, DATA, None)) as live:
        assert execute.execute(config, DATA, folder, CPU, observers=[live])
        tracker.log_seed(live, folder, DATA["breastmnist"].task, DATA)
    tracker.log_parent([folder], DATA["breastmnist"].task)
    assert folder.is_done
    assert not folder.tracking()
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if "warning: MLflow" in line]
    assert "`python -m pipelines.track` completes MLflow's view from the run folders" in warning


def test_addresses_are_kept_without_passwords_and_machine_paths() -> None:
    assert store.shown("https://me:secret@host/x") == "https://host/x"
    assert store.shown("sqlite:////some/where/mlflow.db") == "sqlite:///mlflow.db"


def track_two_seeds(register: bool) -> tuple[Tracker, list[RunFolder]]:
    """A recipe of BreastMNIST, in the store and the folder that are set."""
    task = DATA["breastmnist"].task
    tracker, folders = Tracker("breastmnist", "test", False, Line(warn)), []
    with tracker.open({"level": "recipe", "task": "breastmnist"}):
        for seed in (0, 1):
            config, folder = (
                make_narrow_config("breastmnist", seed=seed),
                Workspace().run("quick", "breastmnist", "test", seed),
            )
            with tracker.seed(config, execute.identity(config, DATA, None)) as live:
                execute.execute(config, DATA, folder, CPU, observers=[live])
                tracker.log_seed(live, folder, task, DATA)
            folders.append(folder)
        tracker.log_parent(folders, task)
        if register:
            images = DATA["breastmnist"].splits["train"].images[:2].squeeze(1).numpy()
            tracker.register(folders[1], task, partial(execute.predictor, folders[1], task), images, "serve it")
    return tracker, folders


def test_a_parent_run_has_the_interval_the_seeds_ensemble_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a registered version leads back to the run that it was made from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    tracker, folders = track_two_seeds(register=True)
    client = MlflowClient()
    assert tracker.parent_id is not None
    metrics = client.get_run(tracker.parent_id).data.metrics
    labels, stack = comparison.stack(tuple(folders))
    over = statistics.over_seeds(labels, stack).both
    assert [metrics[f"test_auc{end}"] for end in ("", "_low", "_high")] == pytest.approx(
        [over.value, over.low, over.high]
    )
    assert metrics["test_auc_ensemble"] == pytest.approx(roc_auc_score(labels, stack.mean(axis=0)))
    pictures = {"learning.png", "roc.png", "precision_recall.png", "calibration.png"}
    nested = folders[0].tracking()["run_id"]
    for run_id in (tracker.parent_id, nested):
        assert pictures <= {artifact.path for artifact in client.list_artifacts(run_id)}
    note = client.get_run(tracker.parent_id).data.tags["mlflow.note.content"]
    assert f"| test AUROC | {over.value:.4f} (95 %: {over.low:.4f} to {over.high:.4f}) |" in note
    assert "| test AUROC, README, published | 0.9121 |" in note
    assert "serve it" in client.get_registered_model("breastmnist").description
    version = client.get_model_version_by_alias("breastmnist", "champion")
    assert f"test {folders[1].metrics()['test_auc']:.3f}" in version.description
    assert side("models:/breastmnist@champion", "quick").cells == {"breastmnist": (folders[1],)}
    with pytest.raises(BadInput, match=r"argument 'models:/nothing/1': .*registered are: models:/breastmnist"):
        side("models:/nothing/1", "quick")


def test_an_experiments_description_and_views_are_made_once_and_a_persons_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    tracker = Tracker("breastmnist", "test", False, Line(warn))
    with tracker.open({"level": "recipe"}):
        pass
    client = MlflowClient()
    experiment = client.get_experiment_by_name("breastmnist")
    views_of = [key for key in experiment.tags if key.startswith(saved_views.PREFIX)]
    assert len(views_of) == len(saved_views.MODES)
    assert all(name in experiment.tags["mlflow.note.content"] for name in saved_views.MODES)
    with Tracker("pretrain", "2d", False, Line(warn)).open({"level": "trunk"}):
        pass
    trunks = client.get_experiment_by_name("pretrain").tags
    assert [key for key in trunks if key.startswith(saved_views.PREFIX)] == [f"{saved_views.PREFIX}learning"]
    client.set_experiment_tag(experiment.experiment_id, "mlflow.note.content", "mine")
    with tracker.open({"level": "recipe"}):
        pass
    assert client.get_experiment_by_name("breastmnist").tags["mlflow.note.content"] == "mine"


def test_a_cross_fitted_recipe_is_judged_out_of_fold_and_says_that_val_was_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its parent run, and where the champion is chosen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    configs = [make_narrow_config("breastmnist", seed=seed, cross_fit=2, epochs=1) for seed in (0, 1)]
    folders = train_cell(
        DATA["breastmnist"], configs, Workspace(), CPU, Stage("test", 2), Texts("again", "serve it"), Line(warn)
    )
    labels, scores = out_of_fold([folder.official_scores() for folder in folders])
    expected = roc_auc_score(labels, scores)
    assert expected != pytest.approx(sum(folder.metrics()["val_auc"] for folder in folders) / 2)
    (run,) = mlflow.search_runs(
        experiment_names=["breastmnist"], filter_string="tags.level = 'recipe'", output_format="list"
    )
    assert run.data.metrics["val_auc"] == pytest.approx(expected)
    assert "val_auc_sd" not in run.data.metrics
    assert "test_auc_sd" in run.data.metrics
    version = MlflowClient().get_model_version_by_alias("breastmnist", "champion")
    assert float(version.tags["val_auc"]) == pytest.approx(expected, abs=1e-6)
    assert run.data.tags["trained_on_val"] == version.tags["trained_on_val"] == "true"
    assert "its AUROC is out of fold" in version.description
