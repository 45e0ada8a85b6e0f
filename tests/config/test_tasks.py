"""The catalogue against medmnist.INFO."""

import dataclasses
from pathlib import Path

import pytest
from medmnist import INFO

from benchmark.config.entries import OfficialTask, OwnTask, StandinTask
from benchmark.config.params import Params
from benchmark.config.tasks import Task, build_task, find_task
from benchmark.core.errors import BadInput
from tests.helpers import SEVEN, shipped


@pytest.fixture
def params() -> Params:
    return shipped()


@pytest.mark.parametrize("name", SEVEN)
def test_an_official_task_is_what_medmnist_says(params: Params, name: str) -> None:
    task, info = find_task(params, name, "here"), INFO[name]
    assert (task.md5, task.origin, task.split_sizes) == (info["MD5"], info["url"], info["n_samples"])
    assert task.label_names == tuple(info["label"].values())
    assert task.dim == ("3d" if name.endswith("3d") else "2d")
    assert task.label_count == (14 if name == "chestmnist" else 1)


@pytest.mark.parametrize(("name", "sizes"), [("breastmnist", (64, 128, 224)), ("vesselmnist3d", (64,))])
def test_larger_sizes_have_their_own_address_and_md5(name: str, sizes: tuple[int, ...]) -> None:
    for size in sizes:
        task = build_task("larger", OfficialTask.model_validate({"official": name, "size": size}))
        assert (task.md5, task.origin) == (INFO[name][f"MD5_{size}"], INFO[name][f"url_{size}"])
        assert task.file_name == f"{name}_{size}.npz"
        assert "against the published 28" in task.comparable


def test_a_3d_task_has_no_size_128() -> None:
    with pytest.raises(BadInput, match=r"tasks.x.size: vesselmnist3d comes in 28, 64, got 128"):
        build_task("x", OfficialTask(official="vesselmnist3d", size=128))


def test_every_task_of_the_shipped_params_can_be_built(params: Params) -> None:
    tasks = [build_task(name, entry) for name, entry in params.tasks.items()]
    assert {task.name for task in tasks if task.is_standin} == {f"standin-{name}" for name in SEVEN}


def test_an_own_task_carries_its_comparison_and_the_stated_reason(params: Params) -> None:
    task = find_task(params, "pneumoniamnist_rebuilt", "here")
    assert (task.reference, task.source, task.md5) == ("pneumoniamnist", "own", "0362ba63e6370f4916da0a23aa7fb2bb")
    assert "rebuilt from two public derivatives" in task.comparable


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("breast", StandinTask(standin="breastmnist")),
        ("standin-x", OfficialTask(official="breastmnist")),
        ("standin-y", OwnTask(file="y.npz", md5="0" * 32, dimension=2, kind="binary", labels=("a", "b"))),
    ],
)
def test_only_stand_in_data_is_named_so(name: str, entry: OfficialTask | OwnTask | StandinTask) -> None:
    with pytest.raises(BadInput, match="stand-in data has a name that starts with 'standin-'"):
        build_task(name, entry)


def test_the_file_of_an_own_task_may_lie_at_home(params: Params) -> None:
    own = params.tasks["pneumoniamnist_rebuilt"]
    for file, origin in (("~/a.npz", f"{Path.home()}/a.npz"), ("https://a.org/~b/a.npz", "https://a.org/~b/a.npz")):
        assert build_task("mine", own.model_copy(update={"file": file})).origin == origin


def test_an_unknown_task_is_answered_with_the_known_ones(params: Params) -> None:
    with pytest.raises(BadInput, match="argument TASK: unknown task 'brestmnist'; known: adrenalmnist3d, "):
        find_task(params, "brestmnist", "argument TASK")


def test_medmnist_tasks_of_another_kind_are_not_known() -> None:
    with pytest.raises(BadInput, match="unknown official task 'pathmnist'"):
        build_task("pathmnist", OfficialTask())


def test_a_task_can_not_be_changed(params: Params) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        find_task(params, "breastmnist", "here").name = "other"  # type: ignore[misc]
    assert isinstance(find_task(params, "breastmnist", "here"), Task)
