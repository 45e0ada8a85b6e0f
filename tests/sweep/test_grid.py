"""From a grid to its table and its winner."""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmark import objectives
from benchmark.config.params import Params
from benchmark.config.run import read_winner, resolve_finetune
from benchmark.core.errors import BadInput, NoWinner
from benchmark.objectives.shared.base import Criterion, Objective
from benchmark.objectives.shared.optimizers import Optimizer
from benchmark.runs.folder import RunFolder
from benchmark.runs.status import DONE, NOT_RUN, State, Status
from benchmark.runs.workspace import Workspace
from benchmark.sweep import grid
from benchmark.sweep.grid import Outcome, Trial, Winner
from tests.helpers import OBJECTIVES, PARAMS, ROOT, find, make_config, shipped, told, trained

TASK = find("breastmnist")
GRADIENT = {"optimizer": "adam", "lr": 1e-3}
FAILED = Status(State.FAILED, "loss not finite")


def with_grid(over: dict[str, list[object]], recipe: str = "readme") -> Params:
    grids = PARAMS["sweep"]["grids"] | {"mine": {"recipe": recipe, "over": over}}
    return Params.model_validate(PARAMS | {"sweep": {"tasks": [], "grids": grids}})


def make_trials(params: Params, name: str, seeds: tuple[int, ...] = (0,)) -> list[Trial]:
    return grid.trials(params, TASK, name, "quick", seeds, "option --grid")


def make_outcome(
    root: Path,
    name: str,
    val: list[tuple[float, float]],
    status: Status = DONE,
    objective: Objective | None = None,
) -> Outcome:
    """An outcome with a folder for each seed that holds these validation AUROCs and accuracies."""
    runs = tuple(make_config("breastmnist", recipe=name, seed=seed) for seed in range(len(val)))
    folders = tuple(RunFolder(root / name / f"seed{run.seed}") for run in runs)
    for run, folder, (auc, acc) in zip(runs, folders, val, strict=True):
        folder.write_metrics({"val_auc": auc, "val_acc": acc})
        folder.seal(trained(config=run))
    return Outcome(Trial(name, TASK, objective or runs[0].objective, runs), folders, (status,) * len(val))


def make_winner(root: Path, **changes: object) -> Winner:
    """What the sweep of one trial found; any field can be given."""
    outcome = make_outcome(root / "winner", "one", [(0.5, 0.5)])
    return grid.summary([outcome], outcome, "readme", "readme").model_copy(update=changes)


def test_the_readmes_grid_is_every_combination_once() -> None:
    trials = make_trials(shipped(), "readme")
    expected = itertools.product(
        ("cross-entropy", "bce-with-logits", "nll"), ("sgd", "adam", "rmsprop"), (0.1, 0.01, 1e-3, 1e-4, 1e-5), (0.9,)
    )
    points = [
        tuple(trial.objective.model_dump()[k] for k in ("loss", "optimizer", "lr", "momentum")) for trial in trials
    ]
    assert sorted(points) == sorted(expected)
    assert len({trial.name for trial in trials}) == 45


def test_the_trials_of_the_readmes_grid_keep_their_names() -> None:
    """They are names of folders and of rows of committed tables."""
    expected = [
        f"readme-{loss}-{optimizer}-lr{lr}"
        for loss in ("cross-entropy", "bce-with-logits", "nll")
        for optimizer in ("sgd", "adam", "rmsprop")
        for lr in ("0.1", "0.01", "0.001", "0.0001", "1e-05")
    ]
    assert [trial.name for trial in make_trials(shipped(), "readme")] == expected


def test_the_readmes_own_choice_is_a_point_of_its_grid() -> None:
    own = resolve_finetune(shipped(), TASK, "readme", "quick", 0)
    (same,) = [trial for trial in make_trials(shipped(), "readme") if trial.objective == own.objective]
    assert same.runs[0].model_copy(update={"recipe": "readme"}) == own


def test_a_trial_has_a_run_for_each_seed_and_nothing_else_differs() -> None:
    trial = make_trials(shipped(), "dam", (0, 1, 2))[0]
    assert [run.seed for run in trial.runs] == [0, 1, 2]
    assert {run.model_copy(update={"seed": 0}) for run in trial.runs} == {trial.runs[0]}


@given(st.permutations([0.1, 0.01, 1e-3]), st.permutations(["sgd", "adam"]))
def test_names_do_not_depend_on_the_order_of_a_grid(lrs: list[object], optimizers: list[object]) -> None:
    names = {trial.name for trial in make_trials(with_grid({"lr": lrs, "optimizer": optimizers}), "mine")}
    turned = with_grid({"optimizer": ["adam", "sgd"], "lr": [1e-3, 0.01, 0.1]})
    assert names == {trial.name for trial in make_trials(turned, "mine")}
    assert "readme-cross-entropy-adam-lr0.001" in names


def test_a_point_that_is_listed_twice_is_one_trial() -> None:
    assert len(make_trials(with_grid({"lr": [0.1, 0.1]}), "mine")) == 1


def test_points_that_differ_late_have_names_of_their_own() -> None:
    assert [trial.name for trial in make_trials(with_grid({"lr": [0.001, 0.00100000001]}), "mine")] == [
        "readme-cross-entropy-adam-lr0.001",
        "readme-cross-entropy-adam-lr0.00100000001",
    ]


def test_a_sweep_does_not_need_the_winner_that_it_is_to_find() -> None:
    recipes = PARAMS["recipes"] | {"dam": PARAMS["recipes"]["dam"] | {"winner_files": {TASK.name: "no/winner.yaml"}}}
    params = Params.model_validate(PARAMS | {"recipes": recipes})
    assert make_trials(params, "dam") == make_trials(shipped(), "dam")


def test_no_test_figure_is_shown_while_runs_are_left(tmp_path: Path) -> None:
    """An earlier sweep may have scored some of the seeds."""
    winner = make_outcome(tmp_path, "one", [(0.7, 0.5), (0.8, 0.5)])
    for folder in winner.folders[:1]:
        folder.write_metrics(folder.metrics() | {"test_auc": 0.9})
    for left in (0, 1):
        assert list(grid.summary([winner], winner, "g", "r", left).metrics) == ["val_acc", "val_auc"]
    for folder in winner.folders:
        folder.write_metrics(folder.metrics() | {"test_auc": 0.9})
    assert "test_auc" not in grid.summary([winner], winner, "g", "r", left=1).metrics
    assert grid.summary([winner], winner, "g", "r").metrics["test_auc"] == pytest.approx(0.9)


def test_an_unknown_grid_is_named_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"option --grid: unknown grid 'best'; known: dam, readme"):
        make_trials(shipped(), "best")


def test_the_winner_is_the_best_by_validation_then_accuracy_then_name(tmp_path: Path) -> None:
    names = {
        "c-equal": [(0.8, 0.7)],
        "b-equal": [(0.8, 0.7)],
        "a-less-accurate": [(0.8, 0.6)],
        "worse": [(0.7, 0.99)],
    }
    outcomes = [make_outcome(tmp_path, name, val) for name, val in names.items()]
    failed = make_outcome(tmp_path, "a-failed", [(0.9, 0.9)], FAILED)
    undefined = make_outcome(tmp_path, "a-undefined", [(float("nan"), 0.9)])
    ranked = [outcome.trial.name for outcome in grid.rank([undefined, failed, *outcomes])]
    assert ranked == ["b-equal", "c-equal", "a-less-accurate", "worse", "a-failed", "a-undefined"]
    assert grid.choose([undefined, failed]) is None


def test_means_and_spreads_are_over_the_seeds(tmp_path: Path) -> None:
    values = [(0.7, 0.6), (0.9, 0.8), (0.95, 0.7)]
    row = grid.table([make_outcome(tmp_path, "one", values)]).iloc[0]
    assert row["val_auc"] == pytest.approx(np.mean([0.7, 0.9, 0.95]))
    assert row["val_auc_sd"] == pytest.approx(np.std([0.7, 0.9, 0.95], ddof=1))
    assert row["seeds"] == 3


def test_a_trial_without_figures_keeps_its_row_with_the_reason(tmp_path: Path) -> None:
    rows = grid.table([make_outcome(tmp_path, "one", [(0.5, 0.5)], FAILED)])
    assert list(rows.columns) == [
        *("trial", "loss", "optimizer", "lr", "momentum", "weight_decay"),
        *("seeds", "val_auc", "val_auc_sd", "val_acc", "status"),
    ]
    assert rows.iloc[0]["status"] == "failed: loss not finite"
    assert np.isnan(rows.iloc[0]["val_auc"])


def test_of_several_seeds_the_row_names_those_that_are_not_done(tmp_path: Path) -> None:
    trial = make_outcome(tmp_path, "one", [(0.5, 0.5)] * 3).trial
    folders = tuple(RunFolder(tmp_path / str(seed)) for seed in range(3))
    assert (
        Outcome(trial, folders, (DONE, FAILED, NOT_RUN)).status_text
        == "seed 1: failed: loss not finite; seed 2: not run"
    )
    assert Outcome(trial, folders, (DONE, DONE, DONE)).status_text == "done"
    assert not Outcome(trial, folders, (DONE, DONE, NOT_RUN)).is_done


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
    rows = grid.table(outcomes)
    assert list(rows.columns) == [
        *("trial", "loss", "optimizer", "lr", "momentum", "weight_decay", "surprise"),
        *("seeds", "val_auc", "val_auc_sd", "val_acc", "status"),
    ]
    assert rows.set_index("trial")["surprise"].to_dict() == {"known": pytest.approx(np.nan, nan_ok=True), "new": 0.5}
    assert grid.trial_name("mine", new) == "mine-surprising-surprise0.5"
    grid.write("t", rows, make_winner(tmp_path), Workspace(tmp_path))
    again = grid.read("t", Workspace(tmp_path))
    assert again is not None
    assert again.settings == ("loss", "optimizer", "lr", "momentum", "weight_decay", "surprise")


@pytest.mark.parametrize("loss", sorted(OBJECTIVES))
def test_a_winner_of_any_objective_is_read_as_it_was_written(loss: str, tmp_path: Path) -> None:
    winner = make_winner(tmp_path, objective=objectives.ADAPTER.validate_python(OBJECTIVES[loss] | {"lr": 1e-5}))
    files = grid.write("t", grid.table([make_outcome(tmp_path, "one", [(0.5, 0.5)])]), winner, Workspace(tmp_path))
    again = grid.read("t", Workspace(tmp_path))
    assert again is not None
    assert again.winner == winner
    assert read_winner(files[1]) == winner.objective
    assert yaml.safe_load(files[1].read_text())["objective"]["lr"] == 1e-5  # also by the rules of YAML 1.1


def test_what_was_written_is_read_and_a_recipe_takes_its_objective(tmp_path: Path) -> None:
    outcomes = [make_outcome(tmp_path, name, [(auc, 0.5)]) for name, auc in (("one", 0.7), ("two", 0.8))]
    winner = grid.choose(outcomes)
    assert winner is not None
    content = grid.summary(outcomes, winner, "readme", "readme")
    files = grid.write(TASK.name, grid.table(outcomes), content, Workspace(tmp_path))
    assert files == [tmp_path / "sweeps" / TASK.name / name for name in ("trials.csv", "winner.yaml")]
    again = grid.read(TASK.name, Workspace(tmp_path))
    assert again is not None
    assert list(again.table["trial"]) == ["two", "one"]
    assert again.winner == content
    assert read_winner(files[1]) == winner.trial.objective
    recipes = PARAMS["recipes"] | {"mine": PARAMS["recipes"]["dam"] | {"winner_files": {TASK.name: str(files[1])}}}
    params = Params.model_validate(PARAMS | {"recipes": recipes})
    assert resolve_finetune(params, TASK, "mine", "quick", 0).objective == winner.trial.objective


def test_the_committed_sweep_is_read_and_would_be_written_as_it_is(tmp_path: Path) -> None:
    """Its table has a column for every setting that was known then."""
    committed = grid.read("breastmnist", Workspace(ROOT))
    assert committed is not None
    assert committed.settings == ("loss", "optimizer", "lr", "momentum", "weight_decay")
    assert len(committed.table) == committed.winner.trials == 45
    assert committed.table["trial"][0] == committed.winner.trial == "readme-cross-entropy-rmsprop-lr0.0001"
    files = grid.write("breastmnist", committed.table, committed.winner, Workspace(tmp_path))
    for file in files:
        assert file.read_bytes() == (ROOT / "sweeps" / "breastmnist" / file.name).read_bytes()


def test_equal_trials_give_equal_bytes(tmp_path: Path) -> None:
    other = objectives.ADAPTER.validate_python(OBJECTIVES["aucm"])
    outcomes = [
        make_outcome(tmp_path, "one", [(0.7, 0.5), (0.8, 0.5)]),
        make_outcome(tmp_path, "two", [(0.7, 0.5), (0.8, 0.5)], objective=other),
    ]
    winner, contents = make_winner(tmp_path), []
    for root, order in ((tmp_path / "a", outcomes), (tmp_path / "b", outcomes[::-1])):
        contents.append([p.read_bytes() for p in grid.write("t", grid.table(order), winner, Workspace(root))])
    assert contents[0] == contents[1]


def test_without_a_winner_an_earlier_one_goes(tmp_path: Path) -> None:
    outcomes, workspace = [make_outcome(tmp_path, "one", [(0.5, 0.5)])], Workspace(tmp_path)
    grid.write("t", grid.table(outcomes), make_winner(tmp_path), workspace)
    assert grid.write("t", grid.table(outcomes), None, workspace) == [tmp_path / "sweeps" / "t" / "trials.csv"]
    assert grid.read("t", workspace) is None


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
    grid.write("t", grid.table([make_outcome(tmp_path, "one", [(0.5, 0.5)])]), make_winner(tmp_path), workspace)
    (tmp_path / "sweeps" / "t" / name).write_text(content)
    with told(NoWinner, rf"{message}.*; run `python -m pipelines.sweep t` for it"):
        grid.read("t", workspace)


def test_to_read_a_sweep_takes_neither_pytorch_nor_ray() -> None:
    program = (
        "import sys; from pathlib import Path; from benchmark.runs.workspace import Workspace\n"
        "from benchmark.sweep import grid; assert grid.read('breastmnist', Workspace()) is not None\n"
        "print([name for name in ('torch', 'ray', 'libauc', 'mlflow', 'benchmark.training') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ({"trial": "one"}, "has no winner's objective"),
        ({"objective": GRADIENT | {"loss": "auc"}}, "objective.loss: unknown name 'auc'"),
        ({"objective": GRADIENT | {"loss": "nll", "lr": -1}}, "objective.lr: should be greater than 0, got -1"),
    ],
)
def test_a_winner_file_that_is_none_is_one_sentence(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "winner.yaml"
    if content is not None:
        path.write_text(yaml.safe_dump(content))
    with pytest.raises(NoWinner, match=message):
        read_winner(path)
