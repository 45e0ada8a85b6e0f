"""Where the store is."""

import os
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from benchmark.core import provenance
from benchmark.tracking import store
from benchmark.tracking.line import Line


@pytest.mark.parametrize("copy", ["standalone/tmp1", "tmp2"])
def test_an_experiment_in_a_copy_is_logged_to_the_store_of_what_it_is_a_copy_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, copy: str
) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path / ".dvc" / "tmp" / "exps" / copy)
    for given, used in (("", "mlflow.db"), ("sqlite:///own.db", "own.db")):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
        store.use()
        assert store.address() == f"sqlite:///{tmp_path / used}"


@pytest.mark.parametrize(
    "name", ["plain", "50%done", "a%41b%20c", "what? #1", "it's", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"]
)
def test_a_folder_may_have_any_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path / name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    line = Line(pytest.fail)
    assert store.prepare(line)
    number = line.ask("take the experiment", lambda: store.experiment_id("a task"))
    with mlflow.start_run(experiment_id=number) as run:
        mlflow.log_text("a text", "file.txt")
    client = MlflowClient()
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["file.txt"]
    assert Path(client.download_artifacts(run.info.run_id, "file.txt", str(tmp_path))).read_text() == "a text"
    assert {path.name for path in (tmp_path / name).iterdir()} == {"mlflow.db", "mlflow.db.lock", "mlruns"}
    assert store.shown(store.address()) == "sqlite:///mlflow.db"


def test_the_password_of_a_server_goes_where_mlflow_reads_it_and_out_of_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:se%40cret@host:5000/x")
    store.use()
    assert store.address() == "https://host:5000/x"
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("me", "se@cret")
