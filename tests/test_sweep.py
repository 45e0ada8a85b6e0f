"""From a grid to its table and its winner."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmark import sweep
from benchmark.config import Params, load_params, read_winner, resolve_finetune
from benchmark.errors import BadInput, DataError
from benchmark.runs import RunFolder
from benchmark.sweep import Outcome, Trial
from benchmark.tasks import find_task
from tests.helpers import PARAMS, make_config

TASK = find_task(load_params(), "breastmnist")
GRADIENT = {"optimizer": "adam", "lr": 1e-3}


def with_grid(over: dict[str, list[object]], recipe: str = "readme") -> Params:
    grids = PARAMS["sweep"]["grids"] | {"mine": {"recipe": recipe, "over": over}}
    return Params.model_validate(PARAMS | {"sweep": {"tasks": [], "grids": grids}})


def make_outcome(root: Path, name: str, val: list[tuple[float, float]], status: str = "done") -> Outcome:
    """An outcome with a folder for each seed that holds these validation AUROCs and accuracies."""
    runs = tuple(make_config("breastmnist", recipe=name, seed=seed) for seed in range(len(val)))
    folders = tuple(RunFolder(root / name / f"seed{run.seed}") for run in runs)
    for folder, (auc, acc) in zip(folders, val, strict=True):
        folder.write_metrics({"val_auc": auc, "val_acc": acc})
        folder.write_record({name: {} for name in ("data_md5", "code", "versions", "hardware")})
    return Outcome(Trial(name, runs[0].objective, runs), folders, status)


def test_the_readmes_grid_is_every_combination_once() -> None:
    trials = sweep.trials(load_params(), TASK, "readme", "quick", (0,))
    expected = itertools.product(
        ("cross-entropy", "bce-with-logits", "nll"), ("sgd", "adam", "rmsprop"), (0.1, 0.01, 1e-3, 1e-4, 1e-5), (0.9,)
    )
    found = [
        tuple(trial.objective.model_dump()[k] for k in ("loss", "optimizer", "lr", "momentum")) for trial in trials
    ]
    assert sorted(found) == sorted(expected)
    assert len({trial.name for trial in trials}) == 45


def test_the_readmes_own_choice_is_a_point_of_its_grid() -> None:
    params = load_params()
    own = resolve_finetune(params, "breastmnist", "breastmnist", "2d", "readme", "quick", 0)
    (same,) = [t for t in sweep.trials(params, TASK, "readme", "quick", (0,)) if t.objective == own.objective]
    assert same.runs[0].model_copy(update={"recipe": "readme"}) == own


def test_a_trial_has_a_run_for_each_seed_and_nothing_else_differs() -> None:
    trial = sweep.trials(load_params(), TASK, "dam", "quick", (0, 1, 2))[0]
    assert [run.seed for run in trial.runs] == [0, 1, 2]
    assert {run.model_copy(update={"seed": 0}) for run in trial.runs} == {trial.runs[0]}


@given(st.permutations([0.1, 0.01, 1e-3]), st.permutations(["sgd", "adam"]))
def test_names_do_not_depend_on_the_order_of_a_grid(lrs: list[object], optimizers: list[object]) -> None:
    names = {t.name for t in sweep.trials(with_grid({"lr": lrs, "optimizer": optimizers}), TASK, "mine", "quick", (0,))}
    turned = with_grid({"optimizer": ["adam", "sgd"], "lr": [1e-3, 0.01, 0.1]})
    assert names == {t.name for t in sweep.trials(turned, TASK, "mine", "quick", (0,))}
    assert "readme-cross-entropy-adam-lr0.001" in names


def test_a_point_that_is_listed_twice_is_one_trial() -> None:
    assert len(sweep.trials(with_grid({"lr": [0.1, 0.1]}), TASK, "mine", "quick", (0,))) == 1


def test_points_that_differ_late_have_names_of_their_own() -> None:
    found = sweep.trials(with_grid({"lr": [0.001, 0.00100000001]}), TASK, "mine", "quick", (0,))
    assert [trial.name for trial in found] == [
        "readme-cross-entropy-adam-lr0.001",
        "readme-cross-entropy-adam-lr0.00100000001",
    ]


def test_a_sweep_does_not_need_the_winner_that_it_is_to_find() -> None:
    recipes = PARAMS["recipes"] | {"dam": PARAMS["recipes"]["dam"] | {"winner_files": {TASK.name: "no/winner.yaml"}}}
    params = Params.model_validate(PARAMS | {"recipes": recipes})
    assert sweep.trials(params, TASK, "dam", "quick", (0,)) == sweep.trials(load_params(), TASK, "dam", "quick", (0,))


def test_no_test_figure_is_shown_while_runs_are_left(tmp_path: Path) -> None:
    """An earlier sweep may have scored some of the seeds."""
    winner = make_outcome(tmp_path, "one", [(0.7, 0.5), (0.8, 0.5)])
    for folder in winner.folders[:1]:
        folder.write_metrics(folder.metrics() | {"test_auc": 0.9})
    for left in (0, 1):
        assert list(sweep.summary([winner], winner, "g", "r", TASK, left)["metrics"]) == ["val_acc", "val_auc"]
    for folder in winner.folders:
        folder.write_metrics(folder.metrics() | {"test_auc": 0.9})
    assert "test_auc" not in sweep.summary([winner], winner, "g", "r", TASK, left=1)["metrics"]
    assert sweep.summary([winner], winner, "g", "r", TASK)["metrics"]["test_auc"] == pytest.approx(0.9)


def test_an_unknown_grid_is_named_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"option --grid: unknown grid 'best'; known: dam, readme"):
        sweep.trials(load_params(), TASK, "best", "quick", (0,))


def test_the_winner_is_the_best_by_validation_then_accuracy_then_name(tmp_path: Path) -> None:
    names = {
        "c-equal": [(0.8, 0.7)],
        "b-equal": [(0.8, 0.7)],
        "a-less-accurate": [(0.8, 0.6)],
        "worse": [(0.7, 0.99)],
    }
    outcomes = [make_outcome(tmp_path, name, val) for name, val in names.items()]
    failed = make_outcome(tmp_path, "a-failed", [(0.9, 0.9)], status="failed: loss not finite")
    undefined = make_outcome(tmp_path, "a-undefined", [(float("nan"), 0.9)])
    ranked = [outcome.trial.name for outcome in sweep.rank([undefined, failed, *outcomes])]
    assert ranked == ["b-equal", "c-equal", "a-less-accurate", "worse", "a-failed", "a-undefined"]
    assert sweep.choose([undefined, failed]) is None


def test_means_and_spreads_are_over_the_seeds(tmp_path: Path) -> None:
    values = [(0.7, 0.6), (0.9, 0.8), (0.95, 0.7)]
    row = sweep.table([make_outcome(tmp_path, "one", values)]).iloc[0]
    assert row["val_auc"] == pytest.approx(np.mean([0.7, 0.9, 0.95]))
    assert row["val_auc_sd"] == pytest.approx(np.std([0.7, 0.9, 0.95], ddof=1))
    assert row["seeds"] == 3


def test_a_trial_without_figures_keeps_its_row_with_the_reason(tmp_path: Path) -> None:
    rows = sweep.table([make_outcome(tmp_path, "one", [(0.5, 0.5)], status="failed: loss not finite")])
    assert list(rows.columns) == list(sweep.COLUMNS)
    assert rows.iloc[0]["status"] == "failed: loss not finite"
    assert np.isnan(rows.iloc[0]["val_auc"])


def test_what_was_written_is_read_and_a_recipe_takes_its_objective(tmp_path: Path) -> None:
    outcomes = [make_outcome(tmp_path, name, [(auc, 0.5)]) for name, auc in (("one", 0.7), ("two", 0.8))]
    winner = sweep.choose(outcomes)
    assert winner is not None
    content = sweep.summary(outcomes, winner, "readme", "readme", TASK)
    files = sweep.write(TASK.name, sweep.table(outcomes), content, tmp_path / "sweeps")
    again = sweep.read(TASK.name, tmp_path / "sweeps")
    assert again is not None
    assert list(again.table["trial"]) == ["two", "one"]
    assert again.winner == content
    assert read_winner(files[1]) == winner.trial.objective
    recipes = PARAMS["recipes"] | {"mine": PARAMS["recipes"]["dam"] | {"winner_files": {TASK.name: str(files[1])}}}
    params = Params.model_validate(PARAMS | {"recipes": recipes})
    assert resolve_finetune(params, TASK.name, TASK.name, "2d", "mine", "quick", 0).objective == winner.trial.objective


def test_equal_trials_give_equal_bytes(tmp_path: Path) -> None:
    outcomes = [make_outcome(tmp_path, name, [(0.7, 0.5), (0.8, 0.5)]) for name in ("one", "two")]
    contents = []
    for root, order in ((tmp_path / "a", outcomes), (tmp_path / "b", outcomes[::-1])):
        contents.append([p.read_bytes() for p in sweep.write("t", sweep.table(order), {"x": 1}, root)])
    assert contents[0] == contents[1]


def test_without_a_winner_an_earlier_one_goes(tmp_path: Path) -> None:
    outcomes = [make_outcome(tmp_path, "one", [(0.5, 0.5)])]
    sweep.write("t", sweep.table(outcomes), {"trial": "one"}, tmp_path)
    assert sweep.write("t", sweep.table(outcomes), None, tmp_path) == [tmp_path / "t" / "trials.csv"]
    assert sweep.read("t", tmp_path) is None


@pytest.mark.parametrize("content", ["trial,loss\na,b\n", ""])
def test_a_damaged_table_is_one_sentence(tmp_path: Path, content: str) -> None:
    sweep.write("t", sweep.table([make_outcome(tmp_path, "one", [(0.5, 0.5)])]), {"trial": "one"}, tmp_path)
    (tmp_path / "t" / "trials.csv").write_text(content)
    with pytest.raises(DataError, match="run the sweep again"):
        sweep.read("t", tmp_path)


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
    with pytest.raises(BadInput, match=message):
        read_winner(path)
