"""A temporary clone of the working tree, and commands in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

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


def run(command: list[str], folder: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A finished command, its output captured; one that fails shows all of it."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)} exited with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done
