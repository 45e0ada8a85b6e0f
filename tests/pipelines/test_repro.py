"""`python -m pipelines.repro`: what a run side by side gets of this machine, and what a dry run leaves alone."""

import os
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
import torch
import yaml

from benchmark.config.params import load_params
from pipelines.console.selection import Selection, applied
from pipelines.repro import share_of
from tests.helpers import PARAMS, ROOT, shipped


@pytest.mark.parametrize(
    ("jobs", "address", "cpus", "gpus", "expected"),
    [
        (8, "", 0, None, (2, 0, 8)),
        (3, "", 0, None, (5, 0, 3)),
        (32, "", 0, None, (0.5, 0, 32)),
        (8, "", 1, None, (1, 0, 8)),
        (0, "", 4, None, (4, 0, None)),
        (8, "head:6379", 0, None, (1, 0, 8)),
        (0, "head:6379", 2, 0.5, (2, 0.5, None)),
    ],
)
def test_a_run_gets_an_equal_part_of_this_machine_unless_it_is_said(
    jobs: int,
    address: str,
    cpus: float,
    gpus: float | None,
    expected: tuple[float, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: 16)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    share = share_of(jobs, address, cpus, gpus)
    assert (share.cpus, share.gpus, share.at_once) == expected


@pytest.mark.parametrize(
    ("jobs", "cards", "expected"), [(4, 1, 0.25), (3, 2, 0.5), (6, 1, 0.1666), (2, 8, 1), (0, 2, 1)]
)
def test_runs_share_gpus_so_that_none_has_parts_of_two(
    jobs: int, cards: int, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    assert share_of(jobs, "", 1, None).gpus == expected


def test_a_selection_is_applied_without_a_change_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(PARAMS))
    before = path.read_bytes()
    pools = {dim: ("breastmnist",) if dim == "2d" else () for dim in load_params(path).pretrain.dims}
    params = applied(Selection("smoke", ("breastmnist",), ("chestmnist",), pools, {}, real=True), path)
    assert (params.profile, params.fetch.tasks, [*params.pretrain.dims]) == ("smoke", ("breastmnist",), ["2d"])
    assert path.read_bytes() == before


def test_a_dry_run_lists_what_is_missing_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    env = os.environ | {"PYTHONPATH": str(ROOT), "MEDMNIST_MIRROR": "/nonexistent", "PROFILE": "smoke", "JOBS": "2"}
    command = [sys.executable, "-m", "pipelines.repro", "--dry-run"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *_, trunk, last = (
        line for line in done.stdout.splitlines() if "trunks/smoke/3d: not run" in line or "to make" in line
    )
    assert "trunks/smoke/3d" in trunk
    assert "runs to make, 2 side by side" in last
    assert f"then the ensembles of each task: {', '.join(shipped().ensemble.names)}" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "params.yaml"]
    assert (tmp_path / "params.yaml").read_text() == (ROOT / "params.yaml").read_text()
