"""Where things lie, and what lists of them leave out."""

from pathlib import Path

import pytest

from benchmark.core.terms import Dimension
from benchmark.runs.status import State, Status
from benchmark.runs.workspace import Refusal, Workspace, seeds_of
from tests.helpers import from_elsewhere, trained


def test_everything_lies_under_one_root(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.data("breastmnist") == tmp_path / "data/breastmnist.npz"
    assert workspace.run("quick", "breastmnist", "dam", 2).path == tmp_path / "runs/quick/breastmnist/dam/seed2"
    assert workspace.trial("quick", "breastmnist", "a", 0).path == tmp_path / "trials/quick/breastmnist/a/seed0"
    assert workspace.trunk("quick", Dimension.D3).path == tmp_path / "trunks/quick/3d"
    assert workspace.given("breastmnist", "mine", 1).path == tmp_path / "external/breastmnist/mine/seed1"
    assert Workspace().reports == Path("reports")


def test_runs_are_listed_failed_ones_included_and_refusals_apart(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    failed = workspace.run("quick", "breastmnist", "dam", 0)
    failed.write_record(trained(status=Status(State.FAILED, "loss not finite")))
    workspace.write_refusal("quick", "chestmnist", "x", "binary only")
    assert list(workspace.list_runs("quick")) == [failed]
    assert not failed.is_done
    expected = Refusal("chestmnist", "x", Status(State.REFUSED, "binary only"))
    assert list(workspace.list_refusals("quick")) == [expected]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"status": "gone"}', "7"])
def test_a_damaged_refusal_is_listed_as_such(tmp_path: Path, content: str) -> None:
    workspace = Workspace(tmp_path)
    workspace.write_refusal("quick", "breastmnist", "x", "binary only")
    path = tmp_path / "runs/quick/breastmnist/x/refused.json"
    path.write_text(content)
    (refusal,) = workspace.list_refusals("quick")
    expected = Status(State.DAMAGED, f"{path}: does not say why there is no run")
    assert refusal == Refusal("breastmnist", "x", expected)


def test_predictions_from_elsewhere_are_listed_apart_from_runs_and_have_no_epochs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    folder = workspace.given("breastmnist", "my-method", 2)
    assert list(workspace.list_given()) == []
    folder.write_record(from_elsewhere())
    assert list(workspace.list_given()) == [folder]
    assert list(workspace.list_runs("external")) == []
    assert seeds_of(folder.path.parent) == [folder]
    assert folder.history().empty
