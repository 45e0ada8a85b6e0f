"""Run folders and published figures → the comparison."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark.config.params import Params
from benchmark.config.tasks import Task, build_task
from benchmark.core.errors import DamagedRun
from benchmark.core.terms import Dimension
from benchmark.evaluation import comparison, ranks, statistics
from benchmark.evaluation.comparison import Measured, Pair
from benchmark.evaluation.ranks import Ranking
from benchmark.published.table import baseline_row, for_task, medmnist_rows, readme_row
from benchmark.report import answer, numbers
from benchmark.report.model import Cell, Comparison, MeasuredRun, TaskComparison
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import FromElsewhere
from benchmark.runs.status import State, Status
from benchmark.runs.workspace import Workspace, seeds_of

Key = tuple[str, str]
"""Task and recipe, or method from elsewhere."""


def collect(params: Params, profile: str, workspace: Workspace) -> Comparison:
    """What the runs of a profile found out, for every task of `fetch` and every recipe of `finetune`.

    No run folder needs to be there: what is missing is listed as such. Where nothing of the profile was run here, the runs are
    those that git holds. After the recipes come the ensembles, then every
    method from elsewhere that has predictions for one of the tasks.
    """
    workspace = workspace.of_figures(profile)
    recipes, ensembles = params.finetune.names, params.ensemble.names
    names = tuple(dict.fromkeys((*params.fetch.tasks, *params.fetch.left_out)))
    methods = [method for method in workspace.list_methods() if method not in (*recipes, *ensembles)]
    folders = {(task, recipe): workspace.cell(profile, task, recipe) for task in names for recipe in recipes}
    folders |= {(task, method): workspace.given_cell(task, method) for task in names for method in methods}
    recorded = {key: _recorded(cell) for key, cell in folders.items()}
    for task, name in itertools.product(names, ensembles):
        folder = workspace.ensemble(profile, task, name)
        recorded[task, name] = [folder] if folder.exists else []
    entries = {name: build_task(name, params.tasks[name]) for name in names}
    runs = _read(recorded, {name: task.md5 for name, task in entries.items()})
    given = tuple(method for method in methods if any(runs[task, method] for task in names))
    refusals = {(refusal.task, refusal.recipe): refusal.status for refusal in workspace.list_refusals(profile)}
    cells = {
        task: (
            *(
                Cell(
                    name,
                    runs[task, name],
                    refusals.get((task, name)),
                    task in params.fetch.tasks,
                    ensemble=name in ensembles,
                )
                for name in (*recipes, *ensembles)
            ),
            *(Cell(method, runs[task, method], None, task in params.fetch.tasks, external=True) for method in given),
        )
        for task in names
    }
    _prepare(cell for row in cells.values() for cell in row)
    tasks = tuple(_compare(task, cells[name]) for name, task in entries.items())
    trunks = {dim: workspace.trunk(profile, dim) for dim in Dimension}
    return Comparison(
        title=params.report.title,
        profile=profile,
        seeds=params.profiles[profile].seeds,
        recipes={name: params.recipes[name].about for name in recipes}
        | {name: params.ensembles[name].about for name in ensembles}
        | {method: _about(run for task in sorted(names) for run in runs[task, method]) for method in given},
        tasks=tasks,
        trunks={dim: _run(folder) for dim, folder in trunks.items() if folder.exists},
        pairs=_pairs(cells, {task.task.name for task in tasks if task.is_standin}),
        ranking=_ranking(cells),
        external=given,
        ensembles=ensembles,
        contests=tuple(answer.contests(tasks)),
    )


def _recorded(cell: Path) -> list[RunFolder]:
    return [folder for folder in seeds_of(cell) if folder.exists]


def _about(runs: Iterable[MeasuredRun]) -> str:
    """What was noted when the predictions were given, each note once."""
    notes = dict.fromkeys(run.record.config.note for run in runs if isinstance(run.record, FromElsewhere))
    return "; ".join(("predictions from elsewhere", *(note for note in notes if note)))


def _read(
    cells: Mapping[Key, Sequence[RunFolder]], md5: Mapping[str, str | None]
) -> dict[Key, tuple[MeasuredRun, ...]]:
    """The runs of every cell in the order of their seeds, damaged ones first, with the numbers of those that are done.

    Those of another data file than the task's, by its MD5, have none: beside the others they would be of other images.
    """
    runs = {(task, name): [_run(one, md5[task]) for one in folders] for (task, name), folders in cells.items()}
    scored = [run.folder for row in runs.values() for run in row if run.status.is_done]
    known = dict(zip(scored, numbers.of_runs(scored), strict=True))
    return {
        key: tuple(
            MeasuredRun(run.folder, run.status, run.record, run.tracking, known.get(run.folder))
            for run in sorted(row, key=lambda run: -1 if run.seed is None else run.seed)
        )
        for key, row in runs.items()
    }


def _run(folder: RunFolder, md5: str | None = None) -> MeasuredRun:
    """Without numbers."""
    status = folder.status_of_figures
    try:
        record = folder.record()
    except DamagedRun:
        return MeasuredRun(folder, status, None, {})
    if status.is_done and md5 and md5 not in record.data_md5.values():
        status = Status(State.DAMAGED, f"{folder.path}: is of another data file than the task's (MD5 {md5})")
    return MeasuredRun(folder, status, record, folder.tracking())


def _prepare(cells: Iterable[Cell]) -> None:
    """Work out what the cells will be asked for, all together."""
    done = [[(run.folder, run.numbers.digest) for run in cell.done if run.numbers] for cell in cells]
    numbers.prepare_cells([runs for runs in done if runs])


def _pairs(cells: Mapping[str, tuple[Cell, ...]], standins: Collection[str]) -> dict[tuple[str, str], Pair]:
    """Every two columns that share a task; what the report tests, it corrects together."""
    measured: dict[tuple[str, str], dict[str, Measured]] = {}
    for task, row in cells.items():
        scored = [(cell.recipe, cell.numbers) for cell in row if cell.numbers is not None]
        for (a, of_a), (b, of_b) in itertools.combinations(scored, 2):
            difference = statistics.paired(of_a.placements, of_b.placements)
            measured.setdefault((a, b), {})[task] = (of_a.over, of_b.over, difference)
    return {(pair.a, pair.b): pair for pair in comparison.judge(measured, standins)}


def _ranking(cells: Mapping[str, tuple[Cell, ...]]) -> Ranking:
    """Of the recipes, and methods from elsewhere, that have a figure for every task that any has one for; an ensemble is a mean
    of them, and would stand first for that alone."""
    figures: dict[str, dict[str, float]] = {}
    for task, row in cells.items():
        for cell in row:
            if cell.numbers is not None and not cell.ensemble:
                figures.setdefault(cell.recipe, {})[task] = cell.numbers.over.mean
    most = max(map(len, figures.values()), default=0)
    return ranks.ranking({name: by_task for name, by_task in figures.items() if len(by_task) == most})


def _compare(task: Task, cells: tuple[Cell, ...]) -> TaskComparison:
    reference = task.reference or ""
    return TaskComparison(
        task=task,
        cells=cells,
        readme=readme_row(reference),
        baseline=baseline_row(reference),
        medmnist=tuple(medmnist_rows(reference)),
        superseded=tuple(row for row in for_task(reference) if not row.is_comparable),
        majority=_majority(cells),
    )


def _majority(cells: tuple[Cell, ...]) -> float | None:
    """From the labels of the first run that was scored: all runs of a task have the same."""
    for run in (run for cell in cells for run in cell.done):
        if "test_acc" in run.metrics:
            share = run.folder.scores()["test"][0].mean(axis=0)
            return float(np.maximum(share, 1 - share).mean())
    return None
