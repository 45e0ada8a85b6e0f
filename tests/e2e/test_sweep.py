"""A sweep through the real commands, in a temporary clone: once at a stretch, once killed and taken up by two at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient

from tests.e2e.clone import environment, make_clone, run

pytest.importorskip("ray", reason="needs the extra 'sweep'")
pytestmark = pytest.mark.e2e
TASK = "standin-breastmnist"
PYTHON = sys.executable
SWEEP = [PYTHON, "-m", "pipelines.sweep", TASK, "--grid", "small"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_clone(tmp_path_factory.mktemp("sweep") / "clone")
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["profile"] = "smoke"
    params["fetch"] |= {"tasks": [TASK], "left_out": []}
    # One of the four fails: its learning rate is out of all measure.
    over = {"optimizer": ["sgd", "adam"], "lr": [0.001, 1.0e30]}
    params["sweep"]["grids"]["small"] = {"recipe": "medmnist", "over": over}
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    return folder


def results(clone: Path) -> list[bytes]:
    return [(clone / "sweeps" / TASK / "small" / name).read_bytes() for name in ("trials.csv", "winner.yaml")]


def start(clone: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        SWEEP, cwd=clone, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def weights_done(trials: Path) -> dict[Path, int]:
    """When the weights of each trial were written whose record says done: weights alone may be half a trial."""
    records = [path for path in trials.glob("*/seed0/run.json") if '"status": "done"' in path.read_text()]
    return {path: path.stat().st_mtime_ns for path in (record.with_name("model.safetensors") for record in records)}


def test_a_killed_sweep_goes_on_and_two_at_once_end_with_the_table_of_one(clone: Path) -> None:
    command = ["mlflow", "run", ".", "-e", "sweep", "--env-manager", "local", "--experiment-name", TASK]
    run([*command, "-P", f"task={TASK}", "-P", "grid=small"], clone)
    expected = results(clone)
    table = pd.read_csv(clone / "sweeps" / TASK / "small" / "trials.csv")
    assert list(table["status"].str.partition(":")[0]) == ["done", "done", "failed", "failed"]
    assert "test_auc" in yaml.safe_load(expected[1])["metrics"]
    for path in (clone / "trials", clone / "sweeps" / TASK):
        path.rename(path.with_name(f"first-{path.name}"))

    killed = start(clone)
    trials = clone / "trials" / "smoke" / TASK
    deadline = time.monotonic() + 120
    while not weights_done(trials) and time.monotonic() < deadline and killed.poll() is None:
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    done = weights_done(trials)
    assert not (clone / "sweeps" / TASK / "small" / "trials.csv").exists()

    both = [start(clone), start(clone)]
    for sweep in both:
        output, _ = sweep.communicate(timeout=300)
        assert sweep.returncode == 0, output
    assert results(clone) == expected
    assert done
    assert all(path.stat().st_mtime_ns == time_before for path, time_before in done.items())


def test_mlflow_has_a_nested_run_for_every_trial(clone: Path) -> None:
    client = MlflowClient(f"sqlite:///{clone}/mlflow.db")
    experiment = client.get_experiment_by_name(TASK)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    nested = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    parents = {run.info.run_id: run for run in runs if run not in nested}
    first = min(parents.values(), key=lambda parent: parent.info.start_time)
    # What the kill may have cut off in the middle of being logged was completed, or closed as killed.
    whole = [run for run in nested if run.info.status != "KILLED"]
    assert {run.info.status for run in whole} == {"FINISHED", "FAILED"}
    own = [run for run in whole if run.data.tags["mlflow.parentRunId"] == first.info.run_id]
    assert len({run.info.run_name for run in own}) == 4
    assert {"lr", "optimizer", "loss", "momentum", "seed"} <= set(own[0].data.params)
    assert len(own) == 4  # those that were made anew are found again
    assert sum("val_auc" in run.data.metrics for run in own) == 2
    assert sum(run.data.tags["status"].startswith("failed: loss not finite") for run in own) == 2
    assert not any("test_auc" in run.data.metrics for run in own)
    assert first.data.metrics["test_auc"] > 0
    assert {file.path for file in client.list_artifacts(first.info.run_id)} >= {"trials.csv", "winner.yaml"}


def test_the_report_has_a_page_for_the_sweep(clone: Path) -> None:
    run([PYTHON, "-m", "pipelines.report"], clone)
    text = (clone / "reports" / f"sweep-{TASK}.html").read_text()
    assert "STAND-IN DATA, NOT A RESULT" in text
    assert "loss not finite" in text
