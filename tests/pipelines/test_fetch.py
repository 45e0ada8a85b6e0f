"""The fetch stage on the command line."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.helpers import ROOT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the shipped params.yaml and nothing else."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def run(project: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MEDMNIST_MIRROR": str(project / "mirror")} | given
    command = [sys.executable, "-m", "pipelines.fetch", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def written(project: Path) -> list[str]:
    return [str(path.relative_to(project)) for path in project.rglob("*") if path.name != "params.yaml"]


def test_one_line_says_what_lies_where_and_whence(project: Path) -> None:
    done = run(project, "standin-breastmnist")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.startswith("standin-breastmnist: data/standin-breastmnist.npz, MD5 ")
    assert done.stdout.endswith(", from generated here, no real data\n")
    assert (project / "data/standin-breastmnist.npz").is_file()


def test_an_unknown_task_is_answered_with_the_known_ones_and_nothing_is_written(project: Path) -> None:
    done = run(project, "brestmnist")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: argument TASK: unknown task 'brestmnist'; known: adrenalmnist3d, ")
    assert "breastmnist, chestmnist" in done.stderr
    assert written(project) == []


def test_data_that_a_trunk_wants_and_no_stage_fetches_is_told_where_dvc_will_not(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["fetch"]["tasks"] = params["pretrain"]["3d"]["tasks"] = ["standin-breastmnist"]
    params["pretrain"]["2d"]["tasks"] = ["standin-breastmnist", "breastmnist", "chestmnist"]
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    told = "warning: params.yaml: pretrain.2d.tasks has breastmnist, chestmnist, which no stage fetches, and "
    done = run(project, "standin-breastmnist", DVC_STAGE="fetch@standin-breastmnist")
    assert (done.returncode, done.stderr[: len(told)]) == (0, told)
    assert run(project, "standin-breastmnist").stderr == ""


def test_a_wrong_file_is_one_sentence_and_exit_code_2(project: Path) -> None:
    (project / "pneumoniamnist_rebuilt.npz").write_bytes(b"not that file")
    done = run(project, "pneumoniamnist_rebuilt")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "expected 0362ba63e6370f4916da0a23aa7fb2bb" in done.stderr


def test_data_out_of_reach_is_one_sentence_and_exit_code_1(project: Path) -> None:
    done = run(project, "pneumoniamnist_rebuilt")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("error: pneumoniamnist_rebuilt: its data can't be reached, tried pneumoniamnist_reb")


def test_help_is_quick(project: Path) -> None:
    run(project, "--help")  # the first start may have to write byte-code
    start = time.monotonic()
    done = run(project, "--help")
    assert (done.returncode, "a task of params.yaml" in done.stdout) == (0, True)
    assert time.monotonic() - start < 1
