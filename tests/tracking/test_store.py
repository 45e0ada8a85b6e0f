"""Where the store is."""

import os
from pathlib import Path

import pytest

from benchmark.core import provenance
from benchmark.tracking import store


@pytest.mark.parametrize("copy", ["standalone/tmp1", "tmp2"])
def test_an_experiment_in_a_copy_is_logged_to_the_store_of_what_it_is_a_copy_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, copy: str
) -> None:
    monkeypatch.setattr(provenance, "ROOT", tmp_path / ".dvc" / "tmp" / "exps" / copy)
    for given, used in (("", "mlflow.db"), ("sqlite:///own.db", "own.db")):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
        store.use()
        assert store.address() == f"sqlite:///{tmp_path / used}"


def test_the_password_of_a_server_goes_where_mlflow_reads_it_and_out_of_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:se%40cret@host:5000/x")
    store.use()
    assert store.address() == "https://host:5000/x"
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("me", "se@cret")
