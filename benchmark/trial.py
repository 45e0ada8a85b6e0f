"""One run of a sweep, on whichever machine it is: the same loop and the same folder as any other run.

The test split is kept from it: it is not handed to the run. Once the winner is fixed, `score_test` opens it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmark import execute
from benchmark.config import RunConfig
from benchmark.data import TaskData, load
from benchmark.errors import Refused, TrainingFailed
from benchmark.objectives import loss_class
from benchmark.runs import RunFolder, alone, run_folder, trunk_folder
from benchmark.scoring import metrics
from benchmark.sweep import DONE, TRIALS, Outcome, Trial
from benchmark.tasks import Task
from benchmark.training import EVAL_BATCH, Observer


@dataclass(frozen=True)
class Job:
    """One seed of a trial: what is sent to the process that runs it."""

    config: RunConfig
    task: Task
    folder: RunFolder
    trunk: RunFolder | None
    identity: str

    @property
    def seconds(self) -> float | None:
        """How long it took; None where it is not done."""
        return float(self.folder.record()["seconds"]["total"]) if self.status == DONE else None

    @property
    def status(self) -> str:
        """Of this very run: an older one's folder counts as not there."""
        record = self.folder.record() if self.folder.exists else {}
        if record.get("identity") != self.identity:
            return "not run"
        status = str(record["status"])
        if status == "running" or (status == DONE and not self.folder.is_done):
            return "not finished"
        return status

    def is_settled(self, asha: bool) -> bool:
        """Whether there is nothing more to find out: done, failed for good, or given up by ASHA where it may."""
        return self.status.startswith((DONE, "failed", "stopped") if asha else (DONE, "failed"))

    def close(self, status: str) -> None:
        """Write why this run has no result, unless it has one."""
        if self.status in ("not run", "not finished"):
            record = self.folder.record() if self.status == "not finished" else {"config": self.config.model_dump()}
            self.folder.write_record(record | {"identity": self.identity, "status": status})


def jobs(trials: Sequence[Trial], task: Task, data: TaskData, root: Path = TRIALS) -> dict[str, list[Job]]:
    """The runs of each trial by its name; of a trial whose objective does not accept the task there are none."""
    found: dict[str, list[Job]] = {}
    for trial in trials:
        found[trial.name] = []
        if refusal(trial, task):
            continue
        for config in trial.runs:
            folder = run_folder(config.profile, task.name, config.recipe, config.seed, root)
            trunk = trunk_folder(config.profile, task.dim) if config.start == "trunk" else None
            key = execute.identity(config, {task.name: data}, trunk)
            found[trial.name].append(Job(config, task, folder, trunk, key))
    return found


def refusal(trial: Trial, task: Task) -> str:
    """Why the trial's objective does not accept the task; empty where it does."""
    try:
        loss_class(trial.objective, task, f"trial {trial.name}")
    except Refused as refused:
        return f"refused: {refused}"
    return ""


def outcome(trial: Trial, runs: Sequence[Job], task: Task) -> Outcome:
    """What became of a trial, read from the folders of its runs."""
    if refused := refusal(trial, task):
        return Outcome(trial, (), refused)
    statuses = {job.config.seed: job.status for job in runs}
    open_ones = {seed: status for seed, status in statuses.items() if status != DONE}
    if len(statuses) == 1:
        status = next(iter(statuses.values()))
    else:
        status = "; ".join(f"seed {seed}: {text}" for seed, text in open_ones.items()) or DONE
    return Outcome(trial, tuple(job.folder for job in runs), status)


def run(job: Job, device: torch.device, observers: Sequence[Observer] = ()) -> None:
    """Make the job's folder hold its run; one process at a time.

    A failure is written into the folder and goes no further: it is this trial's result.
    """
    with alone(job.folder.path):
        if job.status.startswith((DONE, "failed")):
            return
        try:
            data = without_test(load(job.task, device))
            execute.execute(job.config, {job.task.name: data}, job.folder, device, job.trunk, observers)
        except TrainingFailed:
            pass  # `execute` has written the reason
        except Exception as error:
            reason = " ".join(str(error).split()) or "no message"
            job.close(f"error: {type(error).__name__}: {reason[:300]}")


def estimate(config: RunConfig, data: TaskData, device: torch.device) -> float:
    """Seconds that a run of this configuration takes, from one epoch of it here (without the trunk's weights)."""
    one = config.model_copy(update={"epochs": 1, "start": "scratch"})
    with tempfile.TemporaryDirectory() as temporary:
        started = time.perf_counter()
        execute.execute(one, {data.task.name: without_test(data)}, RunFolder(Path(temporary) / "run"), device)
        return (time.perf_counter() - started) * config.epochs


def without_test(data: TaskData) -> TaskData:
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
        scores = folder.scores()
        split, predictor = data.splits["test"], execute.predictor(folder, data.task).to(device)
        batches = torch.split(split.images.squeeze(1), EVAL_BATCH)
        probabilities = torch.cat([predictor(images) for images in batches]).float().cpu().numpy()
        scores["test"] = (split.labels.cpu().numpy(), probabilities)
        folder.write_scores(scores)
        folder.write_metrics(metrics(scores))
