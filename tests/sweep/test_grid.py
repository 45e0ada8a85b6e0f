"""From a grid to its trials."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.config.params import Params
from benchmark.config.run import resolve_finetune
from benchmark.core.errors import BadInput
from benchmark.sweep import grid
from benchmark.sweep.grid import Search, Trial, drawn
from tests.helpers import PARAMS, find, shipped

TASK = find("breastmnist")


def with_grid(over: dict[str, Any], recipe: str = "readme") -> Params:
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


@settings(deadline=None)
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


@pytest.mark.parametrize(("profile", "width"), [("search", 32), ("quick", None)])
def test_a_grid_of_a_second_phase_has_the_network_that_its_first_was_given(profile: str, width: int | None) -> None:
    """That of the winner in the profile that found it; another profile cuts it."""
    first = resolve_finetune(shipped(), TASK, "plain-crossed", profile, 0)
    assert [getattr(one, "width", None) for one in (first.network, first.recipe_network)] == [width, 32]
    trials = grid.trials(shipped(), TASK, "second-aucm", profile, (0,), "option --grid")
    assert len(trials) == 3
    for trial in trials:
        (run,) = trial.runs
        assert (run.network, run.augmentation) == (first.network, first.augmentation)
        assert run.start.recipe == "plain-crossed"


@pytest.mark.parametrize("name", shipped().sweep.grids)
def test_every_shipped_grid_is_one_of_the_tasks_it_is_for(name: str) -> None:
    task = find("vesselmnist3d" if name.endswith("3d") else "breastmnist")
    trials = grid.trials(shipped(), task, name, "search", (0, 1), "option --grid")
    assert len(trials) == shipped().sweep.grids[name].size


def test_an_unknown_grid_is_named_with_those_that_are_known() -> None:
    with pytest.raises(
        BadInput, match=r"option --grid: unknown grid 'best'; known: dam, flips-at-test, large-2d, large-aucm, "
    ):
        make_trials(shipped(), "best")


NARROW = {"family": "resnet", "width": 8, "blocks": [1, 1], "stem_kernel": 3, "stem_stride": 2, "pool": True}
OVER = {
    "network": {"own": "medmnist-resnet18", "narrow": NARROW},
    "augmentation": {"none": "none", "turned": {"kind": "affine", "degrees": 10}},
    "epochs": [5, 100],
    "batch_size": [128, 64],
    "flips_at_test": [[], ["width"]],
    "lr": [0.001],
}


def test_a_name_has_what_differs_from_the_recipe_under_its_profile() -> None:
    names = [trial.name for trial in make_trials(with_grid(OVER, "medmnist"), "mine")]
    assert len(set(names)) == len(names) == 32
    assert names[0] == "medmnist-cross-entropy-adam-lr0.001-network=own"  # the profile's own is the strided one
    assert names[-1] == (
        "medmnist-cross-entropy-adam-lr0.001-augmentation=turned-batch_size=64-epochs=100-flips_at_test=width-network=narrow"
    )
    full = grid.trials(with_grid(OVER, "medmnist"), TASK, "mine", "full", (0,), "a test")
    assert full[0].name == "medmnist-cross-entropy-adam-lr0.001-epochs=5"
    assert "medmnist-cross-entropy-adam-lr0.001" in [trial.name for trial in full]


def test_one_name_is_one_configuration_and_fit_for_a_folder() -> None:
    """Over two grids of a recipe that share some points, one of which says it from inside."""
    inside = {"network": {"narrow": NARROW}, "network.width": [8, 16], "schedule": {"none": None}, "lr": [0.001, 0.01]}
    grids = {name: {"recipe": "medmnist", "over": over} for name, over in (("mine", OVER), ("other", inside))}
    params = Params.model_validate(PARAMS | {"sweep": {"tasks": [], "grids": grids}})
    found: dict[str, object] = {}
    for trial in [*make_trials(params, "mine"), *make_trials(params, "other")]:
        content = trial.runs[0].model_dump(mode="json")
        assert found.setdefault(trial.name, content) == content
        assert trial.runs[0].recipe == trial.name
        assert len(trial.name) < 200
        assert set(trial.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.+=")
    assert len(found) == 32 + 4


def test_what_a_grid_varies_is_not_the_profiles_to_change() -> None:
    """Profile quick has five epochs and a cheaper network."""
    for trial in make_trials(with_grid(OVER, "medmnist"), "mine"):
        run = trial.runs[0]
        assert run.network == run.recipe_network != "resnet18-strided"
        assert run.epochs == run.recipe_epochs == trial.settings["epochs"]
    (other,) = make_trials(with_grid({"batch_size": [7]}, "medmnist"), "mine")
    assert (other.runs[0].network, other.runs[0].epochs, other.runs[0].recipe_epochs) == ("resnet18-strided", 5, 100)


def test_every_part_is_what_the_point_says() -> None:
    trial = make_trials(with_grid(OVER, "medmnist"), "mine")[-1]
    run = trial.runs[0].model_dump(mode="json")
    assert run["network"] == NARROW
    assert run["augmentation"]["degrees"] == 10
    assert (run["batch_size"], run["epochs"], run["flips_at_test"]) == (64, 100, ["width"])
    assert trial.settings == {
        "network": NARROW,
        "augmentation": {"kind": "affine", "degrees": 10},
        "epochs": 100,
        "batch_size": 64,
        "flips_at_test": ["width"],
    }
    assert trial.shown == {
        "network": "narrow",
        "augmentation": "turned",
        "epochs": 100,
        "batch_size": 64,
        "flips_at_test": "width",
    }


def test_two_labels_of_one_value_are_one_trial() -> None:
    (trial,) = make_trials(with_grid({"network": {"a": NARROW, "b": NARROW}}, "medmnist"), "mine")
    assert trial.name.endswith("-network=a")


def test_a_whole_objective_may_be_varied_and_stands_in_the_name_by_its_values() -> None:
    objectives = {"auc": PARAMS["recipes"]["dam"]["objective"], "ce": {"loss": "nll", "optimizer": "sgd", "lr": 0.1}}
    first, second = make_trials(with_grid({"objective": objectives, "lr": [0.5]}), "mine")
    assert (first.shown, second.shown) == ({"objective": "auc"}, {"objective": "ce"})
    assert first.settings == second.settings == {}
    assert second.name == "readme-nll-sgd-lr0.5"
    assert second.objective.model_dump()["lr"] == 0.5


@pytest.mark.parametrize(
    ("task", "over", "message"),
    [
        (
            "breastmnist",
            {"network": ["r3d18", "medmnist-resnet18-3d"]},
            r"sweep\.grids\.mine\.over\.network: should be 'medmnist-resnet18', 'resnet18-strided' or .*, got 'r3d18', for breastmnist \(2d\)",
        ),
        (
            "vesselmnist3d",
            {"network": {"narrow": NARROW}},
            r"sweep\.grids\.mine\.over\.network\.narrow: unknown family 'resnet'; known: .*, for vesselmnist3d \(3d\)",
        ),
        ("breastmnist", {"flips_at_test": [["depth"]]}, r"over\.flips_at_test: 0: should be 'height' or 'width', got"),
        (
            "vesselmnist3d",
            {"network": {"flat": NARROW | {"family": "resnet-slices", "slices": 27}}},
            r"sweep\.grids\.mine\.over\.network\.flat: does not take vesselmnist3d: ",
        ),
    ],
)  # fmt: skip
def test_what_the_task_can_not_have_is_told_before_anything_is_run(
    task: str, over: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        grid.trials(with_grid(over, "medmnist"), find(task), "mine", "quick", (0,), "a test")


@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 5))
def test_a_draw_is_without_replacement_and_contains_every_smaller_one(size: int, count: int, seed: int) -> None:
    found = drawn(count, size, seed)
    assert len(set(found)) == len(found) == min(count, size)
    assert set(found) <= set(range(size))
    assert found == drawn(size, size, seed)[:count] == drawn(count, size, seed)


def test_draws_are_even_and_depend_on_their_seed() -> None:
    counts = [sum(place in drawn(3, 10, seed) for seed in range(1000)) for place in range(10)]
    assert max(abs(count - 300) for count in counts) < 5 * (1000 * 0.3 * 0.7) ** 0.5
    assert len({tuple(drawn(5, 100, seed)) for seed in range(20)}) == 20


def test_a_random_search_has_trials_of_the_grid_in_its_order() -> None:
    everything = [trial.name for trial in make_trials(shipped(), "dam")]

    def names(random: int, draw_seed: int = 0) -> list[str]:
        how = Search(random=random, draw_seed=draw_seed)
        return [trial.name for trial in grid.trials(shipped(), TASK, "dam", "quick", (0,), "a test", how)]

    assert names(7) == [name for name in everything if name in set(names(7))]
    assert len(names(7)) == 7
    assert set(names(7)) < set(names(20)) < set(everything)
    assert names(7) != names(7, draw_seed=1)
    assert names(1000) == everything


def test_a_grid_too_large_to_be_walked_through_can_be_drawn_from() -> None:
    """Of 10 to the 10th points."""
    over = {key: [1 + place for place in range(100)] for key in ("epochs", "trainable")}
    over |= {"batch_size": [2 + place for place in range(100)], "lr": [0.1 / (1 + place) for place in range(100)]}
    over |= {"averaging": {f"n{place}": {"decay": (1 + place) / 102} for place in range(100)}}
    params = with_grid(over, "medmnist")
    assert params.sweep.grids["mine"].size == 10**10
    made = grid.trials(params, TASK, "mine", "quick", (0, 1), "a test", Search(random=5))
    assert len({trial.name for trial in made}) == 5
