"""A made-up study: its configuration, its run folders, and the report of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.config.params import EnsembleSection, FinetuneSection, Params
from benchmark.config.recipes import PerDim
from benchmark.config.run import RunConfig, resolve_finetune
from benchmark.config.tasks import build_task
from benchmark.report.build import build
from benchmark.report.model import Cell, Comparison, TaskComparison
from benchmark.runs.folder import RunFolder
from benchmark.runs.scores import metrics
from benchmark.runs.workspace import Workspace
from benchmark.sweep import grid as grids
from benchmark.sweep.outcome import COLUMNS
from benchmark.sweep.results import Result, Winner
from pipelines.console.commands import Commands
from tests.helpers import find, shipped, trained

RECIPES = ("readme", "medmnist", "dam")
PROFILE = "quick"
SIZES: Mapping[str, Mapping[str, int]] = {
    "breastmnist": {"train": 546, "val": 78, "test": 156},
    "vesselmnist3d": {"train": 1335, "val": 191, "test": 382},
    "chestmnist": {"train": 2000, "val": 1000, "test": 2000},  # of 78,468, 11,219 and 22,433: enough for 14 labels
}
FACTS: Mapping[str, Any] = {
    "code": {"commit": "0123456789abcdef", "dirty": True, "digest": "feedfacefeedface"},
    "versions": {"python": "3.11.9", "torch": "2.9.1", "libauc": "2.0.1"},
    "hardware": {"cpu": "Some CPU", "cores": 2, "threads": 2, "memory_gb": 8.0, "gpu": None},
    "started": "2026-01-02T03:04:05+00:00",
    "seconds": {"train": 60.0, "total": 75.0},
    "best_epoch": 3,
    "parameters": 11_167_425,
}

SWEPT_PARAMS, SWEPT_TASK, SWEPT_SEEDS = shipped(), find("breastmnist"), 4


def sample_params(tasks: tuple[str, ...], left_out: tuple[str, ...] = ()) -> Params:
    """The shipped params.yaml with these tasks and three recipes: it may say otherwise on another machine."""
    params = shipped()
    fetch = params.fetch.model_copy(update={"tasks": tasks, "left_out": left_out})
    epochs = PerDim[int, int].model_validate({"2d": 6, "3d": 6})
    quick = params.profiles[PROFILE].model_copy(update={"finetune_epochs": epochs, "pretrain_epochs": epochs})
    profiles = params.profiles | {PROFILE: quick}
    recipes = FinetuneSection(recipes=RECIPES)
    run = {"finetune": recipes, "ensemble": EnsembleSection(names=())}
    return params.model_copy(update={"fetch": fetch, "profiles": profiles, **run})


def write_run(
    params: Params,
    workspace: Workspace,
    name: str,
    recipe: str,
    seed: int = 0,
    *,
    sizes: Mapping[str, Mapping[str, int]] = SIZES,
    config: RunConfig | None = None,
    **changes: Any,
) -> RunFolder:
    """A finished run: the task's own random labels, and random scores that are somewhat right."""
    task = build_task(name, params.tasks[name])
    folder = workspace.run(PROFILE, name, recipe, seed)
    random = np.random.default_rng([seed, len(name), len(recipe)])
    scores = {}
    for split, size in sizes.get(task.reference or name, SIZES["breastmnist"]).items():
        labels = (np.random.default_rng(size).random((size, task.label_count)) < 0.3).astype(np.uint8)
        scores[split] = (labels, np.clip(0.35 * labels + 0.6 * random.random(labels.shape), 0, 1))
    folder.write_scores(scores)
    folder.write_metrics(metrics(scores))
    folder.write_history(
        [
            {"epoch": epoch, "lr": 0.1, "train_loss": 1 / epoch, "train_auc": 1 - 0.3 / epoch, "train_acc": 0.7,
             "val_auc": 0.9 - 0.2 / (epoch + seed), "val_acc": 0.7, "seconds": 10.0}
            for epoch in range(1, 7)
        ]
    )  # fmt: skip
    data = {} if task.md5 is None else {name: task.md5}
    facts = {**FACTS, "data_md5": data, "standin": task.is_standin} | changes
    folder.seal(trained(config=config or resolve_finetune(params, task, recipe, PROFILE, seed), **facts))
    return folder


def write_sample(params: Params, workspace: Workspace, tasks: tuple[str, ...], seeds: tuple[int, ...] = (0, 1)) -> None:
    for name in tasks:
        for recipe in params.finetune.recipes:
            for seed in seeds:
                write_run(params, workspace, name, recipe, seed)


def make(params: Params, workspace: Workspace) -> Comparison:
    """The pages, and what they show."""
    return build(params, PROFILE, workspace, Commands())


def page_of(workspace: Workspace) -> str:
    return (workspace.reports / "report.html").read_text(encoding="utf-8")


def markdown_of(workspace: Workspace) -> str:
    return (workspace.reports / "report.md").read_text(encoding="utf-8")


def part(comparison: Comparison, name: str) -> TaskComparison:
    return next(one for one in comparison.tasks if one.task.name == name)


def cell(comparison: Comparison, task: str, recipe: str) -> Cell:
    return next(one for one in part(comparison, task).cells if one.recipe == recipe)


def make_result(changes: dict[str, Any] | None = None, grid: str = "readme", **winner: Any) -> Result:
    """A made-up sweep of a whole grid: figures fall with the place in the grid, but for `changes` by trial."""
    rows, trials = [], grids.trials(SWEPT_PARAMS, SWEPT_TASK, grid, "quick", range(SWEPT_SEEDS), "a test")
    for place, trial in enumerate(trials):
        figures = {
            "seeds": SWEPT_SEEDS,
            "val_auc": 0.8 - place / 1000,
            "val_auc_sd": 0.01,
            "val_acc": 0.7,
            "status": "done",
        }
        rows.append({"trial": trial.name} | trial.objective.columns() | figures | (changes or {}).get(trial.name, {}))
    settings = dict.fromkeys(name for row in rows for name in row if name not in COLUMNS)
    table = pd.DataFrame(rows, columns=[COLUMNS[0], *settings, *COLUMNS[1:]])
    table = table.sort_values("val_auc", ascending=False, ignore_index=True)
    content = {
        "task": SWEPT_TASK.name,
        "standin": False,
        "grid": grid,
        "recipe": grid,
        "profile": "quick",
        "network": "resnet18-strided",
        "epochs": 5,
        "recipe_epochs": 100,
        "seeds": list(range(SWEPT_SEEDS)),
        "trials": len(rows),
        "done": len(rows),
        "trial": table["trial"][0],
        "objective": trials[0].objective,
        "metrics": {"val_auc": 0.8, "test_auc": 0.7},
        "run_on": {
            "data_md5": {SWEPT_TASK.name: SWEPT_TASK.md5},
            "code": {"commit": "0123456789abcdef", "dirty": False},
            "versions": {"torch": "2.9.1"},
            "hardware": {"cpu": "Some CPU", "cores": 2, "threads": 2, "memory_gb": 8.0, "gpu": None},
        },
    }
    return Result(table, Winner.model_validate(content | winner))
