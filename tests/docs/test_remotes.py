"""What docs/team.md says of a DVC remote: push, clone anew, pull, and `dvc repro` runs nothing. On loopback."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.e2e.clone import make_clone, run
from tests.helpers import free_port, running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DVC = [sys.executable, "-m", "dvc"]
SSH_SERVER = """
import asyncio, sys, asyncssh
async def main(port, host_key, client_key):
    await asyncssh.listen("127.0.0.1", port, server_host_keys=[host_key], authorized_client_keys=client_key, sftp_factory=True)
    await asyncio.Event().wait()
asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which one cell has run, everything committed."""
    folder = make_clone(tmp_path_factory.mktemp("team") / "first")
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["profile"] = "smoke"
    params["fetch"] |= {"tasks": ["standin-breastmnist"], "left_out": []}
    params |= running("medmnist")
    params["pretrain"]["dims"] = ["2d"]
    params["pretrain"]["2d"]["tasks"] = ["standin-breastmnist"]
    params["pretrain"]["3d"]["tasks"] = []
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    run([*DVC, "repro"], folder)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    run(["git", "add", "-A"], folder)
    run(["git", "commit", "-qm", "Run the pipeline"], folder)


@contextmanager
def server(command: list[str], port: int) -> Iterator[None]:
    """A server of this machine alone, from when its port answers to the end of the context."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert process.poll() is None, "the server ended by itself"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")


def set_up(folder: Path, remote: str, settings: dict[str, str]) -> None:
    """What belongs to one machine or person goes into .dvc/config.local."""
    for name, value in settings.items():
        run([*DVC, "remote", "modify", "--local", remote, name, value], folder)


def pulled_clone_runs_nothing(clone: Path, second: Path, remote: str, url: str, **settings: str) -> None:
    run([*DVC, "remote", "add", "--default", remote, url], clone)
    commit(clone)
    set_up(clone, remote, settings)
    run([*DVC, "push"], clone)
    run(["git", "clone", "-q", str(clone), str(second)], clone)
    set_up(second, remote, settings)
    assert not (second / "runs").exists()
    run([*DVC, "pull"], second)
    done = run([*DVC, "repro"], second)
    assert "Data and pipelines are up to date." in done.stdout
    assert "Running stage" not in done.stdout
    scores = "runs/smoke/standin-breastmnist/medmnist/seed0/scores.npz"
    assert (second / scores).read_bytes() == (clone / scores).read_bytes()
    assert (second / "reports/report.html").read_bytes() == (clone / "reports/report.html").read_bytes()


def test_a_remote_on_s3(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("moto", "dvc_s3")
    import boto3  # late: not in the lock

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with server([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="benchmark")
        pulled_clone_runs_nothing(clone, tmp_path / "second", "bucket", "s3://benchmark/dvc", endpointurl=endpoint)


def test_a_remote_on_ssh(clone: Path, tmp_path: Path) -> None:
    needs("dvc_ssh")
    import asyncssh  # late: as above

    for name in ("host", "client"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(tmp_path / name))
        key.write_public_key(str(tmp_path / f"{name}.pub"))
    port, keyfile = free_port(), str(tmp_path / "client")
    command = [sys.executable, "-c", SSH_SERVER, str(port), str(tmp_path / "host"), str(tmp_path / "client.pub")]
    with server(command, port):
        url = f"ssh://127.0.0.1:{port}{tmp_path}/store"
        pulled_clone_runs_nothing(clone, tmp_path / "second", "server", url, user="me", keyfile=keyfile)
