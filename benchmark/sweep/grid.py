"""A sweep: every point of a grid on one task, the choice of the winner, and the two files that hold the result.

    sweeps/<task>/trials.csv    a row a trial, best first; the same trials give the same bytes
    sweeps/<task>/winner.yaml   what was swept, the winner's objective and figures; a recipe's `winner_files` can name it

The runs behind them are ordinary run folders, `trials/<profile>/<task>/<trial>/seed<k>`. The winner is the trial with
the best validation AUROC (mean over seeds), of equals the one with the better validation accuracy, then the first by
name. The test split has no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock
from pydantic import ConfigDict, ValidationError, field_serializer
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from benchmark.config.params import UNION_FORMS, Params
from benchmark.config.run import RunConfig, resolve_finetune
from benchmark.config.tasks import Task
from benchmark.core.errors import BadInput, NoWinner, allowed
from benchmark.core.files import atomic, write_text
from benchmark.core.settings import read_yaml, sentence
from benchmark.objectives import OBJECTIVES, AnyObjective, Objective
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Code, Hardware, Part
from benchmark.runs.status import DONE, Status
from benchmark.runs.workspace import Workspace

COLUMNS = ("trial", "seeds", "val_auc", "val_auc_sd", "val_acc", "status")
"""Of `trials.csv`. Between the first two stand the settings of the trials' objectives, a column each."""


@dataclass(frozen=True)
class Trial:
    """One point of a grid on one task, with a run for each seed."""

    name: str
    task: Task
    objective: Objective
    runs: tuple[RunConfig, ...]

    @property
    def refusal(self) -> str:
        """Why its objective does not accept the task; empty where it does."""
        return self.objective.of(self.task.kind).refusal(self.task)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial."""

    trial: Trial
    folders: tuple[RunFolder, ...]
    """Of its runs, in the order of their seeds."""
    statuses: tuple[Status, ...]
    """Of its runs likewise; one alone where the trial has no runs."""

    @property
    def is_done(self) -> bool:
        return all(status.is_done for status in self.statuses)

    @property
    def status_text(self) -> str:
        """As the table has it: of several seeds, those that are not done with their status."""
        if len(self.statuses) == 1:
            return str(self.statuses[0])
        each = zip(self.trial.runs, self.statuses, strict=True)
        return "; ".join(f"seed {run.seed}: {status}" for run, status in each if not status.is_done) or str(DONE)

    def mean(self, metric: str) -> float:
        """Over the seeds; NaN where the trial is not done, and of an AUROC that is undefined."""
        return float(np.mean(self._values(metric))) if self.is_done else float("nan")

    def spread(self, metric: str) -> float:
        """Sample standard deviation over the seeds; NaN for one seed."""
        return float(np.std(self._values(metric), ddof=1)) if self.is_done and len(self.folders) > 1 else float("nan")

    def _values(self, metric: str) -> list[float]:
        return [folder.metrics()[metric] for folder in self.folders]


class RunOn(Part):
    """Where the figures of a winner come from, by the record of its first seed."""

    data_md5: dict[str, str]
    code: Code
    versions: dict[str, str]
    hardware: Hardware

    @field_serializer("code", "hardware")
    def in_order(self, part: Part) -> dict[str, Any]:
        """Sorted, as in `run.json`."""
        return dict(sorted(part.model_dump(mode="json").items()))


class Winner(Part):
    """`winner.yaml`."""

    model_config = ConfigDict(allow_inf_nan=True)  # a test AUROC may be undefined

    task: str
    standin: bool
    grid: str
    recipe: str
    profile: str
    network: str
    epochs: int
    recipe_epochs: int
    seeds: tuple[int, ...]
    trials: int
    done: int
    """Of the trials."""
    trial: str
    """The winner's name."""
    objective: AnyObjective
    metrics: dict[str, float]
    """Means over the seeds; of the test split where every trial had come to its end."""
    run_on: RunOn

    @field_serializer("objective")
    def without_what_is_not_set(self, objective: Objective) -> dict[str, Any]:
        return objective.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True)
class Result:
    """The two files of a task, as read."""

    table: pd.DataFrame
    """`COLUMNS` and the settings, best first; what a trial has not got is NaN."""
    winner: Winner

    @property
    def settings(self) -> tuple[str, ...]:
        """Columns of the table that are settings, in their order; those without a single value are left out."""
        return tuple(name for name in map(str, self.table) if name not in COLUMNS and self.table[name].notna().any())


# ------------------------------------------------------------------------------------------------ trials


def trials(params: Params, task: Task, grid: str, profile: str, seeds: Sequence[int], where: str) -> list[Trial]:
    """The trials of a grid in its own order; two points that are the same objective are one trial.

    Args:
        where: who names the grid; begins an error's sentence.

    Raises:
        BadInput: no grid of that name.
    """
    if grid not in params.sweep.grids:
        raise allowed("grid", grid, where, params.sweep.grids)
    recipe = params.sweep.grids[grid].recipe
    # A sweep does not need the winner that it is there to find.
    searched = params.recipes[recipe].model_copy(update={"winner_files": {}})
    params = params.model_copy(update={"recipes": params.recipes | {recipe: searched}})
    runs = [resolve_finetune(params, task, recipe, profile, seed) for seed in seeds]
    by_name: dict[str, Trial] = {}
    for objective in params.objectives(grid):
        name = trial_name(recipe, objective)
        own = {"recipe": name, "objective": objective}
        by_name[name] = Trial(name, task, objective, tuple(run.model_copy(update=own) for run in runs))
    return list(by_name.values())


def trial_name(recipe: str, objective: Objective) -> str:
    """The recipe and every value of the objective that is not the class's default: one name, one configuration."""
    values = objective.model_dump(exclude=set(objective.aside), exclude_defaults=True)
    parts = [value if isinstance(value, str) else f"{key}{_digits(value)}" for key, value in values.items()]
    return "-".join([recipe, *parts])


def _digits(value: object) -> str:
    """A number as short as it can be; anything else as it is."""
    return short if isinstance(value, float) and float(short := f"{value:g}") == value else str(value)


# ------------------------------------------------------------------------------------------------ choice


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
    """`COLUMNS` and every setting that one of the trials has; a row a trial, in the order of `rank`."""
    rows = [
        outcome.trial.objective.columns()
        | {
            "trial": outcome.trial.name,
            "seeds": len(outcome.folders),
            "val_auc": outcome.mean("val_auc"),
            "val_auc_sd": outcome.spread("val_auc"),
            "val_acc": outcome.mean("val_acc"),
            "status": outcome.status_text,
        }
        for outcome in rank(outcomes)
    ]
    settings = dict.fromkeys(name for row in rows for name in row if name not in COLUMNS)
    return pd.DataFrame(rows, columns=[COLUMNS[0], *settings, *COLUMNS[1:]])


def summary(outcomes: Sequence[Outcome], winner: Outcome, grid: str, recipe: str, left: int = 0) -> Winner:
    """What `winner.yaml` holds. Test figures are in it once no run is left and the test split was scored."""
    task, first, record = winner.trial.task, winner.trial.runs[0], winner.folders[0].trained()
    shared = set.intersection(*(set(folder.metrics()) for folder in winner.folders))
    names = [name for name in winner.folders[0].metrics() if name in shared and not (left and name.startswith("test_"))]
    return Winner(
        task=task.name,
        standin=task.is_standin,
        grid=grid,
        recipe=recipe,
        profile=first.profile,
        network=str(first.network),
        epochs=first.epochs,
        recipe_epochs=first.recipe_epochs,
        seeds=tuple(run.seed for run in winner.trial.runs),
        trials=len(outcomes),
        done=sum(outcome.is_done for outcome in outcomes),
        trial=winner.trial.name,
        objective=winner.trial.objective,
        metrics={name: winner.mean(name) for name in names},
        run_on=RunOn(data_md5=record.data_md5, code=record.code, versions=record.versions, hardware=record.hardware),
    )


# ------------------------------------------------------------------------------------------------ files


def write(task: str, rows: pd.DataFrame, winner: Winner | None, workspace: Workspace) -> list[Path]:
    """Put both files in place together; without a winner, an earlier one's file goes.

    Returns:
        The files that are there now.
    """
    trials_path, winner_path = paths(task, workspace)
    trials_path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(trials_path.with_name(".lock")):
        with atomic(trials_path) as partial:
            rows.to_csv(partial, index=False, lineterminator="\n")
        if winner is None:
            winner_path.unlink(missing_ok=True)
            return [trials_path]
        write_text(winner_path, _yaml_text(winner.model_dump(mode="json")))
    return [trials_path, winner_path]


def read(task: str, workspace: Workspace) -> Result | None:
    """What the latest sweep of a task found; None where there is none with a winner.

    Raises:
        NoWinner: a file that can't be read.
    """
    trials_path, winner_path = paths(task, workspace)
    if not (trials_path.is_file() and winner_path.is_file()):
        return None
    return Result(_read_table(trials_path, task), _read_winner(winner_path, task))


def _read_table(path: Path, task: str) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path)
    except ValueError as error:  # what pandas makes of a text that is no table
        raise NoWinner(f"{path}: can't be read ({error})", task=task) from error
    if missing := [name for name in COLUMNS if name not in rows]:
        raise NoWinner(f"{path}: has no column {', '.join(missing)}", task=task)
    return rows


def _read_winner(path: Path, task: str) -> Winner:
    try:
        return Winner.model_validate(read_yaml(path))
    except ValidationError as error:
        raise NoWinner(f"{path}: {sentence(error, Winner, UNION_FORMS, OBJECTIVES)}", task=task) from error
    except BadInput as error:
        raise NoWinner(str(error), task=task) from error


def paths(task: str, workspace: Workspace) -> tuple[Path, Path]:
    """Of the table and of the winner."""
    return workspace.sweeps / task / "trials.csv", workspace.sweeps / task / "winner.yaml"


class _Numbers(SafeRepresenter):
    """Writes 1.0e-05, a number by every version of YAML, where ruamel.yaml's own 1e-05 is one by version 1.2 alone."""

    def represent_float(self, data: float) -> ScalarNode:
        node: ScalarNode = super().represent_float(data)
        if "e" in node.value and "." not in node.value:
            node.value = node.value.replace("e", ".0e")
        return node


_Numbers.add_representer(float, _Numbers.represent_float)


def _yaml_text(content: dict[str, Any]) -> str:
    yaml, stream = YAML(typ="safe", pure=True), StringIO()
    yaml.Representer = _Numbers
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(content, stream)
    return stream.getvalue()
