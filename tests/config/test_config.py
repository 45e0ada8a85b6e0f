"""params.yaml as shipped, and one clear sentence for each way to get it wrong."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark.config import colours
from benchmark.config.params import Params, load_params
from benchmark.config.run import RunConfig, choose_profile, resolve_finetune, resolve_pretrain
from benchmark.config.tasks import build_task
from benchmark.core.errors import BadInput
from benchmark.core.terms import Dimension
from benchmark.runs.workspace import Workspace
from tests.helpers import PARAMS, find, running, shipped

SMALL = {"family": "resnet", "width": 16, "blocks": [2, 2, 2, 2], "stem_kernel": 3, "stem_stride": 2, "pool": False}


@pytest.fixture
def params() -> Params:
    return shipped()


def load_changed(folder: Path, key: str, value: Any) -> Params:
    """The shipped params.yaml with one value replaced; `key` is a path with dots."""
    content = deepcopy(PARAMS)
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
        ("profile", "huge", "profile: unknown name 'huge'; known: full, quick, search, smoke, study"),
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
            "finetune.recipes: unknown name 'dan'; known: crossed-aucm, ",
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
        (
            "recipes.dam.sharpness",
            {"radius": 0.05},
            "recipes.dam: sharpness asks for a loss twice in a step, and 'aucm' counts its calls",
        ),
        (
            "recipes.medmnist.sharpness",
            {"radius": 0},
            "recipes.medmnist.sharpness.radius: should be greater than 0, got 0",
        ),
        (
            "profiles.quick.as_they_stand",
            ["no"],
            "profiles.quick.as_they_stand: unknown name 'no'; known: crossed-aucm, ",
        ),
        ("recipes.dam.epochs.3d", 0, "recipes.dam.epochs.3d: should be greater than or equal to 1, got 0"),
        (
            "recipes.dam.network",
            {"2d": "medmnist-resnet18", "3d": "r3d18"},
            "recipes.dam: a recipe that starts from the trunk",
        ),
        ("recipes.medmnist.network.2d", "resnet", "recipes.medmnist.network.2d: should be 'medmnist-resnet18'"),
        (
            "recipes.medmnist.network.2d",
            SMALL | {"width": 0},
            "recipes.medmnist.network.2d.width: should be greater than or equal to 1, got 0",
        ),
        (
            "recipes.medmnist.network.2d",
            SMALL | {"widht": 1},
            "recipes.medmnist.network.2d.widht: unknown key; known: blocks, family, pool, stem_kernel, stem_stride, width",
        ),
        (
            "recipes.medmnist.network.2d",
            SMALL | {"stem_kernel": 4},
            "recipes.medmnist.network.2d.stem_kernel: should be 1, 3, 5 or 7, got 4",
        ),
        (
            "recipes.medmnist.network.2d",
            SMALL | {"blocks": [2, 0]},
            "recipes.medmnist.network.2d.blocks.1: should be greater than or equal to 1, got 0",
        ),
        (
            "recipes.medmnist.network.2d",
            SMALL | {"family": "resnext"},
            "recipes.medmnist.network.2d: unknown family 'resnext'; known: resnet",
        ),
        (
            "recipes.medmnist.network.3d",
            SMALL,
            "recipes.medmnist.network.3d: unknown family 'resnet'; known: resnet-3d, resnet-slices",
        ),
        ("profiles.quick.network.2d", {"width": 1}, "profiles.quick.network.2d: family missing; known: resnet"),
        ("pretrain.3d.network", SMALL | {"family": "resnet-slices"}, "pretrain.3d.network.slices: Field required"),
        (
            "pretrain.3d.network",
            18,
            "'r3d18', 'resnet10-strided-3d' or 'medmnist-resnet18-3d-default', or settings of family 'resnet-3d' or 'resnet-slices', got 18",
        ),
        ("recipes.medmnist.network", None, "recipes.medmnist: a recipe that starts from scratch names its network"),
        ("recipes.readme.trainable", -3, "recipes.readme.trainable: should be 'all' or a number"),
        (
            "recipes.dam.augmentation.3d",
            "flip-affine",
            "recipes.dam.augmentation.3d: should be 'flip' or 'none', or settings of kind 'in-plane' or 'volume'",
        ),
        (
            "recipes.dam.augmentation.2d",
            {"kind": "affine", "degrees": 200},
            "recipes.dam.augmentation.2d.degrees: should be less than or equal to 180, got 200",
        ),
        (
            "recipes.dam.augmentation.2d",
            {"kind": "affine", "scale": [1.1, 0.9]},
            "recipes.dam.augmentation.2d.scale: should be a lower and an upper bound, got [1.1, 0.9]",
        ),
        (
            "recipes.dam.augmentation.2d",
            {"kind": "volume"},
            "recipes.dam.augmentation.2d: unknown kind 'volume'; known: affine",
        ),
        (
            "recipes.dam.augmentation.3d",
            {"kind": "mixup"},
            "recipes.dam.augmentation.3d: unknown kind 'mixup'; known: in-plane, volume",
        ),
        ("recipes.dam.augmentation.3d", {"shift": 0.1}, "recipes.dam.augmentation.3d: kind missing; known: in-plane"),
        (
            "recipes.dam.augmentation.3d",
            {"kind": "in-plane", "permute_axes": True},
            "recipes.dam.augmentation.3d.permute_axes: unknown key; known: degrees, flips, kind, scale, shift",
        ),
        (
            "pretrain.3d.augmentation",
            {"kind": "volume", "flips": {"dpeth": 0.5}},
            "pretrain.3d.augmentation.flips.dpeth: unknown key; known: depth, height, width",
        ),
        (
            "pretrain.2d.augmentation",
            ["flip-affine"],
            "pretrain.2d.augmentation: should be 'flip-affine' or 'none', or settings of kind 'affine'",
        ),
        (
            "pretrain.2d.network",
            "r3d18",
            "pretrain.2d.network: should be 'medmnist-resnet18', 'resnet18-strided' or 'medmnist-resnet18-default'",
        ),
        (
            "recipes.readme.winners.chestmnist.optimizer",
            "lion",
            "should be 'sgd', 'adam', 'adamw' or 'rmsprop', got 'lion'",
        ),
        ("recipes.dam.schedule.at", [0.5, 1.5], "recipes.dam.schedule.at.1: should be less than 1, got 1.5"),
        (
            "recipes.dam.schedule",
            {"shape": "linear"},
            "recipes.dam.schedule: shape should be 'one-cycle' or 'cosine', or",
        ),
        ("recipes.dam.schedule", {"shape": "cosine"}, "recipes.dam.schedule.warm_up: Field required"),
        (
            "recipes.dam.schedule",
            {"shape": "one-cycle", "warm_up": 1},
            "recipes.dam.schedule.warm_up: should be less than 1, got 1",
        ),
        ("recipes.dam.averaging", {"decay": 1.0}, "recipes.dam.averaging.decay: should be less than 1, got 1.0"),
        ("recipes.dam.keep", "first", "recipes.dam.keep: should be 'best' or 'last', got 'first'"),
        (
            "recipes.dam.flips_at_test",
            {"2d": ["depth"], "3d": []},
            "recipes.dam.flips_at_test.2d.0: should be 'height' or 'width', got 'depth'",
        ),
        ("tasks.breastmnist.size", 30, "tasks.breastmnist.size: should be 28, 64, 128 or 224, got 30"),
        # A recipe's name may be that of an objective.
        ("recipes.focal.epochs.2d", 0, "recipes.focal.epochs.2d: should be greater than or equal to 1, got 0"),
        ("recipes.focal.objective.gamma", -1, "recipes.focal.objective.gamma: should be greater than or equal to 0"),
        ("recipes.focal.epoks", 1, "recipes.focal.epoks: unknown key; known: about, augmentation, averaging, "),
        ("recipes.focal.objective.gama", 1, "recipes.focal.objective.gama: unknown key; known: alpha, gamma, "),
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
            "sweep.grids.mine.over.lr: should have a value at least",
        ),
        (
            "sweep.grids.mine",
            {"recipe": "no", "over": {"lr": [1]}},
            "sweep.grids.mine.recipe: unknown name 'no'; known: crossed-aucm, ",
        ),
        (
            "sweep.grids.mine",
            {"recipe": "dam", "over": {"lr": [-1]}},
            "sweep.grids.mine.over.lr: should be greater than 0",
        ),
        ("extra", 1, "extra: unknown key; known: ensemble, ensembles, fetch, finetune, pretrain"),
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


def test_an_md5_may_have_capital_letters(tmp_path: Path) -> None:
    md5 = "0362BA63E6370F4916DA0A23AA7FB2BB"
    params = load_changed(tmp_path, "tasks.pneumoniamnist_rebuilt.md5", md5)
    assert build_task("pneumoniamnist_rebuilt", params.tasks["pneumoniamnist_rebuilt"]).md5 == md5.lower()


def test_a_missing_file_has_its_own_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("tasks:\n  a: [1", "not valid YAML: line 2: expected ',' or ']'"),
        (f"fetch:\n  retries: {5000 * '1'}\n", "not valid YAML: line 2: Exceeds the limit (4300 digits) for integer"),
        ("a: 1\nb: 2026-02-30\n", "not valid YAML: line 2: day is out of range for month"),
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
    ("digits", "shown"), [(9000, "a number of thousands of digits"), (200, f"-{16**200 - 1}"[:100] + "...")]
)
def test_a_long_number_is_told_without_its_digits(digits: int, shown: str, tmp_path: Path) -> None:
    """Python reads a hexadecimal one of any length, and writes none of thousands of digits."""
    path = tmp_path / "params.yaml"
    path.write_text(Path("params.yaml").read_text().replace("retries: 3 ", f"retries: -0x{digits * 'f'} "))
    with pytest.raises(BadInput) as caught:
        load_params(path)
    assert str(caught.value).endswith(f"fetch.retries: should be greater than or equal to 0, got {shown}")


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


def test_a_network_by_settings_is_resolved_as_a_name_is_and_goes_through_a_file(tmp_path: Path) -> None:
    deep = SMALL | {"family": "resnet-slices", "slices": 28}
    changed = load_changed(tmp_path, "recipes.medmnist.network", {"2d": SMALL, "3d": deep})
    for task, given in (("breastmnist", SMALL), ("adrenalmnist3d", deep)):
        config = resolve_finetune(changed, find(task), "medmnist", "full", 0)
        assert config.network == config.recipe_network
        content = config.model_dump(mode="json")
        assert content["network"] == given
        assert RunConfig.model_validate(content) == config


def test_pretraining_takes_every_listed_task_of_its_dimension(params: Params) -> None:
    config = resolve_pretrain(params, Dimension.D3, "full")
    assert config.tasks == tuple(sorted(params.pretrain.of(Dimension.D3).tasks))
    assert (config.network, config.epochs, config.batch_size, config.objective.lr) == ("r3d18", 100, 64, 1e-4)


def test_an_augmentation_may_be_settings_of_a_kind_that_is_for_its_dimension(tmp_path: Path) -> None:
    given = {"2d": {"kind": "affine", "flips": {"width": 0.5}, "degrees": 10}, "3d": {"kind": "in-plane", "shift": 0.1}}
    params = load_changed(tmp_path, "recipes.dam.augmentation", given)
    texts = [
        str(resolve_finetune(params, find(task), "dam", "quick", 0).augmentation)
        for task in ("breastmnist", "adrenalmnist3d")
    ]
    assert texts == ["affine-flip-w0.5-deg10", "in-plane-shift0.1"]
    changed = load_changed(tmp_path, "pretrain.3d.augmentation", {"kind": "volume", "permute_axes": True})
    assert str(resolve_pretrain(changed, Dimension.D3, "quick").augmentation) == "volume-permute"


def test_an_unknown_profile_names_the_option(params: Params) -> None:
    with pytest.raises(
        BadInput, match="option --profile: unknown profile 'x'; known: full, quick, search, smoke, study"
    ):
        choose_profile(params, "x", "option --profile")
    assert choose_profile(params, "", "here") == params.profile


def test_a_profile_leaves_recipes_as_they_stand_where_it_names_them(tmp_path: Path) -> None:
    params = load_changed(tmp_path, "profiles.quick.as_they_stand", ["medmnist"])
    config = resolve_finetune(params, find("breastmnist"), "medmnist", "quick", 0)
    assert (config.network, config.epochs) == ("medmnist-resnet18", 100)
    other = resolve_finetune(params, find("breastmnist"), "dam", "quick", 0)
    assert (other.network, other.epochs) == ("resnet18-strided", 5)


def test_no_value_has_come_by_an_anchor() -> None:
    """DVC's --set-param writes such a value once where it was taken from and once back where it was."""
    tokens = yaml.scan(Path("params.yaml").read_text())
    assert [token for token in tokens if isinstance(token, (yaml.AnchorToken, yaml.AliasToken))] == []


@pytest.mark.parametrize("where", ["tasks", "left_out"])
def test_two_stages_of_one_name_are_refused(where: str, tmp_path: Path) -> None:
    content = deepcopy(PARAMS)
    content["tasks"]["breastmnist-dam"] = content["tasks"]["breastmnist"]
    content["recipes"]["dam-long"] = content["recipes"]["long"] = content["recipes"]["dam"]
    content["fetch"] |= {"tasks": ["breastmnist"], "left_out": []}
    content["fetch"][where] = [*content["fetch"][where], "breastmnist-dam"]
    content |= running("dam-long", "long")
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    sentence = "'dam-long' of task 'breastmnist' and 'long' of task 'breastmnist-dam' would both be stage"
    with pytest.raises(BadInput, match=f"finetune.recipes: {sentence} 'breastmnist-dam-long'; rename one of them"):
        load_params(path)


# ------------------------------------------------------------------------------------------------ two phases

AUCM = PARAMS["recipes"]["dam"]


def with_second(folder: Path, finetune: dict[str, Any] | None = None, **changes: Any) -> Params:
    """The shipped file with a recipe `later`, that starts from `medmnist`."""
    content = deepcopy(PARAMS)
    content["recipes"]["later"] = AUCM | {"start": {"recipe": "medmnist"}} | changes
    second = {"second": [{"recipe": "later", "after": "medmnist"}]}
    content["finetune"] |= second if finetune is None else finetune
    content["ensemble"]["names"] = []
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return load_params(path)


def test_a_second_phase_has_the_network_of_the_first_and_starts_from_its_run_of_the_same_seed(tmp_path: Path) -> None:
    params = with_second(tmp_path)
    assert params.phases("later") == ("medmnist", "later")
    assert params.finetune.names == (*shipped().finetune.recipes, "later")
    config = resolve_finetune(params, find("breastmnist"), "later", "full", 3)
    assert config.network == config.recipe_network == "medmnist-resnet18"
    start = Workspace(tmp_path).start(config, Dimension.D2)
    assert start == Workspace(tmp_path).run("full", "breastmnist", "medmnist", 3)
    quick = params.model_copy(
        update={"profiles": {"x": params.profiles["quick"].model_copy(update={"as_they_stand": ("medmnist",)})}}
    )
    cut = resolve_finetune(quick, find("breastmnist"), "later", "x", 3)
    assert (cut.network, cut.epochs) == ("medmnist-resnet18", 5)  # the network that its start really has
    from_trunk = resolve_finetune(params, find("breastmnist"), "dam", "full", 3)
    assert Workspace(tmp_path).start(from_trunk, Dimension.D2) == Workspace(tmp_path).trunk("full", Dimension.D2)
    scratch = resolve_finetune(params, find("breastmnist"), "medmnist", "full", 3)
    assert Workspace(tmp_path).start(scratch, Dimension.D2) is None


def test_a_second_phase_without_augmentation_has_that_of_the_first_for_the_task(tmp_path: Path) -> None:
    params = with_second(tmp_path, augmentation=None)
    task = find("breastmnist")
    assert resolve_finetune(params, task, "later", "full", 3).augmentation == "none"
    winner = {
        "objective": params.recipes["medmnist"].objective.model_dump(),
        "settings": {"augmentation": "flip-affine"},
    }
    (tmp_path / "winner.yaml").write_text(yaml.safe_dump(winner))
    first = params.recipes["medmnist"].model_copy(update={"winner_files": {task.name: tmp_path / "winner.yaml"}})
    found = params.model_copy(update={"recipes": params.recipes | {"medmnist": first}})
    assert resolve_finetune(found, task, "later", "full", 3).augmentation == "flip-affine"
    searched = resolve_finetune(found, task, "later", "full", 3, {"augmentation": {"kind": "affine", "degrees": 10}})
    assert str(searched.augmentation) == "affine-deg10"


@pytest.mark.parametrize(
    ("changes", "finetune", "message"),
    [
        ({"start": {"recipe": "no"}}, None, "recipes.later.start.recipe: unknown name 'no'; known: crossed-aucm, "),
        ({"start": {"recipe": "later"}}, None, "recipes.later.start: leads back to later"),
        (
            {"start": "trunc"},
            None,
            "recipes.later.start: should be 'scratch', 'trunk', or {recipe: NAME, head: new or kept}, got 'trunc'",
        ),
        (
            {"start": "trunk", "augmentation": None},
            None,
            "recipes.later: a recipe that starts from trunk names its augmentation",
        ),
        ({"cross_fit": 5}, None, "recipes.later.cross_fit: should be that of medmnist, from which it starts"),
        ({"cross_fit": 1}, None, "recipes.later.cross_fit: should be greater than or equal to 2, got 1"),
        (
            {"network": {"2d": SMALL, "3d": "r3d18"}},
            None,
            "recipes.later: a recipe that starts from another one has that one's network",
        ),
        (
            {},
            {"recipes": ["medmnist", "later"]},
            "finetune.recipes: later starts from another recipe; name it in second, as "
            "{recipe: later, after: medmnist}",
        ),
        (
            {},
            {"second": [{"recipe": "later", "after": "dam"}]},
            "finetune.second.0.after: should be what later starts from, recipe medmnist, got 'dam'",
        ),
        (
            {},
            {"second": [{"recipe": "late", "after": "dam"}]},
            "finetune.second: unknown name 'late'; known: crossed-aucm, ",
        ),
        (
            {},
            {"recipes": ["dam"], "second": [{"recipe": "later", "after": "medmnist"}]},
            "finetune.second.0.after: 'medmnist' is not among the recipes that are run",
        ),
        (
            {},
            {"second": [{"recipe": "later", "after": "medmnist"}] * 2},
            "finetune.second: later stands there twice, or in recipes too",
        ),
    ],
)
def test_a_second_phase_that_can_not_be_is_one_sentence(
    tmp_path: Path, changes: dict[str, Any], finetune: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        with_second(tmp_path, finetune, **changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recipe_may_be_cross_fitted(tmp_path: Path) -> None:
    params = load_changed(tmp_path, "recipes.medmnist.cross_fit", 5)
    assert resolve_finetune(params, find("breastmnist"), "medmnist", "full", 3).cross_fit == 5
    assert resolve_finetune(shipped(), find("breastmnist"), "medmnist", "full", 3).cross_fit is None


# ------------------------------------------------------------------------------------------------ ensembles


def with_ensembles(folder: Path, ensembles: dict[str, Any], names: list[str]) -> Params:
    content = deepcopy(PARAMS)
    content["ensembles"] = {name: {"about": "a test", "members": members} for name, members in ensembles.items()}
    content["ensemble"]["names"] = names
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return load_params(path)


def test_an_ensemble_is_of_recipes_that_are_run_and_has_a_colour_behind_theirs(tmp_path: Path) -> None:
    params = with_ensembles(tmp_path, {"best": ["dam", "medmnist"]}, ["best"])
    assert params.ensembles["best"].members == ("dam", "medmnist")
    assert colours.of_recipe(params, "best") == colours.colour(len(params.finetune.names))
    assert (
        with_ensembles(tmp_path, {"best": ["focal"]}, []).ensemble.names == ()
    )  # not made, so its members need not run


@pytest.mark.parametrize(
    ("ensembles", "names", "message"),
    [
        ({"dam": ["medmnist"]}, [], "ensembles.dam: is the name of a recipe; give the ensemble one of its own"),
        ({"best": ["no"]}, [], "ensembles.best.members: unknown name 'no'; known: crossed-aucm, "),
        ({"best": ["focal"]}, ["best"], "ensembles.best.members: 'focal' is not among the recipes that are run"),
        ({"best": ["dam", "dam"]}, [], "ensembles.best.members: dam stands there twice"),
        ({"best": []}, [], "ensembles.best.members: Tuple should have at least 1 item"),
        ({"best": ["dam"]}, ["other"], "ensemble.names: unknown name 'other'; known: best"),
    ],
)
def test_an_ensemble_that_can_not_be_is_one_sentence(
    tmp_path: Path, ensembles: dict[str, Any], names: list[str], message: str
) -> None:
    with pytest.raises(BadInput) as caught:
        with_ensembles(tmp_path, ensembles, names)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
