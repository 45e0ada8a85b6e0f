"""One run of a sweep or of the main job, on whichever machine it is: the same loop and the same folder as anywhere.

From a run of a sweep the test split is kept: it is not handed to it. Once the winner is fixed, `score_test` opens it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from benchmark.config.run import RunConfig
from benchmark.config.tasks import Task
from benchmark.core.errors import OutOfMemory, TrainingFailed
from benchmark.core.files import alone
from benchmark.data.load import TaskData, load
from benchmark.runs.folder import RunFolder
from benchmark.runs.scores import as_seen, metrics
from benchmark.runs.status import NOT_RUN, State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep.grid import Trial
from benchmark.sweep.outcome import Outcome
from benchmark.training import execute
from benchmark.training.loop import EVAL_BATCH, Observer


@dataclass(frozen=True)
class Source:
    """A task, and the file with its images and labels."""

    task: Task
    path: Path
    md5: str
    """Empty where the file is not there."""


@dataclass(frozen=True)
class Job:
    """One run: what is sent to the process that makes it."""

    config: RunConfig
    sources: tuple[Source, ...]
    """Of each of its tasks: several for a trunk."""
    folder: RunFolder
    start: RunFolder | None
    after: Job | None = None
    """What makes `start`, where that may be missing too; this run can't be known again before it is done."""
    with_test: bool = False
    """Whether it is given the test split."""

    def __str__(self) -> str:
        """Which run it is, and how it ended."""
        return f"{self.config.recipe} seed {self.config.seed}: {self.outcome}"

    @property
    def outcome(self) -> str:
        """Its figure and how long it took; its status where it is not done."""
        seconds = self.seconds
        if seconds is None:
            return str(self.status)
        return f"val AUROC {self.folder.metrics()['val_auc']:.4f}, {seconds:.1f} s"

    @cached_property
    def identity(self) -> str:
        """See `execute.identity`; what it starts from is done."""
        return execute.identity(self.config, self._described(), self.start)

    def _described(self) -> dict[str, TaskData]:
        """Its data without an image: an identity and a record hold the MD5 alone."""
        return {one.task.name: TaskData(one.task, one.md5, splits={}) for one in self.sources}

    @property
    def seconds(self) -> float | None:
        """How long it took; None where it is not done."""
        took = self.folder.trained().seconds if self.status.is_done else None
        return took.total if took else None

    @property
    def status(self) -> Status:
        """Of this very run: an older one's folder counts as not there."""
        if self.after and not self.after.status.is_done:
            return NOT_RUN
        return self.folder.status if self.folder.holds(self.identity) else NOT_RUN

    def is_settled(self, asha: bool) -> bool:
        """Whether there is nothing more to find out: done, failed for good, or given up by ASHA where it may."""
        status = self.status
        return status.is_final or (asha and status.state is State.STOPPED)

    def close(self, status: Status) -> None:
        """Write why this run has no result, unless it has one."""
        now = self.status
        if not now.is_open:
            return
        record = (
            self.folder.trained()
            if now.state is State.NOT_FINISHED
            else execute.new_record(self.config, self._described(), self.identity)
        )
        self.folder.write_record(record.model_copy(update={"status": status}))


def jobs(trials: Sequence[Trial], data: TaskData, workspace: Workspace) -> dict[str, list[Job]]:
    """The runs of each trial by its name; of a trial whose objective does not accept the task there are none."""
    return {trial.name: [] if trial.refusal else [_job(run, data, workspace) for run in trial.runs] for trial in trials}


def _job(config: RunConfig, data: TaskData, workspace: Workspace) -> Job:
    task = data.task
    return Job(
        config=config,
        sources=(Source(task, workspace.data(task.name), data.md5),),
        folder=workspace.trial(config.profile, task.name, config.recipe, config.seed),
        start=workspace.start(config, task.dim),
    )


def outcome(trial: Trial, runs: Sequence[Job], given_up: bool = False) -> Outcome:
    """What became of a trial, read from the folders of these of its runs."""
    if trial.refusal:
        return Outcome(trial, (), (Status(State.REFUSED, trial.refusal),))
    return Outcome(trial, tuple(job.folder for job in runs), tuple(job.status for job in runs), given_up)


def run(job: Job, device: torch.device, observers: Sequence[Observer] = ()) -> bool:
    """Make the job's folder hold its run; one process at a time.

    A failure is written into the folder and goes no further: it is this run's result.

    Returns:
        Whether this process is good for another run: once oneDNN was short of memory, it may make no convolution again.
    """
    with alone(job.folder.path):
        if job.status.is_final:
            return True
        try:
            data = {one.task.name: load(one.task, one.path, device) for one in job.sources}
            if not job.with_test:
                data = {name: without_test(part) for name, part in data.items()}
            execute.execute(job.config, data, job.folder, device, job.start, observers)
        except TrainingFailed as failed:  # `execute` has written the reason
            return not isinstance(failed, OutOfMemory)
        except Exception as error:
            reason = " ".join(str(error).split()) or "no message"
            job.close(Status(State.ERROR, f"{type(error).__name__}: {reason[:300]}"))
    return True


def estimate(config: RunConfig, data: TaskData, device: torch.device) -> float:
    """Seconds that a run of this configuration takes, from one epoch of it here (without the trunk's weights)."""
    one = config.model_copy(update={"epochs": 1, "start": "scratch"})
    with tempfile.TemporaryDirectory() as temporary:
        started = time.perf_counter()
        execute.execute(one, {data.task.name: without_test(data)}, RunFolder(Path(temporary) / "run"), device)
        return (time.perf_counter() - started) * config.epochs


def without_test(data: TaskData) -> TaskData:
    """The data as a run of a sweep is handed it."""
    return replace(data, splits={name: split for name, split in data.splits.items() if name != "test"})


@torch.no_grad()
def score_test(folder: RunFolder, data: TaskData, device: torch.device) -> None:
    """Add the test split to a finished run's scores and metrics; nothing where it is there already.

    The scores are those that an ordinary run of the same configuration has. One process at a time; the metrics are
    written last, so a folder whose metrics name the test split is whole, and one that a kill left between is mended.
    """
    with alone(folder.path):
        if "test_auc" in folder.metrics():
            return
        scores, held_out = folder.official_scores()
        split, predictor = data.splits["test"], execute.predictor(folder, data.task).to(device)
        batches = torch.split(split.images.squeeze(1), EVAL_BATCH)
        probabilities = torch.cat([predictor(images) for images in batches]).float().cpu().numpy()
        scores["test"] = (split.labels.cpu().numpy(), probabilities)
        folder.write_scores(scores, held_out=held_out)
        folder.write_metrics(metrics(as_seen(scores, held_out)))
        folder.seal(folder.trained())
