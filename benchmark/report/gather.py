"""Run folders and published figures → the comparison."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark import comparison, published, statistics
from benchmark.comparison import Measured, Pair
from benchmark.config import Params
from benchmark.report import numbers
from benchmark.report.model import Cell, Comparison, Run, TaskComparison
from benchmark.runs import EXTERNAL, RUNS, TRUNKS, RunFolder, list_external, list_refusals, list_runs, trunk_folder
from benchmark.statistics import Ranking
from benchmark.tasks import Task, find_task


def collect(params: Params, profile: str, runs_root: Path = RUNS, trunks_root: Path = TRUNKS) -> Comparison:
    """What the runs of a profile found out, for every task of `fetch` and every recipe of `finetune`.

    No run folder needs to be there: what is missing is listed as such. After the recipes comes every method from
    elsewhere that has predictions for one of the tasks; its folders lie beside those of the runs.
    """
    runs: dict[tuple[str, str], list[Run]] = {}
    wanted = [folder for folder in list_runs(profile, runs_root) if folder.path.parts[-2] in params.finetune.recipes]
    for run in _read(wanted):
        task, recipe = run.folder.path.parts[-3:-1]
        runs.setdefault((task, recipe), []).append(run)
    refusals = {(entry["task"], entry["recipe"]): entry["status"] for entry in list_refusals(profile, runs_root)}
    names = dict.fromkeys((*params.fetch.tasks, *params.fetch.left_out))
    cells = {
        name: tuple(
            Cell(
                recipe,
                tuple(sorted(runs.get((name, recipe), []), key=lambda run: run.config.get("seed", 0))),
                refusals.get((name, recipe), ""),
                reachable=name in params.fetch.tasks,
            )
            for recipe in params.finetune.recipes
        )
        for name in names
    }
    external = _external(runs_root.parent / EXTERNAL, names)
    for name in names:
        found = ((method, external[method].get(name, ())) for method in external)
        cells[name] += tuple(Cell(method, runs, "", name in params.fetch.tasks, True) for method, runs in found)
    done = [[run.folder for run in cell.done] for row in cells.values() for cell in row]
    numbers.prepare_cells([folders for folders in done if folders])
    tasks = tuple(_compare(find_task(params, name, "params.yaml: fetch"), cells[name]) for name in names)
    trunks = {dim: trunk_folder(profile, dim, trunks_root) for dim in ("2d", "3d")}
    return Comparison(
        title=params.report.title,
        profile=profile,
        seeds=params.profiles[profile].seeds,
        recipes={name: params.recipes[name].about for name in params.finetune.recipes}
        | {method: _about(tasks) for method, tasks in external.items()},
        tasks=tasks,
        trunks={
            dim: Run(folder, folder.record(), folder.tracking()) for dim, folder in trunks.items() if folder.exists
        },
        pairs=_pairs(cells, {task.task.name for task in tasks if task.is_standin}),
        ranking=_ranking(cells),
        external=tuple(external),
    )


def _external(root: Path, tasks: Collection[str]) -> dict[str, dict[str, tuple[Run, ...]]]:
    """Runs by method from elsewhere and task, for these tasks, in the order of names and seeds."""
    found: dict[str, dict[str, tuple[Run, ...]]] = {}
    for run in sorted(_read(list(list_external(root))), key=lambda run: (run.config["recipe"], run.config["seed"])):
        task = run.folder.path.parts[-3]
        if task in tasks:
            method = found.setdefault(run.config["recipe"], {})
            method[task] = (*method.get(task, ()), run)
    return found


def _about(tasks: dict[str, tuple[Run, ...]]) -> str:
    """What was noted when the predictions were given, each note once."""
    notes = dict.fromkeys(run.config["note"] for runs in tasks.values() for run in runs if run.config["note"])
    return "; ".join(("predictions from elsewhere", *notes))


def _read(folders: Sequence[RunFolder]) -> list[Run]:
    records = {folder: folder.record() for folder in folders}
    scored = [
        folder
        for folder, record in records.items()
        if record.get("status") == "done" and (folder.path / "scores.npz").is_file()
    ]
    found = dict(zip(scored, numbers.of_runs(scored), strict=True))
    return [Run(folder, record, folder.tracking(), found.get(folder)) for folder, record in records.items()]


def _pairs(cells: Mapping[str, tuple[Cell, ...]], standins: Collection[str]) -> dict[tuple[str, str], Pair]:
    """Every two columns that share a task."""
    found: dict[tuple[str, str], dict[str, Measured]] = {}
    for task, row in cells.items():
        scored = [(cell.recipe, cell.numbers) for cell in row if cell.numbers is not None]
        for (a, of_a), (b, of_b) in itertools.combinations(scored, 2):
            difference = statistics.paired(of_a.placements, of_b.placements)
            found.setdefault((a, b), {})[task] = (of_a.over, of_b.over, difference)
    return {names: comparison.pair(*names, measured, standins) for names, measured in found.items()}


def _ranking(cells: Mapping[str, tuple[Cell, ...]]) -> Ranking:
    """Of the columns that have a figure for every task that any has one for."""
    figures: dict[str, dict[str, float]] = {}
    for task, row in cells.items():
        for cell in row:
            if cell.numbers is not None:
                figures.setdefault(cell.recipe, {})[task] = cell.numbers.over.mean
    most = max(map(len, figures.values()), default=0)
    return statistics.ranking({name: found for name, found in figures.items() if len(found) == most})


def _compare(task: Task, cells: tuple[Cell, ...]) -> TaskComparison:
    rows = published.for_task(task.reference) if task.reference else []
    reference = task.reference or ""
    return TaskComparison(
        task=task,
        cells=cells,
        readme=published.readme_row(reference),
        baseline=published.baseline_row(reference),
        medmnist=tuple(published.medmnist_rows(reference)),
        superseded=tuple(row for row in rows if not row.is_comparable),
        majority=_majority(cells),
    )


def _majority(cells: tuple[Cell, ...]) -> float | None:
    """From the labels of the first run that was scored: all runs of a task have the same."""
    for run in (run for cell in cells for run in cell.done):
        if "test_acc" in run.metrics:
            share = run.folder.scores()["test"][0].mean(axis=0)
            return float(np.maximum(share, 1 - share).mean())
    return None
