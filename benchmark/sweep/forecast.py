"""How long runs will take: by finished runs of the same kind on this hardware, else by a step of training here."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import torch

from benchmark.config.run import RunConfig
from benchmark.core import provenance
from benchmark.core.errors import DamagedRun
from benchmark.data.load import TaskData, load
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Hardware, Trained
from benchmark.runs.workspace import Workspace
from benchmark.sweep.cells import with_data
from benchmark.sweep.trial import Job, Source
from benchmark.training import loop
from benchmark.training.loop import Training
from benchmark.training.model import pick_device

LOOKING = 1 / 3
"""What an image costs that is only looked at, of what a step of training costs: forward of forward and backward."""


@dataclass(frozen=True)
class Forecast:
    """Of some runs, as they would be made side by side."""

    jobs: Sequence[Job]
    at_once: int
    threads: int
    """Of each."""
    seconds: Mapping[Path, float]
    """Of each run by its folder; those are left out whose data is not there."""
    finished: int
    """Runs that these are known by; the rest by steps made here."""

    @property
    def total(self) -> float:
        """Seconds, one after the other."""
        return sum(self.seconds.values())

    @property
    def longest(self) -> float:
        """Seconds of the longest chain of runs that start from one another."""
        return max(map(self._chain, self.jobs), default=0.0)

    def _chain(self, job: Job) -> float:
        return self.seconds.get(job.folder.path, 0.0) + (self._chain(job.after) if job.after else 0.0)

    def __str__(self) -> str:
        if not self.jobs:
            return "no run is missing"
        apart = f"on {self.threads} thread{'s' if self.threads > 1 else ''}"
        how = f"{self.at_once} side by side, each {apart}" if self.at_once > 1 else f"one after the other {apart}"
        text = f"{len(self.jobs)} runs to make, {how}"
        if known := len(self.seconds):
            took = max(self.total / self.at_once, self.longest)
            text += f": about {_minutes(took)}, of {_minutes(self.total)} of training"
            text += f" ({self.finished} by finished runs, {known - self.finished} by a step of training here)"
        if unknown := len(self.jobs) - known:
            text += f"; of {unknown} it is known once the data is there"
        return text


def forecast(jobs: Sequence[Job], at_once: int, cpus: float, workspace: Workspace) -> Forecast:
    """Look for finished runs; where there are none, train a few batches here.

    Args:
        jobs: not finished; first to last.
        cpus: and so threads, of one run.
    """
    threads = max(1, int(cpus))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        clock = _Clock(workspace)
        ready = with_data(jobs)
        seconds = {job.folder.path: clock.seconds(job) for job in ready}
    finally:
        torch.set_num_threads(before)
    return Forecast(jobs, max(1, min(at_once, len(jobs))), threads, seconds, clock.by_finished_runs)


@dataclass
class _Clock:
    workspace: Workspace
    by_finished_runs: int = 0
    epochs_known: dict[tuple[object, ...], list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds of an epoch of finished runs."""
    images_known: dict[tuple[object, ...], float] = field(default_factory=dict)
    """Seconds of an image in training, measured here."""
    loaded: dict[str, TaskData] = field(default_factory=dict)

    def __post_init__(self) -> None:
        here = Hardware(**provenance.hardware())
        for record in _finished(self.workspace):
            if record.seconds and _machine(record.hardware) == _machine(here):
                # A run that was taken up again has in `total` what its last process took.
                epoch = max(record.seconds.total, record.seconds.train) / record.config.epochs
                for kind in _kinds(record.config):
                    self.epochs_known[kind].append(epoch)

    def seconds(self, job: Job) -> float:
        for kind in _kinds(job.config):
            if kind in self.epochs_known:
                self.by_finished_runs += 1
                return fmean(self.epochs_known[kind]) * job.config.epochs
        images = [{name: len(split) for name, split in self._data(one).splits.items()} for one in job.sources]
        an_epoch = sum(count["train"] + LOOKING * count["val"] for count in images)
        scored = sum(sum(count.values()) for count in images) if job.config.stage == "finetune" else 0
        return (an_epoch * job.config.epochs + LOOKING * scored) * self._image(job)

    def _image(self, job: Job) -> float:
        config, data = job.config, self._data(job.sources[0])
        sides = data.splits["train"].images.shape[2:]
        kind = (str(config.network), sides, config.batch_size, config.trainable, config.precision, config.memory_format)
        if kind not in self.images_known:
            self.images_known[kind] = _seconds_of_an_image(config, data)
        return self.images_known[kind]

    def _data(self, source: Source) -> TaskData:
        if source.task.name not in self.loaded:
            self.loaded[source.task.name] = load(source.task, source.path, pick_device())
        return self.loaded[source.task.name]


def _kinds(config: RunConfig) -> Iterator[tuple[object, ...]]:
    """What runs are told by that take equally long an epoch: the same cell first, then the same network on the task."""
    network = (
        config.stage,
        config.tasks,
        str(config.network),
        config.batch_size,
        config.precision,
        config.memory_format,
    )
    yield (config.recipe, *network)
    yield (config.trainable, *network)


def _finished(workspace: Workspace) -> Iterator[Trained]:
    for path in (*workspace.runs.glob("*/*/*/seed*/run.json"), *workspace.trunks.glob("*/*/run.json")):
        try:
            record = RunFolder(path.parent).record()
        except DamagedRun:
            continue
        if isinstance(record, Trained) and record.status.is_done:
            yield record


def _machine(hardware: Hardware) -> tuple[object, ...]:
    return hardware.cpu, hardware.gpu, hardware.threads


def _seconds_of_an_image(config: RunConfig, data: TaskData) -> float:
    """In the second step of training; kernels are chosen and built in the first."""
    run = Training(config.model_copy(update={"start": "scratch"}), {data.task.name: data}, None, pick_device())
    run.model.train()
    batches = [indices.to(run.device) for _, indices in loop.epoch_plan(run, 0)][:2]
    loop.train_step(run, data.task.name, batches[0])[0].item()
    started = time.perf_counter()
    loop.train_step(run, data.task.name, batches[-1])[0].item()  # asked for its value, a GPU has finished
    return (time.perf_counter() - started) / len(batches[-1])


def _minutes(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds >= 2 * 3600 else f"{seconds / 60:.1f} minutes"
