"""Sharpness-aware minimization against its definition, written out."""

from pathlib import Path

import pytest
import torch

from benchmark.training import loop
from benchmark.training.loop import Training
from tests.helpers import CPU, OBJECTIVES, make_config, make_data, told

RADIUS = 0.1


def test_a_step_is_by_the_gradient_at_the_weights_uphill() -> None:
    """SGD without momentum: the new weights, computed by autograd's own functional interface."""
    objective = {"loss": "cross-entropy", "optimizer": "sgd", "lr": 0.5, "momentum": 0.0}
    config = make_config("breastmnist", objective=objective, sharpness={"radius": RADIUS})
    data = make_data("breastmnist")
    run = Training(config, {"breastmnist": data}, None, CPU)
    run.model.train()
    indices = torch.arange(16)
    images = loop.model.normalise(data.splits["train"].images[indices])
    labels = data.splits["train"].labels[indices, 0].long()
    names, buffers = dict(run.model.named_parameters()), dict(run.model.named_buffers())
    start = {name: value.detach().clone() for name, value in names.items()}
    state = {name: value.detach().clone() for name, value in buffers.items()}

    def loss(weights: dict[str, torch.Tensor]) -> torch.Tensor:
        copies = {name: value.clone() for name, value in state.items()}
        outputs = torch.func.functional_call(run.model, weights | copies, (images, "breastmnist"))
        return torch.nn.functional.cross_entropy(outputs, labels)

    first = torch.func.grad(loss)(start)
    length = torch.cat([value.flatten() for value in first.values()]).norm()
    worst = {name: start[name] + RADIUS * first[name] / length for name in start}
    second = torch.func.grad(loss)(worst)
    loop.train_step(run, "breastmnist", indices)
    plain = Training(make_config("breastmnist", objective=objective), {"breastmnist": data}, None, CPU)
    plain.model.train()
    loop.train_step(plain, "breastmnist", indices)
    off, moved = [], []
    for name, value in run.model.named_parameters():
        expected = start[name] - 0.5 * second[name]
        off.append((value - expected).norm())
        moved.append((dict(plain.model.named_parameters())[name] - expected).norm())
    # Rounding of the first gradient is magnified on the way uphill; a step without it ends far away.
    assert torch.stack(off).norm() < 0.05 * torch.stack(moved).norm()
    for name, value in run.model.named_buffers():
        if "running" in name:  # of the first pass alone
            assert torch.equal(value, dict(plain.model.named_buffers())[name]), name


@pytest.mark.parametrize("loss", ["cross-entropy", "bce-with-logits"])
def test_training_with_it_learns(tmp_path: Path, loss: str) -> None:
    config = make_config("breastmnist", objective=OBJECTIVES[loss], epochs=8, sharpness={"radius": 0.05})
    data = {"breastmnist": make_data("breastmnist", images=160)}
    run = loop.train(config, data, None, CPU, loop.Checkpoints(tmp_path, "test"))
    assert run.best.val_auc > 0.8


def test_a_gradient_that_is_not_finite_ends_the_run_before_the_update(tmp_path: Path) -> None:
    config = make_config("breastmnist", sharpness={"radius": 1e38})
    with told(loop.NotFinite, "not finite in epoch 1, step 1 .*"):
        loop.train(config, {"breastmnist": make_data("breastmnist")}, None, CPU, loop.Checkpoints(tmp_path, "test"))
