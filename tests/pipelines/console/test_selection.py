"""What a machine runs on: the data in reach, the fitting profile, and a params.yaml that says so."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmark.config.params import Params, load_params
from benchmark.config.tasks import Task
from benchmark.data.fetch import Reach
from pipelines.console import selection
from pipelines.console.selection import Selection
from tests.helpers import shipped

REAL = {"breastmnist", "adrenalmnist3d", "pneumoniamnist_rebuilt"}


def probe_for(names: set[str]) -> Callable[[Task], Reach]:
    return lambda task: Reach("a mirror") if task.name in names else Reach(None, "nobody answers")


@pytest.fixture
def params() -> Params:
    return shipped()


def choose(params: Params, names: set[str], profile: str = "") -> Selection:
    return selection.choose(params, profile, probe_for(names))


def test_tasks_in_reach_are_run_and_the_others_left_out_with_the_reason(params: Params) -> None:
    chosen = choose(params, REAL)
    assert chosen.tasks == ("breastmnist", "adrenalmnist3d", "pneumoniamnist_rebuilt")
    assert set(chosen.left_out) == {
        "pneumoniamnist",
        "chestmnist",
        "nodulemnist3d",
        "vesselmnist3d",
        "synapsemnist3d",
    }
    assert chosen.reach["chestmnist"].reason == "nobody answers"
    assert chosen.real


def test_trunks_are_trained_on_what_is_in_reach_an_own_task_included_where_it_says_so(params: Params) -> None:
    chosen = choose(params, REAL)
    assert chosen.pretrain == {"2d": ("breastmnist", "pneumoniamnist_rebuilt"), "3d": ("adrenalmnist3d",)}


def test_a_dimension_whose_tasks_are_all_own_ones_has_a_trunk_of_them(params: Params) -> None:
    """`pretrain` of an own task is false where nothing is said, and every recipe from a trunk needs one."""
    own = params.tasks["pneumoniamnist_rebuilt"].model_copy(update={"pretrain": False})
    fetch = params.fetch.model_copy(update={"tasks": ("mine", "adrenalmnist3d"), "left_out": ()})
    mine = params.model_copy(update={"fetch": fetch, "tasks": dict(params.tasks) | {"mine": own}})
    assert choose(mine, {"mine", "adrenalmnist3d"}).pretrain == {"2d": ("mine",), "3d": ("adrenalmnist3d",)}


def test_the_profile_fits_the_hardware_unless_one_is_asked_for(params: Params) -> None:
    assert choose(params, REAL).profile == ("full" if torch.cuda.is_available() else "quick")
    assert choose(params, REAL, "full").profile == "full"


def test_without_any_real_data_it_is_stand_ins_and_smoke(params: Params) -> None:
    chosen = choose(params, set())
    assert not chosen.real
    assert chosen.profile == "smoke"
    assert len(chosen.tasks) == 7
    assert all(name.startswith("standin-") for name in chosen.tasks)
    assert set(chosen.left_out) == {*params.fetch.tasks, *params.fetch.left_out}


def test_params_yaml_is_rewritten_with_its_comments_and_is_valid(params: Params, tmp_path: Path) -> None:
    path = Path(shutil.copy("params.yaml", tmp_path))
    assert selection.write(choose(params, REAL), path)
    written = load_params(path)
    assert written.fetch.tasks == ("breastmnist", "adrenalmnist3d", "pneumoniamnist_rebuilt")
    before, after = ([line for line in p.read_text().splitlines() if "#" in line] for p in (Path("params.yaml"), path))
    assert [line.split("#")[1] for line in before] == [line.split("#")[1] for line in after]


def test_a_list_that_is_not_there_is_written_and_an_equal_file_is_left_alone(params: Params, tmp_path: Path) -> None:
    content = Path("params.yaml").read_text(encoding="utf-8")
    path = tmp_path / "params.yaml"
    path.write_text(re.sub(r"^  left_out:\n(    - .*\n)+", "", content, flags=re.M), encoding="utf-8")
    assert not re.search(r"^ *left_out:", path.read_text(encoding="utf-8"), flags=re.M)
    assert selection.write(choose(params, REAL), path)
    assert "vesselmnist3d" in load_params(path).fetch.left_out
    before = path.stat()
    assert not selection.write(choose(params, REAL), path)
    assert path.stat() == before


def test_a_second_selection_of_the_same_changes_nothing(params: Params, tmp_path: Path) -> None:
    path = Path(shutil.copy("params.yaml", tmp_path))
    selection.write(choose(params, REAL), path)
    content = path.read_bytes()
    assert not selection.write(choose(load_params(path), REAL), path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("first", [REAL, set()])
def test_tasks_come_back_once_their_data_can_be_reached(params: Params, tmp_path: Path, first: set[str]) -> None:
    path = Path(shutil.copy("params.yaml", tmp_path))
    selection.write(choose(params, first), path)
    everything = {*params.fetch.tasks, *params.fetch.left_out}
    again = choose(load_params(path), everything)
    assert set(again.tasks) == everything
    assert not again.left_out
    assert set(again.pretrain["3d"]) == {"nodulemnist3d", "adrenalmnist3d", "vesselmnist3d", "synapsemnist3d"}


def test_a_list_that_the_user_shortened_stays_short(params: Params) -> None:
    short = params.model_copy(
        update={"fetch": params.fetch.model_copy(update={"tasks": ("breastmnist",), "left_out": ()})}
    )
    assert choose(short, {*REAL, "vesselmnist3d"}).tasks == ("breastmnist",)


def test_a_dimension_without_data_has_no_trunk(params: Params, tmp_path: Path) -> None:
    path = Path(shutil.copy("params.yaml", tmp_path))
    selection.write(choose(params, {"breastmnist"}), path)
    assert load_params(path).pretrain.dims == ("2d",)
