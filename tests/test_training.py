"""The loop: every objective learns, repeats to the byte, resumes, and stops when it makes no sense to go on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark import training
from benchmark.checkpoint import Checkpoints
from benchmark.config import RunConfig
from benchmark.data import TaskData
from benchmark.errors import TrainingFailed
from benchmark.training import Run
from tests.helpers import CPU, OBJECTIVES, make_config, make_data


def fit(
    config: RunConfig, folder: Path, data: dict[str, TaskData] | None = None, trunk: Any = None, observers: Any = ()
) -> Run:
    data = data or {name: make_data(name) for name in config.tasks}
    return training.train(config, data, trunk, CPU, Checkpoints(folder, "test"), observers)


def bytes_of(run: Run) -> bytes:
    return b"".join(value.numpy().tobytes() for _, value in sorted(run.best.weights.items()))


CASES = [(task, loss) for loss in OBJECTIVES for task in ("breastmnist", "adrenalmnist3d")]
CASES += [("chestmnist", "bce-with-logits"), ("chestmnist", "aucm")]


@pytest.mark.parametrize(("task", "loss"), CASES)
def test_equal_runs_give_equal_bytes_whatever_ran_before(tmp_path: Path, task: str, loss: str) -> None:
    config = make_config(task, objective=OBJECTIVES[loss], epochs=1 if task.endswith("3d") else 2)
    first = fit(config, tmp_path / "a")
    np.random.default_rng().random()
    torch.rand(3)
    second = fit(config, tmp_path / "b")
    assert bytes_of(first) == bytes_of(second)
    assert [row | {"seconds": 0} for row in first.history] == [row | {"seconds": 0} for row in second.history]


def test_another_seed_gives_another_run(tmp_path: Path) -> None:
    runs = [fit(make_config("breastmnist", seed=seed), tmp_path / str(seed)) for seed in (0, 1)]
    assert bytes_of(runs[0]) != bytes_of(runs[1])


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
def test_training_learns(tmp_path: Path, loss: str) -> None:
    config = make_config("breastmnist", objective=OBJECTIVES[loss], epochs=8)
    data = {"breastmnist": make_data("breastmnist", images=160)}
    assert fit(config, tmp_path, data).best.val_auc > 0.8


def test_nll_has_the_curve_of_cross_entropy(tmp_path: Path) -> None:
    curves = [
        [
            row["train_loss"]
            for row in fit(make_config("breastmnist", objective=OBJECTIVES[loss]), tmp_path / loss).history
        ]
        for loss in ("cross-entropy", "nll")
    ]
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)


class Stop(Exception):
    pass


class StopAfter:
    """An observer that ends the run, as a signal would, once so many epochs are over."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def epoch_started(self, epoch: int, epochs: int, images: int) -> None:
        if epoch > self.epochs:
            raise Stop

    def batch_done(self, images: int) -> None: ...

    def epoch_done(self, row: training.Row) -> None: ...


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
def test_a_run_that_was_stopped_ends_with_the_bytes_of_one_that_was_not(tmp_path: Path, loss: str) -> None:
    schedule = {"at": [0.5, 0.75], "factor": 0.1}
    config = make_config(
        "breastmnist", objective=OBJECTIVES[loss], epochs=4, schedule=schedule, augmentation="flip-affine"
    )
    whole = fit(config, tmp_path / "whole")
    for epochs in (1, 3):
        with pytest.raises(Stop):
            fit(config, tmp_path / "parts", observers=[StopAfter(epochs)])
    resumed = fit(config, tmp_path / "parts")
    assert bytes_of(resumed) == bytes_of(whole)
    assert len(resumed.history) == 4


def test_the_epoch_with_the_best_validation_auroc_is_kept_and_the_earlier_of_equals(tmp_path: Path) -> None:
    run = fit(make_config("breastmnist", epochs=5), tmp_path)
    aucs = [row["val_auc"] for row in run.history]
    assert run.best.epoch == aucs.index(max(aucs)) + 1


def test_training_never_sees_the_test_split(tmp_path: Path) -> None:
    data = make_data("breastmnist")
    blind = TaskData(data.task, data.md5, {name: data.splits[name] for name in ("train", "val")})
    config = make_config("breastmnist")
    assert bytes_of(fit(config, tmp_path / "a", {"breastmnist": blind})) == bytes_of(fit(config, tmp_path / "b"))


def test_several_tasks_share_one_trunk_and_have_a_head_each(tmp_path: Path) -> None:
    objective = OBJECTIVES["cross-entropy"] | {"multi_label_loss": "bce-with-logits"}
    run = fit(make_config("breastmnist", "chestmnist", objective=objective, stage="pretrain"), tmp_path)
    assert run.model.heads["breastmnist"].out_features == 2
    assert run.model.heads["chestmnist"].out_features == 14
    last = run.history[-1]
    assert last["val_auc"] == pytest.approx((last["val_auc_breastmnist"] + last["val_auc_chestmnist"]) / 2)


def test_frozen_tensors_stay_as_the_trunk_had_them(tmp_path: Path) -> None:
    trunk = fit(make_config("breastmnist", seed=7), tmp_path / "trunk").model.trunk.state_dict()
    config = make_config("breastmnist", start="trunk", trainable=10)
    run = fit(config, tmp_path / "run", trunk=trunk)
    assert torch.equal(run.model.trunk.layer1[0].conv1.weight, trunk["layer1.0.conv1.weight"])
    assert not torch.equal(run.model.trunk.layer4[1].conv2.weight, trunk["layer4.1.conv2.weight"])


def test_the_learning_rate_falls_at_the_schedules_shares(tmp_path: Path) -> None:
    schedule = {"at": [0.5, 0.75], "factor": 0.1}
    run = fit(make_config("breastmnist", epochs=4, schedule=schedule), tmp_path)
    assert [row["lr"] for row in run.history] == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5])


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
def test_two_shares_on_one_epoch_of_a_short_run_are_one_update(tmp_path: Path, loss: str) -> None:
    schedule = {"at": [0.5, 0.75], "factor": 0.1}
    config = make_config("breastmnist", objective=OBJECTIVES[loss], epochs=2, schedule=schedule)
    first, second = fit(config, tmp_path).history
    assert second["lr"] == pytest.approx(first["lr"] * 0.01)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_its_history(tmp_path: Path) -> None:
    objective = {"loss": "cross-entropy", "optimizer": "sgd", "lr": 1e30}
    with pytest.raises(TrainingFailed, match=r"epoch 1, step \d+ \(cross-entropy, lr 1e\+30, fp32\); a lower lr"):
        fit(make_config("breastmnist", objective=objective), tmp_path)
