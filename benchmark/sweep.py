"""A sweep: every point of a grid on one task, the choice of the winner, and the two files that hold the result.

    sweeps/<task>/trials.csv    a row a trial, best first; the same trials give the same bytes
    sweeps/<task>/winner.yaml   what was swept, the winner's objective and figures; a recipe's `winner_files` can name it

The runs behind them are ordinary run folders, `trials/<profile>/<task>/<trial>/seed<k>`. The winner is the trial with
the best validation AUROC (mean over seeds), of equals the one with the better validation accuracy, then the first by
name. The test split has no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from filelock import FileLock

from benchmark.config import Objective, Params, RunConfig, resolve_finetune
from benchmark.errors import DataError, allowed
from benchmark.runs import RunFolder, atomic
from benchmark.tasks import Task

SWEEPS, TRIALS = Path("sweeps"), Path("trials")
HYPERPARAMETERS = (
    "loss",
    "optimizer",
    "lr",
    "momentum",
    "beta1",
    "beta2",
    "margin",
    "epoch_decay",
    "weight_decay",
    "inner_steps",
    "sampling_above",
)
COLUMNS = ("trial", *HYPERPARAMETERS, "seeds", "val_auc", "val_auc_sd", "val_acc", "status")
DONE = "done"


@dataclass(frozen=True)
class Trial:
    """One point of a grid on one task, with a run for each seed."""

    name: str
    objective: Objective
    runs: tuple[RunConfig, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a trial."""

    trial: Trial
    folders: tuple[RunFolder, ...]
    """Of its runs, in the order of their seeds."""
    status: str
    """`done`, or why it has no figures."""

    @property
    def is_done(self) -> bool:
        return self.status == DONE

    def mean(self, metric: str) -> float:
        """Over the seeds; NaN where the trial is not done, and of an AUROC that is undefined."""
        return float(np.mean(self._values(metric))) if self.is_done else float("nan")

    def spread(self, metric: str) -> float:
        """Sample standard deviation over the seeds; NaN for one seed."""
        return float(np.std(self._values(metric), ddof=1)) if self.is_done and len(self.folders) > 1 else float("nan")

    def _values(self, metric: str) -> list[float]:
        return [folder.metrics()[metric] for folder in self.folders]


@dataclass(frozen=True)
class Result:
    """The two files of a task, as read."""

    table: pd.DataFrame
    """`COLUMNS`, best first; a figure that is missing is NaN."""
    winner: Mapping[str, Any]


def trials(params: Params, task: Task, grid: str, profile: str, seeds: Sequence[int]) -> list[Trial]:
    """The trials of a grid in its own order; two points that are the same objective are one trial.

    Raises:
        BadInput: no grid of that name.
    """
    if grid not in params.sweep.grids:
        raise allowed("grid", grid, "option --grid", params.sweep.grids)
    recipe = params.sweep.grids[grid].recipe
    # A sweep does not need the winner that it is there to find.
    searched = params.recipes[recipe].model_copy(update={"winner_files": {}})
    params = params.model_copy(update={"recipes": params.recipes | {recipe: searched}})
    found: dict[str, Trial] = {}
    for objective in params.objectives(grid):
        name = trial_name(recipe, objective)
        runs = [
            resolve_finetune(params, task.name, task.reference or task.name, task.dim, recipe, profile, seed)
            for seed in seeds
        ]
        own = {"recipe": name, "objective": objective}
        found[name] = Trial(name, objective, tuple(run.model_copy(update=own) for run in runs))
    return list(found.values())


def trial_name(recipe: str, objective: Objective) -> str:
    """The recipe and every value of the objective that is not the class's default: one name, one configuration."""
    values = objective.model_dump(exclude={"multi_label_loss"}, exclude_defaults=True)
    parts = [value if isinstance(value, str) else f"{key}{_digits(value)}" for key, value in values.items()]
    return "-".join([recipe, *parts])


def _digits(value: float) -> str:
    return short if float(short := f"{value:g}") == value else repr(value)


def choose(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The winner; None where no trial is done."""
    ranked = rank(outcomes)
    return ranked[0] if ranked and not np.isnan(ranked[0].mean("val_auc")) else None


def rank(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Best first by validation; trials without figures last, by name."""

    def key(outcome: Outcome) -> tuple[float, float, str]:
        auc, acc = outcome.mean("val_auc"), outcome.mean("val_acc")
        return (np.inf, np.inf, outcome.trial.name) if np.isnan(auc) else (-auc, -acc, outcome.trial.name)

    return sorted(outcomes, key=key)


def table(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """`COLUMNS`, a row a trial, in the order of `rank`."""
    rows = [
        outcome.trial.objective.model_dump()
        | {
            "trial": outcome.trial.name,
            "seeds": len(outcome.folders),
            "val_auc": outcome.mean("val_auc"),
            "val_auc_sd": outcome.spread("val_auc"),
            "val_acc": outcome.mean("val_acc"),
            "status": outcome.status,
        }
        for outcome in rank(outcomes)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def summary(
    outcomes: Sequence[Outcome], winner: Outcome, grid: str, recipe: str, task: Task, left: int = 0
) -> dict[str, Any]:
    """The content of `winner.yaml`. Test figures are in it once no run is left and the test split was scored."""
    first, record = winner.trial.runs[0], winner.folders[0].record()
    shared = set.intersection(*(set(folder.metrics()) for folder in winner.folders))
    names = [name for name in winner.folders[0].metrics() if name in shared and not (left and name.startswith("test_"))]
    return {
        "task": task.name,
        "standin": task.is_standin,
        "grid": grid,
        "recipe": recipe,
        "profile": first.profile,
        "network": first.network,
        "epochs": first.epochs,
        "recipe_epochs": first.recipe_epochs,
        "seeds": [run.seed for run in winner.trial.runs],
        "trials": len(outcomes),
        "done": sum(outcome.is_done for outcome in outcomes),
        "trial": winner.trial.name,
        "objective": winner.trial.objective.model_dump(exclude_none=True),
        "metrics": {name: winner.mean(name) for name in names},
        "run_on": {name: record[name] for name in ("data_md5", "code", "versions", "hardware")},
    }


def write(task: str, rows: pd.DataFrame, winner: Mapping[str, Any] | None, root: Path = SWEEPS) -> list[Path]:
    """Put both files in place together; without a winner, an earlier one's file goes.

    Returns:
        The files that are there now.
    """
    trials_path, winner_path = paths(task, root)
    trials_path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(trials_path.with_name(".lock")):
        with atomic(trials_path) as partial:
            rows.to_csv(partial, index=False, lineterminator="\n")
        if winner is None:
            winner_path.unlink(missing_ok=True)
            return [trials_path]
        with atomic(winner_path) as partial:
            partial.write_text(yaml.safe_dump(dict(winner), sort_keys=False), encoding="utf-8")
    return [trials_path, winner_path]


def read(task: str, root: Path = SWEEPS) -> Result | None:
    """What the latest sweep of a task found; None where there is none with a winner."""
    trials_path, winner_path = paths(task, root)
    if not (trials_path.is_file() and winner_path.is_file()):
        return None
    try:
        rows = pd.read_csv(trials_path)
        winner = yaml.safe_load(winner_path.read_text(encoding="utf-8"))
        return Result(rows[list(COLUMNS)], dict(winner))
    except (ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise DataError(f"{trials_path.parent}: can't be read ({error}); run the sweep again, it is quick") from error


def paths(task: str, root: Path = SWEEPS) -> tuple[Path, Path]:
    return root / task / "trials.csv", root / task / "winner.yaml"
