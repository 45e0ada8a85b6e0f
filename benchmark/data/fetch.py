"""A task's data file from where it can be had: an own task's declared path, a mirror, an official task's address.

A file is under its real name only after its MD5 and its structure were found right. The sources are asked in turn.
Stand-in data is generated.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from benchmark.config.tasks import Task
from benchmark.core.addresses import without_passwords
from benchmark.core.errors import DataUnreachable, WrongFile
from benchmark.core.files import atomic, md5_of
from benchmark.data import standin, structure
from benchmark.data.download import NO_ROOM, Final, download, is_address, reason_of, status, within

PROBE_S = 5.0  # a host that says nothing for so long counts as silent when all that is asked is whether it is there
OF_UNKNOWN_SIZE = 2**35  # bytes, of an own file, whose size nothing tells before it is there
AROUND_IMAGES = 2**20  # bytes that an official file may have beside its images and labels


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
                if error.errno in NO_ROOM:
                    raise
                missing.append(f"{without_passwords(source)} ({reason_of(error)})")
                continue
            if md5 == task.md5:
                structure.verify(partial, task, shown=without_passwords(source))
                return Fetched(path, md5, without_passwords(source))
            wrong.append(f"{without_passwords(source)} has MD5 {md5}")
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
            return Reach(without_passwords(source))
        reasons.append(f"{without_passwords(source)}: {reason}")
    return Reach(None, "; ".join(reasons))


def _is_there(task: Task, path: Path) -> bool:
    """Whether the file lies in place with the MD5 that the task declares; a stand-in declares none."""
    return task.md5 is not None and path.is_file() and md5_of(path) == task.md5


def _sources(task: Task, mirror: str | None) -> list[str]:
    """The paths and addresses to ask, in this order."""
    mirrored = [f"{mirror.rstrip('/')}/{task.file_name}"] if mirror else []
    return [task.origin, *mirrored] if task.source == "own" else [*mirrored, task.origin]


def _generate(task: Task, path: Path, partial: Path) -> Fetched:
    with partial.open("wb") as file:
        np.savez(file, **standin.generate(task))  # type: ignore[arg-type]
    structure.verify(partial, task, shown=path)
    return Fetched(path, md5_of(partial), "generated here, no real data")


def _bring(source: str, partial: Path, task: Task, retries: int, timeout_s: float, progress: bool) -> str:
    """Copy or download to `partial`; the MD5 of what came. Raises `OSError` where nothing did."""
    if is_address(source):
        return download(source, partial, _most(task), str(task.md5), retries, timeout_s, progress)
    _must_be_such_a_file(source, task)
    shutil.copyfile(source, partial)
    return md5_of(partial)


def _must_be_such_a_file(source: str, task: Task) -> None:
    """A device or a pipe may never end, and a file that is too long may fill the disk."""
    if Path(source).exists() and not Path(source).is_file():
        raise Final("no file")
    if (size := Path(source).stat().st_size) > _most(task):
        raise Final(f"has {size} bytes, and the file has {_most(task)} at most")


def _most(task: Task) -> int:
    """Bytes that the file may have. NumPy stores images as they are, or packs them into fewer."""
    if task.split_sizes is None or task.size is None:
        return OF_UNKNOWN_SIZE
    pixels = prod([task.size] * task.dim.axes)
    return sum(task.split_sizes.values()) * (pixels + 8 * task.label_count) + AROUND_IMAGES


# ------------------------------------------------------------------------------------------------ probe

_silent: dict[str, str] = {}
"""Hosts that gave no answer, and why."""


def _why_not(source: str, task: Task, seconds: float) -> str | None:
    """Why the file can't be had from this source; None where it can."""
    if is_address(source):
        return _why_not_address(source, seconds)
    try:
        _must_be_such_a_file(source, task)
        md5 = md5_of(Path(source))
    except OSError as error:
        return reason_of(error)
    return None if md5 == task.md5 else f"MD5 {md5}, expected {task.md5}"


def _why_not_address(address: str, seconds: float) -> str | None:
    host = address.split("/")[2]
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
    try:
        return within(seconds, lambda: status(address, seconds))
    except OSError as error:
        return reason_of(error)


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
