"""The page of a swept task: where the recipe's own choice stands, and what can be told from it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from benchmark import sweep
from benchmark.config import load_params
from benchmark.report import heatmap, sweep_page
from benchmark.sweep import Result
from benchmark.tasks import STAMP, find_task

PARAMS = load_params()
TASK = find_task(PARAMS, "breastmnist")
OWN = "readme-cross-entropy-adam-lr0.001"
SEEDS = 4


def make_result(changes: dict[str, Any] | None = None, grid: str = "readme", **winner: Any) -> Result:
    """A made-up sweep of a whole grid: figures fall with the place in the grid, but for `changes` by trial."""
    rows = []
    for place, trial in enumerate(sweep.trials(PARAMS, TASK, grid, "quick", range(SEEDS))):
        row = dict.fromkeys(sweep.COLUMNS) | trial.objective.model_dump(exclude={"multi_label_loss"})
        figures = {"seeds": SEEDS, "val_auc": 0.8 - place / 1000, "val_auc_sd": 0.01, "val_acc": 0.7, "status": "done"}
        rows.append(row | {"trial": trial.name} | figures | (changes or {}).get(trial.name, {}))
    table = pd.DataFrame(rows, columns=list(sweep.COLUMNS)).sort_values("val_auc", ascending=False, ignore_index=True)
    content = {"task": TASK.name, "standin": False, "grid": grid, "recipe": grid, "profile": "quick", "epochs": 5}
    content |= {"network": "resnet18-strided", "recipe_epochs": 100, "seeds": list(range(SEEDS)), "trials": len(rows)}
    content |= {"done": len(rows), "trial": table["trial"][0], "metrics": {"val_auc": 0.8, "test_auc": 0.7}}
    code, hardware = {"commit": "0123456789abcdef", "dirty": False}, {"cpu": "Some CPU", "cores": 2, "gpu": None}
    content |= {
        "run_on": {
            "data_md5": {TASK.name: TASK.md5},
            "code": code,
            "hardware": hardware,
            "versions": {"torch": "2.9.1"},
        }
    }
    content |= winner
    return Result(table, content)


def page(tmp_path: Path, result: Result) -> str:
    files = sweep.write(TASK.name, result.table, result.winner, tmp_path / "sweeps")
    assert len(files) == 2
    written = sweep_page.write(PARAMS, tmp_path / "reports", tmp_path / "sweeps")
    return written[TASK.name].read_text()


def test_the_readmes_choice_has_its_rank_in_the_grid() -> None:
    ranked = sweep_page.choice(PARAMS, TASK, make_result({OWN: {"val_auc": 0.7995}}))
    assert ranked is not None
    assert (ranked.trial, ranked.rank) == (OWN, 2)
    failed = sweep_page.choice(PARAMS, TASK, make_result({OWN: {"val_auc": np.nan, "status": "failed: loss"}}))
    assert failed is not None
    assert failed.rank is None


def test_neighbours_differ_in_one_value_by_one_step() -> None:
    found = sweep_page.choice(PARAMS, TASK, make_result())
    assert found is not None
    assert {neighbour.step for neighbour in found.neighbours} == {
        "lr 0.001 → 0.01",
        "lr 0.001 → 0.0001",
        "optimizer adam → sgd",
        "optimizer adam → rmsprop",
        "loss cross-entropy → nll",
        "loss cross-entropy → bce-with-logits",
    }


def test_neighbours_are_told_apart_by_welchs_test_over_the_seeds() -> None:
    random = np.random.default_rng(0)
    own, far, near = (random.normal(mean, sd, SEEDS) for mean, sd in ((0.8, 0.01), (0.7, 0.01), (0.8, 0.03)))
    other = {"far": "readme-cross-entropy-adam-lr0.01", "near": "readme-cross-entropy-adam-lr0.0001"}
    changes = {
        name: {"val_auc": values.mean(), "val_auc_sd": values.std(ddof=1)}
        for name, values in ((OWN, own), (other["far"], far), (other["near"], near))
    }
    found = sweep_page.choice(PARAMS, TASK, make_result(changes))
    assert found is not None
    verdicts = {neighbour.trial: neighbour.verdict for neighbour in found.neighbours}
    assert verdicts[other["far"]] == f"worse (p = {ttest_ind(own, far, equal_var=False).pvalue:.2g})"
    assert verdicts[other["near"]] == f"not distinguishable (p = {ttest_ind(own, near, equal_var=False).pvalue:.2f})"


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"seeds": 1, "val_auc_sd": np.nan}, "unknown: one seed has no spread"),
        ({"status": "failed: loss not finite", "val_auc": np.nan}, "unknown: failed: loss not finite"),
        ({"val_auc": 0.75}, "the same figure"),
    ],
)
def test_where_there_is_no_spread_nothing_is_told_apart(change: dict[str, Any], verdict: str) -> None:
    name = "readme-cross-entropy-adam-lr0.01"
    found = sweep_page.choice(PARAMS, TASK, make_result({OWN: {"val_auc": 0.75}, name: change}))
    assert found is not None
    assert {n.trial: n.verdict for n in found.neighbours}[name] == verdict


def test_the_page_names_budget_winner_choice_and_every_trial(tmp_path: Path) -> None:
    result = make_result()
    text = page(tmp_path, result)
    assert "5 epochs instead of the recipe's 100" in " ".join(text.split())
    assert f"{result.winner['trial']}: validation AUROC 0.8000, test AUROC 0.7000" in text
    assert "rank 8 of 45 in our grid" in text
    assert len(re.findall('<td class="reason">done</td>', text)) == 45
    assert re.search(r"Of its 6 neighbours, ([1-6]|none) can be told from it\.", " ".join(text.split()))
    assert ">0.0100<" in text
    assert "commit 0123456789" in text
    assert f"MD5 {TASK.md5}" in text
    assert STAMP not in text


def test_stand_in_figures_are_stamped_and_an_open_sweep_has_no_test_figure(tmp_path: Path) -> None:
    text = page(tmp_path, make_result(standin=True, metrics={"val_auc": 0.8}))
    assert text.count(STAMP) >= 4
    assert "the test split stays closed until every trial has run" in text


def test_the_heat_maps_cover_every_cell_and_leave_out_what_spans_none() -> None:
    rows = make_result({OWN: {"val_auc": np.nan, "status": "failed: loss"}}).table
    picture = heatmap.heatmap(rows, OWN, rows["trial"][0], "a title")
    assert picture is not None
    assert picture.alt.count(";") == 44
    assert "cross-entropy adam 0.001: undefined" in picture.alt
    assert picture == heatmap.heatmap(rows, OWN, rows["trial"][0], "a title")
    assert heatmap.heatmap(make_result(grid="dam").table, None, "x", "a title") is None


def test_a_grid_without_the_recipes_choice_says_so(tmp_path: Path) -> None:
    result = make_result()
    rest = result.table[result.table["trial"] != OWN].reset_index(drop=True)
    assert "own choice is no point of this grid" in page(tmp_path, Result(rest, result.winner))
