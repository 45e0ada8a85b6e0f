"""Cross-fitting: each image is held out once, and never learnt from by the run that holds it out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from benchmark.data.load import TaskData
from benchmark.runs import scores as scores_file
from benchmark.runs.folder import RunFolder
from benchmark.training import execute, folds
from tests.helpers import CPU, make_data, make_narrow_config

PARTS = 5


@pytest.fixture(scope="module", params=["breastmnist", "chestmnist"])
def data(request: pytest.FixtureRequest) -> TaskData:
    return make_data(request.param, images=103)


def test_every_image_is_held_out_by_one_seed_in_five(data: TaskData) -> None:
    outs = [folds.held_out(data, PARTS, seed) for seed in range(PARTS)]
    for name in ("train", "val"):
        assert (np.sum([out[name] for out in outs], axis=0) == 1).all()
    assert "test" not in outs[0]
    again = folds.held_out(data, PARTS, PARTS + 2)
    assert all(np.array_equal(again[name], outs[2][name]) for name in again)


def test_the_parts_have_as_many_images_of_each_class_and_split_give_or_take_one(data: TaskData) -> None:
    outs = [folds.held_out(data, PARTS, seed) for seed in range(PARTS)]
    for name in ("train", "val"):
        sums = data.splits[name].labels.sum(dim=1).numpy()
        for value in np.unique(sums):
            counts = [int((out[name] & (sums == value)).sum()) for out in outs]
            assert max(counts) - min(counts) <= 1
        sizes = [int(out[name].sum()) for out in outs]
        assert max(sizes) - min(sizes) <= 1


def test_a_run_sees_as_val_what_it_holds_out_and_the_test_split_as_it_is(data: TaskData) -> None:
    out = folds.held_out(data, PARTS, 3)
    seen = folds.as_seen(data, out)
    images = np.concatenate([data.splits[name].images.numpy() for name in ("train", "val")])
    labels = np.concatenate([data.splits[name].labels.numpy() for name in ("train", "val")])
    mask = np.concatenate([out["train"], out["val"]])
    assert np.array_equal(seen.splits["train"].images.numpy(), images[~mask])
    assert np.array_equal(seen.splits["val"].images.numpy(), images[mask])
    assert np.array_equal(seen.splits["val"].labels.numpy(), labels[mask])
    assert seen.splits["test"] is data.splits["test"]
    assert seen.md5 == data.md5


def test_scores_go_back_to_the_places_in_the_official_splits(data: TaskData) -> None:
    out = folds.held_out(data, PARTS, 1)
    seen = folds.as_seen(data, out)
    means = {
        name: (split.labels.numpy(), split.images.float().flatten(1).mean(dim=1, keepdim=True).numpy())
        for name, split in seen.splits.items()
    }
    for name, (labels, values) in folds.in_place(means, out).items():
        official = data.splits[name]
        assert np.array_equal(labels, official.labels.numpy())
        assert np.array_equal(values[:, 0], official.images.float().flatten(1).mean(dim=1).numpy())
    seen_again = scores_file.as_seen(folds.in_place(means, out), out)
    assert all(np.array_equal(seen_again[name][1], means[name][1]) for name in means)


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> tuple[TaskData, list[RunFolder]]:
    data = make_data("breastmnist", images=100)
    folders = [RunFolder(tmp_path_factory.mktemp("runs") / f"seed{seed}") for seed in range(PARTS)]
    for seed, folder in enumerate(folders):
        config = make_narrow_config("breastmnist", seed=seed, cross_fit=PARTS)
        assert execute.execute(config, {"breastmnist": data}, folder, CPU)
    return data, folders


def test_a_cross_fitted_run_learns_nothing_of_what_it_holds_out(
    members: tuple[TaskData, list[RunFolder]], tmp_path: Path
) -> None:
    """Other pixels and labels in the part that is held out change no weight; elsewhere they do."""
    data, _ = members
    out = folds.held_out(data, PARTS, 0)
    for name, changes in (("held out", out), ("learnt from", {split: ~mask for split, mask in out.items()})):
        other = make_data("breastmnist", images=100)
        for split, mask in changes.items():
            chosen = torch.from_numpy(mask)
            other.splits[split].images[chosen] = 255 - other.splits[split].images[chosen]
        folder = RunFolder(tmp_path / name)
        config = make_narrow_config("breastmnist", cross_fit=PARTS, keep="last")
        execute.execute(config, {"breastmnist": other}, folder, CPU)
        same = RunFolder(tmp_path / f"{name} unchanged")
        execute.execute(config, {"breastmnist": data}, same, CPU)
        equal = all(torch.equal(value, same.weights()[key]) for key, value in folder.weights().items())
        assert equal == (name == "held out")


def test_the_file_has_official_places_and_the_metrics_are_of_what_was_held_out(
    members: tuple[TaskData, list[RunFolder]],
) -> None:
    data, folders = members
    for folder in folders:
        official, out = folder.official_scores()
        assert all(np.array_equal(official[name][0], data.splits[name].labels.numpy()) for name in official)
        pooled = [np.concatenate([official[name][i] for name in ("train", "val")]) for i in (0, 1)]
        mask = np.concatenate([out["train"], out["val"]])
        metrics = folder.metrics()
        assert metrics["val_auc"] == pytest.approx(roc_auc_score(pooled[0][mask], pooled[1][mask]), abs=1e-12)
        assert metrics["train_auc"] == pytest.approx(roc_auc_score(pooled[0][~mask], pooled[1][~mask]), abs=1e-12)
        assert metrics["test_auc"] == pytest.approx(roc_auc_score(*official["test"]), abs=1e-12)
        assert folder.history()["val_auc"].iloc[folder.trained().best_epoch - 1] == metrics["val_auc"]  # type: ignore[operator]


def test_out_of_fold_each_val_image_has_the_score_of_the_run_that_held_it_out(
    members: tuple[TaskData, list[RunFolder]],
) -> None:
    data, folders = members
    runs = [folder.official_scores() for folder in folders]
    labels, scores = scores_file.out_of_fold(runs)
    assert np.array_equal(labels, data.splits["val"].labels.numpy())
    for image in range(len(labels)):
        (owner,) = (seed for seed in range(PARTS) if folds.held_out(data, PARTS, seed)["val"][image])
        assert scores[image] == pytest.approx(runs[owner][0]["val"][1][image])
    labels, scores = scores_file.out_of_fold(runs[:2])
    assert len(labels) == sum(int(folds.held_out(data, PARTS, seed)["val"].sum()) for seed in (0, 1))


def test_out_of_fold_of_runs_on_the_official_splits_is_their_mean_score() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (20, 1)).astype(np.uint8)
    runs = [({"val": (labels, random.random((20, 1)))}, {}) for _ in range(3)]
    found, scores = scores_file.out_of_fold(runs)
    assert np.array_equal(found, labels)
    assert scores == pytest.approx(np.mean([run[0]["val"][1] for run in runs], axis=0))
