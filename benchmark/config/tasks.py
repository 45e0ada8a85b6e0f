"""The catalogue: what a task is, taken from `medmnist.INFO` or from a user's own declaration."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from benchmark.config.entries import OfficialTask, OwnTask, StandinTask, TaskEntry
from benchmark.config.params import Params
from benchmark.core.errors import BadTask, allowed
from benchmark.core.files import home
from benchmark.core.terms import Dimension, Kind

SPLITS = ("train", "val", "test")
KINDS: Mapping[str, Kind] = {"binary-class": "binary", "multi-label, binary-class": "multi-label"}
SIZES = {Dimension.D2: (28, 64, 128, 224), Dimension.D3: (28, 64)}
STANDIN_PREFIX = "standin-"
STAMP = "STAND-IN DATA, NOT A RESULT"
"""Stands on every page, table and run name that stand-in data has a part in."""


@dataclass(frozen=True)
class Task:
    """One classification problem on one data file.

    Images are uint8 of one channel, (n, size, size) or (n, size, size, size); labels are (n, 1) for a binary
    task and (n, number of labels) of 0 and 1 for a multi-label one.
    """

    name: str
    source: Literal["official", "own", "standin"]
    dim: Dimension
    kind: Kind
    label_names: tuple[str, ...]
    size: int | None
    """Edge length in pixels; None where an own file decides."""
    split_sizes: Mapping[str, int] | None
    """Images per split; None where an own file decides."""
    origin: str
    """URL of an official file, declared path of an own one, name of the task that a stand-in is shaped like."""
    md5: str | None
    """None for stand-in data, which is generated."""
    reference: str | None
    """The official task whose published figures and README winner go with this task."""
    comparable: str
    """Why (or why not) its figures may be set beside the published ones; empty where they simply may."""
    pretrain: bool
    """Whether it is among the tasks that a trunk is trained on, unless the configuration says otherwise."""

    @property
    def is_standin(self) -> bool:
        return self.source == "standin"

    @property
    def label_count(self) -> int:
        """Columns of the label array."""
        return 1 if self.kind == "binary" else len(self.label_names)

    @property
    def file_name(self) -> str:
        """The name a mirror knows the file by."""
        if self.source != "official":
            return Path(self.origin).name
        suffix = "" if self.size == 28 else f"_{self.size}"
        return f"{self.reference}{suffix}.npz"


def find_task(params: Params, name: str, where: str) -> Task:
    """The task of that name; `where` begins the sentence of an error.

    Raises:
        BadInput: an unknown name, or an entry that no task can be made of.
    """
    if name not in params.tasks:
        raise allowed("task", name, where, params.tasks)
    return build_task(name, params.tasks[name])


def build_task(name: str, entry: TaskEntry) -> Task:
    """A `Task` from its entry in the configuration."""
    if isinstance(entry, OwnTask):
        return _own(name, entry)
    if isinstance(entry, StandinTask):
        return _standin(name, entry)
    return _official(name, entry)


def _official(name: str, entry: OfficialTask) -> Task:
    if name.startswith(STANDIN_PREFIX):
        raise BadTask(f"tasks.{name}: only stand-in data has a name that starts with '{STANDIN_PREFIX}'")
    official = entry.official or name
    info = official_info(official, f"tasks.{name}")
    dim = dimension_of(official)
    if entry.size not in SIZES[dim]:
        sizes = ", ".join(map(str, SIZES[dim]))
        raise BadTask(f"tasks.{name}.size: {official} comes in {sizes}, got {entry.size}")
    suffix = "" if entry.size == 28 else f"_{entry.size}"
    return Task(
        name=name,
        source="official",
        dim=dim,
        kind=KINDS[info["task"]],
        label_names=tuple(info["label"][str(i)] for i in range(len(info["label"]))),
        size=entry.size,
        split_sizes=dict(info["n_samples"]),
        origin=info[f"url{suffix}"],
        md5=info[f"MD5{suffix}"],
        reference=official,
        comparable="" if entry.size == 28 else f"image size {entry.size} against the published 28",
        pretrain=entry.size == 28,
    )


def _own(name: str, entry: OwnTask) -> Task:
    if name.startswith(STANDIN_PREFIX):
        raise BadTask(f"tasks.{name}: only stand-in data has a name that starts with '{STANDIN_PREFIX}'")
    if entry.compare_with:
        official_info(entry.compare_with.task, f"tasks.{name}.compare_with.task")
    return Task(
        name=name,
        source="own",
        dim=Dimension.of(entry.dimension),
        kind=entry.kind,
        label_names=entry.labels,
        size=None,
        split_sizes=None,
        origin=str(home(entry.file, f"tasks.{name}.file")) if entry.file.startswith("~") else entry.file,
        md5=entry.md5,
        reference=entry.compare_with.task if entry.compare_with else None,
        comparable=entry.compare_with.because if entry.compare_with else "no published figures",
        pretrain=entry.pretrain,
    )


def _standin(name: str, entry: StandinTask) -> Task:
    if not name.startswith(STANDIN_PREFIX):
        raise BadTask(f"tasks.{name}: stand-in data has a name that starts with '{STANDIN_PREFIX}'")
    info = official_info(entry.standin, f"tasks.{name}.standin")
    return Task(
        name=name,
        source="standin",
        dim=dimension_of(entry.standin),
        kind=KINDS[info["task"]],
        label_names=tuple(info["label"][str(i)] for i in range(len(info["label"]))),
        size=28,
        split_sizes={split: max(16, round(n * entry.fraction)) for split, n in info["n_samples"].items()},
        origin=entry.standin,
        md5=None,
        reference=entry.standin,
        comparable="stand-in data, not a result",
        pretrain=True,
    )


def dimension_of(official: str) -> Dimension:
    """Of an official task: MedMNIST tells it by the end of the name, and nowhere else."""
    return Dimension.D3 if official.endswith("3d") else Dimension.D2


def official_info(name: str, where: str) -> dict[str, Any]:
    """The entry of `medmnist.INFO`, for the tasks with binary labels that this suite is for."""
    known = {task: info for task, info in _info().items() if info["task"] in KINDS and info["n_channels"] == 1}
    if name not in known:
        raise BadTask(str(allowed("official task", name, where, known)))
    return dict(known[name])


@cache
def _info() -> dict[str, Any]:
    """`medmnist.INFO` from its own file: importing the package brings its loaders and evaluator, about two seconds."""
    package = find_spec("medmnist")
    assert package is not None
    assert package.submodule_search_locations is not None
    content = runpy.run_path(str(Path(package.submodule_search_locations[0]) / "info.py"))
    info: dict[str, Any] = content["INFO"]
    return info
