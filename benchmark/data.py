"""Data files: fetch, verify, load to tensors on a device.

A file is under its real name only after its MD5 and its structure were found right. The sources are asked in turn: an
own task's declared path, the mirror (`MEDMNIST_MIRROR`), and an official task's address. Stand-in data is generated.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import numpy as np

from benchmark.errors import DataError, DataUnreachable
from benchmark.tasks import SPLITS, Task

if TYPE_CHECKING:
    import torch

SHARED_FOLDER = Path("../shared/medmnist")
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


@dataclass(frozen=True)
class Split:
    """Images and labels of one split, in file order, on one device."""

    images: torch.Tensor
    """uint8 (n, 1, size, size) or (n, 1, size, size, size)."""
    labels: torch.Tensor
    """uint8 (n, L), 0 or 1."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class TaskData:
    """A task's data in memory."""

    task: Task
    md5: str
    """Of the file that it was read from."""
    splits: Mapping[str, Split]


# ------------------------------------------------------------------------------------------------ fetch


def mirror_from_environment() -> str | None:
    """The folder or http(s) address in MEDMNIST_MIRROR; `../shared/medmnist` where unset and there; else None."""
    mirror = os.environ.get("MEDMNIST_MIRROR") or (str(SHARED_FOLDER) if SHARED_FOLDER.is_dir() else None)
    return mirror if mirror is None or _is_address(mirror) else str(Path(mirror).expanduser())


def fetch(task: Task, mirror: str | None, retries: int, timeout_s: float, progress: bool = False) -> Fetched:
    """Put the verified file of a task at `task.path`; a right file that is already there is kept as it is.

    Args:
        mirror: a folder or an http(s) address; None for no mirror.
        retries: further attempts per address after a download that failed, with growing pauses.
        timeout_s: seconds without an answer after which an attempt has failed.
        progress: whether a bar is drawn on stderr.

    Raises:
        DataError: a file was found, but not the right one. What was at `task.path` before stays.
        DataUnreachable: no source has the file.
    """
    from benchmark.runs import atomic  # late: it imports pandas

    if _is_there(task):
        verify_structure(task.path, task)
        return Fetched(task.path, str(task.md5), "an earlier fetch")
    missing, wrong = [], []
    with atomic(task.path) as partial:
        if task.is_standin:
            return _generate(task, partial)
        for place in _places(task, mirror):
            try:
                found = _bring(place, partial, task, retries, timeout_s, progress)
            except OSError as error:
                missing.append(f"{place} ({_reason(error)})")
                continue
            if found == task.md5:
                verify_structure(partial, task, shown=place)
                return Fetched(task.path, found, place)
            wrong.append(f"{place} has MD5 {found}")
        raise _wrong_file(task, wrong) if wrong else _unreachable(task, missing)


def reachable(task: Task, mirror: str | None, timeout_s: float) -> Reach:
    """Say within seconds whether and from where `fetch` would get the file, without downloading it.

    A host that doesn't answer is asked once in the life of the process.
    """
    if task.is_standin:
        return Reach("generated here")
    if _is_there(task):
        return Reach(str(task.path))
    reasons = []
    for place in _places(task, mirror):
        reason = _why_not(place, task, min(timeout_s, PROBE_S))
        if reason is None:
            return Reach(place)
        reasons.append(f"{place}: {reason}")
    return Reach(None, "; ".join(reasons))


def md5_of(path: Path) -> str:
    """MD5 of a file's content, 32 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _is_there(task: Task) -> bool:
    """Whether the file lies in place with the MD5 that the task declares; a stand-in declares none."""
    return task.md5 is not None and task.path.is_file() and md5_of(task.path) == task.md5


def _places(task: Task, mirror: str | None) -> list[str]:
    """The paths and addresses to ask, in this order."""
    mirrored = [f"{mirror.rstrip('/')}/{task.file_name}"] if mirror else []
    return [task.origin, *mirrored] if task.source == "own" else [*mirrored, task.origin]


def _is_address(place: str) -> bool:
    return urlsplit(place).scheme in ("http", "https")


def _generate(task: Task, partial: Path) -> Fetched:
    from benchmark.standin import generate

    with partial.open("wb") as file:
        np.savez(file, **generate(task))  # type: ignore[arg-type]
    verify_structure(partial, task, shown=task.path)
    return Fetched(task.path, md5_of(partial), "benchmark.standin (generated, no real data)")


def _bring(place: str, partial: Path, task: Task, retries: int, timeout_s: float, progress: bool) -> str:
    """Copy or download to `partial`; the MD5 of what came. Raises `OSError` where nothing did."""
    if _is_address(place):
        return _download(place, partial, task, retries, timeout_s, progress)
    shutil.copyfile(place, partial)
    return md5_of(partial)


def _download(address: str, partial: Path, task: Task, retries: int, timeout_s: float, progress: bool) -> str:
    import pooch

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
        from requests import HTTPError

        try:
            self.downloader(address, output, store)
        except HTTPError as error:
            if 400 <= error.response.status_code < 500 and error.response.status_code not in RETRIED:
                raise FileNotFoundError(_reason(error)) from error
            raise
        self.md5 = md5_of(Path(output))


# ------------------------------------------------------------------------------------------------ probe

_silent: dict[str, str] = {}
"""Hosts that gave no answer, and why."""


def _why_not(place: str, task: Task, seconds: float) -> str | None:
    """Why the file can't be had from this place; None where it can."""
    if _is_address(place):
        return _why_not_address(place, seconds)
    try:
        found = md5_of(Path(place))
    except OSError as error:
        return _reason(error)
    return None if found == task.md5 else f"MD5 {found}, expected {task.md5}"


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
    import requests

    try:
        answer = requests.head(address, timeout=seconds, allow_redirects=True)
        if answer.status_code >= 400:  # some stores refuse HEAD for what they give with GET
            answer = requests.get(address, timeout=seconds, stream=True)
            answer.close()
        return answer.status_code
    except requests.RequestException as error:
        return _reason(error)


def _reason(error: OSError) -> str:
    """Why a place gave nothing, in a few words."""
    import requests

    if isinstance(error, requests.HTTPError):
        return f"answers {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the download broke off"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return "no such file" if isinstance(error, FileNotFoundError) and error.errno else str(error)


def _wrong_file(task: Task, wrong: list[str]) -> DataError:
    mend = "put the official file there or unset MEDMNIST_MIRROR"
    if task.source == "own":
        mend = f"put the declared file there or declare its MD5 in params.yaml: tasks.{task.name}.md5"
    return DataError(f"{task.name}: {' and '.join(wrong)}, expected {task.md5}; {mend}")


def _unreachable(task: Task, missing: list[str]) -> DataUnreachable:
    first = f"a network that reaches {task.origin}"
    if task.source == "own":
        first = f"a file at {task.origin}"
    return DataUnreachable(
        f"{task.name}: its data can't be reached, tried {', '.join(missing)}; what helps: (1) {first}, "
        f"(2) MEDMNIST_MIRROR naming a folder or address that has {task.file_name}, or (3) a shorter "
        f"fetch.tasks (and pretrain.{task.dim}.tasks) in params.yaml, which `make repro` does by itself"
    )


# ------------------------------------------------------------------------------------------------ verify


def verify_structure(path: Path, task: Task, shown: object = None) -> None:
    """Check that a file is what its task says: arrays, types, shapes, split sizes, label values, both classes.

    Args:
        shown: what messages call the file, where that isn't its path.

    Raises:
        DataError: the first thing that is wrong. Pickled objects are refused unread.
    """
    for _ in _read(path, task, str(shown or path)):
        pass


def _read(path: Path, task: Task, shown: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, checked images and checked labels of each split, one split in memory at a time."""
    if not zipfile.is_zipfile(path):
        _refuse(shown, f"{path.stat().st_size} bytes that are no whole zip archive", "an .npz file, not cut short")
    with np.load(path, allow_pickle=False) as file:
        expected = [f"{split}_{part}" for split in SPLITS for part in ("images", "labels")]
        if missing := [key for key in expected if key not in file.files]:
            _refuse(shown, f"no array {', '.join(missing)}", f"the arrays {', '.join(expected)}")
        size = task.size
        for split in SPLITS:
            images, labels = _array(file, f"{split}_images", shown), _array(file, f"{split}_labels", shown)
            size = size or (*images.shape, 1)[1]  # an own file's first split decides for the others
            _check_images(images, (size,) * task.dimension, f"{shown}: {split}_images")
            _check_labels(labels, task.label_count, f"{shown}: {split}_labels")
            _check_count(len(images), len(labels), (task.split_sizes or {}).get(split), f"{shown}: {split}")
            _check_classes(labels, task, f"{shown}: {split}_labels")
            yield split, images, labels


def _refuse(where: str, found: str, expected: str) -> NoReturn:
    mend = "save the file again in MedMNIST's format and declare its new MD5 in params.yaml"
    raise DataError(f"{where}: found {found}, expected {expected}; {mend}")


def _array(file: Any, key: str, shown: str) -> np.ndarray:
    try:
        array = file[key]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if "allow_pickle" in str(error):
            _refuse(f"{shown}: {key}", "pickled Python objects, which are never loaded", "an array of numbers")
        _refuse(f"{shown}: {key}", f"a damaged array ({error})", "a whole one")
    if not isinstance(array, np.ndarray) or array.ndim == 0:  # NumPy hands out other members as bytes
        _refuse(f"{shown}: {key}", "no array", "an array of numbers")
    return array


def _check_images(images: np.ndarray, shape: tuple[int, ...], where: str) -> None:
    if images.dtype != np.uint8:
        _refuse(where, f"{images.dtype}", "uint8")
    if images.shape[1:] != shape:
        _refuse(where, f"shape {images.shape}", f"(n, {', '.join(map(str, shape))}), one channel")
    if not images.size and len(images):
        _refuse(where, f"shape {images.shape}", "images with pixels")


def _check_labels(labels: np.ndarray, columns: int, where: str) -> None:
    if not np.issubdtype(labels.dtype, np.integer):
        _refuse(where, f"{labels.dtype}", "integers")
    if labels.ndim != 2 or labels.shape[1] != columns:
        _refuse(where, f"shape {labels.shape}", f"(n, {columns})")
    if outside := sorted(set(np.unique(labels).tolist()) - {0, 1}):
        _refuse(where, f"the values {', '.join(map(str, outside[:5]))}", "0 and 1 only")


def _check_count(images: int, labels: int, expected: int | None, where: str) -> None:
    if images != labels:
        _refuse(where, f"{images} images and {labels} labels", "as many labels as images")
    if not images:
        _refuse(where, "an empty split", "at least one image of each class")
    if expected not in (None, images):
        _refuse(where, f"{images} images", f"{expected}")


def _check_classes(labels: np.ndarray, task: Task, where: str) -> None:
    """AUROC needs both classes, in every label of every split."""
    for column, ones in enumerate(labels.sum(axis=0, dtype=np.int64)):
        if ones in (0, len(labels)):
            label = f" of label '{task.label_names[column]}'" if task.kind == "multi-label" else ""
            _refuse(where, f"one class only{label} (all {int(ones > 0)})", "both classes")


# ------------------------------------------------------------------------------------------------ load


def load(task: Task, device: torch.device) -> TaskData:
    """Read a fetched file onto a device, checking it once more.

    Raises:
        DataError: the file isn't there, or isn't the one that was verified.
    """
    import torch

    again = f"run `dvc repro fetch@{task.name}` or `python -m pipelines.fetch {task.name}`"
    if not task.path.is_file():
        raise DataError(f"{task.path}: not there; {again}")
    md5 = md5_of(task.path)
    if task.md5 not in (None, md5):
        raise DataError(f"{task.path}: has MD5 {md5}, expected {task.md5}; {again}")
    splits = {}
    for name, images, labels in _read(task.path, task, str(task.path)):
        pixels = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1)
        splits[name] = Split(pixels.to(device), torch.from_numpy(labels.astype(np.uint8)).to(device))
    return TaskData(task, md5, splits)
