"""Ray on this machine and as a cluster of three nodes on loopback; what a sweep refuses to start on."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import yaml

from benchmark.config.entries import StandinTask
from benchmark.config.tasks import build_task
from benchmark.core.errors import BadInput, NoCluster
from benchmark.data.fetch import fetch
from benchmark.data.load import load
from benchmark.runs.status import NOT_FINISHED, NOT_RUN, State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep import cluster, private, trial
from benchmark.sweep.cluster import Share
from benchmark.sweep.grid import Trial
from benchmark.sweep.trial import Job
from pipelines.sweep import option
from tests.helpers import CPU, PARAMS, ROOT, make_config, told

pytest.importorskip("ray", reason="needs the extra 'sweep'")
TASK = "standin-breastmnist"
HERE = Workspace()
"""The folder of the test, which it makes the current one."""


def make_project(folder: Path) -> Path:
    """A folder that a sweep runs in: parameters with a small grid, and stand-in data."""
    grid = {"recipe": "medmnist", "over": {"optimizer": ["sgd", "adam", "rmsprop"], "lr": [0.01, 1e-3]}}
    params = PARAMS | {"profile": "smoke", "sweep": {"tasks": [], "grids": {"small": grid}}}
    params = params | {"tasks": PARAMS["tasks"] | {TASK: {"standin": "breastmnist", "fraction": 0.2}}}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    command(folder, "pipelines.fetch", TASK).wait()
    return folder


def command(folder: Path, module: str, *arguments: str) -> "subprocess.Popen[str]":
    env = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A head without CPUs and two workers of one CPU each, every one with processes of its own."""
    from ray.cluster_utils import Cluster

    own = {"env_vars": {"PYTHONPATH": str(ROOT)}}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False} | own)
    made.workers = [made.add_node(num_cpus=1, **own) for _ in range(2)]
    yield made
    made.shutdown()


def test_what_a_killed_sweep_left_of_tunes_files_is_removed(tmp_path: Path) -> None:
    """That of a living one, or of another machine, is not."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    own, left = cluster._storage(tmp_path), f".tune-{socket.gethostname()}+{dead.pid}+0"
    for name in (own.name, left, f".tune-elsewhere+{dead.pid}+0"):
        (tmp_path / name / "starts").mkdir(parents=True)
    assert cluster._storage(tmp_path).name != own.name
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([own.name, f".tune-elsewhere+{dead.pid}+0"])


def test_a_node_with_other_code_is_named(nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "benchmark", tmp_path / "other" / "benchmark")
    with (tmp_path / "other" / "benchmark" / "training" / "loop.py").open("a") as file:
        file.write("# another version\n")
    monkeypatch.chdir(tmp_path)  # a node looks where the sweep was started, then among its own packages
    other = nodes.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(tmp_path / "other")})
    try:
        with (
            pytest.raises(BadInput, match=r"node .*: has another version \(code .* there, .* here\)"),
            cluster.connect(nodes.address, Share(1, 0, None)),
        ):
            pass
    finally:
        nodes.remove_node(other)


def test_a_trial_can_not_have_more_than_any_node_has(nodes: Any) -> None:
    with (
        pytest.raises(BadInput, match=r"option --gpus: a run can't have 0.5: no node has more than 0 GPU"),
        cluster.connect(nodes.address, Share(1, 0.5, None), option),
    ):
        pass


def make_jobs(count: int, epochs: int) -> list[Job]:
    """Runs of a small stand-in task in the current folder, learning rates from useful to useless."""
    task = build_task(TASK, StandinTask(standin="breastmnist", fraction=0.2))
    fetch(task, HERE.data(TASK), None, 0, 1.0)
    made = []
    for number in range(count):
        objective = {"loss": "cross-entropy", "optimizer": "adam", "lr": 1e-3 * 0.05**number}
        config = make_config(TASK, recipe=f"trial{number}", objective=objective, epochs=epochs)
        made.append(Trial(config.recipe, task, config.objective, (config,)))
    data = load(task, HERE.data(TASK), CPU)
    return [job for jobs in trial.jobs(made, data, HERE).values() for job in jobs]


def test_asha_gives_up_what_falls_behind_and_says_so(
    nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs, share, ended = make_jobs(4, epochs=6), Share(1, 0, 2), []
    with cluster.connect(nodes.address, share):
        cluster.run(jobs, share, HERE, True, 0, ended.append)
    assert sorted(job.config.recipe for job in ended) == [job.config.recipe for job in jobs]
    statuses = {str(job.status).partition(" after")[0] for job in jobs}
    assert statuses == {"done", "stopped: by ASHA"}
    assert {job.status.state for job in jobs} == {State.DONE, State.STOPPED}
    assert all(job.is_settled(asha=True) for job in jobs)


def test_a_budget_of_time_leaves_the_rest_for_another_time(
    nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs, share = make_jobs(2, epochs=2000), Share(1, 0, 1)
    ended_by = signal.getsignal(signal.SIGTERM)
    with cluster.connect(nodes.address, share):
        assert signal.getsignal(signal.SIGTERM) is ended_by  # Ray's own handler aborts the process
        started = time.monotonic()
        cluster.run(jobs, share, HERE, False, 0.05, lambda _: None)
        assert time.monotonic() - started < 60
    assert {job.status for job in jobs} <= {NOT_RUN, NOT_FINISHED}


def test_a_run_whose_process_dies_each_time_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its starts are counted where it runs, so that those which a dead node was sent and never made do not count."""
    monkeypatch.chdir(tmp_path)
    (job,) = make_jobs(1, epochs=1)
    monkeypatch.setattr("ray.tune.report", lambda metrics: None)
    monkeypatch.setattr("benchmark.sweep.trial.run", lambda *_: True)  # dies: what it had to do is not done
    for _ in range(cluster.RETRIES + 1):
        cluster._trainable({"job": 0}, [job], str(tmp_path), Share(1, 0, 1), False, tmp_path / "starts")
        assert job.status == NOT_RUN
    cluster._trainable({"job": 0}, [job], str(tmp_path), Share(1, 0, 1), False, tmp_path / "starts")
    assert job.status == Status(State.ERROR, "its process died 4 times")


def test_a_process_that_was_short_of_memory_makes_no_further_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    jobs, starts = make_jobs(2, epochs=1), tmp_path / "starts"
    ends: list[int] = []
    monkeypatch.setattr("ray.tune.report", lambda metrics: None)
    monkeypatch.setattr("benchmark.sweep.trial.run", lambda *_: False)
    monkeypatch.setattr(cluster._Process, "is_spent", False)
    monkeypatch.setattr(os, "_exit", lambda code: ends.append(code) or sys.exit(code))
    cluster._trainable({"job": 0}, jobs, str(tmp_path), Share(1, 0, 1), False, starts)
    assert not ends
    with pytest.raises(SystemExit):
        cluster._trainable({"job": 1}, jobs, str(tmp_path), Share(1, 0, 1), False, starts)
    assert ends == [1]
    assert not (starts / "1").exists()  # no start of its own: it begins in a new process


def test_a_sweep_on_a_cluster_outlives_the_death_of_a_node(nodes: Any, tmp_path: Path) -> None:
    project = make_project(tmp_path)
    sweep = command(project, "pipelines.sweep", TASK, "--grid", "small", "--address", nodes.address)
    finished = project / "trials" / "smoke" / TASK
    deadline = time.monotonic() + 120
    while not list(finished.glob("*/seed0/metrics.json")) and time.monotonic() < deadline and sweep.poll() is None:
        time.sleep(0.1)
    nodes.remove_node(nodes.workers.pop(), allow_graceful=False)
    output, _ = sweep.communicate(timeout=180)
    assert sweep.returncode == 0, output
    table = pd.read_csv(project / "sweeps" / TASK / "small" / "trials.csv")
    assert (table["status"] == "done").all()
    assert len(table) == 6
    assert sum(" val AUROC " in line and line.startswith("[") for line in output.splitlines()) == 6


@pytest.mark.slow
def test_a_halving_that_is_killed_between_two_rungs_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """By the command, on this machine: six trials with one seed, two of them with all three."""
    halved = ("pipelines.sweep", TASK, "--grid", "small", "--seeds", "3", "--halving")
    tables, killed_at = [], 0
    for folder in (tmp_path / "whole", tmp_path / "killed"):
        folder.mkdir()
        project = make_project(folder)
        if folder.name == "killed":
            killed = command(project, *halved)
            assert killed.stdout is not None
            for line in killed.stdout:
                if "rung 2" in line:
                    break
            killed.kill()
            killed.wait()
            killed_at = len(list(project.glob("trials/smoke/*/*/seed*/metrics.json")))
        output, _ = (sweep := command(project, *halved)).communicate(timeout=240)
        assert sweep.returncode == 0, output
        tables.append((project / "sweeps" / TASK / "small" / "trials.csv").read_bytes())
    assert 6 <= killed_at < 10
    assert tables[0] == tables[1]
    table = pd.read_csv(tmp_path / "whole" / "sweeps" / TASK / "small" / "trials.csv")
    assert list(table["seeds"]) == [3, 3, 1, 1, 1, 1]
    assert list(table["status"].str.partition(":")[0]) == ["done"] * 2 + ["stopped"] * 4
    first = {}
    for path in (tmp_path / "whole" / "trials" / "smoke" / TASK).glob("*/seed0/metrics.json"):
        figures = json.loads(path.read_text())
        first[path.parent.parent.name] = (-figures["val_auc"], -figures["val_acc"], path.parent.parent.name)
    assert set(table["trial"][:2]) == set(sorted(first, key=lambda name: first[name])[:2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--halving", "--asha"], "option --asha: does not go with --halving: one gives up by epoch, the other by seed"),
        (["--halving", "--seeds", "1"], "option --halving: gives up by seed, and there is one seed; ask for more by --seeds"),
        (["--halve-by", "1"], "option --halve-by: should be 2 or more, or 0 for no halving, got 1"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_one_sentence(options: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.sweep", TASK, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (2, f"error: {message}")


def test_a_dry_run_of_a_drawn_and_halved_search_tells_its_rungs(tmp_path: Path) -> None:
    """By the options that the project's entry hands on."""
    options = ("--random=4", "--draw-seed=1", "--halve-by=3", "--seeds=3", "--grid=small", "--dry-run")
    output, _ = command(make_project(tmp_path), "pipelines.sweep", TASK, *options).communicate(timeout=60)
    assert "8 runs to make in rungs of 4 + 4, " in output
    assert output.count(": not run") == 4


def test_an_address_without_a_cluster_is_one_sentence_and_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with told(NoCluster, r"option --address: no Ray cluster answers at 127.0.0.1:9.*start one with `ray start --head`"):
        cluster.require("127.0.0.1:9", option)
    with told(NoCluster, "option --address: no Ray cluster answers at no..name:9 "):
        cluster.require("no..name:9", option)
    for wrong in ("h:\N{SUPERSCRIPT TWO}", f"h:{5000 * '1'}", ":1", "h:"):
        with pytest.raises(BadInput, match=r"option --address: should be HOST:PORT or auto, got '.{,100}'$"):
            cluster.require(wrong, option)
    with pytest.raises(BadInput, match="option --address: should be HOST:PORT or auto, got 'cluster'"):
        cluster.require("cluster", option)
    monkeypatch.setattr(cluster, "ANSWER_S", 5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the call and never says a word
        port, started = silent.getsockname()[1], time.monotonic()
        with pytest.raises(NoCluster, match=f"no Ray cluster answers at 127.0.0.1:{port}"):
            cluster.require(f"127.0.0.1:{port}", option)
        assert time.monotonic() - started < 15


def test_without_ray_the_command_says_what_to_install(tmp_path: Path) -> None:
    """In an environment in which `import ray` fails and its package is not found."""
    program = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'ray' else find(name, *rest)\n"
        "sys.modules['ray'] = None; sys.argv = ['sweep', 'standin-breastmnist']\n"
        "from pipelines import sweep; from pipelines.console import cli; cli.run(sweep.main)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "error: runs side by side need Ray, which is not installed here; pip install '.[sweep]'"
    )
    assert "Traceback" not in done.stderr


KNOCK = "import ray, sys; ray.init(sys.argv[1], logging_level='error'); print(len(ray.nodes()), 'nodes')"


def knock(address: str, token: str) -> "subprocess.CompletedProcess[str]":
    """Another process that tries to use the Ray at this address."""
    env = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_gcs_rpc_server_connect_timeout_s": "5"}
    return subprocess.run(
        [sys.executable, "-c", KNOCK, address], env=env, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_sweeps_own_ray_answers_nobody_without_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And sockets find room where the temporary folder's path has none for them; the folder is empty afterwards.

    It takes as many cores as this process may use.
    """
    import ray

    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # counts like what a scheduler or container leaves it
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("long-" * 20)))
    tokens = []
    for _ in range(2):
        with cluster.connect("", Share(1, 0, None)):
            address, token = ray.get_runtime_context().gcs_address, os.environ["RAY_AUTH_TOKEN"]
            assert ray.cluster_resources()["CPU"] == 1
            assert "1 nodes" in knock(address, token).stdout
            assert knock(address, "0" * 64).returncode != 0
        tokens.append(token)
    assert "RAY_AUTH_TOKEN" not in os.environ
    assert len(set(tokens)) == 2
    assert not (tmp_path / ".ray").exists()


def test_a_long_temporary_folder_without_a_short_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("long-" * 20)))
    monkeypatch.setattr(private, "SHORT", tmp_path / "nowhere")
    reason = r"^TMPDIR: .* has more than the 45 characters .*; set RAY_TMPDIR to a folder"
    with told(BadInput, reason), cluster.connect("", Share(1, 0, None)):
        pass


def test_a_killed_sweep_leaves_no_process(tmp_path: Path) -> None:
    code = "import sys, time; from benchmark.sweep.cluster import Share, connect\n"
    code += "with connect('', Share(1, 0, None)): print('up', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as sweep:
        assert sweep.stdout is not None
        assert sweep.stdout.readline() == "up\n"
        processes = psutil.Process(sweep.pid).children(recursive=True)
        sweep.kill()
    assert len(processes) > 3
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert not alive
