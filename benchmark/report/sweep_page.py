"""A page for each swept task: the grid as heat maps, the recipe's own choice in it, and every trial."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import ttest_ind_from_stats

from benchmark import sweep
from benchmark.config import Params, resolve_finetune
from benchmark.report import heatmap, wording
from benchmark.report.rendering import templates
from benchmark.runs import atomic
from benchmark.sweep import HYPERPARAMETERS, Result
from benchmark.tasks import STAMP, Task, find_task

LEVEL = 0.05
"""Two trials are called distinguishable where Welch's test gives a p-value below this."""


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
    verdict: str


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
        told = [n.verdict for n in self.neighbours if n.verdict.startswith(("better", "worse"))]
        unknown = [n for n in self.neighbours if n.verdict.startswith("unknown")]
        if unknown:
            return "Whether its neighbours differ from it is unknown: " + unknown[0].verdict.partition(": ")[2] + "."
        return f"Of its {len(self.neighbours)} neighbours, {len(told) or 'none'} can be told from it."


def write(params: Params, out: Path, root: Path = sweep.SWEEPS) -> dict[str, Path]:
    """Write `sweep-<task>.html` into `out` for every task of params.yaml that has a sweep with a winner; by task."""
    written = {}
    for name in sorted(params.tasks):
        result = sweep.read(name, root)
        if result is not None:
            written[name] = out / f"sweep-{name}.html"
            text = templates().get_template("sweep.html.j2").render(content(params, find_task(params, name), result))
            with atomic(written[name]) as partial:
                partial.write_text(text, encoding="utf-8")
    return written


def content(params: Params, task: Task, result: Result) -> dict[str, Any]:
    """What the page says."""
    rows, winner = result.table, result.winner
    own = choice(params, task, result)
    stamp = f"{STAMP}: " if winner["standin"] else ""
    title = f"{stamp}{task.name}, grid {winner['grid']}, profile {winner['profile']}"
    return {
        "title": title,
        "stamp": STAMP if winner["standin"] else "",
        "task": task,
        "winner": winner,
        "choice": own,
        "picture": heatmap.heatmap(rows, own.trial if own else None, winner["trial"], title),
        "columns": [name for name in HYPERPARAMETERS if rows[name].notna().any()],
        "rows": rows.to_dict("records"),
        "has_nll": {"nll", "cross-entropy"} <= set(rows["loss"]),
        "shown": _shown,
        "spread": lambda value: wording.NOTHING if math.isnan(value) else wording.number(value),
    }


def choice(params: Params, task: Task, result: Result) -> Choice | None:
    """Where the recipe's own setting stands in the grid; None where the grid hasn't got it, or the recipe is gone."""
    recipe, profile = str(result.winner["recipe"]), str(result.winner["profile"])
    if recipe not in params.recipes or profile not in params.profiles:
        return None
    run = resolve_finetune(params, task.name, task.reference or task.name, task.dim, recipe, profile, 0)
    rows = result.table
    found = rows[rows["trial"] == sweep.trial_name(recipe, run.objective)]
    if found.empty:
        return None
    own = found.iloc[0]
    rank = None if math.isnan(own["val_auc"]) else int(found.index[0]) + 1
    return Choice(own["trial"], rank, own["val_auc"], own["val_auc_sd"], list(_neighbours(rows, own)))


def _neighbours(rows: pd.DataFrame, own: pd.Series[Any]) -> Iterator[Neighbour]:
    """Trials that differ in one value, a number by one step of the grid."""
    names = [name for name in HYPERPARAMETERS if rows[name].nunique() > 1]
    values = {name: sorted(rows[name].dropna().unique()) for name in names}
    for _, row in rows.iterrows():
        differing = [name for name in names if row[name] != own[name]]
        if len(differing) != 1:
            continue
        name = differing[0]
        steps = abs(values[name].index(row[name]) - values[name].index(own[name]))
        if steps == 1 or isinstance(row[name], str):
            step = f"{name} {_shown(own[name])} \N{RIGHTWARDS ARROW} {_shown(row[name])}"
            figures = (_figure(row["val_auc"]), row["val_auc_sd"], _figure(row["val_auc"] - own["val_auc"]))
            yield Neighbour(row["trial"], step, *figures, _verdict(own, row))


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _verdict(own: pd.Series[Any], other: pd.Series[Any]) -> str:
    """Whether two trials differ by more than their spread over seeds (Welch's t-test, two-sided)."""
    if other["status"] != sweep.DONE or own["status"] != sweep.DONE:
        return f"unknown: {other['status'] if other['status'] != sweep.DONE else own['status']}"
    if other["seeds"] < 2 or own["seeds"] < 2:
        return "unknown: one seed has no spread"
    if other["val_auc"] == own["val_auc"]:
        return "the same figure"
    if other["val_auc_sd"] == own["val_auc_sd"] == 0:
        return "unknown: no spread between the seeds"
    arguments = [float(row[name]) for row in (own, other) for name in ("val_auc", "val_auc_sd", "seeds")]
    p = float(ttest_ind_from_stats(*arguments, equal_var=False).pvalue)
    if p >= LEVEL:
        return f"not distinguishable (p = {p:.2f})"
    return f"{'better' if other['val_auc'] > own['val_auc'] else 'worse'} (p = {p:.2g})"


def _shown(value: object) -> str:
    """A value of a trial as text; a dash for one that it has not got."""
    if isinstance(value, float):
        return wording.NOTHING if math.isnan(value) else f"{value:g}"
    return str(value)
