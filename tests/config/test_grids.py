"""What a grid may vary, and what it is told where it can't."""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark.config.grids import text_of
from benchmark.config.params import Params, load_params
from benchmark.config.run import resolve_finetune
from benchmark.config.varied import PARTS, Misfit, vary
from benchmark.core.errors import BadInput, NoWinner
from benchmark.core.terms import Dimension
from benchmark.networks.family_resnet import ResNet
from tests.helpers import PARAMS, ROOT, find, shipped

NARROW = {"family": "resnet", "width": 8, "blocks": [1, 1], "stem_kernel": 3, "stem_stride": 2, "pool": True}
AFFINE = {"kind": "affine", "flips": {"width": 0.5}, "degrees": 10}
SETTLED = {
    **PARAMS["recipes"]["medmnist"],
    "network": {"2d": NARROW, "3d": "medmnist-resnet18-3d"},
    "augmentation": {"2d": AFFINE, "3d": "none"},
    "averaging": {"decay": 0.9},
}
"""A recipe with settings in every part that may have some."""


def with_grids(recipe: str = "settled", **overs: dict[str, Any]) -> dict[str, Any]:
    grids = {name: {"recipe": recipe, "over": over} for name, over in overs.items()}
    return PARAMS | {"recipes": PARAMS["recipes"] | {"settled": SETTLED}, "sweep": {"tasks": [], "grids": grids}}


def told(folder: Path, content: dict[str, Any]) -> str:
    """What is said of a file with this content."""
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(BadInput) as caught:
        load_params(folder / "params.yaml")
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{folder / 'params.yaml'}: ")


@pytest.mark.parametrize(
    "over",
    [
        {"network": ["medmnist-resnet18", "resnet18-strided"]},
        {"network": ["medmnist-resnet18-3d", "r3d18"]},
        {"network": {"narrow": NARROW, "wide": NARROW | {"width": 16}, "plain": "medmnist-resnet18"}},
        {"network.width": [8, 16], "network.blocks": [[1, 1], [2, 2]]},
        {"network": {"a": NARROW, "b": NARROW | {"pool": False}}, "network.width": [4, 8]},
        {"epochs": [5, 10], "batch_size": [64, 128], "trainable": ["all", 10], "keep": ["best", "last"]},
        {"augmentation": {"none": "none", "affine": AFFINE}},
        {"augmentation.degrees": [0, 20], "augmentation.flips.width": [0, 0.5], "augmentation.scale": [[1, 1]]},
        {"schedule": {"constant": None, "cosine": {"shape": "cosine", "warm_up": 0.1}}},
        {"schedule.factor": [0.1, 0.5], "averaging.decay": [0.9, 0.99], "averaging": {"ema": {"decay": 0.5}}},
        {"flips_at_test": [[], ["width"], ["height", "width"]]},
        {"flips_at_test": [["depth"]]},
        {"objective.lr": [0.1], "optimizer": ["adam"]},
        {"objective": {"auc": PARAMS["recipes"]["dam"]["objective"], "ce": {"loss": "nll", "optimizer": "sgd", "lr": 1}}},
    ],
)  # fmt: skip
def test_any_key_of_a_recipe_may_be_varied(over: dict[str, Any]) -> None:
    grid = Params.model_validate(with_grids(mine=over)).sweep.grids["mine"]
    points = [grid.point(index) for index in range(grid.size)]
    assert [tuple(point.values()) for point in points] == list(itertools.product(*grid.over.values()))


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (
            {"network": ["medmnist-resnet18", "resnet50"]},
            "over.network: for 2d should be 'medmnist-resnet18', 'resnet18-strided' or 'medmnist-resnet18-default', "
            "or settings of family 'resnet', got 'resnet50'; sweep.grids.mine.over.network: for 3d should be 'medmnist-resnet18-3d'",
        ),
        (
            {"network": {"narrow": NARROW | {"width": 0}}},
            "over.network.narrow: for 2d width: should be greater than or equal to 1, got 0; ",
        ),
        ({"network": {"narrow": {"family": "vit"}}}, "over.network.narrow: for 2d unknown family 'vit'; known: resnet"),
        ({"network": [NARROW]}, "over.network: settings have a label each: give a mapping from labels to them in place"),
        ({"network": {"Narrow/2": NARROW}}, "over.network: a label has up to 32 of a-z, 0-9 and _.+-, got 'Narrow/2'"),
        ({"network.widht": [8]}, "over.network.widht: for 2d unknown key; known: blocks, family, pool, stem_kernel"),
        ({"network.width": [8, "x"]}, "over.network.width: for 2d should be a valid integer, unable to parse string"),
        ({"epochs": [5, 0]}, "over.epochs: should be greater than or equal to 1, got 0"),
        ({"epochs": [[5]]}, "over.epochs: should be a valid integer, got [5]"),
        ({"epochs": 5}, "over.epochs: should be a list of values, or a mapping from labels to values, got 5"),
        ({"batch_size": [1]}, "over.batch_size: should be greater than or equal to 2, got 1"),
        ({"keep": ["first"]}, "over.keep: should be 'best' or 'last', got 'first'"),
        ({"trainable": ["none"]}, "over.trainable: should be 'all' or a number of parameter tensors, 0 or more, got 'none'"),
        ({"augmentation.degrees": [200]}, "over.augmentation.degrees: for 2d should be less than or equal to 180, got 200"),
        ({"schedule": ["linear"]}, "over.schedule: "),
        ({"schedule.warm_up": [0.1]}, "over.schedule.warm_up: unknown key; known: at, factor"),
        ({"averaging.decay": [1.5]}, "over.averaging.decay: should be less than 1, got 1.5"),
        ({"flips_at_test": [["up"]]}, "over.flips_at_test: for 2d 0: should be 'height' or 'width', got 'up'"),
        ({"epochs.first": [1]}, "over.epochs.first: reaches inside of epochs, which is 100 here and has no settings"),
        ({"warm_up": [1]}, "over.warm_up: unknown key; known: loss, lr, "),
        ({"warm_up": [1]}, "; and of the recipe augmentation, averaging, batch_size, epochs, flips_at_test, keep, "),
        ({"start": ["trunk"]}, "over.start: unknown key; known: loss, lr, "),
        ({"objective.lr": [0.1], "lr": [0.1]}, "over: 'objective.lr' and 'lr' are the same key"),
        ({"objective.lrr": [0.1]}, "over.objective.lrr: unknown key; known: loss, lr, "),
        ({"objective": {"auc": {"loss": "auc"}}}, "over.objective.auc: loss: unknown name 'auc'; known: "),
        ({"network": ["medmnist-resnet18"], "flips_at_test": [["depth"]]}, "over.flips_at_test: for 2d 0: should be"),
    ],
)  # fmt: skip
def test_a_value_that_no_task_can_have_is_named_with_what_is_allowed(
    tmp_path: Path, over: dict[str, Any], message: str
) -> None:
    sentence = told(tmp_path, with_grids(mine=over))
    assert sentence.startswith("sweep.grids.mine.over")
    assert message in sentence


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("network", "the recipe has no network of its own to vary, it starts from trunk"),
        ("network.width", "the recipe has no network of its own to vary, it starts from trunk"),
        ("augmentation.degrees", "for 2d reaches inside of augmentation, which is 'flip-affine' here and has no settings"),
        ("averaging.decay", "reaches inside of averaging, which is left out here and has no settings"),
    ],
)  # fmt: skip
def test_what_the_recipe_has_not_got_can_not_be_varied(tmp_path: Path, key: str, message: str) -> None:
    assert f"sweep.grids.mine.over.{key}: {message}" in told(tmp_path, with_grids("readme", mine={key: [8]}))


def test_a_label_stands_for_one_value_in_all_grids_of_a_recipe(tmp_path: Path) -> None:
    """By their names trials are known again, whichever grid has made them."""
    one, other = {"network": {"narrow": NARROW}}, {"network": {"narrow": NARROW | {"width": 4}}}
    Params.model_validate(with_grids(one=one, other=one))
    message = "sweep.grids.other.over.network.narrow: stands for another value in sweep.grids.one"
    assert told(tmp_path, with_grids(one=one, other=other)) == message
    number = {"batch_size": {"64": 128}}
    assert "over.batch_size.64: stands for" in told(tmp_path, with_grids(one={"batch_size": [64]}, other=number))


def test_the_parts_are_keys_of_a_recipe() -> None:
    assert set(PARTS) < set(type(shipped().recipes["readme"]).model_fields)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1e-05, "1e-05"), (2.0, "2"), (64, "64"), (None, "none"), (True, "true"), ("all", "all"),
     ([], "none"), (["height", "width"], "height+width"), ([2, 2], "2+2"), (0.00100000001, "0.00100000001")],
)  # fmt: skip
def test_a_value_without_a_label_is_called_after_itself(value: object, text: str) -> None:
    assert text_of(value) == text


def test_a_value_is_that_of_the_tasks_own_dimension() -> None:
    recipe = Params.model_validate(with_grids(mine={"lr": [1]})).recipes["settled"]
    varied = vary(recipe, {"batch_size": 7, "flips_at_test": ["width"], "lr": 0.5, "epochs": 3}, Dimension.D2)
    assert (varied.batch_size.d2, varied.batch_size.d3) == (7, recipe.batch_size.d3)
    assert varied.flips_at_test is not None
    assert (varied.flips_at_test.d2, varied.flips_at_test.d3) == (("width",), ())
    assert (varied.objective.model_dump()["lr"], varied.epochs.d2) == (0.5, 3)
    rest = {"batch_size", "flips_at_test", "objective", "epochs"}
    assert varied.model_dump(exclude=rest) == recipe.model_dump(exclude=rest)
    assert vary(recipe, {}, Dimension.D2) is recipe


def test_a_value_is_left_as_it_was_given() -> None:
    given = Params.model_validate(with_grids(mine={"network": {"narrow": NARROW}, "network.width": [4, 8]}))
    assert given.sweep.grids["mine"].over["network"]["narrow"] == NARROW
    assert NARROW["width"] == 8


def test_a_whole_part_is_set_before_what_is_inside_of_it() -> None:
    recipe = Params.model_validate(with_grids(mine={"lr": [1]})).recipes["settled"]
    varied = vary(recipe, {"network.width": 4, "network": NARROW | {"pool": False}}, Dimension.D2)
    assert varied.network is not None
    assert varied.network.d2 == ResNet.model_validate(NARROW | {"pool": False, "width": 4})
    with pytest.raises(
        Misfit, match=r"network\.width: reaches inside of network, which is 'medmnist-resnet18-3d' here"
    ):
        vary(recipe, {"network.width": 4}, Dimension.D3)


def with_winner(path: Path) -> Params:
    recipe = SETTLED | {"winner_files": {"breastmnist": str(path)}}
    return Params.model_validate(PARAMS | {"recipes": PARAMS["recipes"] | {"settled": recipe}})


def test_a_recipe_takes_everything_that_a_winner_brings(tmp_path: Path) -> None:
    """Also where the profile in which it was found has other epochs and another network."""
    objective = PARAMS["recipes"]["dam"]["objective"]
    settings = {
        "network": NARROW | {"width": 16},
        "augmentation.degrees": 45,
        "epochs": 7,
        "batch_size": 32,
        "schedule": None,
        "averaging.decay": 0.5,
        "keep": "last",
        "flips_at_test": ["width"],
        "trainable": 3,
    }
    written = {"profile": "quick", "objective": objective, "settings": settings}
    (tmp_path / "winner.yaml").write_text(yaml.safe_dump(written))
    params = with_winner(tmp_path / "winner.yaml")
    run = resolve_finetune(params, find("breastmnist"), "settled", "quick", 0).model_dump(mode="json")
    assert run["network"] == run["recipe_network"] == NARROW | {"width": 16}
    assert run["augmentation"]["degrees"] == 45
    assert (run["epochs"], run["recipe_epochs"], run["batch_size"]) == (7, 7, 32)
    assert (run["schedule"], run["averaging"], run["keep"], run["trainable"]) == (None, {"decay": 0.5}, "last", 3)
    assert run["flips_at_test"] == ["width"]
    assert objective.items() <= run["objective"].items()
    other = resolve_finetune(params, find("pneumoniamnist"), "settled", "quick", 0)
    assert other == resolve_finetune(Params.model_validate(with_grids(mine={"lr": [1]})), find("pneumoniamnist"), "settled", "quick", 0)  # fmt: skip
    assert (other.network, other.epochs) == ("resnet18-strided", 5)


def test_a_profile_cuts_a_winner_of_another_one_as_it_cuts_the_recipe(tmp_path: Path) -> None:
    objective = PARAMS["recipes"]["dam"]["objective"]
    settings = {"network": NARROW | {"width": 16}, "epochs": 7, "batch_size": 32}
    written = {"profile": "search", "objective": objective, "settings": settings}
    (tmp_path / "winner.yaml").write_text(yaml.safe_dump(written))
    params = with_winner(tmp_path / "winner.yaml")
    cut = resolve_finetune(params, find("breastmnist"), "settled", "quick", 0)
    assert (cut.network, cut.epochs, cut.batch_size) == ("resnet18-strided", 5, 32)
    assert isinstance(cut.recipe_network, ResNet)
    assert (cut.recipe_network.width, cut.recipe_epochs) == (16, 7)  # the report says what was cut
    whole = resolve_finetune(params, find("breastmnist"), "settled", "full", 0)
    assert (whole.network, whole.epochs) == (cut.recipe_network, 7)


def test_a_winner_without_settings_brings_its_objective_alone(tmp_path: Path) -> None:
    objective = {"loss": "nll", "optimizer": "sgd", "lr": 0.5}
    (tmp_path / "winner.yaml").write_text(yaml.safe_dump({"objective": objective}))
    run = resolve_finetune(with_winner(tmp_path / "winner.yaml"), find("breastmnist"), "settled", "quick", 0)
    plain = resolve_finetune(Params.model_validate(with_grids(mine={"lr": [1]})), find("breastmnist"), "settled", "quick", 0)  # fmt: skip
    assert run.objective.model_dump()["lr"] == 0.5
    assert run.model_copy(update={"objective": plain.objective}) == plain


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "settings.epochs: should be greater than or equal to 1, got 0"),
        ({"epoks": 1}, "settings.epoks: unknown key; known: "),
        ({"network": "r3d18"}, "settings.network: should be 'medmnist-resnet18', 'resnet18-strided' or"),
        ([1], "settings should be keys with values, got"),
    ],
)
def test_a_winner_that_does_not_fit_is_one_sentence(tmp_path: Path, settings: object, message: str) -> None:
    path = tmp_path / "winner.yaml"
    objective = {"loss": "nll", "optimizer": "sgd", "lr": 0.5}
    path.write_text(yaml.safe_dump({"objective": objective, "settings": settings}))
    with pytest.raises(NoWinner) as caught:
        resolve_finetune(with_winner(path), find("breastmnist"), "settled", "quick", 0)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_the_grid_of_the_documentation_is_one() -> None:
    text = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if "grids:" in block]
    content = PARAMS | {"sweep": {"tasks": []} | yaml.safe_load(block)["sweep"]}
    grid = Params.model_validate(content).sweep.grids["shapes"]
    assert grid.size == 12
    assert grid.point(11) == {"network": "shallow", "augmentation": "turned", "lr": "0.0003"}
