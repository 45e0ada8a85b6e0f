"""Data files: fetch, verify, load to tensors on a device.

Sources, in this order: the file that is already there and verified; the mirror (`MEDMNIST_MIRROR`, a folder or an
http(s) address; `../shared/medmnist` where it is unset and that exists); the official address. Whatever the source,
MD5 and structure are checked before a file gets its real name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from benchmark.errors import DataError, DataUnreachable
from benchmark.runs import atomic
from benchmark.tasks import SPLITS, Task

if TYPE_CHECKING:
    import torch

MIRROR_VARIABLE = "MEDMNIST_MIRROR"
NEIGHBOUR = Path("../shared/medmnist")
PROBE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Reach:
    """Where a task's data can be had."""

    source: str | None
    """In words; None where nowhere."""
    reason: str = ""
    """Why nowhere."""


@dataclass(frozen=True)
class Split:
    """Images uint8 (n, 1, *spatial) and labels uint8 (n, L), on one device, in file order."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class TaskData:
    """A task's verified data."""

    task: Task
    md5: str
    splits: dict[str, Split]


# ------------------------------------------------------------------------------------------------ where from


def mirror_from_environment() -> str | None:
    """The folder or address to ask before the official one; None where there is none."""
    named = os.environ.get(MIRROR_VARIABLE)
    if named:
        return named
    return str(NEIGHBOUR) if NEIGHBOUR.is_dir() else None


def reachable(task: Task, mirror: str | None, timeout_s: float = PROBE_TIMEOUT_S) -> Reach:
    """Whether the data could be had, found out in seconds and without downloading."""
    if task.is_standin:
        return Reach("generated stand-in data")
    if task.path.is_file() and md5_of(task.path) == task.md5:
        return Reach(f"already verified in {task.path.parent}/")
    tried = []
    for source in _sources(task, mirror):
        problem = _probe(source, task, min(timeout_s, PROBE_TIMEOUT_S))
        if problem is None:
            return Reach(source)
        tried.append(problem)
    return Reach(None, "; ".join(tried) or "no source is known")


def _sources(task: Task, mirror: str | None) -> list[str]:
    """Paths and addresses that may have the file, best first."""
    sources = []
    if task.source == "own":
        sources.append(task.origin)
    if mirror:
        sources.append(f"{mirror.rstrip('/')}/{task.file_name}")
    if task.source == "official":
        sources.append(task.origin)
    return sources


def _probe(source: str, task: Task, timeout_s: float) -> str | None:
    """None where the source has the file, else why not."""
    if not _is_address(source):
        path = Path(source)
        if not path.is_file():
            return f"no file {source}"
        found = md5_of(path)
        return None if found == task.md5 else f"{source} has MD5 {found}, expected {task.md5}"
    return _ask(source, timeout_s)


def _ask(address: str, timeout_s: float) -> str | None:
    """None where a HEAD request for the address is answered with success, else why not."""
    import requests

    host = urlsplit(address).netloc
    if problem := _host_problem(f"{urlsplit(address).scheme}://{host}", timeout_s):
        return problem
    try:
        answer = requests.head(address, timeout=timeout_s, allow_redirects=True)
    except requests.RequestException as error:
        return f"{host} does not answer ({type(error).__name__})"
    return None if answer.ok else f"{host} answers {answer.status_code} for {urlsplit(address).path}"


@cache
def _host_problem(host: str, timeout_s: float) -> str | None:
    """Why a host can't be asked at all; asked once, so that seven tasks do not wait for it seven times."""
    import requests

    try:
        requests.head(host, timeout=timeout_s)
    except requests.RequestException as error:
        return f"{urlsplit(host).netloc} does not answer ({type(error).__name__})"
    return None


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


# ------------------------------------------------------------------------------------------------ fetch


def fetch(task: Task, mirror: str | None, retries: int = 3, timeout_s: float = 30.0) -> str:
    """Put the verified file at `task.path`, whole or not at all.

    Returns:
        The source, in words.

    Raises:
        DataUnreachable: no source has it; the message names three ways out.
        DataError: a source's file is not what the task says it is.
    """
    if task.is_standin:
        return _make_standin(task)
    if task.path.is_file() and md5_of(task.path) == task.md5:
        verify_structure(task.path, task)
        return "already there and verified"
    tried = []
    for source in _sources(task, mirror):
        # A source that lacks the file is passed over; one that has a wrong file under its name is an error.
        if _is_address(source):
            problem = _ask(source, min(timeout_s, PROBE_TIMEOUT_S))
        else:
            problem = None if Path(source).is_file() else f"no file {source}"
        if problem is not None:
            tried.append(problem)
            continue
        with atomic(task.path) as partial:
            _copy(source, partial, task, retries, timeout_s)
            _verify_md5(partial, task, source)
            verify_structure(partial, task, source)
        return source
    raise DataUnreachable(
        f"{task.name}: data not reachable ({'; '.join(tried)}). Three ways out: a network that reaches the official "
        f"address, {MIRROR_VARIABLE} naming a folder or address that has {task.file_name}, or a shorter fetch.tasks "
        f"and pretrain.{task.dim}.tasks in params.yaml (`make repro` shortens them by itself)"
    )


def _make_standin(task: Task) -> str:
    from benchmark import standin

    with atomic(task.path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **standin.generate(task))  # type: ignore[arg-type]
    verify_structure(task.path, task)
    return "generated stand-in data"


def _copy(source: str, partial: Path, task: Task, retries: int, timeout_s: float) -> None:
    if not _is_address(source):
        shutil.copyfile(source, partial)
        return
    import pooch

    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=timeout_s)
    try:
        store = pooch.create(
            path=partial.parent,
            base_url="",
            registry={partial.name: f"md5:{task.md5}"},
            urls={partial.name: source},
            retry_if_failed=retries,
        )
        store.fetch(partial.name, downloader=downloader)
    except ValueError as error:  # pooch's word for a hash that does not match, after all its retries
        raise DataError(f"{source}: {error}".replace("\n", " ")) from error
    except OSError as error:
        raise DataUnreachable(
            f"{task.name}: download from {source} broke off after {retries} retries ({error})"
        ) from error


# ------------------------------------------------------------------------------------------------ verify


def md5_of(path: Path) -> str:
    """MD5 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _verify_md5(path: Path, task: Task, source: str) -> None:
    found = md5_of(path)
    if found != task.md5:
        raise DataError(
            f"{source}: MD5 is {found}, {task.name} expects {task.md5}; the file is damaged or another one: "
            "replace it, or declare it in params.yaml as a task of its own with `file` and `md5`"
        )


def verify_structure(path: Path, task: Task, source: str | None = None) -> dict[str, np.ndarray]:
    """Read a file and check that it is what its task says.

    Returns:
        Its arrays: `{split}_images` uint8 (n, *spatial) and `{split}_labels` (n, L), L label columns of 0 and 1.

    Raises:
        DataError: what was expected and what was found, in one sentence.
    """
    name = source or str(path)
    arrays = _read(path, name)
    for split in SPLITS:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        for problem in (_image_problem(images, task), _label_problem(labels, task)):
            if problem:
                raise DataError(f"{name}: {split} split: {problem}")
        if len(images) != len(labels):
            raise DataError(f"{name}: {split} split: {len(images)} images but {len(labels)} rows of labels")
        expected = task.split_sizes[split] if task.split_sizes else len(images)
        if len(images) != expected:
            raise DataError(f"{name}: {split} split: {len(images)} images, {task.name} has {expected}")
    shapes = {arrays[f"{split}_images"].shape[1:] for split in SPLITS}
    if len(shapes) > 1:
        raise DataError(f"{name}: image shapes differ between splits: {', '.join(map(str, sorted(shapes)))}")
    return arrays


def _read(path: Path, name: str) -> dict[str, np.ndarray]:
    keys = [f"{split}_{part}" for split in SPLITS for part in ("images", "labels")]
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in keys if key not in file.files]
            if missing:
                raise DataError(f"{name}: no array {', '.join(missing)}; it has {', '.join(file.files) or 'none'}")
            return {key: file[key] for key in keys}
    except FileNotFoundError as error:
        raise DataError(f"{name}: no such file; `python -m pipelines.fetch {path.stem}` puts it there") from error
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{name}: not a whole .npz file ({error}); fetch it again") from error
    except ValueError as error:  # an array of Python objects, which only pickle could read, or a damaged header
        raise DataError(f"{name}: holds an array that can't be read without pickle or is damaged ({error})") from error


def _image_problem(images: np.ndarray, task: Task) -> str | None:
    if images.dtype != np.uint8:
        return f"images are {images.dtype}, expected uint8"
    edge = task.size or (images.shape[1] if images.ndim > 1 else 0)
    expected = (edge,) * task.dimension
    if images.shape[1:] != expected:
        return f"images have shape {images.shape[1:]}, expected {expected} (one channel)"
    return "no images" if len(images) == 0 else None


def _label_problem(labels: np.ndarray, task: Task) -> str | None:
    if labels.dtype.kind not in "ui":
        return f"labels are {labels.dtype}, expected integers"
    if labels.shape[1:] != (task.label_count,):
        return f"labels have shape {labels.shape}, expected (n, {task.label_count})"
    if len(labels) == 0:
        return "no labels"
    if labels.min() < 0 or labels.max() > 1:
        return f"labels range from {labels.min()} to {labels.max()}, expected 0 and 1"
    for column in range(labels.shape[1]):
        if len(np.unique(labels[:, column])) < 2:
            label = task.label_names[column] if task.kind == "multi-label" else "the label"
            return f"{label} has one class only ({labels[0, column]}), so there is no AUROC"
    return None


# ------------------------------------------------------------------------------------------------ load


def load(task: Task, device: torch.device) -> TaskData:
    """The task's file as tensors on a device, checked again.

    Raises:
        DataError: the file is missing, or is not what the task says.
    """
    import torch

    if not task.path.is_file():
        raise DataError(
            f"{task.path}: no such file; `dvc repro fetch@{task.name}` or `python -m pipelines.fetch {task.name}` "
            "puts it there"
        )
    md5 = md5_of(task.path)
    if task.md5 is not None and md5 != task.md5:
        raise DataError(f"{task.path}: MD5 is {md5}, {task.name} expects {task.md5}; fetch it again")
    arrays = verify_structure(task.path, task)
    splits = {
        split: Split(
            torch.from_numpy(arrays[f"{split}_images"]).unsqueeze(1).to(device),
            torch.from_numpy(arrays[f"{split}_labels"].astype(np.uint8)).to(device),
        )
        for split in SPLITS
    }
    return TaskData(task, md5, splits)
