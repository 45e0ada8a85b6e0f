"""From a grid to its trials."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.config.params import Params
from benchmark.config.run import resolve_finetune
from benchmark.core.errors import BadInput
from benchmark.sweep import grid
from benchmark.sweep.grid import Trial
from tests.helpers import PARAMS, find, shipped

TASK = find("breastmnist")


def with_grid(over: dict[str, list[object]], recipe: str = "readme") -> Params:
    grids = PARAMS["sweep"]["grids"] | {"mine": {"recipe": recipe, "over": over}}
    return Params.model_validate(PARAMS | {"sweep": {"tasks": [], "grids": grids}})


def make_trials(params: Params, name: str, seeds: tuple[int, ...] = (0,)) -> list[Trial]:
    return grid.trials(params, TASK, name, "quick", seeds, "option --grid")


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


def test_an_unknown_grid_is_named_with_those_that_are_known() -> None:
    with pytest.raises(BadInput, match=r"option --grid: unknown grid 'best'; known: dam, readme"):
        make_trials(shipped(), "best")
