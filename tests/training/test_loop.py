"""The loop: every objective learns, repeats to the byte, resumes, and stops when it makes no sense to go on."""

import re
import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from libauc.losses import AUCMLoss, CompositionalAUCLoss, MultiLabelAUCMLoss
from libauc.optimizers import PDSCA, PESG
from torch import nn

from benchmark.config.run import RunConfig
from benchmark.core.errors import TrainingFailed
from benchmark.core.seeding import derive, isolated
from benchmark.data.load import TaskData
from benchmark.networks import FEATURES, NETWORKS
from benchmark.training import loop
from benchmark.training import model as models
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.loop import Training
from pipelines.console.mends import sentence
from tests.helpers import CPU, OBJECTIVES, Stop, StopAfter, make_config, make_data, make_narrow_config, told


def fit(
    config: RunConfig, folder: Path, data: dict[str, TaskData] | None = None, start: Any = None, observers: Any = ()
) -> Training:
    data = data or {name: make_data(name) for name in config.tasks}
    return loop.train(config, data, start, CPU, Checkpoints(folder, "test"), observers)


def bytes_of(run: Training) -> bytes:
    return b"".join(value.numpy().tobytes() for _, value in sorted(run.best.weights.items()))


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
def test_training_learns(tmp_path: Path, loss: str) -> None:
    config = make_config("breastmnist", objective=OBJECTIVES[loss], epochs=8)
    data = {"breastmnist": make_data("breastmnist", images=160)}
    assert fit(config, tmp_path, data).best.val_auc > 0.8


def test_nll_has_the_curve_of_cross_entropy(tmp_path: Path) -> None:
    curves = [
        [
            row["train_loss"]
            for row in fit(make_narrow_config("breastmnist", objective=OBJECTIVES[loss]), tmp_path / loss).history
        ]
        for loss in ("cross-entropy", "nll")
    ]
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)


SCHEDULES = [{"at": [0.5, 0.75], "factor": 0.1}, {"shape": "one-cycle", "warm_up": 0.3}]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=["steps", "one-cycle"])
@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
def test_a_run_that_was_stopped_ends_with_the_bytes_of_one_that_was_not(
    tmp_path: Path, loss: str, schedule: dict[str, Any]
) -> None:
    averaging = {"decay": 0.9} if "shape" in schedule else None
    changes = {"schedule": schedule, "averaging": averaging, "augmentation": "flip-affine"}
    config = make_narrow_config("breastmnist", objective=OBJECTIVES[loss], epochs=4, **changes)
    whole = fit(config, tmp_path / "whole")
    for epochs in (1, 3):
        with pytest.raises(Stop):
            fit(config, tmp_path / "parts", observers=[StopAfter(epochs)])
    resumed = fit(config, tmp_path / "parts")
    assert bytes_of(resumed) == bytes_of(whole)
    assert len(resumed.history) == 4


def test_the_epoch_with_the_best_validation_auroc_is_kept_and_the_earlier_of_equals(tmp_path: Path) -> None:
    run = fit(make_narrow_config("breastmnist", epochs=5), tmp_path)
    aucs = [row["val_auc"] for row in run.history]
    assert run.best.epoch == aucs.index(max(aucs)) + 1


def test_of_epochs_that_all_order_alike_the_first_is_kept(tmp_path: Path) -> None:
    data = make_data("breastmnist")
    data.splits["val"].images[:] = 7
    run = fit(make_narrow_config("breastmnist", epochs=3), tmp_path, {"breastmnist": data})
    assert [row["val_auc"] for row in run.history] == [0.5] * 3
    assert run.best.epoch == 1


def test_training_never_sees_the_test_split(tmp_path: Path) -> None:
    data = make_data("breastmnist")
    blind = TaskData(data.task, data.md5, {name: data.splits[name] for name in ("train", "val")})
    config = make_narrow_config("breastmnist")
    assert bytes_of(fit(config, tmp_path / "a", {"breastmnist": blind})) == bytes_of(fit(config, tmp_path / "b"))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_several_tasks_share_one_trunk_and_have_a_head_each(tmp_path: Path, optimizer: str) -> None:
    changes = {"multi_label_loss": "bce-with-logits", "optimizer": optimizer, "momentum": 0.9}
    objective = OBJECTIVES["cross-entropy"] | changes
    run = fit(make_narrow_config("breastmnist", "chestmnist", objective=objective, stage="pretrain"), tmp_path)
    assert run.model.heads["breastmnist"].out_features == 2
    assert run.model.heads["chestmnist"].out_features == 14
    last = run.history[-1]
    assert last["val_auc"] == pytest.approx((last["val_auc_breastmnist"] + last["val_auc_chestmnist"]) / 2)


@pytest.mark.parametrize("first", ["cross-entropy", "bce-with-logits"])
@pytest.mark.parametrize("second", ["cross-entropy", "aucm"])
def test_a_second_phase_that_keeps_the_head_begins_with_the_firsts_scores(
    first: str, second: str, tmp_path: Path
) -> None:
    data = {"breastmnist": make_data("breastmnist")}
    before = fit(make_narrow_config("breastmnist", objective=OBJECTIVES[first]), tmp_path / "first", data)
    start = {"recipe": "first", "head": "kept"}
    config = make_narrow_config("breastmnist", start=start, objective=OBJECTIVES[second])
    after = Training(config, data, before.model.state_dict(), CPU)
    for split in ("train", "val"):
        scores = [loop.predict(run, "breastmnist", split)[1] for run in (before, after)]
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


def test_a_new_head_is_not_the_one_that_the_trunk_was_trained_for(tmp_path: Path) -> None:
    data = {"breastmnist": make_data("breastmnist")}
    first = Training(make_config("breastmnist"), data, None, CPU)
    config = make_config("breastmnist", start={"recipe": "first"}, objective=OBJECTIVES["aucm"])
    new, again = (Training(config, data, first.model.state_dict(), CPU).model.heads for _ in range(2))
    assert not torch.equal(new["breastmnist"].weight[0], first.model.heads["breastmnist"].weight[0])
    assert torch.equal(new["breastmnist"].weight, again["breastmnist"].weight)


def test_frozen_tensors_stay_as_the_trunk_had_them(tmp_path: Path) -> None:
    first = fit(make_config("breastmnist", seed=7), tmp_path / "trunk").model.state_dict()
    config = make_config("breastmnist", start="trunk", trainable=10)
    run = fit(config, tmp_path / "run", start=first)
    assert torch.equal(run.model.trunk.layer1[0].conv1.weight, first["trunk.layer1.0.conv1.weight"])
    assert not torch.equal(run.model.trunk.layer4[1].conv2.weight, first["trunk.layer4.1.conv2.weight"])


def test_the_learning_rate_falls_at_the_schedules_shares(tmp_path: Path) -> None:
    schedule = {"at": [0.5, 0.75], "factor": 0.1}
    run = fit(make_narrow_config("breastmnist", epochs=4, schedule=schedule), tmp_path)
    assert [row["lr"] for row in run.history] == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5])


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
@pytest.mark.parametrize("shape", ["one-cycle", "cosine"])
def test_a_schedule_by_batch_moves_every_rate_of_the_optimizer(tmp_path: Path, loss: str, shape: str) -> None:
    schedule = {"shape": shape, "warm_up": 0.3}
    config = make_narrow_config("breastmnist", objective=OBJECTIVES[loss], epochs=4, schedule=schedule)
    run = fit(config, tmp_path)
    rates = [row["lr"] for row in run.history]
    assert max(rates) <= config.objective.columns()["lr"]
    assert rates[-1] < rates[1] / 10
    (group,) = run.optimizer.inner.param_groups
    assert group["lr"] == rates[-1]
    if loss == "compositional-auc":
        assert group["lr0"] / group["lr"] == pytest.approx(run.optimizer.highest[0]["lr0"] / 0.1)


@pytest.mark.parametrize("loss", ["cross-entropy", "aucm", "compositional-auc"])
def test_two_shares_on_one_epoch_of_a_short_run_are_one_update(tmp_path: Path, loss: str) -> None:
    schedule = {"at": [0.5, 0.75], "factor": 0.1}
    config = make_narrow_config("breastmnist", objective=OBJECTIVES[loss], epochs=2, schedule=schedule)
    first, second = fit(config, tmp_path).history
    assert second["lr"] == pytest.approx(first["lr"] * 0.01)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_its_history(tmp_path: Path) -> None:
    objective = {"loss": "cross-entropy", "optimizer": "sgd", "lr": 1e30}
    with told(TrainingFailed, r"epoch 1, step \d+ \(cross-entropy, lr 1e\+30, fp32\); a lower lr"):
        fit(make_config("breastmnist", objective=objective), tmp_path)


def test_weights_that_an_epochs_last_update_has_spoilt_stop_the_run(tmp_path: Path) -> None:
    """No later step meets them: the first to see them is the look at val."""
    data = {"breastmnist": make_data("breastmnist")}
    objective = {"loss": "cross-entropy", "optimizer": "sgd", "lr": 1e38}
    config = make_config("breastmnist", objective=objective, batch_size=len(data["breastmnist"].splits["train"].images))
    with pytest.raises(TrainingFailed, match=r"score not finite on breastmnist's val split \(cross-entropy, lr 1e\+38"):
        fit(config, tmp_path, data)


@pytest.mark.parametrize(("precision", "remedy"), [("fp32", ""), ("bf16", ", or precision fp32 of profile smoke")])
def test_a_gradient_that_is_not_finite_stops_the_run_before_the_update(precision: str, remedy: str) -> None:
    config = make_config("breastmnist", precision=precision)
    run = Training(config, {"breastmnist": make_data("breastmnist")}, None, CPU)
    calls: list[int] = []

    def spoil(gradient: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return gradient * float("nan") if len(calls) == 2 else gradient

    run.model.trunk.conv1.weight.register_hook(spoil)
    seen: list[torch.Tensor] = []

    class Weights(StopAfter):
        def batch_done(self, images: int) -> None:
            seen.append(run.model.trunk.layer1[0].conv1.weight.detach().clone())

    sentence = f"gradient not finite in epoch 1, step 2 (cross-entropy, lr 0.001, {precision})"
    with told(TrainingFailed, re.escape(sentence) + f".*likely remedy{remedy}$"):
        loop.one_epoch(run, 0, [Weights(9)])
    assert torch.equal(run.model.trunk.layer1[0].conv1.weight, seen[-1])


def sentence_without_memory(megabytes: int, images: int, split: str) -> str:
    """What is said when this much memory is left for an epoch on `train`, or for a look at another split.

    In a process of its own: once oneDNN has met such a limit, it may never make a convolution again.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_run_without_memory, megabytes, images, split).result()


def _run_without_memory(megabytes: int, images: int, split: str) -> str:
    torch.set_num_threads(1)  # a thread that can't be started ends the process
    batch = images if split == "train" else 16
    config = make_config("breastmnist", batch_size=batch, network="medmnist-resnet18")
    run = Training(config, {"breastmnist": make_data("breastmnist", images=images)}, None, CPU)
    loop.predict(Training(config, {"breastmnist": make_data("breastmnist")}, None, CPU), "breastmnist", "val")
    limit = psutil.Process().memory_info().vms + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        loop.one_epoch(run, 0, []) if split == "train" else loop.predict(run, "breastmnist", split)
    except TrainingFailed as error:
        return sentence(error)
    return "trained"


def test_out_of_memory_names_the_batch_and_what_to_lower() -> None:
    said = sentence_without_memory(256, images=4000, split="train")
    expected = r"out of memory in epoch 1, step 1, with 4000 images of 28x28.*lower batch_size .*cheaper network"
    assert re.search(expected, said), said


def test_out_of_memory_on_a_split_does_not_blame_the_batch_size() -> None:
    said = sentence_without_memory(8, images=600, split="val")
    expected = r"out of memory on breastmnist's val split, with 256 images of 28x28 .*fp32; name a cheaper network"
    assert re.search(expected, said), said


def test_pretraining_with_one_task_is_fine_tuning_from_scratch(tmp_path: Path) -> None:
    alone, pretrained = (
        fit(make_narrow_config("breastmnist", stage=stage), tmp_path / stage) for stage in ("finetune", "pretrain")
    )
    assert bytes_of(alone) == bytes_of(pretrained)
    assert [row["val_auc"] for row in alone.history] == [row["val_auc"] for row in pretrained.history]


class Tiny(nn.Sequential):
    """A trunk without the rounding noise of a deep one, so that two programs can be compared to 1e-6."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(784, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU())


@pytest.mark.parametrize("steps", [1, 50])
@pytest.mark.parametrize(
    ("task", "loss"), [("breastmnist", "aucm"), ("breastmnist", "compositional-auc"), ("chestmnist", "aucm")]
)
def test_training_follows_a_plain_script_around_libauc(
    monkeypatch: pytest.MonkeyPatch, task: str, loss: str, steps: int
) -> None:
    """LibAUC as its tutorials use it: its own loss and optimizer, sigmoid, zero_grad, backward, step."""
    monkeypatch.setitem(NETWORKS.known, "resnet18-strided", Tiny)
    data, objective = make_data(task, images=160), OBJECTIVES[loss]
    config = make_config(task, objective=objective | {"lr": 0.01}, batch_size=32)
    run = Training(config, {task: data}, None, CPU)
    model = models.build("resnet18-strided", {task: data.task.label_count}, run.seed)

    settings = {"lr": 0.01, "margin": 1.0, "epoch_decay": 3e-3, "weight_decay": 1e-5, "verbose": False, "device": CPU}
    with isolated(derive(run.seed, "regularizer")):
        if task == "chestmnist":
            criterion: Any = MultiLabelAUCMLoss(margin=1.0, num_labels=14, device=CPU)
            optimizer: Any = PESG(model.parameters(), loss_fn=criterion, momentum=0.9, **settings)
        elif loss == "aucm":
            criterion = AUCMLoss(margin=1.0, device=CPU)
            optimizer = PESG(model.parameters(), loss_fn=criterion, momentum=0.9, **settings)
        else:
            criterion = CompositionalAUCLoss(k=1, margin=1.0, device=CPU)
            optimizer = PDSCA(model.parameters(), loss_fn=criterion, beta1=0.99, beta2=0.999, **settings)

    plan = [batch for epoch in range(steps) for _, batch in loop.epoch_plan(run, epoch)][:steps]
    train, run_losses, losses = data.splits["train"], [], []
    run.model.train()
    model.train()
    for batch in plan:
        run_losses.append(float(loop.train_step(run, task, batch)[0]))
        images, labels = (train.images[batch] / 255 - 0.5) / 0.5, train.labels[batch].float()
        optimizer.zero_grad()
        criterion.alpha.grad = None
        value = criterion(torch.sigmoid(model(images, task)), labels).sum()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert run_losses == pytest.approx(losses, abs=1e-6)
    for name, ours in run.model.state_dict().items():
        assert torch.allclose(ours.float(), model.state_dict()[name].float(), rtol=0, atol=1e-6), name
