"""A small task, trials on it, and what may have become of them."""

from pathlib import Path

from benchmark.config.entries import StandinTask
from benchmark.config.tasks import Task, build_task
from benchmark.objectives import Objective
from benchmark.runs.folder import RunFolder
from benchmark.runs.status import DONE, Status
from benchmark.sweep import results
from benchmark.sweep.grid import Trial
from benchmark.sweep.outcome import Outcome
from benchmark.sweep.results import Winner
from tests.helpers import find, make_config, make_narrow_config, trained

SMALL = build_task("standin-breastmnist", StandinTask(standin="breastmnist", fraction=0.1))


def make_trial(name: str, task: Task, seeds: int = 1, **changes: object) -> Trial:
    """A trial of short runs; any field of their configuration can be given."""
    runs = [make_narrow_config(task.name, recipe=name, seed=seed, **changes) for seed in range(seeds)]
    return Trial(name, task, runs[0].objective, tuple(runs))


def make_outcome(
    root: Path,
    name: str,
    val: list[tuple[float, float]],
    status: Status = DONE,
    objective: Objective | None = None,
) -> Outcome:
    """An outcome with a folder for each seed that holds these validation AUROCs and accuracies."""
    runs = tuple(make_config("breastmnist", recipe=name, seed=seed) for seed in range(len(val)))
    folders = tuple(RunFolder(root / name / f"seed{run.seed}") for run in runs)
    for run, folder, (auc, acc) in zip(runs, folders, val, strict=True):
        folder.write_metrics({"val_auc": auc, "val_acc": acc})
        folder.seal(trained(config=run))
    return Outcome(
        Trial(name, find("breastmnist"), objective or runs[0].objective, runs), folders, (status,) * len(val)
    )


def make_winner(root: Path, **changes: object) -> Winner:
    """What the sweep of one trial found; any field can be given."""
    outcome = make_outcome(root / "winner", "one", [(0.5, 0.5)])
    return results.summary([outcome], outcome, "readme", "readme").model_copy(update=changes)
