"""A temporary clone of the working tree, and commands in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def environment() -> dict[str, str]:
    """The caller's environment, less what would lead a command out of the clone."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_", "MEDMNIST_"))}
    return own | {
        "PATH": f"{BIN}:{own['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": "/tmp/dvc-site-cache",
        "MEDMNIST_MIRROR": "/nonexistent",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def make_clone(folder: Path, env: dict[str, str] | None = None) -> Path:
    """A git repository with the working tree's files, committed; nothing that git ignores comes along."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith("metrics/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Start"]):
        run(["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *command], folder)
    run(["git", "config", "user.name", "test"], folder)
    run(["git", "config", "user.email", "test@example.org"], folder)
    return folder


def configure(clone: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what the clone's params.yaml says."""
    path = clone / "params.yaml"
    params = yaml.safe_load(path.read_text())
    change(params)
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def of_one_task(clone: Path, task: str, sections: dict[str, Any]) -> None:
    """Let the clone run these recipes under profile `smoke` on this 2D task alone, its trunk too."""

    def change(params: dict[str, Any]) -> None:
        params["profile"] = "smoke"
        params["fetch"] |= {"tasks": [task], "left_out": []}
        params["pretrain"]["2d"]["tasks"], params["pretrain"]["3d"]["tasks"] = [task], []
        params["pretrain"]["dims"] = ["2d"]
        params |= sections

    configure(clone, change)


def run(command: list[str], folder: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A finished command, its output captured; one that fails shows all of it."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)} exited with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done
