"""The whole way on stand-in data, through the real `dvc repro` and `mlflow run`, in a temporary clone."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from benchmark.runs.folder import RunFolder
from tests.e2e.clone import BIN, configure, environment, make_clone, run
from tests.helpers import free_port, running

pytestmark = pytest.mark.e2e

TASKS = ["standin-breastmnist", "standin-adrenalmnist3d"]


@contextmanager
def changed(path: Path, text: str) -> Iterator[None]:
    """The file with something appended, then as it was."""
    before = path.read_bytes()
    path.write_bytes(before + text.encode())
    try:
        yield
    finally:
        path.write_bytes(before)


def stale(clone: Path) -> set[str]:
    """Names of the stages that are out of date by themselves, those behind them (always the report) left aside."""
    return set(json.loads(run([f"{BIN}/dvc", "status", "--json"], clone).stdout))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the pipeline has run once."""
    folder = make_clone(tmp_path_factory.mktemp("e2e") / "clone")

    def shorten(params: dict[str, Any]) -> None:
        params["profile"] = "smoke"
        params["fetch"] |= {"tasks": TASKS, "left_out": ["chestmnist"]}
        params |= running("medmnist", "dam")
        params["pretrain"]["2d"]["tasks"], params["pretrain"]["3d"]["tasks"] = TASKS[:1], TASKS[1:]

    configure(folder, shorten)
    run([f"{BIN}/dvc", "repro"], folder)
    run(["git", "add", "-A"], folder)
    run(["git", "commit", "-qm", "Run the pipeline"], folder)
    return folder


def test_every_cell_has_a_finished_run_and_the_report_is_stamped(clone: Path) -> None:
    for task in TASKS:
        for recipe in ("medmnist", "dam"):
            folder = RunFolder(clone / "runs" / "smoke" / task / recipe / "seed0")
            assert folder.is_done
            assert set(folder.scores()) == {"train", "val", "test"}
            shown = {name: round(folder.metrics()[name], 4) for name in ("val_auc", "test_auc", "test_acc")}
            assert json.loads((clone / "metrics" / task / f"{recipe}.json").read_text()) == shown
    for name in ("report.md", "report.html"):
        text = (clone / "reports" / name).read_text()
        assert "STAND-IN DATA, NOT A RESULT" in text
        assert "data not reachable" in text


def test_nothing_changed_nothing_runs(clone: Path) -> None:
    assert "up to date" in run([f"{BIN}/dvc", "repro"], clone).stdout
    assert stale(clone) == set()


def test_a_recipes_parameter_runs_its_own_cells_alone(clone: Path) -> None:
    def change(params: dict[str, Any]) -> None:
        params["recipes"]["dam"]["objective"]["lr"] = 0.05

    with changed(clone / "params.yaml", ""):
        configure(clone, change)
        assert stale(clone) == {f"finetune@{task}-dam" for task in TASKS}


def test_a_further_task_runs_its_own_cells_alone(clone: Path) -> None:
    def change(params: dict[str, Any]) -> None:
        params["fetch"]["tasks"].append("standin-vesselmnist3d")

    with changed(clone / "params.yaml", ""):
        configure(clone, change)
        new = {f"finetune@standin-vesselmnist3d-{recipe}" for recipe in ("medmnist", "dam")}
        assert stale(clone) == new | {"fetch@standin-vesselmnist3d", "report"}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("benchmark/report/build.py", r"report"),
        ("benchmark/training/loop.py", r"(pretrain|finetune)@.*"),
        ("benchmark/data/standin.py", r"(fetch|pretrain|finetune|report)@?.*"),
        ("pipelines/repro.py", r"nothing"),
    ],
)
def test_changed_code_runs_the_stages_that_import_it_alone(clone: Path, file: str, expected: str) -> None:
    with changed(clone / file, "\n# changed\n"):
        found = stale(clone)
    everything = {f"finetune@{task}-{recipe}" for task in TASKS for recipe in ("medmnist", "dam")}
    everything |= {f"fetch@{task}" for task in TASKS} | {"pretrain@2d", "pretrain@3d", "report"}
    everything |= {f"pool-2d@{TASKS[0]}", f"pool-3d@{TASKS[1]}"}
    assert found == {stage for stage in everything if re.fullmatch(expected, stage)}


def test_another_winner_of_a_sweep_runs_the_cells_that_may_take_their_objective_from_it(clone: Path) -> None:
    with changed(clone / "sweeps" / "breastmnist" / "readme" / "winner.yaml", "# changed\n"):
        assert stale(clone) == {f"finetune@{task}-{recipe}" for task in TASKS for recipe in ("medmnist", "dam")} | {
            "report"
        }


def test_byte_code_makes_nothing_stale(clone: Path) -> None:
    run([sys.executable, "-m", "compileall", "-q", "-f", "benchmark", "pipelines"], clone)
    assert stale(clone) == set()


def test_metrics_and_plots_can_be_shown(clone: Path, tmp_path: Path) -> None:
    shown = json.loads(run([f"{BIN}/dvc", "metrics", "show", "--json"], clone).stdout)
    files = shown[""]["data"]
    assert set(files[f"metrics/{TASKS[0]}/dam.json"]["data"]) >= {"test_auc", "test_acc", "val_auc"}
    run([f"{BIN}/dvc", "plots", "show", "--out", str(tmp_path / "shown")], clone)
    assert "learning_csv" in (tmp_path / "shown" / "index.html").read_text()


def test_between_two_commits_the_difference_is_short_and_the_curves_are_the_same(clone: Path) -> None:
    metrics, curve = (clone / kind / TASKS[0] / name for kind, name in (("metrics", "dam.json"), ("plots", "dam")))
    curve = curve / "learning.csv"
    before = json.loads(metrics.read_text())
    with changed(metrics, ""), changed(curve, "99,val,0.75\n99,train,1.0\n"):
        metrics.write_text(json.dumps(before | {"test_auc": 0.99}))
        table = run([f"{BIN}/dvc", "metrics", "diff", "HEAD"], clone).stdout
        plots = json.loads(run([f"{BIN}/dvc", "plots", "diff", "HEAD", "--json"], clone).stdout)["data"]
    (row,) = [line.split() for line in table.splitlines() if "dam.json" in line]
    assert row[1:4] == ["test_auc", f"{before['test_auc']:.4f}".rstrip("0"), "0.99"]
    assert max(map(len, table.splitlines())) < 100
    (plot,) = plots[f"plots/{TASKS[0]}/dam/learning.csv"]
    content = plot["content"]
    points = {(point["rev"], point["split"], int(point["epoch"])) for point in content["data"]["values"]}
    assert {(rev, split, 1) for rev in ("HEAD", "workspace") for split in ("val", "train")} <= points
    assert {point for point in points if point[2] == 99} == {("workspace", "val", 99), ("workspace", "train", 99)}
    assert content["encoding"]["strokeDash"]["field"] == "split"


def test_a_second_clone_that_pulls_runs_nothing(clone: Path, tmp_path: Path) -> None:
    remote, second = tmp_path / "remote", tmp_path / "second"
    run([f"{BIN}/dvc", "remote", "add", "--local", "--default", "here", str(remote)], clone)
    run([f"{BIN}/dvc", "push", "-q"], clone)
    run(["git", "clone", "-q", str(clone), str(second)], tmp_path)
    run([f"{BIN}/dvc", "remote", "add", "--local", "--default", "here", str(remote)], second)
    run([f"{BIN}/dvc", "pull", "-q"], second)
    output = run([f"{BIN}/dvc", "repro"], second).stdout
    assert "up to date" in output
    assert "Running stage" not in output


def test_mlflow_holds_parents_seeds_metrics_and_a_champion(clone: Path) -> None:
    output = ask_mlflow(clone, MLFLOW_QUESTIONS)
    assert output["parents"] == ["dam", "medmnist"]
    assert output["seeds"] == ["dam", "medmnist"]
    assert output["steps"] == [1, 2]
    assert {"train_acc", "val_auc", "val_acc", "test_auc", "test_acc"} <= set(output["metrics"])
    assert not [name for name in output["metrics"] if name.startswith("published")]  # stand-in data
    assert {"task", "recipe", "seed", "profile", "git_commit", "dvc_lock", "hardware"} <= set(output["tags"])
    assert "STAND-IN DATA, NOT A RESULT" in output["name"]
    assert output["dataset"] == TASKS[0]
    assert {"scores.npz", "history.csv", "roc.png", "run.json"} <= set(output["artifacts"])
    assert output["versions"] == ["dam", "medmnist"]
    aucs = {
        recipe: RunFolder(clone / "runs/smoke" / TASKS[0] / recipe / "seed0").metrics()["val_auc"]
        for recipe in ("dam", "medmnist")
    }
    assert output["champion"] in [recipe for recipe, auc in aucs.items() if auc == max(aucs.values())]
    assert output["largest_difference"] < 1e-5
    assert output["one_image"] == [1, 1]


def test_the_champion_is_served(clone: Path) -> None:
    """Requests to `mlflow models serve` on loopback: the run's own scores, and no answer to floats."""
    images, scores = served_images(clone)
    port = str(free_port())
    command = [f"{BIN}/mlflow", "models", "serve", "-m", f"models:/{TASKS[0]}@champion"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", port]
    env = environment() | {"MLFLOW_TRACKING_URI": f"sqlite:///{clone}/mlflow.db"}
    with subprocess.Popen(command, cwd=clone, env=env, start_new_session=True) as server:
        try:
            address = f"http://127.0.0.1:{port}/invocations"
            answer = ask_server(address, {"inputs": images.tolist()})
            with pytest.raises(urllib.error.HTTPError, match="400"):
                urllib.request.urlopen(asking(address, {"inputs": (images / 255).tolist()}), timeout=30)
        finally:
            os.killpg(server.pid, 15)
    assert np.allclose(np.array(answer["predictions"]), scores, atol=1e-5)


def test_one_cell_by_mlflow_run_is_taken_from_its_folder(clone: Path) -> None:
    command = [f"{BIN}/mlflow", "run", ".", "-e", "finetune", "--env-manager", "local"]
    command += ["-P", f"task={TASKS[0]}", "-P", "recipe=dam"]
    output = run(command, clone)
    assert "already there, nothing to train" in output.stdout + output.stderr
    assert stale(clone) == set()


def trainings(clone: Path) -> list[psutil.Process]:
    """Processes that train in this clone."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.info["cwd"] == str(clone) and "pipelines.finetune" in (process.info["cmdline"] or []):
            found.append(process)
    return [process for process in found if process.name().startswith("python")]


@pytest.mark.parametrize(("launcher", "epochs"), [("dvc", 8), ("mlflow", 9)])
def test_killed_with_its_launcher_a_training_ends_and_later_goes_on(clone: Path, launcher: str, epochs: int) -> None:
    def longer(params: dict[str, Any]) -> None:
        params["profiles"]["smoke"]["finetune_epochs"]["2d"] = epochs

    seed = clone / "runs" / "smoke" / TASKS[0] / "medmnist" / "seed0"
    by_mlflow = [f"{BIN}/mlflow", "run", ".", "-e", "finetune", "--env-manager", "local"]
    by_mlflow += ["-P", f"task={TASKS[0]}", "-P", "recipe=medmnist"]
    by_dvc = [f"{BIN}/dvc", "repro", f"finetune@{TASKS[0]}-medmnist"]
    command = by_dvc if launcher == "dvc" else by_mlflow
    with changed(clone / "params.yaml", ""):
        configure(clone, longer)
        with subprocess.Popen(command, cwd=clone, env=environment(), stdout=subprocess.DEVNULL) as process:
            eventually(lambda: list(seed.glob("checkpoint/epoch-*")), 90)
            process.kill()
        eventually(lambda: not trainings(clone), 8)
        assert json.loads((seed / "run.json").read_text())["status"] == "running"
        output = run(command, clone)
        assert "of an earlier start" in output.stdout + output.stderr
        assert len(RunFolder(seed).history()) == epochs


def eventually(true: Callable[[], object], patience_s: int) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pipelines.finetune", "brestmnist", "dam"], "unknown task 'brestmnist'; known: "),
        (["pipelines.finetune", "breastmnist", "dan"], "unknown recipe 'dan'; known: crossed-aucm, "),
        (["pipelines.finetune", "breastmnist", "dam", "--profile", "x"], "unknown profile 'x'; known: full, "),
        (["pipelines.finetune", "chestmnist", "dam-compositional"], "'compositional-auc' does not accept chestmnist"),
        (["pipelines.pretrain", "4d"], "unknown dimension '4d'; known: 2d, 3d"),
        (["pipelines.fetch", "x"], "unknown task 'x'; known: "),
        (["pipelines.report", "--profile", "x"], "unknown profile 'x'; known: "),
        (["pipelines.repro", "--profile", "x"], "unknown profile 'x'; known: "),
    ],
)
def test_bad_input_is_one_sentence_exit_code_2_and_nothing_written(
    clone: Path, arguments: list[str], sentence: str
) -> None:
    before = run(["git", "status", "--porcelain", "--ignored"], clone).stdout
    done = run([sys.executable, "-m", *arguments], clone, check=False)
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "Warning" not in line and line.strip()]
    assert sentence in line
    assert run(["git", "status", "--porcelain", "--ignored"], clone).stdout == before


MLFLOW_QUESTIONS = f"""
import json, numpy as np, mlflow
from benchmark.runs.folder import RunFolder
client = mlflow.MlflowClient()
task = {TASKS[0]!r}
experiment = client.get_experiment_by_name(task)
runs = client.search_runs([experiment.experiment_id])
seeds = [r for r in runs if "mlflow.parentRunId" in r.data.tags]
parents = [r for r in runs if "mlflow.parentRunId" not in r.data.tags]
one = next(r for r in seeds if r.data.tags["recipe"] == "dam")
versions = client.search_model_versions(f"name = '{{task}}'")
champion = client.get_model_version_by_alias(task, "champion")
model = mlflow.pyfunc.load_model(f"models:/{{task}}@champion")
with np.load(f"data/{{task}}.npz") as data:
    predicted = model.predict(data["test_images"])
    alone = model.predict(data["test_images"][:1])
scores = RunFolder(__import__("pathlib").Path(champion.tags["run_folder"])).scores()["test"][1]
print(json.dumps({{
    "parents": sorted(r.data.tags["recipe"] for r in parents),
    "seeds": sorted(r.data.tags["recipe"] for r in seeds),
    "steps": [m.step for m in client.get_metric_history(one.info.run_id, "epoch/val_auc")],
    "metrics": list(one.data.metrics),
    "tags": list(one.data.tags),
    "name": one.info.run_name,
    "dataset": one.inputs.dataset_inputs[0].dataset.name,
    "artifacts": [a.path for a in client.list_artifacts(one.info.run_id)],
    "versions": sorted(v.tags["recipe"] for v in versions),
    "champion": champion.tags["recipe"],
    "largest_difference": float(np.abs(predicted - scores).max()),
    "one_image": list(alone.shape),
}}))
"""


def ask_mlflow(clone: Path, questions: str) -> Any:
    return json.loads(run([sys.executable, "-c", questions], clone).stdout.splitlines()[-1])


def served_images(clone: Path) -> tuple[np.ndarray, np.ndarray]:
    """Three test images as they are in the file, and the champion's own scores of them."""
    folder = ask_mlflow(
        clone,
        "import json, mlflow\n"
        f"version = mlflow.MlflowClient().get_model_version_by_alias({TASKS[0]!r}, 'champion')\n"
        "print(json.dumps(version.tags['run_folder']))",
    )
    with np.load(clone / "data" / f"{TASKS[0]}.npz") as data:
        images: np.ndarray = data["test_images"][:3]
    return images, RunFolder(clone / folder).scores()["test"][1][:3]


def asking(address: str, content: dict[str, Any]) -> urllib.request.Request:
    return urllib.request.Request(address, json.dumps(content).encode(), headers={"Content-Type": "application/json"})


def ask_server(address: str, content: dict[str, Any], patience_s: int = 90) -> Any:
    request = asking(address, content)
    for _ in range(patience_s):
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except OSError:
            time.sleep(1)
    pytest.fail(f"no answer from {address} in {patience_s} s")
