"""The mean over members: whose score counts where, and what stands in the folder where it can't be made."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.core.errors import DamagedRun, NoMember, Refused
from benchmark.runs import cell, ensemble
from benchmark.runs.folder import RunFolder
from benchmark.runs.record import Combined, EnsembleConfig
from benchmark.runs.scores import HeldOut, Scores, metrics
from benchmark.runs.status import State, Status
from benchmark.runs.workspace import Workspace
from tests.helpers import make_config, told, trained

TASK, PROFILE, MD5 = "breastmnist", "smoke", "0" * 32
SIZES = {"train": 40, "val": 30, "test": 20}
LABELS = {split: (np.arange(size) % 3 == 0).astype(np.uint8)[:, None] for split, size in SIZES.items()}


def config(*members: str) -> EnsembleConfig:
    return EnsembleConfig(stage="ensemble", tasks=(TASK,), recipe="champion", profile=PROFILE, members=members)


def part(seed: int, parts: int) -> HeldOut:
    return {split: np.arange(SIZES[split]) % parts == seed for split in ("train", "val")}


def write(workspace: Workspace, recipe: str, seed: int, parts: int | None = None, md5: str = MD5) -> RunFolder:
    """A finished run of drawn scores; with `parts` a cross-fitted one."""
    random = np.random.default_rng([seed, len(recipe)])
    scores: Scores = {split: (labels, random.random(labels.shape)) for split, labels in LABELS.items()}
    folder = workspace.run(PROFILE, TASK, recipe, seed)
    folder.write_scores(scores, held_out=part(seed, parts) if parts else None)
    folder.write_metrics(metrics(folder.scores()))
    folder.write_history([])
    folder.write_weights({})
    own = make_config(TASK, recipe=recipe, seed=seed, cross_fit=parts)
    folder.seal(trained(config=own, data_md5={TASK: md5}, identity=f"{recipe} {seed}"))
    return folder


def scores_of(folder: RunFolder, split: str) -> np.ndarray:
    return folder.official_scores()[0][split][1].astype(np.float64)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def make(workspace: Workspace, *recipes: str, seeds: tuple[int, ...]) -> tuple[RunFolder, bool]:
    own = config(*recipes)
    return ensemble.make(own, ensemble.members(own, seeds, MD5, workspace), workspace)


def test_each_recipe_weighs_the_same_whatever_its_seeds(workspace: Workspace) -> None:
    """One recipe has one run, another three; by `mean_scores`, since a profile has the same seeds for all."""
    one, three = [write(workspace, "a", 0)], [write(workspace, "bb", seed) for seed in range(3)]
    mean, held_out = ensemble.mean_scores({"a": [one[0].official_scores()], "bb": [f.official_scores() for f in three]})
    for split, labels in LABELS.items():
        expected = (scores_of(one[0], split) + sum(scores_of(folder, split) for folder in three) / 3) / 2
        assert mean[split][1] == pytest.approx(expected, abs=1e-15)
        assert np.array_equal(mean[split][0], labels)
    assert held_out == {}


def test_a_val_image_is_scored_by_members_that_did_not_train_on_it(workspace: Workspace) -> None:
    parts = 3
    fitted = [write(workspace, "fitted", seed, parts) for seed in range(parts)]
    plain = [write(workspace, "plain", seed) for seed in range(parts)]
    folder, made = make(workspace, "fitted", "plain", seeds=(0, 1, 2))
    assert made
    (scores, held_out), expected = folder.official_scores(), []
    for image in range(SIZES["val"]):
        alone = scores_of(fitted[image % parts], "val")[image]
        expected.append((alone + np.mean([scores_of(one, "val")[image] for one in plain], axis=0)) / 2)
    assert scores["val"][1] == pytest.approx(np.array(expected), abs=1e-15)
    assert held_out == {}
    assert folder.metrics()["val_auc"] == pytest.approx(roc_auc_score(LABELS["val"], np.array(expected)))
    test = np.mean([scores_of(one, "test") for one in (*fitted, *plain)], axis=0)
    assert folder.scores()["test"][1] == pytest.approx(test, abs=1e-15)


def test_an_image_that_no_member_held_out_is_left_out_of_val(workspace: Workspace) -> None:
    fitted = [write(workspace, "fitted", seed, 5) for seed in range(2)]
    folder, _ = make(workspace, "fitted", seeds=(0, 1))
    known = np.arange(SIZES["val"]) % 5 < 2
    (official, held_out), seen = folder.official_scores(), folder.scores()
    assert np.array_equal(held_out["val"], known)
    assert not held_out["train"].any()
    assert len(seen["val"][0]) == known.sum() == 12
    out = np.where(
        (np.arange(SIZES["val"]) % 5 == 0)[:, None], scores_of(fitted[0], "val"), scores_of(fitted[1], "val")
    )
    assert folder.metrics()["val_auc"] == pytest.approx(roc_auc_score(LABELS["val"][known], out[known]))
    assert cell.out_of_fold([folder]).figures["val_auc"] == folder.metrics()["val_auc"]
    assert len(official["val"][0]) == SIZES["val"]


def test_its_record_names_every_member(workspace: Workspace) -> None:
    folders = [write(workspace, "fitted", 0, 2), write(workspace, "fitted", 1, 2)]
    folders += [write(workspace, "plain", seed) for seed in (0, 1)]
    folder, _ = make(workspace, "fitted", "plain", seeds=(0, 1))
    record = folder.record()
    assert isinstance(record, Combined)
    assert record.trained_on_val
    for member, run in zip(record.members, folders, strict=True):
        own = run.trained()
        assert (member.recipe, member.seed) == (own.config.recipe, own.config.seed)
        assert (member.identity, member.scores) == (own.identity, own.results["scores.npz"])
        assert member.weights == own.results["model.safetensors"]
        assert RunFolder(workspace.root / member.folder) == run
    assert folder.status.is_done
    assert workspace.list_named(PROFILE, "champion") == [folder]
    assert workspace.list_names(PROFILE) == ["champion", "fitted", "plain"]
    with pytest.raises(DamagedRun, match="holds an ensemble, of which no training is known"):
        folder.trained()


def test_it_is_made_once_and_anew_where_a_member_or_a_file_has_changed(workspace: Workspace) -> None:
    write(workspace, "plain", 0)
    folder, _ = make(workspace, "plain", seeds=(0,))
    began = (folder.path / "scores.npz").stat().st_mtime_ns
    assert make(workspace, "plain", seeds=(0,)) == (folder, False)
    assert (folder.path / "scores.npz").stat().st_mtime_ns == began
    (folder.path / "metrics.json").unlink()
    assert make(workspace, "plain", seeds=(0,))[1]
    identity = folder.record().identity
    write(workspace, "plain", 1)
    assert make(workspace, "plain", seeds=(0, 1))[1]
    assert folder.record().identity != identity


def test_a_member_that_is_not_there_or_not_what_it_was_is_named_and_recorded(workspace: Workspace) -> None:
    own = config("a", "plain")
    write(workspace, "a", 0)
    mend = "run `python -m pipelines.finetune breastmnist plain --profile smoke` before"
    with told(NoMember, f"member plain, seed 0: not run; {mend}"):
        ensemble.members(own, [0], MD5, workspace)
    run = write(workspace, "plain", 0)
    with pytest.raises(NoMember, match="member a, seed 0: was run on another data file"):
        ensemble.members(own, [0], "1" * 32, workspace)
    folder, _ = make(workspace, "a", "plain", seeds=(0,))
    (run.path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(NoMember) as caught:
        ensemble.members(own, [0], MD5, workspace)
    ensemble.leave_out(own, ensemble.status_of(caught.value), workspace)
    assert not folder.exists
    (refusal,) = workspace.list_refusals(PROFILE)
    reason = "member plain, seed 0: damaged: model.safetensors: not what the run has made"
    assert (refusal.task, refusal.recipe, refusal.status) == (TASK, "champion", Status(State.NOT_RUN, reason))


def test_where_a_recipe_is_refused_so_is_its_ensemble_until_it_can_be_made(workspace: Workspace) -> None:
    own = config("plain")
    workspace.write_refusal(PROFILE, TASK, "plain", "binary tasks only")
    with pytest.raises(Refused, match="member plain: binary tasks only") as caught:
        ensemble.members(own, [0], MD5, workspace)
    ensemble.leave_out(own, ensemble.status_of(caught.value), workspace)
    assert [one.status.state for one in workspace.list_refusals(PROFILE)] == [State.REFUSED] * 2
    (workspace.cell(PROFILE, TASK, "plain") / "refused.json").unlink()
    write(workspace, "plain", 0)
    make(workspace, "plain", seeds=(0,))
    assert not list(workspace.list_refusals(PROFILE))
