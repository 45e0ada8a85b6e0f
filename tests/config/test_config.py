"""params.yaml as shipped, and one clear sentence for each way to get it wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark.config.params import Params, load_params
from benchmark.config.run import choose_profile, resolve_finetune, resolve_pretrain
from benchmark.core.errors import BadInput
from benchmark.core.terms import Dimension
from tests.helpers import find, shipped


@pytest.fixture
def params() -> Params:
    return shipped()


def load_changed(folder: Path, key: str, value: Any) -> Params:
    """The shipped params.yaml with one value replaced; `key` is a path with dots."""
    content = yaml.safe_load(Path("params.yaml").read_text())
    *parents, last = key.split(".")
    section = content
    for parent in parents:
        section = section[parent]
    section[last] = value
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return load_params(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("profile", "huge", "profile: unknown name 'huge'; known: full, quick, smoke"),
        ("fetch.tasks", ["breastmnst"], "fetch.tasks: unknown name 'breastmnst'; known: adrenalmnist3d, "),
        ("fetch.tasks", [], "fetch.tasks: "),
        ("fetch.tasks", ["breastmnist", "breastmnist"], "fetch.tasks: breastmnist stands there twice"),
        ("pretrain.2d.tasks", ["breastmnist", "breastmnist"], "pretrain.2d.tasks: breastmnist stands there twice"),
        ("finetune.recipes", ["dam", "readme", "dam"], "finetune.recipes: dam stands there twice"),
        ("profiles.quick.seeds", [1, 0, 1], "profiles.quick.seeds: 1 stands there twice"),
        ("recipes.dam.objective.lr", float("inf"), "recipes.dam.objective.lr: should be a finite number, got inf"),
        (
            "finetune.recipes",
            ["dan"],
            "finetune.recipes: unknown name 'dan'; known: dam, dam-average-precision, dam-compositional",
        ),
        ("pretrain.2d.tasks", ["no"], "pretrain.2d.tasks: unknown name 'no'"),
        ("recipes.dam.objective.lr", -1, "recipes.dam.objective.lr: should be greater than 0, got -1"),
        ("recipes.dam.objective.momentum", 1.0, "recipes.dam.objective.momentum: should be less than 1, got 1.0"),
        ("recipes.dam.objective.lr", "fast", "recipes.dam.objective.lr: should be a valid number"),
        (
            "recipes.dam.objective.loss",
            "auc",
            "recipes.dam.objective.loss: unknown name 'auc'; known: aucm, average-precision, bce-with",
        ),
        (
            "recipes.dam.objective",
            {"lr": 1},
            "recipes.dam.objective.loss: missing; known: aucm, average-precision, bce-with",
        ),
        ("recipes.dam.objective.marjin", 1, "recipes.dam.objective.marjin: unknown key; known: epoch_decay, "),
        ("recipes.dam.epochs", 0, "recipes.dam.epochs: should be greater than or equal to 1, got 0"),
        (
            "recipes.dam.network",
            {"2d": "medmnist-resnet18", "3d": "r3d18"},
            "recipes.dam: a recipe that starts from the trunk",
        ),
        ("recipes.medmnist.network.2d", "resnet", "recipes.medmnist.network.2d: should be 'medmnist-resnet18'"),
        ("recipes.medmnist.network", None, "recipes.medmnist: a recipe that starts from scratch names its network"),
        ("recipes.readme.trainable", -3, "recipes.readme.trainable: should be 'all' or a number"),
        ("recipes.dam.augmentation.3d", "flip-affine", "recipes.dam.augmentation.3d: should be 'flip' or 'none'"),
        ("pretrain.2d.network", "r3d18", "pretrain.2d.network: should be 'medmnist-resnet18' or 'resnet18-strided'"),
        ("recipes.readme.winners.chestmnist.optimizer", "lion", "should be 'sgd', 'adam' or 'rmsprop', got 'lion'"),
        ("recipes.dam.schedule.at", [0.5, 1.5], "recipes.dam.schedule.at.1: should be less than 1, got 1.5"),
        ("tasks.breastmnist.size", 30, "tasks.breastmnist.size: should be 28, 64, 128 or 224, got 30"),
        ("tasks.breastmnist.sise", 28, "tasks.breastmnist.sise: unknown key; known: official, size"),
        ("tasks.pneumoniamnist_rebuilt.md5", "abc", "tasks.pneumoniamnist_rebuilt.md5: "),
        ("tasks.pneumoniamnist_rebuilt.labels", ["one"], "a binary task has two label names, got 1"),
        ("profiles.quick.seeds", [], "profiles.quick.seeds: "),
        ("sweep.tasks", ["breast"], "sweep.tasks: unknown name 'breast'; known: adrenalmnist3d, "),
        (
            "sweep.grids.mine",
            {"recipe": "readme", "over": {"lrr": [1]}},
            "sweep.grids.mine.over.lrr: unknown key; known: loss, lr",
        ),
        (
            "sweep.grids.mine",
            {"recipe": "readme", "over": {}},
            "sweep.grids.mine.over: Dictionary should have at least 1 item",
        ),
        (
            "sweep.grids.mine",
            {"recipe": "readme", "over": {"lr": []}},
            "sweep.grids.mine.over.lr: Tuple should have at least 1",
        ),
        (
            "sweep.grids.mine",
            {"recipe": "no", "over": {"lr": [1]}},
            "sweep.grids.mine.recipe: unknown name 'no'; known: dam",
        ),
        (
            "sweep.grids.mine",
            {"recipe": "dam", "over": {"lr": [-1]}},
            "sweep.grids.mine.over.lr: should be greater than 0",
        ),
        ("extra", 1, "extra: unknown key; known: fetch, finetune, pretrain"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_what_is_allowed(
    tmp_path: Path, key: str, value: Any, message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        load_changed(tmp_path, key, value)
    sentence = str(caught.value)
    assert sentence.startswith(str(tmp_path / "params.yaml"))
    assert message in sentence
    assert "\n" not in sentence
    assert caught.value.exit_code == 2


def test_a_missing_file_has_its_own_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("tasks:\n  a: [1", "not valid YAML: line 2: expected ',' or ']'"),
        ("tasks:\n  a: {size: 28}\n  b: {}\n  a: {size: 64}\n", 'not valid YAML: line 4: found duplicate key "a"'),
        (b"title: \xff\xfe", "not valid YAML: unacceptable character"),
        ("", "should hold keys with values, and is empty"),
        ("- breastmnist\n", "should hold keys with values, and does not"),
    ],
)
def test_what_is_no_mapping_in_yaml_is_one_sentence(content: str | bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadInput) as caught:
        load_params(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path}: {message}")
    assert "\n" not in sentence
    assert "size" not in sentence


@pytest.mark.parametrize(
    ("task", "loss", "optimizer", "lr"),
    [  # typed from the published README's table of winners
        ("pneumoniamnist", "cross-entropy", "sgd", 0.001),
        ("breastmnist", "cross-entropy", "adam", 0.001),
        ("chestmnist", "bce-with-logits", "adam", 0.001),
        ("nodulemnist3d", "cross-entropy", "sgd", 0.1),
        ("adrenalmnist3d", "cross-entropy", "adam", 0.00001),
        ("vesselmnist3d", "cross-entropy", "rmsprop", 0.001),
        ("synapsemnist3d", "cross-entropy", "adam", 0.001),
    ],
)
def test_the_readme_recipe_gives_each_task_its_published_winner(
    params: Params, task: str, loss: str, optimizer: str, lr: float
) -> None:
    config = resolve_finetune(params, find(task), "readme", "full", 0)
    objective = config.objective
    assert (objective.loss, objective.optimizer, objective.lr, objective.momentum) == (loss, optimizer, lr, 0.9)  # type: ignore[union-attr]
    assert (config.epochs, config.batch_size, config.trainable, config.start) == (100, 64, 10, "trunk")


def test_an_own_task_takes_the_winner_of_the_task_that_it_is_compared_with(params: Params) -> None:
    config = resolve_finetune(params, find("pneumoniamnist_rebuilt"), "readme", "full", 0)
    assert config.objective.optimizer == "sgd"  # type: ignore[union-attr]


def test_a_profile_scales_epochs_and_names_a_cheaper_network_and_both_are_recorded(params: Params) -> None:
    config = resolve_finetune(params, find("breastmnist"), "medmnist", "quick", 0)
    assert config.network == "resnet18-strided"
    assert config.recipe_network == "medmnist-resnet18"
    assert config.epochs < config.recipe_epochs == 100


def test_pretraining_takes_every_listed_task_of_its_dimension(params: Params) -> None:
    config = resolve_pretrain(params, Dimension.D3, "full")
    assert config.tasks == ("adrenalmnist3d", "nodulemnist3d", "synapsemnist3d", "vesselmnist3d")
    assert (config.network, config.epochs, config.batch_size, config.objective.lr) == ("r3d18", 100, 64, 1e-4)


def test_an_unknown_profile_names_the_option(params: Params) -> None:
    with pytest.raises(BadInput, match="option --profile: unknown profile 'x'; known: full, quick, smoke"):
        choose_profile(params, "x", "option --profile")
    assert choose_profile(params, "", "here") == params.profile
