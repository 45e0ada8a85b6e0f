"""The files of a sweep: written, read, and named by a recipe."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
import yaml

from benchmark import objectives
from benchmark.config.params import Params
from benchmark.config.run import Chosen, read_winner, resolve_finetune
from benchmark.core.errors import NoWinner
from benchmark.objectives.shared.base import Criterion, Objective
from benchmark.objectives.shared.optimizers import Optimizer
from benchmark.runs.workspace import Workspace
from benchmark.sweep import grid, results
from benchmark.sweep.grid import Search, trial_name
from benchmark.sweep.outcome import choose, costs, table
from tests.helpers import OBJECTIVES, PARAMS, ROOT, find, told
from tests.sweep.parts import make_outcome, make_winner

TASK = find("breastmnist")
GRADIENT = {"optimizer": "adam", "lr": 1e-3}


def test_no_test_figure_is_shown_while_runs_are_left(tmp_path: Path) -> None:
    """An earlier sweep may have scored some of the seeds."""
    winner = make_outcome(tmp_path, "one", [(0.7, 0.5), (0.8, 0.5)])
    for folder in winner.folders[:1]:
        folder.write_metrics(folder.metrics() | {"test_auc": 0.9})
    for left in (0, 1):
        assert list(results.summary([winner], winner, "g", "r", left).metrics) == ["val_acc", "val_auc"]
    for folder in winner.folders:
        folder.write_metrics(folder.metrics() | {"test_auc": 0.9})
    assert "test_auc" not in results.summary([winner], winner, "g", "r", left=1).metrics
    assert results.summary([winner], winner, "g", "r").metrics["test_auc"] == pytest.approx(0.9)


class Surprising(Objective):
    """An objective that no list of settings has heard of."""

    loss: Literal["surprising"]
    surprise: float
    hidden: int = 0

    aside = frozenset({"hidden"})

    @property
    def optimizer_name(self) -> str:
        return "none"

    def make_criterion(self, problem: object, device: torch.device) -> Criterion:
        raise NotImplementedError

    def make_optimizer(self, *_: object) -> Optimizer:  # type: ignore[override]
        raise NotImplementedError


def test_the_table_has_a_column_for_a_setting_that_no_list_has_heard_of(tmp_path: Path) -> None:
    new = Surprising(loss="surprising", surprise=0.5, hidden=3)
    outcomes = [
        make_outcome(tmp_path, "known", [(0.7, 0.5)]),
        make_outcome(tmp_path, "new", [(0.6, 0.5)], objective=new),
    ]
    rows = table(outcomes)
    assert list(rows.columns) == [
        *("trial", "loss", "optimizer", "lr", "momentum", "weight_decay", "surprise"),
        *("seeds", "val_auc", "val_auc_sd", "val_acc", "status"),
    ]
    assert rows.set_index("trial")["surprise"].to_dict() == {"known": pytest.approx(np.nan, nan_ok=True), "new": 0.5}
    assert trial_name("mine", new) == "mine-surprising-surprise0.5"
    results.write(results.paths("t", "mine", Workspace(tmp_path)), rows, make_winner(tmp_path))
    again = results.read("t", "mine", Workspace(tmp_path))
    assert again is not None
    assert again.settings == ("loss", "optimizer", "lr", "momentum", "weight_decay", "surprise")


@pytest.mark.parametrize("loss", sorted(OBJECTIVES))
def test_a_winner_of_any_objective_is_read_as_it_was_written(loss: str, tmp_path: Path) -> None:
    winner = make_winner(tmp_path, objective=objectives.ADAPTER.validate_python(OBJECTIVES[loss] | {"lr": 1e-5}))
    files = results.write(
        results.paths("t", "mine", Workspace(tmp_path)), table([make_outcome(tmp_path, "one", [(0.5, 0.5)])]), winner
    )
    again = results.read("t", "mine", Workspace(tmp_path))
    assert again is not None
    assert again.winner == winner
    assert read_winner(files[1]) == Chosen(winner.objective, {}, winner.profile)
    assert yaml.safe_load(files[1].read_text())["objective"]["lr"] == 1e-5  # also by the rules of YAML 1.1


def test_what_was_written_is_read_and_a_recipe_takes_its_objective(tmp_path: Path) -> None:
    outcomes = [make_outcome(tmp_path, name, [(auc, 0.5)]) for name, auc in (("one", 0.7), ("two", 0.8))]
    winner = choose(outcomes)
    assert winner is not None
    content = results.summary(outcomes, winner, "readme", "readme")
    files = results.write(results.paths(TASK.name, "mine", Workspace(tmp_path)), table(outcomes), content)
    assert files == [tmp_path / "sweeps" / TASK.name / "mine" / name for name in ("trials.csv", "winner.yaml")]
    again = results.read(TASK.name, "mine", Workspace(tmp_path))
    assert again is not None
    assert list(again.table["trial"]) == ["two", "one"]
    assert again.winner == content
    assert read_winner(files[1]) == Chosen(winner.trial.objective, {}, content.profile)
    recipes = PARAMS["recipes"] | {"mine": PARAMS["recipes"]["dam"] | {"winner_files": {TASK.name: str(files[1])}}}
    params = Params.model_validate(PARAMS | {"recipes": recipes})
    assert resolve_finetune(params, TASK, "mine", "quick", 0).objective == winner.trial.objective


def test_what_a_grid_varied_goes_into_the_winner_and_from_there_into_a_recipe(tmp_path: Path) -> None:
    """The run that the recipe then has is that of the winning trial; of a value with a label the value is written."""
    narrow = {"family": "resnet", "width": 8, "blocks": [1, 1], "stem_kernel": 3, "stem_stride": 2, "pool": True}
    over = {"network": {"narrow": narrow}, "epochs": [7], "flips_at_test": [["width"]], "lr": [0.5]}
    grids = {"mine": {"recipe": "medmnist", "over": over}}
    params = Params.model_validate(PARAMS | {"sweep": {"tasks": [], "grids": grids}})
    (trial,) = grid.trials(params, TASK, "mine", "quick", (0,), "a test")
    made = replace(make_outcome(tmp_path, "one", [(0.7, 0.5)]), trial=trial)
    how = Search(random=1, halve_by=3)
    content = results.summary([made], made, "mine", "medmnist", search=how)
    files = results.write(results.paths(TASK.name, "mine", Workspace(tmp_path)), table([made]), content, costs([made]))
    assert [path.name for path in files] == ["trials.csv", "winner.yaml", "cost.csv"]
    written = yaml.safe_load(files[1].read_text())
    assert written["settings"] == {"network": narrow, "epochs": 7, "flips_at_test": ["width"]}
    assert written["search"] == {"random": 1, "draw_seed": 0, "halve_by": 3}
    again = results.read(TASK.name, "mine", Workspace(tmp_path))
    assert again is not None
    assert again.winner == content
    assert again.settings[:3] == ("network", "epochs", "flips_at_test")
    assert again.table.loc[0, ["network", "epochs", "flips_at_test"]].to_list() == ["narrow", 7, "width"]
    recipes = PARAMS["recipes"] | {"mine": PARAMS["recipes"]["medmnist"] | {"winner_files": {TASK.name: str(files[1])}}}
    run = resolve_finetune(Params.model_validate(PARAMS | {"recipes": recipes}), TASK, "mine", "quick", 0)
    assert run == trial.runs[0].model_copy(update={"recipe": "mine"})


def test_the_results_of_two_grids_stand_side_by_side(tmp_path: Path) -> None:
    workspace, rows = Workspace(tmp_path), table([make_outcome(tmp_path, "one", [(0.5, 0.5)])])
    for name in ("second", "first"):
        results.write(results.paths("t", name, workspace), rows, make_winner(tmp_path, grid=name))
    results.write(results.paths("t", "without", workspace), rows, None)
    assert {name: found.winner.grid for name, found in results.read_all("t", workspace).items()} == {
        "first": "first",
        "second": "second",
    }
    assert results.read_all("other", workspace) == {}


def test_a_label_that_looks_like_no_value_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = make_outcome(tmp_path, "one", [(0.5, 0.5)])
    made = replace(made, trial=replace(made.trial, shown={"schedule": "null"}))
    results.write(results.paths("t", "mine", Workspace(tmp_path)), table([made]), make_winner(tmp_path))
    again = results.read("t", "mine", Workspace(tmp_path))
    assert again is not None
    assert again.table["schedule"][0] == "null"


def test_the_committed_sweep_is_read_and_would_be_written_as_it_is(tmp_path: Path) -> None:
    """Its table has a column for every setting that was known then."""
    committed = results.read("breastmnist", "readme", Workspace(ROOT))
    assert committed is not None
    assert committed.settings == ("loss", "optimizer", "lr", "momentum", "weight_decay")
    assert len(committed.table) == committed.winner.trials == 45
    assert committed.table["trial"][0] == committed.winner.trial == "readme-cross-entropy-rmsprop-lr0.0001"
    files = results.write(
        results.paths("breastmnist", "readme", Workspace(tmp_path)), committed.table, committed.winner
    )
    for file in files:
        assert file.read_bytes() == (ROOT / "sweeps" / "breastmnist" / "readme" / file.name).read_bytes()


def test_equal_trials_give_equal_bytes(tmp_path: Path) -> None:
    other = objectives.ADAPTER.validate_python(OBJECTIVES["aucm"])
    outcomes = [
        make_outcome(tmp_path, "one", [(0.7, 0.5), (0.8, 0.5)]),
        make_outcome(tmp_path, "two", [(0.7, 0.5), (0.8, 0.5)], objective=other),
    ]
    winner, contents = make_winner(tmp_path), []
    for root, order in ((tmp_path / "a", outcomes), (tmp_path / "b", outcomes[::-1])):
        contents.append(
            [p.read_bytes() for p in results.write(results.paths("t", "mine", Workspace(root)), table(order), winner)]
        )
    assert contents[0] == contents[1]


def test_without_a_winner_an_earlier_one_goes(tmp_path: Path) -> None:
    outcomes, workspace = [make_outcome(tmp_path, "one", [(0.5, 0.5)])], Workspace(tmp_path)
    results.write(results.paths("t", "mine", workspace), table(outcomes), make_winner(tmp_path))
    assert results.write(results.paths("t", "mine", workspace), table(outcomes), None) == [
        tmp_path / "sweeps" / "t" / "mine" / "trials.csv"
    ]
    assert results.read("t", "mine", workspace) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("trials.csv", "trial,loss\na,b\n", "trials.csv: has no column seeds, val_auc, val_auc_sd, val_acc, status"),
        ("trials.csv", "", "trials.csv: can't be read"),
        ("winner.yaml", "", "winner.yaml: should hold keys with values, and is empty"),
        ("winner.yaml", "trial: [", "winner.yaml: not valid YAML: line 1"),
        ("winner.yaml", "trial: one\n", "winner.yaml: task: Field required"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, name: str, content: str, message: str) -> None:
    workspace = Workspace(tmp_path)
    results.write(
        results.paths("t", "mine", workspace),
        table([make_outcome(tmp_path, "one", [(0.5, 0.5)])]),
        make_winner(tmp_path),
    )
    (tmp_path / "sweeps" / "t" / "mine" / name).write_text(content)
    with told(NoWinner, rf"{message}.*; run `python -m pipelines.sweep t --grid mine` for it"):
        results.read("t", "mine", workspace)


def test_to_read_a_sweep_takes_neither_pytorch_nor_ray() -> None:
    program = (
        "import sys; from pathlib import Path; from benchmark.runs.workspace import Workspace\n"
        "from benchmark.sweep import results; assert results.read('breastmnist', 'readme', Workspace()) is not None\n"
        "print([name for name in ('torch', 'ray', 'libauc', 'mlflow', 'benchmark.training') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("objective: {", "not valid YAML"),
        ({"trial": "one"}, "has no winner's objective"),
        ({"objective": GRADIENT | {"loss": "auc"}}, "objective.loss: unknown name 'auc'"),
        ({"objective": GRADIENT | {"loss": "nll", "lr": -1}}, "objective.lr: should be greater than 0, got -1"),
    ],
)
def test_a_winner_file_that_is_none_is_one_sentence(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "winner.yaml"
    if content is not None:
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    with pytest.raises(NoWinner, match=message):
        read_winner(path)
