"""Run, version, `tracking.json` and folder belong together by identity: what is logged twice is there once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import psutil
import pytest
from mlflow import MlflowClient

from benchmark.config.params import Params
from benchmark.core.errors import BadInput, NoStore
from benchmark.core.files import alone
from benchmark.data.load import TaskData
from benchmark.runs import ensemble
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import EnsembleConfig
from benchmark.runs.scores import metrics
from benchmark.runs.workspace import Workspace
from benchmark.tracking import ensembles, everything, found, given
from benchmark.tracking.cell import Cell, Texts, cell_tags, log_cell
from benchmark.tracking.everything import Everything
from benchmark.tracking.line import Line
from benchmark.tracking.tracker import Tracker
from benchmark.tracking.trials import SweepTracker
from benchmark.tracking.versions import run_of_version
from benchmark.training import execute
from tests.helpers import CPU, from_elsewhere, make_data, make_narrow_config, shipped
from tests.tracking.parts import finished, make_scores

DATA = make_data("breastmnist")
NAME = "breastmnist"


def fail(error: NoStore) -> None:
    raise error


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without a run; making its tables takes seconds."""
    path = tmp_path_factory.mktemp("tables") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(autouse=True)
def store(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """A workspace and a store of its own."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(tables, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")


def train(seed: int, **changes: Any) -> RunFolder:
    config = make_narrow_config(NAME, seed=seed, **({"epochs": 1} | changes))
    folder = Workspace().run(config.profile, NAME, config.recipe, seed)
    execute.execute(config, {NAME: DATA}, folder, CPU)
    return folder


def log(folders: list[RunFolder], data: dict[str, TaskData] | None = None) -> Tracker:
    records = [folder.trained() for folder in folders]
    tags = cell_tags(NAME, "test", "smoke", [record.identity for record in records])
    tracker = Tracker(NAME, "test smoke", False, Line(fail))
    log_cell(tracker, Cell(folders, tags, DATA.task, data or {}, Texts("again", "serve")))
    return tracker


def runs(store: MlflowClient, level: str) -> list[Any]:
    experiment = store.get_experiment_by_name(NAME)
    return list(store.search_runs([experiment.experiment_id], f"tags.level = '{level}'"))


def given_there(folder: RunFolder) -> None:
    """Predictions from elsewhere, scored."""
    folder.write_scores(make_scores(DATA.task, 0))
    folder.write_metrics(metrics(folder.scores()))
    folder.seal(from_elsewhere(recipe=folder.path.parent.name))


def launch(monkeypatch: pytest.MonkeyPatch, store: MlflowClient, params: dict[str, str]) -> str:
    """A run as `mlflow run` opens it."""
    experiment = store.get_experiment_by_name(NAME)
    number = experiment.experiment_id if experiment else store.create_experiment(NAME)
    run = store.create_run(number, tags={"mlflow.project.entryPoint": "finetune", "mlflow.source.name": "/it's/here"})
    for name, value in params.items():
        store.log_param(run.info.run_id, name, value)
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
    return str(run.info.run_id)


def test_logged_twice_there_are_one_parent_its_seeds_and_one_version(store: MlflowClient) -> None:
    folders = [train(0), train(1)]
    first = log(folders, {NAME: DATA})
    before = store.get_run(first.parent_id)
    second = log(folders, {NAME: DATA})
    assert second.parent_id == first.parent_id
    assert store.get_run(first.parent_id).info.end_time == before.info.end_time
    assert len(runs(store, "recipe")) == 1
    assert len(runs(store, "seed")) == 2
    assert len(store.search_model_versions(f"name = '{NAME}'")) == 1
    for folder, run_id in ((one, one.tracking()["run_id"]) for one in folders):
        steps = [point.step for point in store.get_metric_history(run_id, "epoch/val_auc")]
        assert steps == list(folder.history()["epoch"])
        assert store.get_run(run_id).data.metrics["test_auc"] == folder.metrics()["test_auc"]


def test_a_further_seed_keeps_the_runs_of_the_others(store: MlflowClient) -> None:
    first = train(0)
    log([first])
    run_id = first.tracking()["run_id"]
    tracker = log([first, train(1)])
    assert first.tracking()["run_id"] == run_id
    assert {run.data.tags["mlflow.parentRunId"] for run in runs(store, "seed")} == {tracker.parent_id}


def test_a_run_that_was_left_open_is_completed_if_it_is_this_one_and_closed_as_killed_if_not(
    store: MlflowClient,
) -> None:
    folder = train(0)
    run_id = log([folder]).parent_id
    for run in runs(store, "recipe") + runs(store, "seed"):  # as a kill leaves them
        store.update_run(run.info.run_id, "RUNNING")
        store.delete_tag(run.info.run_id, "logged")
        store.log_metric(run.info.run_id, "test_auc", 0.0)
    assert log([folder]).parent_id == run_id
    for run in runs(store, "recipe") + runs(store, "seed"):
        assert run.info.status == "FINISHED"
        assert run.data.metrics["test_auc"] == folder.metrics()["test_auc"]
        store.update_run(run.info.run_id, "RUNNING")
    other = train(0, batch_size=8)
    assert log([other]).parent_id != run_id
    assert sorted(run.info.status for run in runs(store, "recipe")) == ["FINISHED", "KILLED"]
    assert sorted(run.info.status for run in runs(store, "seed")) == ["FINISHED", "KILLED"]


def test_a_run_that_another_process_is_at_work_on_stays_open_until_that_is_gone(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two searches on one task; of a cell there is only one process at a time."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        name = found._named(psutil.Process(other.pid))
        with monkeypatch.context() as there:
            there.setattr(found, "process", lambda: name)
            run_id = log([train(0)]).parent_id
        store.update_run(run_id, "RUNNING")
        log([train(0, batch_size=8)])
        assert store.get_run(run_id).info.status == "RUNNING"
        other.communicate(b"\n")
    log([train(0, batch_size=4)])
    assert store.get_run(run_id).info.status == "KILLED"


def test_the_run_of_a_launcher_is_the_parent_whatever_parameters_it_has_already(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = launch(monkeypatch, store, {"task": NAME, "recipe": "test", "profile": ""})
    launched = launch(monkeypatch, store, {"task": NAME, "recipe": "test", "profile": ""})
    folder = train(0)
    assert log([folder], {NAME: DATA}).parent_id == launched
    run = store.get_run(launched)
    assert run.data.metrics["val_auc"] == folder.metrics()["val_auc"]
    assert (run.data.params["profile"], run.data.tags["profile"]) == ("", "smoke")
    assert len(store.search_model_versions(f"name = '{NAME}'")) == 1
    assert store.get_run(killed).info.status == "KILLED"


def test_launched_again_its_run_points_to_the_first_one_and_is_gone_with_the_next_start(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = train(0)
    parent = log([folder]).parent_id
    again = launch(monkeypatch, store, {})
    log([folder])
    assert store.get_run(again).data.tags["logged_as_run"] == parent
    assert len(runs(store, "recipe")) == 1
    store.set_terminated(again)  # by its launcher
    log([folder])
    assert store.get_run(again).info.lifecycle_stage == "deleted"


def test_a_stale_run_id_is_passed_over(store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    assert log([train(0)]).parent_id != "0" * 32
    assert len(runs(store, "recipe")) == 1


def test_a_folder_with_another_run_in_it_no_longer_says_where_the_first_is() -> None:
    folder = train(0)
    log([folder])
    place = (folder.path / "tracking.json").read_text()
    other = train(0, batch_size=8)
    (other.path / "tracking.json").write_text(place)  # as a checkout leaves it
    assert other.tracking() == {}
    log([other])
    assert other.tracking()["identity"] == other.record().identity


def test_a_version_leads_to_its_own_run_also_after_its_folder_was_changed_or_its_cell_trained_anew(
    tmp_path: Path,
) -> None:
    folder = train(0)
    log([folder], {NAME: DATA})
    scores, figures = folder.scores()["test"][1], folder.metrics()
    assert run_of_version(f"models:/{NAME}/1", "argument", tmp_path / ".cache") == folder
    folder.write_metrics({"test_auc": 1.0})
    old = run_of_version(f"models:/{NAME}/1", "argument", tmp_path / ".cache")
    assert old.path != folder.path
    assert old.metrics() == figures
    old.write_metrics({"test_auc": 1.0})
    train(0, batch_size=8)
    assert run_of_version(f"models:/{NAME}/1", "argument", tmp_path / ".cache") == old
    assert old.metrics() == figures
    assert (old.scores()["test"][1] == scores).all()
    assert [path.name for path in old.path.parent.iterdir()] == [old.path.name]


def test_without_its_files_in_the_store_a_version_says_that_its_folder_holds_another_run_or_is_damaged(
    store: MlflowClient, tmp_path: Path
) -> None:
    folder = train(0)
    log([folder], {NAME: DATA})
    for run in runs(store, "seed"):
        store.delete_run(run.info.run_id)
    folder.write_metrics({"test_auc": 1.0})
    with pytest.raises(
        BadInput, match=r"is damaged: metrics.json: not what the run has made, and the store has no files"
    ):
        run_of_version(f"models:/{NAME}/1", "argument", tmp_path / ".cache")
    train(0, batch_size=8)
    with pytest.raises(BadInput, match="now holds another run"):
        run_of_version(f"models:/{NAME}/1", "argument", tmp_path / ".cache")


def test_without_a_store_a_version_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(NoStore, match=f"could not look up models:/{NAME}/1"):
        run_of_version(f"models:/{NAME}/1", "argument", tmp_path)


def workspace_log(params: Params, profile: str = "") -> list[str]:
    return list(Everything(params, Workspace(), profile, lambda *_: Texts(), Line(fail)).log())


def test_a_workspace_and_a_study_are_logged_once_and_the_study_stays_as_it_is(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = train(0)
    other = train(0, recipe="other", batch_size=8)
    other_record = other.trained()
    study = Path("results/quick") / NAME / "other" / "seed0"
    shutil.copytree(other.path, study, ignore=shutil.ignore_patterns("model.safetensors"))
    shutil.rmtree(other.path.parent)
    record = other_record.model_copy(update={"config": other_record.config.model_copy(update={"profile": "quick"})})
    RunFolder(study).write_record(record)
    content = sorted(path.name for path in study.iterdir())
    monkeypatch.setattr(everything, "load", lambda *_: DATA)
    for _ in range(2):
        said = workspace_log(shipped())
        assert sorted(said) == [f"{study.parent}: logged, 1 seeds", f"runs/smoke/{NAME}/test: logged, 1 seeds"]
    assert sorted(run.data.tags["recipe"] for run in runs(store, "recipe")) == ["other", "test"]
    assert len(runs(store, "seed")) == 2
    assert [version.tags["recipe"] for version in store.search_model_versions(f"name = '{NAME}'")] == ["test"]
    assert sorted(path.name for path in study.iterdir()) == content
    assert folder.tracking()["identity"] == folder.record().identity


def test_what_is_not_finished_is_named_and_left_out(store: MlflowClient) -> None:
    folder = train(0)
    record = json.loads((folder.path / "run.json").read_text())
    (folder.path / "run.json").write_text(json.dumps(record | {"status": "running"}))
    assert workspace_log(shipped()) == [f"runs/smoke/{NAME}/test: left out, seed0 not finished"]
    assert store.get_experiment_by_name(NAME) is None
    assert mlflow.active_run() is None


def test_what_a_store_missed_while_it_was_away_is_logged_once_it_is_back(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = os.environ["MLFLOW_TRACKING_URI"]

    def away() -> Line:
        """Until the first warning."""
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "away://")
        return Line(lambda _: monkeypatch.setenv("MLFLOW_TRACKING_URI", there))

    mine = Workspace().given(NAME, "mine", 0)
    given_there(mine)
    given.track(mine, DATA.task, "", away())
    config = EnsembleConfig(stage="ensemble", tasks=(NAME,), recipe="both", profile="smoke", members=("test",))
    both, _ = ensembles.make(DATA, config, {"test": [train(0)]}, Workspace(), Texts(), away())
    for folder in (mine, both):
        assert store.get_run(folder.tracking()["run_id"]).data.metrics["test_auc"] == folder.metrics()["test_auc"]
    assert both.tracking()["model_version"] == "1"


def cut(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{")


def test_what_is_damaged_is_named_and_left_out_and_the_rest_is_logged(store: MlflowClient) -> None:
    workspace, root = Workspace(), Path(everything.__file__).parents[2] / "sweeps" / NAME / "readme"
    for recipe, seed in (("right", 0), ("changed", 0), ("changed", 1), ("cut", 0)):
        finished(workspace, NAME, recipe, seed)
    workspace.run("quick", NAME, "changed", 1).write_metrics({"test_auc": 1.0})
    for method in ("given", "given-changed"):
        given_there(workspace.given(NAME, method, 0))
    (workspace.given(NAME, "given-changed", 0).path / "scores.npz").write_bytes(b"")
    shutil.copytree(root, Path("sweeps") / NAME / "readme")
    trial = Path("sweeps", NAME, "readme", "trials.csv").read_text().splitlines()[1].partition(",")[0]
    both = EnsembleConfig(stage="ensemble", tasks=(NAME,), recipe="both", profile="quick", members=("right",))
    ensemble.make(both, {"right": [workspace.run("quick", NAME, "right", 0)]}, workspace)
    damaged = [
        Path("trunks/quick/2d/run.json"),
        Path("runs/quick", NAME, "cut/seed0/run.json"),
        Path("ensembles/quick", NAME, "other/run.json"),
        Path("runs/quick", NAME, "refused/refused.json"),
        Path("trials/quick", NAME, trial, "seed0/run.json"),
        Path("external", NAME, "given-cut/seed0/run.json"),
    ]
    for path in damaged:
        cut(path)
    said = workspace_log(shipped(), "quick")
    left_out = [line for line in said if ": left out, " in line]
    assert sorted(set(said) - set(left_out)) == [
        f"ensembles/quick/{NAME}/both: logged",
        f"external/{NAME}/given/seed0: logged",
        f"runs/quick/{NAME}/right: logged, 1 seeds",
    ]
    for path in damaged:
        assert sum(str(path) in line for line in left_out) == 1, path
    changed = f"runs/quick/{NAME}/changed: left out, seed1 damaged: metrics.json: not what the run has made"
    given = f"external/{NAME}/given-changed/seed0: left out, damaged: scores.npz: not what the run has made"
    assert {changed, given} < set(left_out)
    assert len(left_out) == len(damaged) + 2
    assert sorted(run.data.tags["recipe"] for run in runs(store, "recipe")) == ["both", "given", "right"]


def test_what_another_process_is_at_work_on_is_left_to_it(store: MlflowClient) -> None:
    folder = train(0)
    with alone(folder.path.parent):
        (said,) = workspace_log(shipped())
    assert said == f"{folder.path.parent}: left out, {folder.path.parent}: another process is at work on it"
    assert workspace_log(shipped()) == [f"{folder.path.parent}: logged, 1 seeds"]
    assert len(runs(store, "recipe")) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("winner.yaml", "<<<<<<< ours\n"),
        ("winner.yaml", "profile: study\n"),
        ("trials.csv", "<<<<<<< ours\na,b\n"),
        ("trials.csv", ""),
    ],
)
def test_a_search_that_cannot_be_read_is_named_and_the_rest_is_logged(
    store: MlflowClient, name: str, content: str
) -> None:
    """As while a merge is not finished."""
    sweeps = Path("sweeps") / NAME
    shutil.copytree(Path(everything.__file__).parents[2] / sweeps / "second-aucm", sweeps / "right")
    shutil.copytree(sweeps / "right", sweeps / "broken")
    (sweeps / "broken" / name).write_text(content)
    broken, right = workspace_log(shipped(), "study")
    assert broken.startswith(f"{sweeps / 'broken'}: left out, can't be read (")
    assert right.startswith(f"{sweeps / 'right'}: logged")


def test_a_search_without_its_runs_is_logged_from_its_table(store: MlflowClient) -> None:
    root = Path(everything.__file__).parents[2] / "sweeps" / NAME / "readme"
    shutil.copytree(root, Path("sweeps") / NAME / "readme")
    for _ in range(2):
        workspace_log(shipped(), "quick")
    (parent,) = runs(store, "sweep")
    rows = Path("sweeps", NAME, "readme", "trials.csv").read_text().splitlines()[1:]
    assert len(runs(store, "trial")) == len(rows)
    assert {run.data.tags["mlflow.parentRunId"] for run in runs(store, "trial")} == {parent.info.run_id}
    assert {file.path for file in store.list_artifacts(parent.info.run_id)} == {"trials.csv", "winner.yaml"}


@pytest.mark.parametrize("level", ["seed", "trial"])
def test_what_could_not_be_logged_whole_is_not_finished_and_is_completed_later(
    store: MlflowClient, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """As where the database lives, and the place of the artifacts does not."""
    folder = train(0)
    record = folder.trained()

    def log_it() -> None:
        if level == "seed":
            tags = cell_tags(NAME, "test", "smoke", [record.identity])
            cell = Cell([folder], tags, DATA.task, {}, Texts("again", "serve"))
            log_cell(Tracker(NAME, "test smoke", False, Line(lambda _: None)), cell)
        else:
            tracker = SweepTracker(NAME, "sweep", False, Line(lambda _: None))
            with tracker.open({"level": "sweep", "task": NAME, "identity": "one"}):
                tracker.log_trial(record.config, folder, DATA.task, folder.status)

    def no_room(*_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(mlflow, "log_artifact", no_room)
        log_it()
    while mlflow.active_run():  # of a process that has ended
        mlflow.end_run("RUNNING")
    (halted,) = runs(store, level)
    assert halted.info.status == "RUNNING"
    log_it()
    (run,) = runs(store, level)
    assert (run.info.run_id, run.info.status) == (halted.info.run_id, "FINISHED")
    assert "run.json" in {file.path for file in store.list_artifacts(run.info.run_id)}
