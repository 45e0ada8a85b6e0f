"""The main job on a cluster of a head and two nodes on loopback, one of which is killed, beside one run after the other."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from tests.e2e.clone import environment, make_clone, run
from tests.helpers import running

pytest.importorskip("ray", reason="needs the extra 'sweep'")
pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TASKS = ["standin-breastmnist", "standin-adrenalmnist3d"]
ALIKE = {"scores.npz", "metrics.json", "model.safetensors"}
"""Files without a time in them."""


def make_project(folder: Path) -> Path:
    """A clone with two tasks, a recipe from a trunk, one from scratch and a second phase after that."""
    clone = make_clone(folder)
    path = clone / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["profile"] = "smoke"
    standins = {name: entry for name, entry in params["tasks"].items() if name in TASKS or "standin" not in entry}
    standins |= {"standin-breastmnist": {"standin": "breastmnist", "fraction": 1.0}}
    params["tasks"] = standins
    params["profiles"]["smoke"]["finetune_epochs"] = {"2d": 8, "3d": 4}
    then = params["recipes"]["medmnist"] | {"start": {"recipe": "medmnist"}}
    then.pop("network")
    params["recipes"]["then"] = then
    params |= running("medmnist", "dam", second=[{"recipe": "then", "after": "medmnist"}])
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    run(["git", "commit", "-qam", "Two tasks"], clone)
    return clone


def start(clone: Path, *arguments: str) -> "subprocess.Popen[str]":
    env = environment() | {"OMP_NUM_THREADS": "1"}  # of plain `dvc repro` too: where threads are equal, bytes are
    command = [sys.executable, "-m", "pipelines.repro", *arguments]
    return subprocess.Popen(command, cwd=clone, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def results(clone: Path) -> dict[str, bytes]:
    found = [path for kind in ("runs", "trunks") for path in (clone / kind).rglob("*") if path.name in ALIKE]
    found += [*(clone / "metrics").rglob("*.json"), *(clone / "plots").rglob("*.csv")]
    return {str(path.relative_to(clone)): path.read_bytes() for path in found}


def logged(clone: Path) -> list[tuple[Any, ...]]:
    """What MLflow has: a line a run, its times left aside."""
    client = MlflowClient(f"sqlite:///{clone}/mlflow.db")
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()], max_results=1000)
    kept = (
        (one.info.run_name, one.info.status, one.data.tags.get("level", ""), one.data.metrics.get("test_auc"))
        for one in runs
    )
    return sorted(kept, key=str)


@pytest.fixture
def nodes() -> Iterator[Any]:
    """A head without CPUs and two workers of one CPU each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.workers = [made.add_node(num_cpus=1) for _ in range(2)]
    yield made
    made.shutdown()


MOMENTS = {
    "a trunk is begun": "trunks/*/*/run.json",
    "a cell is trained": "runs/*/*/*/seed0/checkpoint/*",
    "a cell is done": "runs/*/*/*/seed0/model.safetensors",
}
"""When a node is killed: as soon as such a file is there."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, made one run after the other."""
    clone = make_project(tmp_path_factory.mktemp("plain") / "clone")
    alone = start(clone)
    text, _ = alone.communicate(timeout=600)
    assert alone.returncode == 0, text
    assert text.count(": trained\n") == 8
    assert len(results(clone)) == 6 * (3 + 3) + 2 * 2
    return clone


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_main_job_on_a_cluster_that_loses_a_node_has_the_bytes_of_one_run_after_the_other(
    nodes: Any, plain: Path, tmp_path: Path, moment: str
) -> None:
    beside = make_project(tmp_path / "beside")
    command = start(beside, "--address", nodes.address, "--jobs", "2")
    deadline = time.monotonic() + 200
    while not list(beside.glob(MOMENTS[moment])) and time.monotonic() < deadline:
        assert command.poll() is None, command.communicate()[0]
        time.sleep(0.02)
    nodes.remove_node(nodes.workers.pop(), allow_graceful=False)
    output, _ = command.communicate(timeout=600)
    assert command.returncode == 0, output
    assert "[8/8] " in output
    assert output.count("already there, nothing to train") == 8
    assert ": trained\n" not in output
    assert "Running stage 'finetune" not in output  # they are committed
    assert results(beside) == results(plain)
    assert logged(beside) == logged(plain)

    again = start(beside, "--address", nodes.address)
    assert "0 runs to make side by side" in again.communicate(timeout=120)[0]
    assert again.returncode == 0
