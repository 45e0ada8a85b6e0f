"""Whole stages against a store that is late, dies in the middle, comes back, or was never there, through the real commands."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from benchmark.runs.folder import RunFolder
from benchmark.tracking import found
from tests.e2e.clone import BIN, configure, environment, make_clone, of_one_task
from tests.helpers import free_port, running, wait_for_server
from tests.tracking.weather import relay

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TASK = "standin-breastmnist"
NOBODY = "http://127.0.0.1:9"
"""Where no server is."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with one task, a recipe from scratch and one from a trunk; nothing is made yet."""
    folder = make_clone(tmp_path_factory.mktemp("weather") / "clone")
    of_one_task(folder, TASK, running("medmnist", "dam"))
    return folder


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """A true one, with its database and its artifacts in this folder."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [f"{BIN}/mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/store.db", "--artifacts-destination", str(folder / "kept")]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for_server(f"{address}/health")
        yield address
    finally:
        server.terminate()
        server.wait(20)


def start(clone: Path, uri: str, *command: str) -> tuple[str, float]:
    """What it says, and how long it took; it must end well."""
    env = environment() | {"MLFLOW_TRACKING_URI": uri}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=clone, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr, time.monotonic() - began


def warnings(text: str) -> list[str]:
    return re.findall(r"^warning: .*", text, re.MULTILINE)


def late(_: int) -> None:
    time.sleep(2)


def dead_after(count: int) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number >= count:
            raise ConnectionResetError

    return before


def away_for(seconds: float) -> Callable[[int], None]:
    began = time.monotonic()

    def before(_: int) -> None:
        if time.monotonic() - began < seconds:
            raise ConnectionResetError

    return before


def hangs_after(count: int) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number >= count:
            time.sleep(600)

    return before


WEATHERS: dict[str, Callable[[], Callable[[int], None]]] = {
    "2 s late": lambda: late,
    "dead after 4 requests": lambda: dead_after(4),
    "dead after 20 requests": lambda: dead_after(20),
    "dead after 45 requests": lambda: dead_after(45),
    "hanging after 25 requests": lambda: hangs_after(25),
    "away for 15 s": lambda: away_for(15),
}


@pytest.mark.parametrize("weather", WEATHERS)
def test_a_stage_trains_in_any_weather_and_the_store_is_completed_afterwards(
    clone: Path, tmp_path: Path, weather: str
) -> None:
    seed = RunFolder(clone / "runs" / "smoke" / TASK / "medmnist" / "seed0")
    start(clone, NOBODY, "pipelines.fetch", TASK)
    shutil.rmtree(seed.path.parent, ignore_errors=True)
    stage = ["pipelines.launch", "finetune", f"task={TASK}", "recipe=medmnist"]
    with mlflow_server(tmp_path) as server:
        with relay(server, WEATHERS[weather]()) as address:
            text, seconds = start(clone, address, *stage)
        assert seed.is_done
        assert len(warnings(text)) <= 1, text
        assert seconds < 60 + 40, text  # what tracking may cost, and the stage itself on a busy machine
        store = MlflowClient(server)
        for one in of_the_task(store):
            if one.info.status == "FINISHED" and one.data.tags.get("level") == "seed":
                assert "test_auc" in one.data.metrics

        for command in (["pipelines.track", "--profile", "smoke"], stage):
            again, _ = start(clone, server, *command)
            assert not warnings(again)
            ended = [one for one in of_the_task(store) if one.info.status == "FINISHED"]
            assert sorted(one.data.tags["level"] for one in ended) == ["recipe", "seed"]
            assert all(found.is_whole(one) for one in ended)
            (version,) = store.search_model_versions(f"name = '{TASK}'")
            assert version.tags["recipe"] == "medmnist"
        # What a launcher had opened and could not end is closed by the next start of the same cell.
        assert not [one for one in of_the_task(store) if one.info.status == "RUNNING"]


def of_the_task(store: MlflowClient) -> list[Run]:
    experiment = store.get_experiment_by_name(TASK)
    return list(store.search_runs([experiment.experiment_id])) if experiment else []


def test_without_a_store_a_chain_of_commands_warns_once_and_waits_once(clone: Path) -> None:
    """Data and trunk are missing, so fetching and pretraining come first, each of them a command that tracks."""
    for name in ("runs", "trunks", "data"):
        shutil.rmtree(clone / name, ignore_errors=True)
    text, _ = start(clone, NOBODY, "pipelines.finetune", TASK, "dam")
    assert RunFolder(clone / "trunks" / "smoke" / "2d").is_done
    assert RunFolder(clone / "runs" / "smoke" / TASK / "dam" / "seed0").is_done
    (warning,) = warnings(text)
    assert "`python -m pipelines.track`" in warning


def test_several_first_starts_at_once_make_what_is_missing_once_and_all_are_in_the_store(clone: Path) -> None:
    """No data, no trunk, no database; two recipes start from the trunk."""
    for name in ("runs", "trunks", "data", "mlruns"):
        shutil.rmtree(clone / name, ignore_errors=True)
    (clone / "mlflow.db").unlink(missing_ok=True)
    recipes = ("dam", "trunk-cross-entropy", "medmnist")
    starts = [
        subprocess.Popen(
            [sys.executable, "-m", "pipelines.finetune", TASK, recipe],
            cwd=clone,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for recipe in recipes
    ]
    said = [one.communicate(timeout=600)[0] for one in starts]
    assert [one.returncode for one in starts] == [0] * len(starts), said
    assert not [line for text in said for line in warnings(text)]
    assert sum(text.count("trunks/smoke/2d: trained") for text in said) == 1
    store = MlflowClient(f"sqlite:///{clone}/mlflow.db")
    seeds = [one for one in of_the_task(store) if one.data.tags.get("level") == "seed"]
    assert sorted(one.data.tags["recipe"] for one in seeds) == sorted(recipes)
    assert all(found.is_whole(one) for one in seeds)
    versions = store.search_model_versions(f"name = '{TASK}'")
    assert sorted(version.tags["recipe"] for version in versions) == sorted(recipes)


def test_the_whole_pipeline_without_a_store_warns_once(clone: Path) -> None:
    """Every stage of it would ask and wait."""
    env = environment() | {"MLFLOW_TRACKING_URI": NOBODY}
    left = {"standin-adrenalmnist3d", TASK}

    def fewer(params: dict[str, Any]) -> None:
        known = params["tasks"].items()
        params["tasks"] = {name: entry for name, entry in known if name in left or "standin" not in entry}

    configure(clone, fewer)
    command = [sys.executable, "-m", "pipelines.repro", "--profile", "smoke"]
    done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(warnings(done.stdout + done.stderr)) == 1
    assert (clone / "reports" / "report.html").is_file()
