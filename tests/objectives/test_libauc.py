"""LibAUC's objectives against LibAUC's own loop, as its tutorials have it: 50 steps with a decay in the middle."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from libauc import losses as libauc
from libauc.losses.auc import tpAUC_CVaR_loss
from libauc.optimizers import PDSCA, PESG, SOAP, SOPA, STACO, SOPAs, SOTAs
from torch import Tensor, nn

from benchmark.core.seeding import derive, isolated
from benchmark.objectives.shared.base import Problem
from benchmark.objectives.shared.libauc import LibaucObjective
from tests.helpers import CPU
from tests.objectives.parts import Pupil, make, network, problem

STEPS, DECAY = 50, 25
Loss = Callable[[Problem], Any]


def lengths(of: Problem) -> dict[str, int]:
    return {"data_len": len(of.labels), "pos_len": int(of.labels.sum())}


class EachLabel(nn.Module):
    """LibAUC's binary loss once a label, averaged: where LibAUC has no multi-label loss, or a faulty one."""

    def __init__(self, make_one: Callable[[], Any], count: int) -> None:
        super().__init__()
        self.each = [make_one() for _ in range(count)]

    def forward(self, scores: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        values = [loss(scores[:, [k]], labels[:, [k]], index=index) for k, loss in enumerate(self.each)]
        return sum(values[1:], values[0]) / len(values)


KL = {"gammas": (0.5, 0.8), "Lambda": 0.5, "tau": 0.7}
CVAR = {"threshold": 0.5, "alpha": 0.2, "beta_0": 0.05, "beta_1": 0.1, "theta_0": 0.6, "theta_1": 0.4, "device": CPU}
KL_OURS = {"gamma": 0.5, "gamma_positives": 0.8, "temperature": 0.5, "temperature_positives": 0.7}
CVAR_OURS = {"alpha": 0.2, "beta0": 0.05, "beta1": 0.1, "theta0": 0.6, "theta1": 0.4, "margin": 0.5}

CASES: Sequence[tuple[str, str, dict[str, Any], Loss, Any]] = [
    ("aucm", "binary", {}, lambda of: libauc.AUCMLoss(margin=1.0, device=CPU), PESG),
    ("aucm", "multi-label", {}, lambda of: libauc.MultiLabelAUCMLoss(margin=1.0, num_labels=5, device=CPU), PESG),
    ("compositional-auc", "binary", {}, lambda of: libauc.CompositionalAUCLoss(k=1, margin=1.0, device=CPU), PDSCA),
    (
        "partial-auc-cvar",
        "binary",
        {"beta": 0.3, "eta": 0.2},
        lambda of: libauc.pAUC_CVaR_Loss(**lengths(of), margin=1.0, beta=0.3, eta=0.2, device=CPU),
        SOPA,
    ),
    (
        "partial-auc-cvar",
        "multi-label",
        {"beta": 0.3, "eta": 0.2},
        lambda of: libauc.MultiLabelpAUCLoss("SOPA", 5, CPU, **lengths(of), margin=1.0, beta=0.3, eta=0.2),
        SOPA,
    ),
    (
        "partial-auc-kl",
        "binary",
        {"gamma": 0.3, "temperature": 0.5},
        lambda of: libauc.pAUC_DRO_Loss(len(of.labels), gamma=0.3, margin=0.6, Lambda=0.5, device=CPU),
        SOPAs,
    ),
    (
        "partial-auc-kl",
        "multi-label",
        {"gamma": 0.3, "temperature": 0.5},
        lambda of: libauc.MultiLabelpAUCLoss(
            "SOPAs", 5, CPU, data_len=len(of.labels), gamma=0.3, margin=0.6, Lambda=0.5
        ),
        SOPAs,
    ),
    (
        "two-way-partial-auc",
        "binary",
        KL_OURS,
        lambda of: libauc.tpAUC_KL_Loss(len(of.labels), margin=1.0, device=CPU, **KL),
        SOTAs,
    ),
    (
        "two-way-partial-auc",
        "multi-label",
        KL_OURS,
        lambda of: EachLabel(lambda: libauc.tpAUC_KL_Loss(len(of.labels), margin=1.0, device=CPU, **KL), 5),
        SOTAs,
    ),
    ("two-way-partial-auc-cvar", "binary", CVAR_OURS, lambda of: tpAUC_CVaR_loss(len(of.labels), **CVAR), STACO),
    (
        "two-way-partial-auc-cvar",
        "multi-label",
        CVAR_OURS,
        lambda of: EachLabel(lambda: tpAUC_CVaR_loss(len(of.labels), **CVAR), 5),
        STACO,
    ),
    (
        "average-precision",
        "binary",
        {"gamma": 0.3},
        lambda of: libauc.APLoss(len(of.labels), gamma=0.3, margin=0.6, device=CPU),
        SOAP,
    ),
    (
        "average-precision",
        "multi-label",
        {"gamma": 0.3},
        lambda of: libauc.mAPLoss(len(of.labels), 5, gamma=0.3, margin=0.6, device=CPU),
        SOAP,
    ),
]
RUNS = [
    pytest.param(*case, mode, id=f"{case[0]}, {case[1]}, {mode}")
    for case in CASES
    for mode in (("sgd",) if case[-1] in (PESG, PDSCA) else ("sgd", "adam"))
]


def stepped(theirs: Any, optimizer: Any, loss: Any, of: Problem, images: Tensor, batches: list[Tensor]) -> list[float]:
    """LibAUC's way: sigmoid, loss with the images' indices, zero_grad, backward, step; and its decay."""
    values = []
    for step, batch in enumerate(batches):
        if step == DECAY:
            extra = {"decay_factor0": 10} if isinstance(optimizer, PDSCA) else {}
            regularized = optimizer.param_groups[0]["epoch_decay"] > 0
            (optimizer.update_regularizer if regularized else optimizer.update_lr)(decay_factor=10, **extra)
        value = loss(
            torch.sigmoid(theirs(images[batch])), torch.from_numpy(of.labels)[batch].float(), index=batch
        ).sum()
        optimizer.zero_grad()
        if isinstance(getattr(loss, "alpha", None), Tensor):
            loss.alpha.grad = None
        value.backward()
        optimizer.step()
        values.append(value.item())
    return values


@pytest.mark.parametrize("epoch_decay", [0.0, 3e-3])
@pytest.mark.parametrize(("name", "kind", "ours", "make_loss", "make_optimizer", "mode"), RUNS)
def test_50_steps_follow_libaucs_own_loop(
    name: str, kind: str, ours: dict[str, Any], make_loss: Loss, make_optimizer: Any, mode: str, epoch_decay: float
) -> None:
    pair = make_optimizer not in (PESG, PDSCA)
    settings = {"lr": 0.01, "epoch_decay": epoch_decay, "weight_decay": 1e-4}
    objective = make(name, **ours, **settings, **({"mode": mode, "momentum": 0.8} if pair else {}))
    assert isinstance(objective, LibaucObjective)
    of = problem(kind, images=90)
    pupil = Pupil(objective, of)
    batches = pupil.batches(STEPS)

    theirs = network(of.labels.shape[1])
    theirs.load_state_dict(pupil.model.state_dict())
    loss = make_loss(of)
    modes = {"mode": mode, "momentum": 0.8, "betas": (0.8, 0.999)} if pair else objective.optimizer_settings()
    with isolated(derive(0, "regularizer")):
        optimizer = make_optimizer(theirs.parameters(), loss_fn=loss, margin=1.0, device=CPU, **settings, **modes)
    expected = stepped(theirs, optimizer, loss, of, pupil.images, batches)

    found = []
    for step, batch in enumerate(batches):
        if step == DECAY:
            pupil.optimizer.decay(0.1)
        found.append(pupil.step(batch))
    assert found == pytest.approx(expected, rel=0, abs=1e-6)
    for one, other in zip(pupil.model.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-6)
    carried = pupil.criterion.state()
    assert carried
    for key, value in carried.items():
        other = expected_state(loss, key)
        assert torch.allclose(torch.as_tensor(value).float().reshape(-1), other.reshape(-1), rtol=1e-5, atol=1e-6), key


def expected_state(loss: Any, key: str) -> Tensor:
    """What LibAUC's own loss carries under that name, all labels one behind the other."""
    if isinstance(loss, EachLabel):
        return torch.stack([torch.as_tensor(getattr(one, key)) for one in loss.each])
    if isinstance(loss, libauc.MultiLabelpAUCLoss):
        return loss.u_pos_all
    return torch.as_tensor(getattr(loss, key)).detach().float()


def test_libaucs_multi_label_two_way_loss_still_shares_one_mean_among_its_labels() -> None:
    """Why ours has a binary loss for each label. Once this fails, LibAUC has mended it."""
    kwargs = {"data_len": 40, "margin": 1.0, **KL}
    scores, labels, index = torch.rand(40, 1), (torch.rand(40, 1) < 0.4).float(), torch.arange(40)
    labels[0], labels[1] = 1, 0
    alone = libauc.tpAUC_KL_Loss(device=CPU, **kwargs)(scores, labels, index)
    twins = libauc.MultiLabelpAUCLoss("SOTAs", 2, CPU, **kwargs)(scores.expand(-1, 2), labels.expand(-1, 2), index)
    assert not torch.allclose(twins, alone)


def test_pairwise_auc_is_libaucs_and_the_mean_over_the_labels() -> None:
    for surrogate in ("squared-hinge", "squared", "logistic"):
        objective = make("pairwise-auc", surrogate=surrogate, margin=0.7)
        for kind in ("binary", "multi-label"):
            of = problem(kind)
            outputs, labels = torch.randn(len(of.labels), of.labels.shape[1]), torch.from_numpy(of.labels)
            theirs = libauc.PairwiseAUCLoss(surrogate.replace("-", "_"), 0.7)
            expected = [
                theirs(score, label.float()) for score, label in zip(outputs.sigmoid().T, labels.T, strict=True)
            ]
            found = objective.make_criterion(of, CPU)(outputs, labels, torch.arange(len(labels)))
            assert torch.allclose(found, torch.stack(expected).mean())
