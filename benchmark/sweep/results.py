"""The files that hold what a sweep has found.

    sweeps/<task>/<grid>/trials.csv    a row a trial, best first; the same trials give the same bytes
    sweeps/<task>/<grid>/winner.yaml   what was swept, the winner's settings and figures; a recipe's `winner_files` can name it
    sweeps/<task>/<grid>/cost.csv      a row a trial: how long its runs took, and where; of no result

The runs behind them are ordinary run folders, `trials/<profile>/<task>/<trial>/seed<k>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from filelock import FileLock
from pydantic import ConfigDict, Field, ValidationError, field_serializer
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from benchmark.config.params import UNION_FORMS
from benchmark.core.errors import BadInput, NoWinner
from benchmark.core.files import atomic, write_text
from benchmark.core.settings import read_yaml, sentence
from benchmark.objectives import OBJECTIVES, AnyObjective, Objective
from benchmark.runs.record import Code, Hardware, Part
from benchmark.runs.workspace import Workspace
from benchmark.sweep.grid import EVERY_POINT, Search
from benchmark.sweep.outcome import COLUMNS, Outcome


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
    search: Search = Field(default=EVERY_POINT, exclude_if=lambda search: search == EVERY_POINT)
    trials: int
    done: int
    """Trials that have figures of all seeds."""
    trial: str
    """The winner's name."""
    objective: AnyObjective
    settings: dict[str, Any] = Field(default_factory=dict, exclude_if=lambda settings: not settings)
    """What else the grid varied, by key, as a recipe has it."""
    metrics: dict[str, float]
    """Means over the seeds; of the test split where every trial had come to its end."""
    run_on: RunOn
    identity: str = Field(default="", exclude_if=lambda identity: not identity)
    """Of the search, by which a tracking server knows it again; empty where it was made before this was written down."""

    @field_serializer("objective")
    def without_what_is_not_set(self, objective: Objective) -> dict[str, Any]:
        return objective.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True)
class Result:
    """What a sweep has found, as read."""

    table: pd.DataFrame
    """`COLUMNS` and the settings, best first; what a trial has not got is NaN."""
    winner: Winner

    @property
    def settings(self) -> tuple[str, ...]:
        """Columns of the table that are settings, in their order; those without a single value are left out."""
        return tuple(name for name in map(str, self.table) if name not in COLUMNS and self.table[name].notna().any())


def summary(
    outcomes: Sequence[Outcome],
    winner: Outcome,
    grid: str,
    recipe: str,
    left: int = 0,
    search: Search = EVERY_POINT,
    identity: str = "",
) -> Winner:
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
        search=search,
        trials=len(outcomes),
        done=sum(outcome.is_done for outcome in outcomes),
        trial=winner.trial.name,
        objective=winner.trial.objective,
        settings=dict(winner.trial.settings),
        metrics={name: winner.mean(name) for name in names},
        run_on=RunOn(data_md5=record.data_md5, code=record.code, versions=record.versions, hardware=record.hardware),
        identity=identity,
    )


class Files(NamedTuple):
    """Of one grid on one task."""

    trials: Path
    winner: Path
    cost: Path


def paths(task: str, grid: str, workspace: Workspace) -> Files:
    """Where they lie."""
    folder = workspace.sweeps / task / grid
    return Files(folder / "trials.csv", folder / "winner.yaml", folder / "cost.csv")


def write(files: Files, rows: pd.DataFrame, winner: Winner | None, cost: pd.DataFrame | None = None) -> list[Path]:
    """Put the files in place together; without a winner, an earlier one's file goes.

    Args:
        rows: of `outcome.table`.
        cost: of `outcome.costs`; None leaves that file as it is.

    Returns:
        The files that are there now.
    """
    files.trials.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(files.trials.with_name(".lock")):
        _write_table(files.trials, rows)
        if cost is not None:
            _write_table(files.cost, cost)
        if winner is None:
            files.winner.unlink(missing_ok=True)
        else:
            write_text(files.winner, winner_text(winner))
    return [path for path in files if path.is_file()]


def _write_table(path: Path, rows: pd.DataFrame) -> None:
    with atomic(path) as partial:
        rows.to_csv(partial, index=False, lineterminator="\n")


def read(task: str, grid: str, workspace: Workspace) -> Result | None:
    """What the latest sweep of a grid on a task found; None where there is none with a winner.

    Raises:
        NoWinner: a file that can't be read.
    """
    files = paths(task, grid, workspace)
    if not (files.trials.is_file() and files.winner.is_file()):
        return None
    try:
        return Result(_read_table(files.trials), _read_winner(files.winner))
    except BadInput as error:
        raise NoWinner(str(error), task=task, grid=grid) from error


def read_all(task: str, workspace: Workspace) -> Mapping[str, Result]:
    """The same of every grid that has a winner on a task, by the grid's name."""
    grids = sorted(path.parent.name for path in (workspace.sweeps / task).glob("*/winner.yaml"))
    found = {grid: read(task, grid, workspace) for grid in grids}
    return {grid: result for grid, result in found.items() if result}


def _read_table(path: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path, keep_default_na=False, na_values=[""])  # a label may be "null"
    except ValueError as error:  # what pandas makes of a text that is no table
        raise BadInput(f"{path}: can't be read ({error})") from error
    if missing := [name for name in COLUMNS if name not in rows]:
        raise BadInput(f"{path}: has no column {', '.join(missing)}")
    return rows


def _read_winner(path: Path) -> Winner:
    try:
        return Winner.model_validate(read_yaml(path))
    except ValidationError as error:
        raise BadInput(f"{path}: {sentence(error, Winner, UNION_FORMS, OBJECTIVES)}") from error


class _Numbers(SafeRepresenter):
    """Writes 1.0e-05, a number by every version of YAML, where ruamel.yaml's own 1e-05 is one by version 1.2 alone."""

    def represent_float(self, data: float) -> ScalarNode:
        node: ScalarNode = super().represent_float(data)
        if "e" in node.value and "." not in node.value:
            node.value = node.value.replace("e", ".0e")
        return node


_Numbers.add_representer(float, _Numbers.represent_float)


def winner_text(winner: Winner) -> str:
    """`winner.yaml`."""
    yaml, stream = YAML(typ="safe", pure=True), StringIO()
    yaml.Representer = _Numbers
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(winner.model_dump(mode="json"), stream)
    return stream.getvalue()
