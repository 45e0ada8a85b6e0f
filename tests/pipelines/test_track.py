"""`python -m pipelines.track`, and a store that several commands want at once before it is there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mlflow import MlflowClient

from tests.helpers import ROOT

WRITERS = 4


def track(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    env = os.environ | {"PYTHONPATH": str(ROOT), "BENCHMARK_TRACKING": "on"}
    command = [sys.executable, "-W", "ignore", "-m", "pipelines.track", *options]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)


def kept(folder: Path) -> Path:
    """A workspace with five seeds of the kept study, and nothing else."""
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(ROOT / "results/study/breastmnist/dam", folder / "results/study/breastmnist/dam")
    return folder


def test_the_kept_study_is_in_a_store_that_the_command_makes_and_twice_is_once(tmp_path: Path) -> None:
    folder, address = kept(tmp_path), f"sqlite:///{tmp_path / 'study.db'}"
    for _ in range(2):
        done = track(folder, "--profile", "study", "--to", address)
        assert done.returncode == 0, done.stderr
        client = MlflowClient(address)
        (experiment,) = (one for one in client.search_experiments() if one.name == "breastmnist")
        runs = client.search_runs([experiment.experiment_id])
        assert sorted(run.data.tags["level"] for run in runs) == ["recipe", *["seed"] * 5]
        assert {run.info.status for run in runs} == {"FINISHED"}
        assert all("test_auc" in run.data.metrics for run in runs)


def test_a_store_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    done = track(kept(tmp_path), "--profile", "study", "--to", "http://me:geheim@127.0.0.1:9")
    assert done.returncode not in (0, 2)
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stdout + done.stderr
    (sentence,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "could not ask the tracking store" in sentence


def test_several_that_want_a_store_which_is_not_there_make_it_once(tmp_path: Path) -> None:
    """As the first commands of a fresh clone, side by side."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path / 'mlflow.db'}"}
    command = [sys.executable, "-m", "benchmark.tracking.store"]
    writers = [
        subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) for _ in range(WRITERS)
    ]
    for writer in writers:
        _, said = writer.communicate(timeout=300)
        assert writer.returncode == 0, said
    assert MlflowClient(env["MLFLOW_TRACKING_URI"]).search_experiments()
