"""The page of a swept task: where the recipe's own choice stands, and what can be told from it."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind

from benchmark.config.params import load_params
from benchmark.config.tasks import STAMP
from benchmark.core.provenance import ROOT
from benchmark.evaluation.statistics import holm
from benchmark.report import sweep_page
from benchmark.report.plots.heatmap import equal_losses, heatmap
from benchmark.runs.workspace import Workspace
from benchmark.sweep import grid as grids
from benchmark.sweep import results
from benchmark.sweep.results import Result
from pipelines.console.commands import Commands
from tests.report.parts import SWEPT_PARAMS, SWEPT_SEEDS, SWEPT_TASK, make_result

OWN = "readme-cross-entropy-adam-lr0.001"


def page(workspace: Workspace, result: Result) -> str:
    files = results.write(results.paths(SWEPT_TASK.name, result.winner.grid, workspace), result.table, result.winner)
    assert len(files) == 2
    return sweep_page.write(SWEPT_PARAMS, workspace, Commands())[SWEPT_TASK.name].read_text()


def test_the_readmes_choice_has_its_rank_in_the_grid() -> None:
    ranked = sweep_page.choice(SWEPT_PARAMS, SWEPT_TASK, make_result({OWN: {"val_auc": 0.7995}}))
    assert ranked is not None
    assert (ranked.trial, ranked.rank) == (OWN, 2)
    failed = sweep_page.choice(
        SWEPT_PARAMS, SWEPT_TASK, make_result({OWN: {"val_auc": np.nan, "status": "failed: loss"}})
    )
    assert failed is not None
    assert failed.rank is None


def test_neighbours_differ_in_one_value_by_one_step() -> None:
    choice = sweep_page.choice(SWEPT_PARAMS, SWEPT_TASK, make_result())
    assert choice is not None
    assert {neighbour.step for neighbour in choice.neighbours} == {
        "lr 0.001 → 0.01",
        "lr 0.001 → 0.0001",
        "optimizer adam → sgd",
        "optimizer adam → rmsprop",
        "loss cross-entropy → nll",
        "loss cross-entropy → bce-with-logits",
    }


def test_neighbours_are_told_apart_by_welchs_test_over_the_seeds_corrected_for_their_number() -> None:
    random = np.random.default_rng(0)
    own, far, near = (random.normal(mean, 0.01, SWEPT_SEEDS) for mean in (0.8, 0.7, 0.8))
    close = own - 2 * own.std(ddof=1)
    plain = sweep_page.choice(SWEPT_PARAMS, SWEPT_TASK, make_result())
    assert plain is not None
    names = [neighbour.trial for neighbour in plain.neighbours]
    drawn = dict(zip((OWN, *names), (own, far, close, near, own, own, own), strict=True))
    changes = {name: {"val_auc": values.mean(), "val_auc_sd": values.std(ddof=1)} for name, values in drawn.items()}
    choice = sweep_page.choice(SWEPT_PARAMS, SWEPT_TASK, make_result(changes))
    assert choice is not None
    findings = {neighbour.trial: neighbour.finding for neighbour in choice.neighbours}
    raw = [ttest_ind(own, values, equal_var=False).pvalue for values in (far, close, near)]
    corrected = holm([*raw, 1, 1, 1])
    assert raw[1] < 0.05 < corrected[1]
    assert [str(findings[name]) for name in names] == [
        f"worse (p = {corrected[0]:.2g})",
        f"not distinguishable (p = {corrected[1]:.2f})",
        f"not distinguishable (p = {corrected[2]:.2f})",
        *["the same figure"] * 3,
    ]


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
    choice = sweep_page.choice(SWEPT_PARAMS, SWEPT_TASK, make_result({OWN: {"val_auc": 0.75}, name: change}))
    assert choice is not None
    finding = {neighbour.trial: neighbour.finding for neighbour in choice.neighbours}[name]
    assert (str(finding), finding.is_told) == (verdict, False)
    if finding.why:
        assert choice.summary == f"Whether its neighbours differ from it is unknown: {finding.why}."


def test_the_page_names_budget_winner_choice_and_every_trial(workspace: Workspace) -> None:
    result = make_result()
    text = page(workspace, result)
    assert "5 epochs instead of the recipe's 100" in " ".join(text.split())
    assert f"{result.winner.trial}: validation AUROC 0.8000, test AUROC 0.7000" in text
    assert "rank 8 of 45 in our grid" in text
    assert len(re.findall('<td class="reason">done</td>', text)) == 45
    assert re.search(r"Of its 6 neighbours, ([1-6]|none) can be told from it\.", " ".join(text.split()))
    assert ">0.0100<" in text
    assert "commit 0123456789" in text
    assert f"MD5 {SWEPT_TASK.md5}" in text
    assert "python -m pipelines.sweep breastmnist --grid readme --profile quick --seeds 4" in text
    assert STAMP not in text


def test_stand_in_figures_are_stamped_and_an_open_sweep_has_no_test_figure(workspace: Workspace) -> None:
    text = page(workspace, make_result(standin=True, metrics={"val_auc": 0.8}))
    assert text.count(STAMP) >= 4
    assert "the test split stays closed until every trial has run" in text


def test_the_heat_maps_cover_every_cell_and_leave_out_what_spans_none() -> None:
    rows = make_result({OWN: {"val_auc": np.nan, "status": "failed: loss"}}).table
    picture = heatmap(rows, OWN, rows["trial"][0], "a title")
    assert picture is not None
    assert picture.alt.count(";") == 44
    assert "cross-entropy adam 0.001: undefined" in picture.alt
    assert picture == heatmap(rows, OWN, rows["trial"][0], "a title")
    assert heatmap(make_result(grid="dam").table, None, "x", "a title") is None


def test_a_grid_without_the_recipes_choice_says_so(workspace: Workspace) -> None:
    result = make_result()
    rest = result.table[result.table["trial"] != OWN].reset_index(drop=True)
    assert "own choice is no point of this grid" in page(workspace, Result(rest, result.winner))


def test_every_grid_of_a_task_has_its_part_of_the_page(workspace: Workspace) -> None:
    page(workspace, make_result())
    text = page(workspace, make_result(grid="dam"))
    assert "breastmnist: grids dam, readme" in text
    assert re.findall(r"<caption><span>(sweeps/.*?)</span>", text) == [
        "sweeps/breastmnist/dam/trials.csv",
        "sweeps/breastmnist/readme/trials.csv",
    ]
    places = re.findall(r' id="([^"]+)"', text)
    assert len(set(places)) == len(places)
    assert len(re.findall('<td class="reason">done</td>', text)) == 45 + 72


def test_the_page_says_how_a_grid_was_searched_and_what_was_given_up(workspace: Workspace) -> None:
    stopped = {"seeds": 1, "val_auc": 0.81, "val_auc_sd": np.nan, "status": "stopped: after 1 of 4 seeds, others"}
    how = {"random": 45, "draw_seed": 7, "halve_by": 3}
    text = page(workspace, make_result({OWN: stopped}, search=how, settings={"epochs": 9}, epochs=9))
    assert "45 points drawn of the grid with draw seed 7; one trial in 3 went on to further seeds, rung by rung" in text
    assert "--seeds 4 --random 45 --draw-seed 7 --halving --halve-by 3" in text
    assert "9 epochs" not in text
    assert re.search(r">0\.8100</td>.*stopped: after 1 of 4 seeds, others", text)


def test_the_recipes_own_choice_is_without_the_winner_that_it_has_taken(workspace: Workspace) -> None:
    result = make_result()
    recipe = SWEPT_PARAMS.recipes["readme"].model_copy(update={"winner_files": {SWEPT_TASK.name: "nowhere.yaml"}})
    params = SWEPT_PARAMS.model_copy(update={"recipes": SWEPT_PARAMS.recipes | {"readme": recipe}})
    assert sweep_page.choice(params, SWEPT_TASK, result) == sweep_page.choice(SWEPT_PARAMS, SWEPT_TASK, result)


def test_losses_with_the_same_figures_everywhere_are_said_to_have_the_same_map(workspace: Workspace) -> None:
    trials = grids.trials(SWEPT_PARAMS, SWEPT_TASK, "readme", "quick", range(SWEPT_SEEDS), "a test")
    twins = [trial.name for trial in trials if trial.objective.loss == "nll"]
    same = {name: {"val_auc": 0.8 - place / 1000} for place, name in enumerate(twins)}
    result = make_result(same)
    assert equal_losses(make_result().table) == []
    assert equal_losses(result.table) == [("cross-entropy", "nll")]
    assert "The maps of cross-entropy and nll are the same." in page(workspace, result)
    failed = make_result({trial.name: {"val_auc": np.nan, "status": "failed: loss"} for trial in trials})
    assert equal_losses(failed.table) == []


@pytest.mark.parametrize(("recipe", "said"), [("plain-crossed", True), ("plain", False)])
def test_what_is_chosen_by_the_part_that_a_seed_held_out_says_so(tmp_path: Path, recipe: str, said: bool) -> None:
    """Of the searches that git holds, under another recipe's name for those that held nothing out."""
    shutil.copytree(ROOT / "sweeps/breastmnist/small-2d", tmp_path / "sweeps/breastmnist/small-2d")
    winner = tmp_path / "sweeps/breastmnist/small-2d/winner.yaml"
    winner.write_text(winner.read_text().replace("recipe: plain-crossed", f"recipe: {recipe}"))
    written = sweep_page.write(load_params(ROOT / "params.yaml"), Workspace(tmp_path), Commands())
    text = written["breastmnist"].read_text(encoding="utf-8")
    assert ("each on the part of train and val that it held out" in text) is said
