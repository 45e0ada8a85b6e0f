"""The foreach optimizers against LibAUC's own, step by step."""

from typing import Any

import pytest
import torch
from libauc.losses import AUCMLoss, CompositionalAUCLoss
from libauc.optimizers import PDSCA, PESG
from torch import Tensor, nn

from benchmark.core.seeding import isolated
from benchmark.objectives.shared.foreach import ForeachPDSCA, ForeachPESG
from tests.helpers import CPU

PAIRS = [
    pytest.param(PESG, ForeachPESG, AUCMLoss, {"momentum": 0.9, "mode": "sgd"}, id="PESG sgd"),
    pytest.param(PESG, ForeachPESG, AUCMLoss, {"momentum": 0.0, "mode": "sgd"}, id="PESG without momentum"),
    pytest.param(PESG, ForeachPESG, AUCMLoss, {"mode": "adam"}, id="PESG adam"),
    pytest.param(PDSCA, ForeachPDSCA, CompositionalAUCLoss, {"beta1": 0.99, "beta2": 0.999}, id="PDSCA"),
    pytest.param(PDSCA, ForeachPDSCA, CompositionalAUCLoss, {"beta1": 0.0, "beta2": 0.0}, id="PDSCA without means"),
]


def driven(optimizer_class: Any, loss_class: Any, settings: dict[str, Any], steps: int) -> tuple[list[Tensor], Any]:
    """Weights and loss after `steps` steps on one problem, with two updates of the regularizer on the way."""
    with isolated(0):
        model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1)).double()
        x, y = torch.randn(64, 6).double(), (torch.rand(64, 1) < 0.3).double()
        loss = loss_class(margin=1.0, device=CPU)
        optimizer = optimizer_class(model.parameters(), loss_fn=loss, lr=0.1, verbose=False, device=CPU, **settings)
        for step in range(steps):
            if settings["epoch_decay"] > 0 and step in (100, 200):
                optimizer.update_regularizer(decay_factor=2)
            batch = torch.randperm(64)[:32]
            optimizer.zero_grad()
            loss.alpha.grad = None
            loss(model(x[batch]).sigmoid(), y[batch]).sum().backward()
            optimizer.step()
    return [parameter.detach() for parameter in model.parameters()], loss


@pytest.mark.parametrize("epoch_decay", [0.0, 3e-3])
@pytest.mark.parametrize(("theirs", "ours", "loss", "settings"), PAIRS)
def test_300_steps_follow_libaucs(theirs: Any, ours: Any, loss: Any, settings: Any, epoch_decay: float) -> None:
    settings = settings | {"epoch_decay": epoch_decay, "weight_decay": 1e-4, "clip_value": 0.05}
    expected, their_loss = driven(theirs, loss, settings, 300)
    found, our_loss = driven(ours, loss, settings, 300)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-6)
    for name in ("a", "b", "alpha"):
        assert torch.allclose(getattr(our_loss, name), getattr(their_loss, name), rtol=0, atol=1e-6)


def test_the_state_is_libaucs_so_that_either_goes_on_from_it() -> None:
    model = nn.Linear(3, 1)
    loss = AUCMLoss(device=CPU)
    ours = ForeachPESG(model.parameters(), loss_fn=loss, verbose=False, device=CPU)
    loss(model(torch.randn(8, 3)).sigmoid(), torch.tensor([[1.0], [0.0]] * 4)).backward()
    ours.step()
    theirs = PESG(model.parameters(), loss_fn=loss, verbose=False, device=CPU)
    theirs.load_state_dict(ours.state_dict())
    assert theirs.T == 1
    assert all(torch.equal(a, b) for a, b in zip(theirs.model_acc, ours.model_acc, strict=True))
    assert len(theirs.state) == 4
