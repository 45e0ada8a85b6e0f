"""A page for each swept task: of every grid the heat maps, the recipe's own choice in it, and every trial."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import ttest_ind_from_stats

from benchmark.config.params import Params
from benchmark.config.run import resolve_finetune
from benchmark.config.tasks import STAMP, Task, build_task
from benchmark.config.varied import part_of
from benchmark.core.files import write_text
from benchmark.evaluation.statistics import ALPHA, holm
from benchmark.report import wording
from benchmark.report.commands import Commands
from benchmark.report.plots.heatmap import equal_losses, heatmap
from benchmark.report.rendering import templates
from benchmark.runs.status import State
from benchmark.runs.workspace import Workspace
from benchmark.sweep import results
from benchmark.sweep.grid import Search, trial_name, without_winner
from benchmark.sweep.results import Result


class Contrast(Enum):
    """A trial beside the recipe's own choice."""

    BETTER = auto()
    WORSE = auto()
    NOT_DISTINGUISHABLE = auto()
    EQUAL = auto()
    UNKNOWN = auto()


@dataclass(frozen=True)
class Finding:
    """Whether two trials differ by more than their spread over seeds."""

    contrast: Contrast
    p: float = math.nan
    """Of Welch's test, where it was made; in the table, corrected for the number of neighbours."""
    why: str = ""
    """Where the contrast is unknown."""

    @property
    def is_told(self) -> bool:
        return self.contrast in (Contrast.BETTER, Contrast.WORSE)

    def corrected(self, p: float) -> Finding:
        """With another p-value; one that is too high tells nothing apart."""
        return replace(
            self, p=p, contrast=Contrast.NOT_DISTINGUISHABLE if self.is_told and p >= ALPHA else self.contrast
        )

    def __str__(self) -> str:
        return {
            Contrast.BETTER: f"better (p = {self.p:.2g})",
            Contrast.WORSE: f"worse (p = {self.p:.2g})",
            Contrast.NOT_DISTINGUISHABLE: f"not distinguishable (p = {self.p:.2f})",
            Contrast.EQUAL: "the same figure",
            Contrast.UNKNOWN: f"unknown: {self.why}",
        }[self.contrast]


@dataclass(frozen=True)
class Neighbour:
    """A trial one step away from the recipe's own choice."""

    trial: str
    step: str
    """What differs, such as 'lr 0.001 → 0.01'."""
    val_auc: float | None
    spread: float
    difference: float | None
    """The neighbour's validation AUROC less the choice's."""
    finding: Finding


@dataclass(frozen=True)
class Choice:
    """The recipe's own setting within the grid."""

    trial: str
    rank: int | None
    """By validation, counted from 1; None where it has no figure."""
    val_auc: float
    spread: float
    neighbours: Sequence[Neighbour]

    @property
    def summary(self) -> str:
        """How many of the neighbours can be told from it."""
        findings = [neighbour.finding for neighbour in self.neighbours]
        for finding in findings:
            if finding.contrast is Contrast.UNKNOWN:
                return f"Whether its neighbours differ from it is unknown: {finding.why}."
        told = sum(finding.is_told for finding in findings)
        return f"Of its {len(findings)} neighbours, {told or 'none'} can be told from it."


def write(params: Params, workspace: Workspace, commands: Commands) -> dict[str, Path]:
    """Write `sweep-<task>.html` for every task of the configuration that has a sweep with a winner; by task."""
    written = {}
    for name in sorted(params.tasks):
        if found := results.read_all(name, workspace):
            task = build_task(name, params.tasks[name])
            sections = [content(params, task, result, commands) for result in found.values()]
            stamp = next((section["stamp"] for section in sections if section["stamp"]), "")
            page = templates().get_template("sweep.html.j2").render(task=task, sections=sections, stamp=stamp)
            written[name] = workspace.reports / f"sweep-{name}.html"
            write_text(written[name], page)
    return written


def content(params: Params, task: Task, result: Result, commands: Commands) -> dict[str, Any]:
    """What the page says of one grid."""
    rows, winner = result.table, result.winner
    own = choice(params, task, result)
    stamp = f"{STAMP}: " if winner.standin else ""
    title = f"{stamp}{task.name}, grid {winner.grid}, profile {winner.profile}"
    return {
        "stamp": STAMP if winner.standin else "",
        "winner": winner,
        "varied": {part_of(key) for key in winner.settings},
        "searched": _searched(winner.search),
        "cross_fitted": winner.recipe in params.recipes and params.recipes[winner.recipe].cross_fit is not None,
        "choice": own,
        "picture": heatmap(rows, own.trial if own else None, winner.trial, title),
        "columns": result.settings,
        "rows": [row | {"has_figures": _has_figures(row)} for row in rows.to_dict("records")],
        "equal_losses": equal_losses(rows),
        "command": commands.sweep(task.name, winner.grid, winner.profile, len(winner.seeds), **dict(winner.search)),
        "shown": _shown,
        "spread": lambda value: wording.NOTHING if math.isnan(value) else wording.number(value),
    }


def _has_figures(row: Mapping[Any, Any]) -> bool:
    return row["status"] == State.DONE or not math.isnan(row["val_auc"])


def _searched(search: Search) -> str:
    """What was searched of the grid, where it isn't all with every seed."""
    drawn = f"{search.random} points drawn of the grid with draw seed {search.draw_seed}" if search.random else ""
    halved = f"one trial in {search.halve_by} went on to further seeds, rung by rung" if search.halve_by else ""
    return "; ".join(filter(None, (drawn, halved)))


def choice(params: Params, task: Task, result: Result) -> Choice | None:
    """Where the recipe's own setting stands in the grid; None where the grid hasn't got it, or the recipe is gone."""
    recipe, profile = result.winner.recipe, result.winner.profile
    if recipe not in params.recipes or profile not in params.profiles:
        return None
    run = resolve_finetune(without_winner(params, recipe), task, recipe, profile, 0)
    rows = result.table
    chosen = rows[rows["trial"] == trial_name(recipe, run.objective)]
    if chosen.empty:
        return None
    own = chosen.iloc[0]
    rank = None if math.isnan(own["val_auc"]) else int(chosen.index[0]) + 1
    return Choice(own["trial"], rank, own["val_auc"], own["val_auc_sd"], _together(list(_neighbours(result, own))))


def _neighbours(result: Result, own: pd.Series[Any]) -> Iterator[Neighbour]:
    """Trials that differ in one value, a number by one step of the grid."""
    rows = result.table
    names = [name for name in result.settings if rows[name].nunique(dropna=False) > 1]
    values = {name: sorted(rows[name].dropna().unique()) for name in names}
    for _, row in rows.iterrows():
        differing = [name for name in names if not _agree(row[name], own[name])]
        if len(differing) != 1 or pd.isna([row[differing[0]], own[differing[0]]]).any():
            continue
        name = differing[0]
        steps = abs(values[name].index(row[name]) - values[name].index(own[name]))
        if steps == 1 or isinstance(row[name], str):
            step = f"{name} {_shown(own[name])} \N{RIGHTWARDS ARROW} {_shown(row[name])}"
            figures = (_figure(row["val_auc"]), row["val_auc_sd"], _figure(row["val_auc"] - own["val_auc"]))
            yield Neighbour(row["trial"], step, *figures, _finding(own, row))


def _together(neighbours: Sequence[Neighbour]) -> list[Neighbour]:
    """The findings corrected for their number, by Holm."""
    corrected = holm([neighbour.finding.p for neighbour in neighbours])
    return [
        replace(neighbour, finding=neighbour.finding.corrected(p))
        for neighbour, p in zip(neighbours, corrected, strict=True)
    ]


def _agree(one: Any, other: Any) -> bool:
    """Whether two values of a setting are the same, or neither trial has one."""
    return bool(one == other or (pd.isna(one) and pd.isna(other)))


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _finding(own: pd.Series[Any], other: pd.Series[Any]) -> Finding:
    """By Welch's t-test, two-sided."""
    for row in (other, own):
        if row["status"] != State.DONE:
            return Finding(Contrast.UNKNOWN, why=row["status"])
    if other["seeds"] < 2 or own["seeds"] < 2:
        return Finding(Contrast.UNKNOWN, why="one seed has no spread")
    if other["val_auc"] == own["val_auc"]:
        return Finding(Contrast.EQUAL, p=1.0)
    if other["val_auc_sd"] == own["val_auc_sd"] == 0:
        return Finding(Contrast.UNKNOWN, why="no spread between the seeds")
    arguments = [float(row[name]) for row in (own, other) for name in ("val_auc", "val_auc_sd", "seeds")]
    p = float(ttest_ind_from_stats(*arguments, equal_var=False).pvalue)
    if p >= ALPHA:
        return Finding(Contrast.NOT_DISTINGUISHABLE, p)
    return Finding(Contrast.BETTER if other["val_auc"] > own["val_auc"] else Contrast.WORSE, p)


def _shown(value: object) -> str:
    """A value of a trial as text; a dash for one that it has not got."""
    if isinstance(value, float):
        return wording.NOTHING if math.isnan(value) else f"{value:g}"
    return str(value)
