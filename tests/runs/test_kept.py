"""Results that git holds: copied whole or not at all, and read where nothing was run here."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.core.errors import BadInput
from benchmark.core.terms import Dimension
from benchmark.runs.folder import RunFolder
from benchmark.runs.kept import keep
from benchmark.runs.scores import metrics
from benchmark.runs.status import NOT_FINISHED, RUNNING
from benchmark.runs.workspace import Workspace
from tests.helpers import make_config, trained

SCORES = {"test": (np.array([[0], [1]], np.uint8), np.array([[0.25], [0.75]], np.float32))}


def finish(folder: RunFolder, recipe: str, stage: str = "finetune") -> RunFolder:
    folder.write_history([{"epoch": 1, "val_auc": 0.5}])
    folder.write_metrics(metrics(SCORES))
    folder.write_weights({})
    if stage == "finetune":
        folder.write_scores(SCORES)
    folder.seal(trained(config=make_config("breastmnist", recipe=recipe, stage=stage)))
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    for seed in (0, 1):
        finish(workspace.run("study", "breastmnist", "dam", seed), "dam")
    finish(workspace.trunk("study", Dimension.D2), "pretrain-2d", "pretrain")
    return workspace


def test_figures_are_kept_and_weights_are_not(workspace: Workspace) -> None:
    folders = keep("study", workspace).folders
    results = workspace.root / "results"
    cell = results / "study/breastmnist/dam"
    assert folders == [cell / "seed0", cell / "seed1", results / "trunks/study/2d"]
    assert sorted(path.name for path in folders[0].iterdir()) == [
        "history.csv",
        "metrics.json",
        "run.json",
        "scores.npz",
    ]
    assert sorted(path.name for path in folders[2].iterdir()) == ["history.csv", "metrics.json", "run.json"]
    assert all(RunFolder(path).status_of_figures.is_done for path in folders)


def test_they_are_read_where_nothing_of_the_profile_was_run_here(workspace: Workspace) -> None:
    assert not workspace.of_figures("study").kept
    keep("study", workspace)
    elsewhere = Workspace(workspace.root / "clone")
    (workspace.root / "results").rename(elsewhere.root.mkdir() or elsewhere.root / "results")
    found = elsewhere.of_figures("study")
    assert found.cell("study", "breastmnist", "dam") == elsewhere.root / "results/study/breastmnist/dam"
    assert len(found.list_named("study", "dam")) == 2
    assert found.trunk("study", Dimension.D2).exists
    assert found.external == elsewhere.external
    assert not elsewhere.of_figures("quick").kept
    finish(elsewhere.run("study", "breastmnist", "dam", 0), "dam")
    assert not elsewhere.of_figures("study").kept


def test_seeds_that_are_no_longer_run_go_and_what_was_not_run_here_stays_and_is_named(workspace: Workspace) -> None:
    results = workspace.root / "results"
    stale = finish(RunFolder(results / "study/breastmnist/dam/seed2"), "dam")
    elsewhere = [
        finish(RunFolder(results / "study/breastmnist/old/seed0"), "old"),
        finish(RunFolder(results / "study/chestmnist/dam/seed0"), "dam"),
        finish(RunFolder(results / "trunks/study/3d"), "pretrain-3d", "pretrain"),
    ]
    other = finish(RunFolder(results / "other/breastmnist/old/seed0"), "old")
    kept = keep("study", workspace)
    assert not stale.path.exists()
    assert all(folder.status_of_figures.is_done for folder in (*elsewhere, other))
    assert kept.others == [elsewhere[0].path.parent, elsewhere[1].path.parent, elsewhere[2].path]


def test_refusals_are_kept_with_their_reason(workspace: Workspace) -> None:
    workspace.write_refusal("study", "chestmnist", "dam", "belongs to one class only")
    keep("study", workspace)
    (workspace.root / "runs").rename(workspace.root / "elsewhere")
    (refusal,) = workspace.of_figures("study").list_refusals("study")
    assert (refusal.task, refusal.recipe, refusal.status.reason) == ("chestmnist", "dam", "belongs to one class only")


def test_what_is_not_finished_is_named_and_nothing_changes(workspace: Workspace) -> None:
    kept = finish(RunFolder(workspace.root / "results/study/breastmnist/old/seed0"), "old")
    folder = workspace.run("study", "breastmnist", "dam", 1)
    folder.write_record(folder.record().model_copy(update={"status": RUNNING}))
    with pytest.raises(BadInput, match=rf"only finished runs are kept, and {folder.path} is {NOT_FINISHED}"):
        keep("study", workspace)
    assert kept.exists
    with pytest.raises(BadInput, match="holds no run, so there is nothing to keep"):
        keep("quick", workspace)
