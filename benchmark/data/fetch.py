"""A task's data file from where it can be had: an own task's declared path, a mirror, an official task's address.

A file is under its real name only after its MD5 and its structure were found right. The sources are asked in turn.
Stand-in data is generated.
"""

from __future__ import annotations

import queue
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pooch
import requests

from benchmark.config.tasks import Task
from benchmark.core.errors import DataUnreachable, WrongFile
from benchmark.core.files import atomic, md5_of
from benchmark.data import standin, structure

PROBE_S = 5.0  # a host that says nothing for so long counts as silent when all that is asked is whether it is there
CONNECT_S = 10.0
RETRIED = {408, 425, 429}  # answers that ask for another try; any other 4xx is final


@dataclass(frozen=True)
class Fetched:
    """A verified file, and where it came from."""

    path: Path
    md5: str
    source: str


@dataclass(frozen=True)
class Reach:
    """Where a task's file can be had, or None and why not."""

    source: str | None
    reason: str = ""


# ------------------------------------------------------------------------------------------------ fetch


def fetch(
    task: Task, path: Path, mirror: str | None, retries: int, timeout_s: float, progress: bool = False
) -> Fetched:
    """Put the verified file of a task at `path`; a right file that is already there is kept as it is.

    Args:
        mirror: a folder or an http(s) address; None for no mirror.
        retries: further attempts per address after a download that failed, with growing pauses.
        timeout_s: seconds without an answer after which an attempt has failed.
        progress: whether a bar is drawn on stderr.

    Raises:
        WrongFile, WrongStructure: a file was found, but not the right one. What was at `path` before stays.
        DataUnreachable: no source has the file.
    """
    if _is_there(task, path):
        structure.verify(path, task)
        return Fetched(path, str(task.md5), "an earlier fetch")
    missing, wrong = [], []
    with atomic(path) as partial:
        if task.is_standin:
            return _generate(task, path, partial)
        for source in _sources(task, mirror):
            try:
                md5 = _bring(source, partial, task, retries, timeout_s, progress)
            except OSError as error:
                missing.append(f"{source} ({_reason(error)})")
                continue
            if md5 == task.md5:
                structure.verify(partial, task, shown=source)
                return Fetched(path, md5, source)
            wrong.append(f"{source} has MD5 {md5}")
        raise _wrong_file(task, wrong) if wrong else _unreachable(task, missing)


def reachable(task: Task, path: Path, mirror: str | None, timeout_s: float) -> Reach:
    """Say within seconds whether and from where `fetch` would get the file, without downloading it.

    A host that doesn't answer is asked once in the life of the process.
    """
    if task.is_standin:
        return Reach("generated here")
    if _is_there(task, path):
        return Reach(str(path))
    reasons = []
    for source in _sources(task, mirror):
        reason = _why_not(source, task, min(timeout_s, PROBE_S))
        if reason is None:
            return Reach(source)
        reasons.append(f"{source}: {reason}")
    return Reach(None, "; ".join(reasons))


def _is_there(task: Task, path: Path) -> bool:
    """Whether the file lies in place with the MD5 that the task declares; a stand-in declares none."""
    return task.md5 is not None and path.is_file() and md5_of(path) == task.md5


def _sources(task: Task, mirror: str | None) -> list[str]:
    """The paths and addresses to ask, in this order."""
    mirrored = [f"{mirror.rstrip('/')}/{task.file_name}"] if mirror else []
    return [task.origin, *mirrored] if task.source == "own" else [*mirrored, task.origin]


def is_address(source: str) -> bool:
    """Whether a source is asked over HTTP; any other is a path."""
    return urlsplit(source).scheme in ("http", "https")


def _generate(task: Task, path: Path, partial: Path) -> Fetched:
    with partial.open("wb") as file:
        np.savez(file, **standin.generate(task))  # type: ignore[arg-type]
    structure.verify(partial, task, shown=path)
    return Fetched(path, md5_of(partial), "generated here, no real data")


def _bring(source: str, partial: Path, task: Task, retries: int, timeout_s: float, progress: bool) -> str:
    """Copy or download to `partial`; the MD5 of what came. Raises `OSError` where nothing did."""
    if is_address(source):
        return _download(source, partial, task, retries, timeout_s, progress)
    shutil.copyfile(source, partial)
    return md5_of(partial)


def _download(address: str, partial: Path, task: Task, retries: int, timeout_s: float, progress: bool) -> str:
    pooch.get_logger().setLevel("WARNING")  # its notes name the partial file, which means nothing to a reader
    timeout = (min(timeout_s, CONNECT_S), timeout_s)
    once = _Download(pooch.HTTPDownloader(progressbar=progress, chunk_size=2**18, timeout=timeout))
    store = pooch.create(
        path=partial.parent.resolve(),
        base_url="",
        registry={partial.name: f"md5:{task.md5}"},
        urls={partial.name: address},
        retry_if_failed=retries,
    )
    try:
        store.fetch(partial.name, downloader=once)
    except OSError:
        raise
    except ValueError:  # pooch's word for another MD5, after all its retries
        return once.md5
    partial.chmod(0o644)  # pooch leaves it to its owner alone
    return once.md5


class _Download:
    """One attempt. Remembers the MD5 of what came, and keeps pooch from asking again for a file that isn't there."""

    def __init__(self, downloader: Any) -> None:
        self.downloader, self.md5 = downloader, ""

    def __call__(self, address: str, output: str, store: object) -> None:
        try:
            self.downloader(address, output, store)
        except requests.HTTPError as error:
            if 400 <= error.response.status_code < 500 and error.response.status_code not in RETRIED:
                raise FileNotFoundError(_reason(error)) from error
            raise
        self.md5 = md5_of(Path(output))


# ------------------------------------------------------------------------------------------------ probe

_silent: dict[str, str] = {}
"""Hosts that gave no answer, and why."""


def _why_not(source: str, task: Task, seconds: float) -> str | None:
    """Why the file can't be had from this source; None where it can."""
    if is_address(source):
        return _why_not_address(source, seconds)
    try:
        md5 = md5_of(Path(source))
    except OSError as error:
        return _reason(error)
    return None if md5 == task.md5 else f"MD5 {md5}, expected {task.md5}"


def _why_not_address(address: str, seconds: float) -> str | None:
    host = urlsplit(address).netloc
    if host not in _silent:
        answer = _ask(address, seconds)
        if isinstance(answer, int):
            return None if answer < 400 else f"answers {answer}"
        _silent[host] = answer
    return _silent[host]


def _ask(address: str, seconds: float) -> int | str:
    """HTTP status, or why there is none.

    In a thread, because looking up a name, or trying each address of a host in turn, keeps to no time limit.
    """
    answers: queue.SimpleQueue[int | str] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_status(address, seconds)), daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return f"no answer within {seconds:g} s"


def _status(address: str, seconds: float) -> int | str:
    try:
        answer = requests.head(address, timeout=seconds, allow_redirects=True)
        if answer.status_code >= 400:  # some stores refuse HEAD for what they give with GET
            answer = requests.get(address, timeout=seconds, stream=True)
            answer.close()
        return answer.status_code
    except requests.RequestException as error:
        return _reason(error)


def _reason(error: OSError) -> str:
    """Why a source gave nothing, in a few words."""
    if isinstance(error, requests.HTTPError):
        return f"answers {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the download broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return "no such file" if isinstance(error, FileNotFoundError) and error.errno else str(error)


def _wrong_file(task: Task, wrong: list[str]) -> WrongFile:
    return WrongFile(
        f"{task.name}: {' and '.join(wrong)}, expected {task.md5}", task=task.name, own=task.source == "own"
    )


def _unreachable(task: Task, missing: list[str]) -> DataUnreachable:
    return DataUnreachable(
        f"{task.name}: its data can't be reached, tried {', '.join(missing)}",
        origin=task.origin,
        own=task.source == "own",
        file_name=task.file_name,
        dim=task.dim,
    )
