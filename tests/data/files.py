"""Small data files, tasks that they belong to, and a web server for them."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import numpy as np

from benchmark.config.entries import OfficialTask, OwnTask
from benchmark.config.tasks import SPLITS, Task, build_task
from benchmark.data import fetch as fetching
from benchmark.data import load as loading
from benchmark.data.fetch import Fetched
from benchmark.data.load import TaskData
from benchmark.runs.workspace import Workspace
from tests.helpers import CPU

DEAD = "http://127.0.0.1:9"  # the discard port: nothing listens
NO = ("no", "yes")
FINDINGS = ("mass", "nodule", "edema")

Arrays = dict[str, np.ndarray]


def make_arrays(count: int = 6, shape: tuple[int, ...] = (8, 8), columns: int = 1) -> Arrays:
    """A whole small file: random images, labels 0 and 1 in turn."""
    random, arrays = np.random.default_rng(0), {}
    for split in SPLITS:
        arrays[f"{split}_images"] = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.tile(np.arange(count, dtype=np.uint8)[:, None] % 2, (1, columns))
    return arrays


def write(path: Path, arrays: Arrays) -> str:
    """Save the arrays; the file's MD5."""
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return hashlib.md5(path.read_bytes()).hexdigest()


def own_task(md5: str, dimension: int = 2, labels: tuple[str, ...] = ("no", "yes"), file: str = "mine.npz") -> Task:
    kind = "binary" if len(labels) == 2 else "multi-label"
    entry = {"file": file, "md5": md5, "dimension": dimension, "kind": kind, "labels": labels}
    return build_task("mine", OwnTask.model_validate(entry))


def official_task(name: str = "breastmnist", origin: str = f"{DEAD}/official.npz", md5: str | None = None) -> Task:
    """An official task whose official address is a dead one, and whose MD5 can be a test file's."""
    task = build_task(name, OfficialTask())
    return replace(task, origin=origin, md5=md5 or task.md5)


def small_official(folder: Path, origin: str = f"{DEAD}/official.npz") -> Task:
    """A task that counts as official, with a small right file for it in `folder`."""
    md5 = write(folder / "breastmnist.npz", make_arrays(shape=(28, 28)))
    return replace(official_task(origin=origin, md5=md5), split_sizes=dict.fromkeys(SPLITS, 6))


def path_of(task: Task) -> Path:
    return Workspace().data(task.name)


def fetch(task: Task, mirror: object = None, retries: int = 0) -> Fetched:
    return fetching.fetch(task, path_of(task), None if mirror is None else str(mirror), retries, timeout_s=2)


def load(task: Task) -> TaskData:
    return loading.load(task, path_of(task), CPU)


def left_behind(project: Path) -> list[str]:
    return [str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()]


@dataclass
class Host:
    """A web server on this machine; then all is well.

    `plan` says how the next requests go: a status, "short" (half of the file), or as `ODD` does.
    """

    folder: Path
    plan: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: str = ""


def _endless(file: BinaryIO) -> None:
    file.write(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        file.write(bytes(2**16))


def _long(file: BinaryIO) -> None:
    file.write(b"HTTP/1.0 200 OK\r\nContent-Length: 9000000000000\r\n\r\n")
    file.write(bytes(2**16))


def _drip(file: BinaryIO) -> None:
    file.write(b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        file.write(b"x")
        time.sleep(0.1)


def _drip_head(file: BinaryIO) -> None:
    file.write(b"HTTP/1.0 200 OK\r\n")
    while True:
        file.write(b"x")
        time.sleep(0.1)


ODD: Mapping[str, Callable[[BinaryIO], None]] = {
    "endless": _endless,
    "long": _long,
    "drip": _drip,
    "drip head": _drip_head,
}
"""Answers that never come to an end."""


@contextmanager
def serving(folder: Path, *plan: str) -> Iterator[Host]:
    host = Host(folder, list(plan))

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            host.asked.append(f"{self.command} {self.path}")
            step = host.plan.pop(0) if host.plan else "200"
            if step in ODD:
                with suppress(OSError):  # the other end has had enough
                    ODD[step](self.wfile)
                return
            file = folder / self.path.removeprefix("/")
            if step not in ("short", "200") or not file.is_file():
                return self.send_error(int(step) if step not in ("short", "200") else 404)
            content = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content[: len(content) // 2] if step == "short" else content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield host
        server.shutdown()
