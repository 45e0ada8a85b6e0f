"""The batch script for SLURM: its syntax, and Ray on an "allocation" whose nodes are this machine, through stand-ins for `srun` and `scontrol`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.clone import ROOT, environment, make_clone

SCRIPT = "scripts/slurm/ray.sbatch"
FAKES = {
    "scontrol": 'printf "node-1\\nnode-2\\n"',
    "srun": 'while [[ $1 == --* ]]; do echo "srun $1" >&2; shift; done; exec "$@"',
    "make": 'echo "make $*"; ray status --address "${2#ADDRESS=}"',
}


def submit(clone: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """What SLURM would run on the first of two nodes."""
    (clone / "bin").mkdir(exist_ok=True)
    for name, body in FAKES.items():
        (clone / "bin" / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (clone / "bin" / name).chmod(0o755)
    slurm = {"JOB_ID": str(os.getpid()), "NNODES": "2", "JOB_NODELIST": "node-[1-2]", "CPUS_PER_TASK": "1"}
    env = environment() | {f"SLURM_{name}": value for name, value in slurm.items()}
    env |= {"SLURM_SUBMIT_DIR": str(clone), "HEAD_IP": "127.0.0.1", "PATH": f"{clone}/bin:{env['PATH']}"}
    return subprocess.run([ROOT / SCRIPT, *words], cwd=clone, env=env, capture_output=True, text=True, check=False)


def left(clone: Path) -> list[Path]:
    """What a job that is over should have removed."""
    return [*Path("/tmp").glob(f"ray-{os.getpid()}"), *clone.glob(".cache/ray-token*")]


def test_its_syntax() -> None:
    subprocess.run(["bash", "-n", ROOT / SCRIPT], check=True)
    shellcheck = shutil.which("shellcheck", path=environment()["PATH"])
    if shellcheck is None:
        pytest.skip("shellcheck is not installed")
    subprocess.run([shellcheck, ROOT / SCRIPT], check=True)


def test_anything_but_repro_and_sweep_is_refused(tmp_path: Path) -> None:
    done = submit(tmp_path, "python", "evil.py")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
    assert "srun" not in done.stderr


@pytest.mark.slow
@pytest.mark.e2e
def test_a_sweep_and_the_whole_run_get_ray_on_both_nodes(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    clone = make_clone(tmp_path / "clone")
    (clone / ".venv").symlink_to(sys.prefix)
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["sweep"]["grids"]["small"] = {"recipe": "medmnist", "over": {"lr": [0.01, 1e-3]}}
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    swept = submit(clone, "sweep", "standin-breastmnist", "--grid", "small", "--profile", "smoke")
    assert swept.returncode == 0, swept.stdout + swept.stderr
    assert "Ray: 2 nodes at 127.0.0.1:" in swept.stdout
    assert "[2/2]" in swept.stdout
    assert (clone / "sweeps/standin-breastmnist/winner.yaml").is_file()
    assert {"srun --nodelist=node-1", "srun --exclude=node-1"} <= set(swept.stderr.splitlines())
    assert left(clone) == []

    repro = submit(clone, "repro", "JOBS=2")
    assert repro.returncode == 0, repro.stdout + repro.stderr
    port = 20000 + os.getpid() % 10000
    assert f"make repro ADDRESS=127.0.0.1:{port} JOBS=2" in repro.stdout
    assert "0.0/2.0 CPU" in repro.stdout
    assert left(clone) == []
