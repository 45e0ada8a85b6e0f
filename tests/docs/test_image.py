"""What the container image is made of: linted, run by nobody in particular, and as clean a checkout as git's."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clone import ROOT, environment

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] not in "#"]


def test_the_linter_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=environment()["PATH"])
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    subprocess.run([hadolint, ROOT / "Dockerfile"], check=True)


def test_it_is_run_by_a_user_without_rights() -> None:
    instructions = re.findall(r"^(USER|CMD|ENTRYPOINT)\s+(.*)$", DOCKERFILE, flags=re.MULTILINE)
    assert instructions == [("USER", "$UID"), ("CMD", '["make", "repro"]')]
    assert re.search(r"^ARG UID=[1-9]\d+$", DOCKERFILE, flags=re.MULTILINE)


def test_no_file_of_the_repository_is_left_out_of_it() -> None:
    """A missing one would make git call the checkout changed, and so every run's record."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert "README.md" in listed
    patterns = [re.compile(f"{translated(line.rstrip('/'))}(/.*)?") for line in IGNORED]
    assert [name for name in listed if any(one.fullmatch(name) for one in patterns)] == []


def test_what_may_hold_a_password_is_left_out_of_it() -> None:
    assert {".git/config", ".dvc/config.local", ".env"} <= set(IGNORED)
    assert not re.search(r"password|token|secret|key", re.sub(r"#.*", "", DOCKERFILE), flags=re.IGNORECASE)


def test_the_devcontainer_is_the_same_image() -> None:
    settings = devcontainer()
    assert (ROOT / ".devcontainer" / settings["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert f'useradd --create-home --shell /bin/bash --uid "$UID" {settings["remoteUser"]}' in DOCKERFILE
    assert re.search(r"ln -sfnT (\S+)/\.venv", settings["postCreateCommand"])[1] in DOCKERFILE


@pytest.mark.parametrize("before", ["nothing", "a link", "a folder", "a folder again"])
def test_the_devcontainer_takes_the_images_environment_whatever_the_host_has(tmp_path: Path, before: str) -> None:
    """As `make env` then finds it; the host's own is put aside."""
    link, make, _ = devcontainer()["postCreateCommand"].partition(" && make env")
    assert make
    if before == "a link":
        (tmp_path / ".venv").symlink_to("elsewhere")
    if before.startswith("a folder"):
        (tmp_path / ".venv/bin").mkdir(parents=True)
    if before == "a folder again":
        (tmp_path / ".cache/host-venv/lib").mkdir(parents=True)
    subprocess.run(["sh", "-c", link], cwd=tmp_path, check=True)
    assert str((tmp_path / ".venv").readlink()) == "/home/dam/benchmark/.venv"
    assert (tmp_path / ".cache/host-venv/bin").is_dir() is before.startswith("a folder")


def devcontainer() -> dict[str, Any]:
    lines = (ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8").splitlines()
    content: dict[str, Any] = json.loads("\n".join(line for line in lines if not line.strip().startswith("//")))
    return content


def translated(pattern: str) -> str:
    """A line of .dockerignore as a regular expression, anchored at the root as Docker's is."""
    parts = {"**/": "(.*/)?", "*": "[^/]*"}
    return "".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*)", pattern))
