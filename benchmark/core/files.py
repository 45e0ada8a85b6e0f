"""Files that are either whole or not there, folders that one process changes at a time, and digests."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from benchmark.core.errors import BadInput, Occupied


class atomic:
    """Context that gives a path to write to, and moves it into place when nothing went wrong.

    By then the content is on disk, and the file has the mode that any new file gets here, whatever wrote it. What killed
    processes of this machine have left in the folder is removed on the way in, and those of others once it is a day old.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.partial = path, path.with_name(f".{path.name}.{HOST}+{os.getpid()}.partial")

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(self.path.parent)
        self.partial.touch()
        self.mode = stat.S_IMODE(self.partial.stat().st_mode)
        self.partial.unlink()
        return self.partial

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.partial.chmod(self.mode)
                with self.partial.open("rb") as file:
                    os.fsync(file.fileno())
                self.partial.replace(self.path)
        finally:
            self.partial.unlink(missing_ok=True)


HOST = socket.gethostname()
"""Stands in a partial file's name before the process's number: another machine may share the folder. No host's name has a
plus sign in it."""
PARTIAL = re.compile(r"\..+\+(?P<process>[0-9]{1,9})\.partial")
LONG_AGO_S = 24 * 3600
"""What nobody has written to for so long is nobody's: the machine of its process may be gone, as a container is."""


def _remove_left(folder: Path) -> None:
    for left in folder.glob(".*+*.partial"):
        found = PARTIAL.fullmatch(left.name)
        if found is None:
            continue
        here = left.name.endswith(f".{HOST}+{found['process']}.partial")
        killed = here and not psutil.pid_exists(int(found["process"]))
        with suppress(OSError):  # another process was quicker, or it is another user's
            if killed or time.time() - left.stat().st_mtime > LONG_AGO_S:
                left.unlink()


def write_text(path: Path, text: str) -> None:
    """Put UTF-8 text into place, whole or not at all."""
    with atomic(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def alone(path: Path, wait: bool = True) -> Iterator[None]:
    """Be the one process that may change the folder at `path`, a run's or a cell's; the others wait, and say so.

    Raises:
        Occupied: another one is, and it is not to be waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout as held:
        if not wait:
            raise Occupied(f"{path}: another process is at work on it") from held
        print(f"{path}: another process is at work on it; waiting for its end", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def home(path: str, where: str) -> Path:
    """A path that a person has given, `~` and `~user` followed.

    Raises:
        BadInput: there is no such user; `where` is what the sentence starts with.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{where}: {path}: there is no such user") from error


def md5_of(path: Path) -> str:
    """MD5 of a file's content, 32 hexadecimal digits."""
    return _digest(path, "md5")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits."""
    return _digest(path, "sha256")


def _digest(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest()


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content as canonical JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def json_text(content: Mapping[str, Any]) -> str:
    """Sorted and indented: equal content is equal text."""
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
