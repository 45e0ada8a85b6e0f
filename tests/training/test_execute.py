"""One run, from configuration to a complete folder; and when it is left alone, resumed or made anew."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.core.errors import BadInput, DataError, TrainingFailed
from benchmark.data.load import Split, TaskData
from benchmark.runs.folder import RunFolder
from benchmark.runs.scores import metrics
from benchmark.runs.status import DONE, State
from benchmark.training import execute
from tests.helpers import CPU, OBJECTIVES, find, make_data, make_narrow_config

DATA = {"breastmnist": make_data("breastmnist")}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_a_finished_folder_holds_everything_that_was_found_out(folder: RunFolder) -> None:
    assert execute.execute(make_narrow_config("breastmnist"), DATA, folder, CPU)
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"run.json", "history.csv", "scores.npz", "metrics.json", "model.safetensors"}
    record = folder.trained()
    assert record.status == DONE
    assert record.data_md5 == {"breastmnist": DATA["breastmnist"].md5}
    assert record.code.digest == execute._code_digest(make_narrow_config("breastmnist"), DATA)
    assert {"torch", "libauc", "python"} <= set(record.versions)
    assert record.hardware.threads == torch.get_num_threads()
    assert record.config.seed == 0
    assert folder.metrics() == metrics(folder.scores())
    assert len(folder.history()) == 2


def test_scores_are_of_every_split_in_file_order(folder: RunFolder) -> None:
    execute.execute(make_narrow_config("breastmnist"), DATA, folder, CPU)
    for split, (labels, scores) in folder.scores().items():
        assert np.array_equal(labels, DATA["breastmnist"].splits[split].labels.numpy())
        assert scores.shape == labels.shape


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm"])
def test_the_served_model_gives_the_runs_own_scores(folder: RunFolder, loss: str) -> None:
    execute.execute(make_narrow_config("breastmnist", objective=OBJECTIVES[loss]), DATA, folder, CPU)
    predictor = execute.predictor(folder, DATA["breastmnist"].task)
    images = DATA["breastmnist"].splits["test"].images.squeeze(1)
    with torch.no_grad():
        assert np.allclose(predictor(images).numpy(), folder.scores()["test"][1], atol=1e-6)


@pytest.mark.parametrize("augmentation", ["none", {"kind": "affine", "flips": {"width": 0.5}, "shift": 0.1}], ids=str)
def test_two_folders_of_one_run_are_equal_to_the_byte(tmp_path: Path, augmentation: Any) -> None:
    contents = []
    for name in ("a", "b"):
        folder = RunFolder(tmp_path / name)
        execute.execute(make_narrow_config("breastmnist", augmentation=augmentation), DATA, folder, CPU)
        contents.append([(folder.path / n).read_bytes() for n in ("scores.npz", "metrics.json", "model.safetensors")])
    assert contents[0] == contents[1]


def test_a_finished_run_is_not_trained_again_and_a_changed_one_is(folder: RunFolder) -> None:
    execute.execute(make_narrow_config("breastmnist"), DATA, folder, CPU)
    assert not execute.execute(make_narrow_config("breastmnist"), DATA, folder, CPU)
    assert execute.execute(make_narrow_config("breastmnist", batch_size=24), DATA, folder, CPU)
    assert execute.execute(
        make_narrow_config("breastmnist", batch_size=24), {"breastmnist": make_data("breastmnist", seed=1)}, folder, CPU
    )


@pytest.mark.parametrize("lost", ["scores.npz", "metrics.json", "history.csv", "model.safetensors"])
def test_a_finished_run_that_has_lost_a_file_is_made_again(folder: RunFolder, lost: str) -> None:
    execute.execute(make_narrow_config("breastmnist"), DATA, folder, CPU)
    scores = (folder.path / "scores.npz").read_bytes()
    (folder.path / lost).unlink()
    assert execute.execute(make_narrow_config("breastmnist"), DATA, folder, CPU)
    assert (folder.path / "scores.npz").read_bytes() == scores
    assert folder.is_done


def test_a_failed_run_keeps_its_row_with_the_reason_and_is_tried_again(folder: RunFolder) -> None:
    config = make_narrow_config("breastmnist", objective={"loss": "cross-entropy", "optimizer": "sgd", "lr": 1e30})
    for _ in range(2):
        with pytest.raises(TrainingFailed):
            execute.execute(config, DATA, folder, CPU)
        assert str(folder.record().status).startswith("failed: loss not finite in epoch 1")
        assert not (folder.path / "scores.npz").exists()


def test_a_trunk_is_part_of_a_runs_identity(tmp_path: Path) -> None:
    trunks = []
    for seed in (0, 1):
        trunk = RunFolder(tmp_path / f"trunk{seed}")
        execute.execute(make_narrow_config("breastmnist", stage="pretrain", seed=seed), DATA, trunk, CPU)
        trunks.append(trunk)
    config, folder = make_narrow_config("breastmnist", start="trunk"), RunFolder(tmp_path / "run")
    assert execute.execute(config, DATA, folder, CPU, trunks[0])
    assert not execute.execute(config, DATA, folder, CPU, trunks[0])
    assert execute.execute(config, DATA, folder, CPU, trunks[1])


def test_the_weights_of_what_a_run_starts_from_are_part_of_its_identity(tmp_path: Path) -> None:
    """On another machine the same trunk has other weights."""
    trunk = RunFolder(tmp_path / "trunk")
    execute.execute(make_narrow_config("breastmnist", stage="pretrain"), DATA, trunk, CPU)
    config = make_narrow_config("breastmnist", start="trunk")
    before = execute.identity(config, DATA, trunk)
    trunk.write_weights({name: torch.zeros_like(value) for name, value in trunk.weights().items()})
    assert not trunk.is_done
    trunk.seal(trunk.record())
    assert execute.identity(config, DATA, trunk) != before


@pytest.mark.parametrize("changed", ["scores.npz", "metrics.json", "history.csv", "model.safetensors"])
def test_a_finished_run_whose_file_was_changed_is_made_again(folder: RunFolder, changed: str) -> None:
    execute.execute(make_narrow_config("breastmnist"), DATA, folder, CPU)
    content = (folder.path / changed).read_bytes()
    (folder.path / changed).write_bytes(content[:-1])
    assert folder.status.state is State.DAMAGED
    assert execute.execute(make_narrow_config("breastmnist"), DATA, folder, CPU)
    assert folder.is_done
    if changed != "history.csv":  # which has times
        assert (folder.path / changed).read_bytes() == content


def test_a_second_phase_takes_the_trunk_of_another_recipes_run_and_a_new_head(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path / "first"), RunFolder(tmp_path / "second")
    execute.execute(make_narrow_config("breastmnist"), DATA, first, CPU)
    config = make_narrow_config(
        "breastmnist", start={"recipe": "test"}, objective=OBJECTIVES["aucm"], trainable=0, epochs=1, recipe="then"
    )
    execute.execute(config, DATA, second, CPU, first)
    before, after = first.weights(), second.weights()
    trained = {name for name, value in after.items() if name not in before or not torch.equal(value, before[name])}
    moving = {name for name in trained if "running" in name or "num_batches" in name}
    assert trained - moving == {"heads.breastmnist.weight", "heads.breastmnist.bias"}
    assert after["heads.breastmnist.weight"].shape[0] == 1  # the first phase's softmax has two outputs
    assert second.trained().config.start == config.start


@pytest.mark.parametrize("task", ["breastmnist", "adrenalmnist3d"])
def test_a_memory_format_changes_speed_and_rounding_alone(tmp_path: Path, task: str) -> None:
    found = []
    for form in ("contiguous", "channels-last"):
        folder = RunFolder(tmp_path / form)
        execute.execute(make_narrow_config(task, memory_format=form, epochs=1), {task: make_data(task)}, folder, CPU)
        predictor = execute.predictor(folder, find(task))
        with torch.no_grad():
            served = predictor(make_data(task).splits["test"].images.squeeze(1)).numpy()
        assert np.allclose(served, folder.scores()["test"][1], atol=1e-6)
        found.append(served)
    assert np.allclose(*found, atol=1e-3)
    laid_out = [value for value in predictor.state_dict().values() if value.dim() == (5 if task.endswith("3d") else 4)]
    last = torch.channels_last_3d if task.endswith("3d") else torch.channels_last
    assert all(value.is_contiguous(memory_format=last) for value in laid_out)


def test_a_split_of_one_class_is_refused_before_anything_is_written(folder: RunFolder) -> None:
    data = make_data("breastmnist")
    data.splits["val"].labels.fill_(1)
    with pytest.raises(DataError, match="split 'val' has only images with 1 for label 0; AUROC needs both classes"):
        execute.execute(make_narrow_config("breastmnist"), {"breastmnist": data}, folder, CPU)
    assert not folder.path.exists()


def test_volumes_of_another_depth_than_the_networks_slices_are_refused_before_anything_is_written(
    folder: RunFolder,
) -> None:
    small = {"width": 4, "blocks": [1], "stem_kernel": 3, "stem_stride": 2, "pool": False}
    config = make_narrow_config("adrenalmnist3d", network={"family": "resnet-slices", "slices": 64} | small)
    sentence = "recipe test: network resnet-1-slices64-w4-s2 does not take adrenalmnist3d: its slices are 64, .* has 28"
    with pytest.raises(BadInput, match=sentence):
        execute.execute(config, {"adrenalmnist3d": make_data("adrenalmnist3d")}, folder, CPU)
    assert not folder.path.exists()


def test_volumes_that_an_augmentation_does_not_take_are_refused_before_anything_is_written(folder: RunFolder) -> None:
    data = make_data("adrenalmnist3d")
    halves = {name: Split(split.images[:, :, :14], split.labels) for name, split in data.splits.items()}
    config = make_narrow_config("adrenalmnist3d", augmentation={"kind": "volume", "permute_axes": True})
    sentence = "recipe test: augmentation volume-permute does not take adrenalmnist3d: .* the volume is 14x28x28"
    with pytest.raises(BadInput, match=sentence):
        execute.execute(config, {"adrenalmnist3d": TaskData(data.task, data.md5, halves)}, folder, CPU)
    assert not folder.path.exists()
